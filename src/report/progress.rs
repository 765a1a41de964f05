//! Progress: how far a run is, and what follows from it (share, rate, time left). Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::format::{count, span, thousands};
use crate::engine::events::{Event, Pace, Waiting};
use crate::outcome::Tally;

/// How far a run is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    simulated: bool,
    bytes_total: Option<u64>,
    bytes_read: u64,
    rows_read: u64,
    all_read: bool,
    ended: Tally,
}

impl Progress {
    /// Takes in an event.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started(started) => {
                (self.simulated, self.bytes_total) = (started.simulated, started.bytes);
                self.ended = started.done_before;
            }
            Event::Read { rows, bytes } => {
                self.rows_read += rows;
                self.bytes_read += bytes;
            }
            Event::AllRead => self.all_read = true,
            Event::RowFinished(finished) => self.ended.count(finished.outcome.status),
            Event::CanaryChecked(_)
            | Event::Waiting(_)
            | Event::Tick(_)
            | Event::Intervened(_)
            | Event::Stopping(_)
            | Event::Finished(_) => {}
        }
    }

    /// How far it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let total = if self.all_read {
            Some(self.rows_read)
        } else {
            self.bytes_total.and_then(|total| estimate(self.rows_read, self.bytes_read, total))
        };
        Snapshot {
            simulated: self.simulated,
            all_read: self.all_read,
            done: self.ended.finished(),
            total,
            ended: self.ended,
        }
    }
}

/// The rows of the whole input, if the rest of it is like the part that was read.
fn estimate(rows_read: u64, bytes_read: u64, bytes_total: u64) -> Option<u64> {
    let rest = u128::from(bytes_total.max(bytes_read));
    let rows = (u128::from(rows_read) * rest).checked_div(u128::from(bytes_read))?;
    u64::try_from(rows).ok()
}

impl Pace {
    /// Rows a second that it lets through over the long run, if rows keep sharing calls as they
    /// have done so far.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn rows_per_second(self) -> Option<f64> {
        let rows_a_call = (self.calls + self.saved) as f64 / self.calls.max(1) as f64;
        self.calls_per_second.map(|calls| calls * rows_a_call.max(1.0))
    }

    /// Whether nothing is sent that could be measured.
    pub(super) fn stands_still(self) -> bool {
        match self.waiting {
            Waiting::CoolDown(_) | Waiting::Paused | Waiting::Hours(_) => true,
            Waiting::Sending | Waiting::Limit(_) => false,
        }
    }

    /// What is left of a pause that the server asked for.
    pub(super) fn cool_down(self) -> Duration {
        match self.waiting {
            Waiting::CoolDown(left) => left,
            Waiting::Sending | Waiting::Limit(_) | Waiting::Paused | Waiting::Hours(_) => {
                Duration::ZERO
            }
        }
    }
}

/// How far a run was at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) simulated: bool,
    pub(super) all_read: bool,
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) ended: Tally,
}

impl Snapshot {
    /// The part that is done, in thousandths.
    pub(super) fn permille(&self) -> Option<u64> {
        let total = self.total?;
        Some((self.done.min(total) * 1000).checked_div(total).unwrap_or(1000))
    }

    /// How it goes, on one line.
    pub(super) fn course(&self, pace: Pace, rate: Option<f64>) -> String {
        let mut facts = Vec::new();
        facts.extend(rate.map(|rate| format!("{rate:.1} rows/s")));
        let left = self.time_left(pace, rate);
        facts.extend(left.map(|left| match left.as_secs() {
            0 => "a moment left".to_owned(),
            _ => format!("{} left", span(left)),
        }));
        let Tally { updated, created, deleted, unchanged, .. } = self.ended;
        for (rows, word) in [
            (updated, "updated"),
            (created, "created"),
            (deleted, "deleted"),
            (unchanged, "unchanged"),
            (self.ended.failed(), "failed"),
        ] {
            if rows > 0 || (word == "updated" && self.ended.changed() == 0) {
                facts.push(format!("{} {word}", thousands(rows)));
            }
        }
        match pace.waiting {
            Waiting::Sending => {}
            Waiting::Limit(_) => facts.push("waiting for the limit".to_owned()),
            Waiting::CoolDown(left) => facts.push(format!("cooling down: {}", span(left))),
            Waiting::Paused => facts.push("paused".to_owned()),
            Waiting::Hours(left) => {
                facts.push(format!("outside its hours, which begin in {}", span(left)));
            }
        }
        if let Some(percent) = pace.slowed_to {
            facts.push(format!("slowed to {percent}%"));
        }
        if let Some(trouble) = pace.trouble {
            facts.push(format!("sending again after {trouble}"));
        }
        facts.join(", ")
    }

