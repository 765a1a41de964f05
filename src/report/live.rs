//! The reporter: a task that shows how far the run is, until it is told to stop.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::log::LogWriter;
use super::progress::{Pace, Progress, Rate, Snapshot, Waiting};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bar: stderr is a terminal.
    Bar,
    /// A plain line every ten seconds.
    Lines,
    /// An event every ten seconds, for logs that machines read.
    Events,
    /// Not at all.
    Quiet,
}

impl Kind {
    /// How often the run is looked at.
    fn period(self) -> Duration {
        match self {
            Self::Bar => Duration::from_millis(100),
            _ => Duration::from_secs(1),
        }
    }
}

/// Lines and events come this far apart.
const APART: Duration = Duration::from_secs(10);

/// Shows progress while it lives.
#[derive(Debug)]
pub struct Reporter {
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Reporter {
    /// Begins to show progress. The forecast is asked at every look. Needs a runtime.
    pub fn start(
        kind: Kind,
        progress: Arc<Progress>,
        forecast: impl Fn() -> Pace + Send + 'static,
        log: &LogWriter,
    ) -> Self {
        let screen = match kind {
            Kind::Bar => Screen::Bar(log.bars.add(bar())),
            Kind::Lines => Screen::Lines(Box::new(log.clone())),
            Kind::Events => Screen::Events,
            Kind::Quiet => return Self { running: None },
        };
        Self::with(kind.period(), screen, progress, forecast)
    }

    pub(super) fn with(
        period: Duration,
        screen: Screen,
        progress: Arc<Progress>,
        forecast: impl Fn() -> Pace + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(watch(period, screen, progress, forecast, stopped));
        Self { running: Some((stop, task)) }
    }

    /// Stops, and leaves the screen clean for what comes next.
    pub async fn finish(self) {
        if let Some((stop, task)) = self.running {
            drop(stop);
            // A reporter that failed has nothing to show, and the run is what counts.
            let _ = task.await;
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
                // Without a reader of stderr the run goes on.
                let _ = out.write_all(format!("progress: {position}, {course}\n").as_bytes());
            }
            Self::Events => tracing::info!(
                simulated = now.simulated,
                rows_done = now.done,
                rows_total = now.total,
                rows_per_second = rate,
                seconds_left = now.time_left(pace, rate).map(|left| left.as_secs()),
                updated = now.updated,
                unchanged = now.unchanged,
                failed = now.failed,
                calls = pace.calls,
                retries = pace.retries,
                waiting_for_limit = matches!(pace.waiting, Waiting::Limit(_)),
                cool_down_seconds = pace.cool_down().as_secs(),
                "progress"
            ),
        }
    }
}

/// Two lines, so that a narrow terminal shows all of it.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:24}] {prefix}\n{wide_msg}")
        .expect("the template is well formed")
        .progress_chars("=> ");
    ProgressBar::new(1000).with_style(style)
}

async fn watch(
    period: Duration,
    mut screen: Screen,
    progress: Arc<Progress>,
    forecast: impl Fn() -> Pace,
    mut stopped: oneshot::Receiver<()>,
) {
    let begun = Instant::now();
    let mut ticks = interval_at(begun + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rate = Rate::default();
    rate.advance(Duration::ZERO, progress.snapshot().done);
    let (mut last, mut shown) = (begun, begun);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            now = ticks.tick() => {
                let (snapshot, pace) = (progress.snapshot(), forecast());
                if pace.cool_down().is_zero() {
                    rate.advance(now - last, snapshot.done);
                }
                last = now;
                if matches!(screen, Screen::Bar(_)) || now >= shown + APART {
                    screen.show(&snapshot, pace, rate.per_second());
                    shown = now;
                }
            }
        }
    }
    if let Screen::Bar(bar) = screen {
        bar.finish_and_clear();
    }
}
