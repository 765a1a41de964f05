//! The watching sink: how a run goes, kept for a page that is looked at meanwhile.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::failed::FailedRows;
use super::privacy::{shortened, visible};
use crate::engine::events::{Ended, Event, Pace, Sink, Started, Waiting};
use crate::limiter::Intervention;
use crate::outcome::{Finished, Status, Tally};
use crate::report::metrics::RunNumbers;
use crate::report::progress::{Progress, RateEstimate};
use crate::store::KeepUsers;
use crate::store::results::ResultLine;

/// Failed rows that are kept: the latest.
const LATEST: usize = 200;

/// Bars of the chart of calls, and how long each is.
const BARS: usize = 60;
const BAR: Duration = Duration::from_secs(5);

/// A run without news for so long does not go on any more, whatever it says.
const SILENCE: Duration = Duration::from_secs(60);

/// A row that failed lately.
#[derive(Clone, Debug)]
pub(super) struct LatestFailure {
    pub(super) row: u64,
    pub(super) status: Status,
    /// The user, as it may be shown.
    pub(super) user: String,
    /// Which of the causes it is.
    pub(super) cause: usize,
    pub(super) file: String,
    pub(super) line: u64,
}

/// Calls of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct CallHistory {
    /// When the last bar began, and what was counted by then.
    since: Option<Instant>,
    counted: (u64, u64),
    /// For each bar, calls and those of them that were refused for their rate.
    pub(super) bars: VecDeque<(u64, u64)>,
}

impl CallHistory {
    fn advance(&mut self, now: Instant, pace: &Pace) {
        let since = *self.since.get_or_insert(now);
        if self.bars.is_empty() {
            self.bars.push_back((0, 0));
        }
        let (calls, limited) = self.counted;
        if let Some(last) = self.bars.back_mut() {
            *last = (pace.calls - calls, pace.rate_limited - limited);
        }
        for _ in 0..(now - since).as_secs() / BAR.as_secs() {
            self.counted = (pace.calls, pace.rate_limited);
            self.since = self.since.map(|since| since + BAR);
            self.bars.push_back((0, 0));
        }
        let old = self.bars.len().saturating_sub(BARS);
        self.bars.drain(..old);
    }

    /// Calls of the last minute, or a little more.
    pub(super) fn last_minute(&self) -> u64 {
        let bars = usize::try_from(60 / BAR.as_secs()).unwrap_or(1);
        self.bars.iter().rev().take(bars).map(|(calls, _)| calls).sum()
    }
}

/// What is known of a run that goes on.
#[derive(Debug)]
pub(super) struct WatchedRun {
    pub(super) started: Option<(Timestamp, Started)>,
    pub(super) progress: Progress,
    pub(super) rate: RateEstimate,
    pub(super) pace: Pace,
    pub(super) failed: FailedRows,
    pub(super) latest: VecDeque<LatestFailure>,
    pub(super) calls: CallHistory,
    pub(super) interventions: Vec<Intervention>,
    /// Why the run stops, once it does.
    pub(super) stopping: Option<String>,
    pub(super) ended: Option<Ended>,
    /// When something happened last.
    last: Instant,
}

impl Default for WatchedRun {
    fn default() -> Self {
        Self {
            started: None,
            progress: Progress::default(),
            rate: RateEstimate::default(),
            pace: Pace::default(),
            failed: FailedRows::new(0, false),
            latest: VecDeque::new(),
            calls: CallHistory::default(),
            interventions: Vec::new(),
            stopping: None,
            ended: None,
            last: Instant::now(),
        }
    }
}

impl WatchedRun {
    /// The totals: so far, or those that it ended with.
    pub(super) fn tally(&self) -> Tally {
        self.ended.map_or_else(|| self.progress.snapshot().ended, |ended| ended.tally)
    }

    fn started(&mut self, started: &Started) {
        self.started = Some((Timestamp::now(), started.clone()));
        self.last = Instant::now();
        self.rate.advance(Duration::ZERO, started.done_before.finished());
    }

    fn row(&mut self, finished: &Finished) {
        if !finished.outcome.status.is_failure() {
            return;
        }
        // What cannot be written as a line is the recorder's to tell.
        let Ok(line) = ResultLine::new(finished, KeepUsers::None) else { return };
        let Some(cause) = self.failed.count(&line) else { return };
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(LatestFailure {
            row: line.row,
            status: line.status,
            user: line.login_id.as_deref().map(shortened).unwrap_or_default(),
            cause,
            file: visible(&line.file),
            line: line.line,
        });
    }

    fn tick(&mut self, pace: &Pace) {
        let now = Instant::now();
        if !pace.stands_still() {
            self.rate.advance(now - self.last, self.progress.snapshot().done);
        }
        (self.pace, self.last) = (*pace, now);
        self.calls.advance(now, pace);
    }
}

