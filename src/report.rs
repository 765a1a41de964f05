//! The report: what people see of a run, while it goes and when it is over.
//!
//! It hides the terminal: bar, plain lines and events say the same facts, log lines
//! never tear the bar, and text from outside cannot send the terminal commands. It
//! shows and never decides: counts come from [`Progress`] and [`Summary`], and a run
//! whose report cannot be written goes on.
//!
//! [`Summary`]: crate::store::summary::Summary

mod causes;
mod check;
mod format;
mod live;
mod log;
pub mod logging;
mod notes;
mod progress;
pub mod snippet;
mod summary;
#[cfg(test)]
pub(crate) mod tests;

pub use causes::FailureCauses;
pub use check::{finding_json, print_finding, print_report, report_json};
pub use format::quoted;
pub use live::{Kind, Reporter};
pub use log::LogWriter;
pub use notes::NoteCounts;
pub use progress::{Pace, Progress, Waiting, time_left};
pub use summary::print_summary;
