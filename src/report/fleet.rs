//! The progress of a fleet: one bar, line or event for all of its runs.

use std::io::Write;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use super::ProgressForm;
use super::format::{count, thousands};
use super::live::{APART, bar};
use super::log::LogWriter;
use super::progress::RateEstimate;

/// How far a fleet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FleetCourse {
    /// All jobs.
    pub(crate) jobs: u64,
    /// Jobs that have ended, well or not.
    pub(crate) ended: u64,
    /// Those of them that did not end well.
    pub(crate) failed: u64,
    /// Runs that go on.
    pub(crate) running: u64,
    /// Jobs that have not begun.
    pub(crate) waiting: u64,
    /// Rows, as far as they are known.
    pub(crate) rows: u64,
    /// Rows with an outcome.
    pub(crate) rows_done: u64,
    /// Rows whose outcome is a failure.
    pub(crate) rows_failed: u64,
}

impl FleetCourse {
    /// How many jobs are how far.
    #[must_use]
    pub(crate) fn jobs_in_words(&self) -> String {
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(" ({} not well)", thousands(failed)),
        };
        format!(
            "{} of {} ended{failed}, {} running, {} waiting",
            thousands(self.ended),
            count(self.jobs, "job"),
            thousands(self.running),
            thousands(self.waiting)
        )
    }

    fn rows_in_words(&self, rate: Option<f64>) -> String {
        let (done, rows) = (thousands(self.rows_done), count(self.rows, "row"));
        let failed = match self.rows_failed {
            0 => String::new(),
            failed => format!(", {} failed", thousands(failed)),
        };
        let rate = rate.map(|rate| format!(", {rate:.1} rows/s")).unwrap_or_default();
        format!("{done} of {rows}{failed}{rate}")
    }

    fn permille(&self) -> u64 {
        (self.rows_done.min(self.rows) * 1000).checked_div(self.rows).unwrap_or(0)
    }
}

/// Shows the progress of a fleet.
pub(crate) struct FleetProgress {
    form: FleetForm,
    rate: RateEstimate,
    last: Instant,
    shown: Instant,
}

enum FleetForm {
    Bar(ProgressBar),
    Lines(LogWriter),
    Events,
}

impl FleetProgress {
    /// One that shows it in a way, beside the log.
    #[must_use]
    pub(crate) fn new(form: ProgressForm, log: &LogWriter) -> Self {
        let form = match form {
            ProgressForm::Bar => FleetForm::Bar(log.bars.add(bar())),
            ProgressForm::Lines => FleetForm::Lines(log.clone()),
            ProgressForm::Events => FleetForm::Events,
        };
        let (now, mut rate) = (Instant::now(), RateEstimate::default());
        rate.advance(Duration::ZERO, 0);
        Self { form, rate, last: now, shown: now }
    }

    /// A moment has passed.
    pub(crate) fn tick(&mut self, course: &FleetCourse) {
        let now = Instant::now();
        self.rate.advance(now - self.last, course.rows_done);
        self.last = now;
        if matches!(self.form, FleetForm::Bar(_)) || now >= self.shown + APART {
            self.show(course);
            self.shown = now;
        }
    }

    fn show(&mut self, course: &FleetCourse) {
        let rate = self.rate.per_second();
        let (jobs, rows) = (course.jobs_in_words(), course.rows_in_words(rate));
        match &mut self.form {
            FleetForm::Bar(bar) => {
                bar.set_position(course.permille());
                bar.set_prefix(rows);
                bar.set_message(jobs);
            }
            FleetForm::Lines(out) => {
                // Without a reader of stderr the fleet goes on.
                let _ = out.write_all(format!("progress: {jobs}; {rows}\n").as_bytes());
            }
            FleetForm::Events => tracing::info!(
                jobs = course.jobs,
                jobs_ended = course.ended,
                jobs_failed = course.failed,
                jobs_running = course.running,
                jobs_waiting = course.waiting,
                rows = course.rows,
                rows_done = course.rows_done,
                rows_failed = course.rows_failed,
                rows_per_second = rate,
                "progress"
            ),
        }
    }

    /// The fleet is over.
    pub(crate) fn end(&self) {
        if let FleetForm::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_rows_are_told_in_words() {
        let course = FleetCourse { jobs: 3, running: 1, waiting: 2, ..FleetCourse::default() };
        assert_eq!(course.jobs_in_words(), "0 of 3 jobs ended, 1 running, 2 waiting");
        assert_eq!(course.rows_in_words(None), "0 of 0 rows");
        assert_eq!(course.permille(), 0);
        let course = FleetCourse {
            ended: 2,
            failed: 1,
            waiting: 0,
            rows: 4000,
            rows_done: 1000,
            rows_failed: 2,
            ..course
        };
        assert_eq!(course.jobs_in_words(), "2 of 3 jobs ended (1 not well), 1 running, 0 waiting");
        assert_eq!(course.rows_in_words(Some(6.66)), "1,000 of 4,000 rows, 2 failed, 6.7 rows/s");
        assert_eq!(course.permille(), 250);
    }
}
