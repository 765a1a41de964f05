//! How far a fleet is: counted by a sink of each run, and looked at by who shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::record::FleetRecord;
use crate::engine::events::{Event, Sink};
use crate::report::FleetCourse;
use crate::stop::{Stop, StopReason};

/// The counts of a fleet that goes on.
#[derive(Debug, Default)]
pub(crate) struct Board {
    jobs: u64,
    running: AtomicU64,
    ended: AtomicU64,
    failed: AtomicU64,
    rows: AtomicU64,
    rows_done: AtomicU64,
    rows_failed: AtomicU64,
}

impl Board {
    /// The board of so many jobs.
    pub(crate) fn of(jobs: usize) -> Self {
        Self { jobs: jobs as u64, ..Self::default() }
    }

    /// A run begins.
    pub(crate) fn begins(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// A job has ended, well or not.
    pub(crate) fn ended(&self, is_well: bool) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(!is_well), Ordering::Relaxed);
    }

    /// A run is over.
    pub(crate) fn is_over(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// How far all of it is.
    pub(crate) fn course(&self) -> FleetCourse {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (running, ended) = (now(&self.running), now(&self.ended));
        FleetCourse {
            jobs: self.jobs,
            ended,
            failed: now(&self.failed),
            running,
            waiting: self.jobs.saturating_sub(running + ended),
            rows: now(&self.rows),
            rows_done: now(&self.rows_done),
            rows_failed: now(&self.rows_failed),
        }
    }
}

/// What a run of a fleet tells of.
pub(crate) struct FleetSink {
    /// What the job is called.
    pub(crate) job: String,
    /// Where it counts.
    pub(crate) board: Arc<Board>,
    /// Where its folder is written down.
    pub(crate) record: Arc<Mutex<FleetRecord>>,
    /// What stops the fleet where that cannot be written.
    pub(crate) stop: Stop,
    /// Whether all rows were counted before the first was sent.
    pub(crate) is_counted: bool,
    /// Who is told that it has begun, or that it never will.
    pub(crate) begins: Option<oneshot::Sender<()>>,
}

impl Sink for FleetSink {
    fn event(&mut self, event: &Event<'_>) {
        let add = |count: &AtomicU64, rows: u64| {
            count.fetch_add(rows, Ordering::Relaxed);
        };
        match event {
            Event::Started(started) => {
                // Nobody may wait for it any more.
                drop(self.begins.take());
                self.is_counted = started.checked.is_some();
                add(&self.board.rows, started.checked.map_or(0, |(rows, _)| rows));
                add(&self.board.rows_done, started.done_before.finished());
                add(&self.board.rows_failed, started.done_before.failed());
                let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = record.has_run(&self.job, &started.folder) {
                    tracing::error!("{error}");
                    self.stop.drain(StopReason::not_recorded());
                }
            }
            Event::Read { rows, .. } if !self.is_counted => add(&self.board.rows, *rows),
            Event::RowFinished(finished) => {
                add(&self.board.rows_done, 1);
                add(&self.board.rows_failed, finished.outcome.status.is_failure().into());
            }
            _ => {}
        }
    }
}