/// Keeps how a run goes; shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunWatch(Arc<Mutex<WatchedRun>>);

impl RunWatch {
    pub(super) fn now(&self) -> MutexGuard<'_, WatchedRun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run goes on, as far as can be told: before it begins nothing is heard of it, while its
    /// rows are checked or its hours are waited for.
    #[must_use]
    pub(crate) fn is_alive(&self) -> bool {
        let watched = self.now();
        watched.started.is_none() || watched.ended.is_some() || watched.last.elapsed() < SILENCE
    }

    /// The run folder, once there is one.
    #[must_use]
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.now().started.as_ref().map(|(_, started)| started.folder.clone())
    }

    /// The name of the first input, and the run in numbers; nothing before it has begun.
    #[must_use]
    pub(crate) fn numbers(&self) -> Option<(String, RunNumbers)> {
        let own = self.now();
        let (began, started) = own.started.as_ref()?;
        let elapsed = Timestamp::now().duration_since(*began);
        let numbers = RunNumbers {
            tally: own.tally(),
            calls: own.pace.calls,
            retries: own.pace.retries,
            rate_limited: own.pace.rate_limited,
            elapsed: elapsed.try_into().unwrap_or_default(),
            started_at: *began,
            is_held: matches!(own.pace.waiting, Waiting::Paused | Waiting::Hours(_)),
            is_in_progress: own.ended.is_none(),
            // Its exit code follows from more than its events.
            ended: None,
        };
        Some((started.inputs.first().cloned().unwrap_or_default(), numbers))
    }

    /// Whether it has ended.
    #[must_use]
    pub(crate) fn has_ended(&self) -> bool {
        self.now().ended.is_some()
    }
}

impl Sink for RunWatch {
    fn event(&mut self, event: &Event<'_>) {
        let mut own = self.now();
        own.progress.event(event);
        match event {
            Event::Started(started) => own.started(started),
            Event::RowFinished(finished) => own.row(finished),
            Event::Tick(pace) => own.tick(pace),
            Event::Intervened(intervention) => own.interventions.push(**intervention),
            Event::Stopping(reason) => own.stopping = Some(reason.to_string()),
            Event::Finished(ended) => own.ended = Some(**ended),
            Event::Read { .. } | Event::AllRead | Event::CanaryChecked(_) | Event::Waiting(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::metrics::prometheus;

    #[tokio::test(start_paused = true)]
    async fn calls_are_counted_in_bars_of_five_seconds() {
        let mut history = CallHistory::default();
        let at = |calls, rate_limited| Pace { calls, rate_limited, ..Pace::default() };
        history.advance(Instant::now(), &at(0, 0));
        for second in 1..=12_u64 {
            tokio::time::advance(Duration::from_secs(1)).await;
            history.advance(Instant::now(), &at(second * 10, second / 6));
        }
        assert_eq!(history.bars, [(50, 0), (50, 1), (20, 1)]);
        assert_eq!(history.last_minute(), 120);
        tokio::time::advance(Duration::from_secs(3600)).await;
        history.advance(Instant::now(), &at(120, 2));
        assert_eq!(history.bars.len(), BARS);
        assert_eq!(history.last_minute(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_without_news_is_not_alive() {
        let mut watch = RunWatch::default();
        tokio::time::advance(SILENCE).await;
        assert!(watch.is_alive(), "its rows may still be checked");
        watch.event(&Event::Started(&Started::default()));
        assert!(watch.is_alive());
        tokio::time::advance(SILENCE).await;
        assert!(!watch.is_alive());
        watch.event(&Event::Tick(&Pace::default()));
        assert!(watch.is_alive());
        watch.event(&Event::Finished(&Ended { tally: Tally::default(), complete: true }));
        tokio::time::advance(SILENCE).await;
        assert!(watch.is_alive() && watch.has_ended());
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_has_ended_is_in_progress_no_more() {
        let mut watch = RunWatch::default();
        let shown = |watch: &RunWatch| watch.numbers().map(|(name, own)| prometheus(&name, &own));
        assert_eq!(shown(&watch), None);
        watch.event(&Event::Started(&Started::default()));
        assert!(shown(&watch).unwrap().contains("run_in_progress{run=\"stdin\"} 1\n"));
        watch.event(&Event::Finished(&Ended { tally: Tally::default(), complete: true }));
        let ended = shown(&watch).unwrap();
        assert!(ended.contains("run_in_progress{run=\"stdin\"} 0\n"), "{ended}");
        assert!(!ended.contains("run_exit_code"), "{ended}");
    }
}
