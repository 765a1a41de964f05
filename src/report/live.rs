//! The progress sink: shows how far the run is, as a bar, as lines or as log events.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::log::LogWriter;
use super::progress::{Progress, RateEstimate, Snapshot};
use crate::engine::Ended;
use crate::engine::events::{Event, Pace, Sink, Started, Waiting};
use crate::outcome::Tally;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressForm {
    /// A bar: stderr is a terminal.
    Bar,
    /// A plain line every ten seconds.
    Lines,
    /// An event every ten seconds, for logs that machines read.
    Events,
}

/// Lines and events come this far apart.
pub(super) const APART: Duration = Duration::from_secs(10);

/// Shows progress.
pub(crate) struct ProgressSink {
    screen: Screen,
    progress: Progress,
    rate: RateEstimate,
    /// When it was last looked at, and when it was last shown.
    last: Instant,
    shown: Instant,
}

impl ProgressSink {
    /// One that shows progress in a way, beside the log.
    #[must_use]
    pub(crate) fn new(kind: ProgressForm, log: &LogWriter) -> Self {
        Self::over(match kind {
            ProgressForm::Bar => Screen::Bar(log.bars.add(bar())),
            ProgressForm::Lines => Screen::Lines(Box::new(log.clone())),
            ProgressForm::Events => Screen::Events,
        })
    }

    pub(super) fn over(screen: Screen) -> Self {
        let now = Instant::now();
        let mut rate = RateEstimate::default();
        rate.advance(Duration::ZERO, 0);
        Self { screen, progress: Progress::default(), rate, last: now, shown: now }
    }

    fn started(&mut self, started: &Started) {
        let now = Instant::now();
        (self.last, self.shown, self.rate) = (now, now, RateEstimate::default());
        self.rate.advance(Duration::ZERO, started.done_before.finished());
    }

    fn tick(&mut self, pace: &Pace) {
        let (now, snapshot) = (Instant::now(), self.progress.snapshot());
        if !pace.stands_still() {
            self.rate.advance(now - self.last, snapshot.done);
        }
        self.last = now;
        if matches!(self.screen, Screen::Bar(_)) || now >= self.shown + APART {
            self.screen.show(&snapshot, *pace, self.rate.per_second());
            self.shown = now;
        }
    }
}

impl Sink for ProgressSink {
    fn event(&mut self, event: &Event<'_>) {
        self.progress.event(event);
        match event {
            Event::Started(started) => self.started(started),
            Event::Tick(pace) => self.tick(pace),
            Event::Finished(ended) => match &self.screen {
                Screen::Bar(bar) => bar.finish_and_clear(),
                Screen::Lines(_) => {}
                Screen::Events => finished(ended),
            },
            Event::Read { .. }
            | Event::AllRead
            | Event::RowFinished(_)
            | Event::CanaryChecked(_)
            | Event::Waiting(_)
            | Event::Intervened(_)
            | Event::Stopping(_) => {}
        }
    }
}

/// Where progress is shown.
pub(super) enum Screen {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
    Events,
}

impl Screen {
    fn show(&mut self, now: &Snapshot, pace: Pace, rate: Option<f64>) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(now.permille().unwrap_or(0));
                bar.set_prefix(now.position());
                bar.set_message(now.course(pace, rate));
            }
            Self::Lines(out) => {
                let (position, course) = (now.position(), now.course(pace, rate));
                // Without a reader of stderr the run continues.
                let _ = out.write_all(format!("progress: {position}, {course}\n").as_bytes());
            }
            Self::Events => tracing::info!(
                simulated = now.simulated,
                rows_done = now.done,
                rows_total = now.total,
                rows_per_second = rate,
                seconds_left = now.time_left(pace, rate).map(|left| left.as_secs()),
                updated = now.ended.updated,
                created = now.ended.created,
                deleted = now.ended.deleted,
                unchanged = now.ended.unchanged,
                failed = now.ended.failed(),
                calls = pace.calls,
                retries = pace.retries,
                waiting_for_limit = matches!(pace.waiting, Waiting::Limit(_)),
                cool_down_seconds = pace.cool_down().as_secs(),
                paused = matches!(pace.waiting, Waiting::Paused),
                outside_hours = matches!(pace.waiting, Waiting::Hours(_)),
                slowed_to_percent = pace.slowed_to,
                "progress"
            ),
        }
    }
}

/// The last event of a log for machines, with the totals.
fn finished(ended: &Ended) {
    let Tally {
        read,
        updated,
        created,
        deleted,
        unchanged,
        invalid,
        drifted,
        rejected,
        gave_up,
        unknown,
        not_attempted,
        left_out,
    } = ended.tally;
    let complete = ended.complete;
    tracing::info!(
        read,
        updated,
        created,
        deleted,
        unchanged,
        invalid,
        drifted,
        rejected,
        gave_up,
        unknown,
        not_attempted,
        left_out,
        complete,
        "finished"
    );
}

/// Two lines, so that a narrow terminal shows all of it.
pub(super) fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:24}] {prefix}\n{wide_msg}")
        .expect("the template is well formed")
        .progress_chars("=> ");
    ProgressBar::new(1000).with_style(style)
}
