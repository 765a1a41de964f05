//! What a process and the script tell each other: JSON, with times in microseconds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a process tells.
#[derive(Debug, Default, Serialize)]
pub(super) struct BudgetCall<'a> {
    /// The server's identity since it was started.
    pub(super) server: &'a str,
    /// The process.
    pub(super) sender: &'a str,
    /// How long nobody sends where nothing is known of the last window.
    pub(super) unknown: u64,
    /// How long after a call a request of this process may still be on the wire.
    pub(super) hold: u64,
    /// How long the server of the API wants quiet.
    pub(super) close: u64,
    /// What is due within this time may be granted already.
    pub(super) horizon: u64,
    /// How long somebody who waits, and does not ask again, is waited for.
    pub(super) patience: u64,
    /// Whether the process ends.
    pub(super) bye: bool,
    /// Whether it only looks, and the class of which it wants to know what is used.
    pub(super) look: bool,
    pub(super) count: &'a str,
    pub(super) classes: BTreeMap<&'static str, Ask>,
}

/// What a process tells of a class: sums since it began, and what it wants now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Ask {
    pub(super) requests: u32,
    pub(super) window: u64,
    pub(super) paced: bool,
    pub(super) granted: u64,
    pub(super) replied: u64,
    pub(super) unused: u64,
    pub(super) yields: u64,
    pub(super) want: u64,
    /// By how many requests it may be ahead of others that wait.
    pub(super) ahead: u64,
}

/// What the script answers.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BudgetAnswer {
    /// Whether there was anything before.
    #[serde(default)]
    pub(super) there: bool,
    /// How long nobody sends.
    pub(super) closed: f64,
    #[serde(default)]
    pub(super) classes: BTreeMap<String, Granted>,
    /// What is used, for who only looks.
    #[serde(default)]
    pub(super) usage: Used,
}

/// What is granted of a class.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Granted {
    /// The sum since the process began.
    pub(super) granted: u64,
    /// In how long each of those granted now is due.
    #[serde(default)]
    pub(super) due: Vec<f64>,
    /// Why there are no more.
    pub(super) why: Option<Why>,
    /// When to ask again.
    pub(super) wait: Option<f64>,
}

/// Why no more is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Why {
    /// The window is full.
    Full,
    /// The next is not due yet.
    Pace,
    /// It is another process's turn.
    Turn,
}

/// What is used of a budget.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Used {
    pub(super) requests: u64,
    #[serde(default)]
    pub(super) senders: Vec<String>,
}

/// A time as it is told.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A time that was told.
pub(super) fn time(micros: f64) -> Duration {
    Duration::try_from_secs_f64(micros.max(0.0) / 1e6).unwrap_or(Duration::MAX)
}