    /// How far it is, on one line.
    pub(super) fn position(&self) -> String {
        let label = if self.simulated { "SIMULATED " } else { "" };
        label.to_owned()
            + &match (self.total, self.permille()) {
                (Some(total), Some(permille)) => format!(
                    "{} of {}{} ({}%)",
                    thousands(self.done),
                    if self.all_read { "" } else { "about " },
                    count(total, "row"),
                    permille / 10
                ),
                _ => count(self.done, "row"),
            }
    }

    pub(super) fn time_left(&self, pace: Pace, rate: Option<f64>) -> Option<Duration> {
        let allowed = pace.rows_per_second();
        let (rate, wait) = match pace.waiting {
            Waiting::Sending => (rate, Duration::ZERO),
            // The measured rate says nothing while the limit decides.
            Waiting::Limit(wait) => (rate.filter(|_| allowed.is_none()), wait),
            Waiting::CoolDown(wait) | Waiting::Hours(wait) => (rate, wait),
            // Nobody knows how long.
            Waiting::Paused => return None,
        };
        time_left(self.done, self.total?, allowed, rate, wait)
    }
}

/// How long the rest takes: at the measured rate or at the one that the limit allows
/// over the long run, whichever is lower, after what is left of a cool-down. `None` when
/// neither is known.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn time_left(
    rows_done: u64,
    rows_total: u64,
    rows_per_second_allowed: Option<f64>,
    measured_rate: Option<f64>,
    cool_down: Duration,
) -> Option<Duration> {
    let rows = rows_total.saturating_sub(rows_done);
    if rows == 0 {
        return Some(Duration::ZERO);
    }
    let rate = [rows_per_second_allowed, measured_rate].into_iter().flatten().reduce(f64::min)?;
    let sending = Duration::try_from_secs_f64(rows as f64 / rate).ok()?;
    sending.checked_add(cool_down)
}

/// The rate of the last minute, which is the window of the server's limits: in a shorter
/// one a burst and the wait after it would look like two speeds. Cool-downs do not count.
#[derive(Debug, Default)]
pub(super) struct RateEstimate {
    active: Duration,
    samples: VecDeque<(Duration, u64)>,
}

impl RateEstimate {
    const WINDOW: Duration = Duration::from_mins(1);
    const APART: Duration = Duration::from_secs(1);

    /// Some time has passed, and so many rows are done now.
    pub(super) fn advance(&mut self, passed: Duration, done: u64) {
        self.active += passed;
        let due = |&(at, _): &(Duration, u64)| self.active >= at + Self::APART;
        if self.samples.back().is_none_or(due) {
            self.samples.push_back((self.active, done));
        }
        // One sample at or before the window's beginning stays.
        while self.samples.get(1).is_some_and(|&(at, _)| at + Self::WINDOW <= self.active) {
            self.samples.pop_front();
        }
    }

    /// Rows a second; `None` in the first second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn per_second(&self) -> Option<f64> {
        let (&(from, before), &(until, now)) = (self.samples.front()?, self.samples.back()?);
        let seconds = until.saturating_sub(from).as_secs_f64();
        (seconds > 0.0).then(|| now.saturating_sub(before) as f64 / seconds)
    }
}
