//! Events: what happens in a run, told to a list of sinks.
//!
//! The engine and what joins it to a run tell; sinks show, count or pass on, and know nothing of
//! each other. No sink can stop a run: only the recorder can, which is not one.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::limiter::Intervention;
use crate::outcome::{Finished, Tally, Trouble};
use crate::stop::StopReason;

/// Something that happens in a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The run begins, or is resumed.
    Started(&'a Started),
    /// Rows were read, and bytes of the inputs with them.
    Read {
        /// How many rows.
        rows: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// The inputs are at their end: the rows read are all.
    AllRead,
    /// A row has its outcome.
    RowFinished(&'a Finished),
    /// The first rows of a run were sent and their users read again.
    CanaryChecked(&'a CanaryReport),
    /// Sending is held up by something else than before, or by nothing any more.
    Waiting(Waiting),
    /// A moment has passed: how it goes. Comes about ten times a second.
    Tick(&'a Pace),
    /// Somebody has paused the run, resumed it, told it to stop or changed its pace.
    Intervened(&'a Intervention),
    /// The run stops before its input is done.
    Stopping(&'a StopReason),
    /// Nothing more happens.
    Finished(&'a Ended),
}

/// What became of the first rows of a run, which were sent before all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CanaryReport {
    /// How many rows they are.
    pub rows: u64,
    /// Rows that failed, or whose users do not show what they wrote, with what is wrong.
    pub wrong: Vec<(u64, String)>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What became of the rows that were read.
    pub tally: Tally,
    /// Whether the input was read to its end and every row has an outcome.
    pub complete: bool,
}

/// What is known of a run when it begins.
#[derive(Clone, Debug, Default)]
pub struct Started {
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it goes to a simulator.
    pub simulated: bool,
    /// The project's ID, and the host of its API; nothing in a rehearsal.
    pub target: Option<(String, String)>,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// The operation of rows that do not name one, if it was stated.
    pub operation: Option<&'static str>,
    /// The rows of the inputs, and how many of them are invalid, if all were checked.
    pub checked: Option<(u64, u64)>,
    /// The size of the inputs, if it is known.
    pub bytes: Option<u64>,
    /// Rows that had their outcome before the run was resumed.
    pub done_before: Tally,
    /// Requests a second that the limits allow over a long run; `None` for no limit.
    pub calls_per_second: Option<f64>,
}

/// What sending is held up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing.
    #[default]
    Sending,
    /// The limit; the next turn is in so long at the earliest.
    Limit(Duration),
    /// The server asked for a pause; so much of it is left.
    CoolDown(Duration),
    /// Somebody has paused the run.
    Paused,
    /// The hours in which it sends begin again in so long.
    Hours(Duration),
}

/// How it went so far, and what the limits let through in the near future.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Requests sent so far.
    pub calls: u64,
    /// Requests sent again so far.
    pub retries: u64,
    /// Requests refused for their rate so far.
    pub rate_limited: u64,
    /// Requests that batching has saved so far.
    pub saved: u64,
    /// Requests a second that the limits allow over a long run; `None` for no limit.
    pub calls_per_second: Option<f64>,
    /// The share of the limits that somebody has slowed the run to, in percent; `None` for all.
    pub slowed_to: Option<u32>,
    /// What sending is held up by.
    pub waiting: Waiting,
    /// Why requests are about to be sent again, if any are.
    pub trouble: Option<Trouble>,
}

/// What is told of a run's events.
pub trait Sink: Send {
    /// Something has happened. It is on the path of every row: be quick, and never fail.
    fn event(&mut self, event: &Event<'_>);
}

/// The sinks of a run, shared by those who tell.
#[derive(Clone, Default)]
pub struct Sinks(Arc<Mutex<Vec<Box<dyn Sink>>>>);

impl Sinks {
    /// Tells all of them.
    pub fn tell(&self, event: &Event<'_>) {
        for sink in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            sink.event(event);
        }
    }
}

impl From<Vec<Box<dyn Sink>>> for Sinks {
    fn from(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self(Arc::new(Mutex::new(sinks)))
    }
}

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sinks")
    }
}
