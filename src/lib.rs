//! Bulk updates of users against the Descope management API: the library behind `descope-bulk`.
//!
//! A [`Run`] reads rows of CSV, JSON Lines or spreadsheets, sends an update for each within the
//! API's limits, and writes what became of every row to a folder of its own. Its [`Config`] takes
//! the words that `descope-bulk run` takes; [`Sink`]s are told what happens meanwhile:
//!
//! ```
#![doc = include_str!("../examples/update_phones.rs")]
//! ```
//!
//! With `--simulate`, as here, the run goes to a [`simulator`] inside the process. The library
//! reads no arguments, and no environment but what it is handed, the usual variables that
//! name a proxy, and the credentials of object storage; it prints nothing, and any number of runs can proceed side by side.

mod absent;
mod api;
mod attributes;
mod catalog;
mod change;
mod check;
mod commands;
mod completion;
mod connect;
mod decrypt;
mod doctor;
mod engine;
mod exit;
mod export;
mod figures;
mod first_job;
mod fleet;
mod history;
mod inbox;
mod input;
mod issue;
mod limiter;
mod manual;
mod merge;
mod mirror;
mod notify;
mod objects;
mod outcome;
mod plan;
mod purge;
mod read;
mod redact;
mod report;
mod requester;
mod rows;
mod run;
mod runs;
mod seal;
mod send;
mod serve;
mod settings;
mod shard;
mod shell;
pub mod simulator;
mod stop;
mod store;
mod tasks;
#[cfg(feature = "otlp")]
mod telemetry;
mod undo;
mod verify;

pub use check::Report;
#[doc(hidden)]
pub use commands::main;
pub use engine::Ended;
pub use engine::events::{CanaryReport, Event, Pace, Sink, Started, Waiting};
pub use exit::{Error, Exit};
pub use issue::{Issue, Severity};
pub use limiter::{Intervention, Steering, Throttle};
pub use objects::ObjectUrl;
pub use outcome::{Finished, Outcome, Status, Tally};
pub use run::{Intention, Run, RunEnd, RunHandle};
pub use settings::config::Config;
pub use stop::{Stop, StopReason};
pub use store::open_results;
pub use store::results::{ResultLine, read_results};
pub use store::summary::Summary;

/// What this project's own benchmarks, fuzz targets and tests look at. It may change at any time.
#[doc(hidden)]
pub mod internals {
    pub mod catalog {
        pub use crate::catalog::*;
    }
    pub mod change {
        pub use crate::change::*;
    }
    pub mod engine {
        pub use crate::engine::*;
    }
    pub mod input {
        pub use crate::input::*;
    }
    pub mod limiter {
        pub use crate::limiter::*;
    }
    pub mod rows {
        pub use crate::rows::*;
    }
    pub mod store {
        pub use crate::store::*;
    }
}
