//! The announcing sink: lines about the course of a run, on the screen or in the log.

use std::io::Write;
use std::time::Duration;

use super::format::{count, first_names, span, thousands};
use super::log::LogWriter;
use crate::engine::events::{CanaryReport, Event, Sink, Started, Waiting};
use crate::limiter::{Intervention, Steering};

/// Says where a run is to be found, and logs what holds it up and what stops it.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    screen: Option<LogWriter>,
}

impl Announcer {
    /// One that says it to people.
    #[must_use]
    pub(crate) fn on(screen: &LogWriter) -> Self {
        Self { screen: Some(screen.clone()) }
    }

    fn started(&mut self, started: &Started) {
        let (folder, resumed) = (started.folder.display(), started.done_before.finished());
        let Some(screen) = &mut self.screen else {
            tracing::info!(%folder, simulated = started.simulated, resumed, "run");
            return;
        };
        let rate = started.calls_per_second.map_or("no limit".to_owned(), |rate| {
            format!("{:.0} calls a minute", (rate * 60.0).floor())
        });
        let label = if started.simulated { "SIMULATED " } else { "" };
        let before = match resumed {
            0 => String::new(),
            rows => format!(", {rows} rows done before"),
        };
        let target = target(started);
        let page = format!("{target}{label}run in {folder}, {rate}{before}\n");
        // Without a reader of stderr the run continues.
        let _ = screen.write_all(page.as_bytes());
    }
}

impl Announcer {
    fn outside_hours(&mut self, left: Duration) {
        let Some(screen) = &mut self.screen else {
            tracing::info!(seconds = left.as_secs(), "waiting: outside the hours of --between");
            return;
        };
        let page = format!("outside the hours of --between, which begin in {}\n", span(left));
        // Without a reader of stderr the run continues.
        let _ = screen.write_all(page.as_bytes());
    }

    fn intervened(&mut self, Intervention { at, action }: &Intervention) {
        let Some(screen) = &mut self.screen else {
            tracing::info!(%at, "{}", in_words(*action));
            return;
        };
        let page = format!("{}: {}\n", at.strftime("%H:%M:%S UTC"), in_words(*action));
        // Without a reader of stderr the run continues.
        let _ = screen.write_all(page.as_bytes());
    }

    fn canary(&mut self, CanaryReport { rows, wrong }: &CanaryReport) {
        let Some(screen) = &mut self.screen else {
            tracing::info!(rows, wrong = wrong.len(), "canary");
            return;
        };
        let rows = count(*rows, "row");
        let mut page = if wrong.is_empty() {
            format!("canary: {rows} sent, and their users show what was written\n")
        } else {
            format!("canary: of {rows}, {} not as they should be\n", thousands(wrong.len() as u64))
        };
        for (row, what) in wrong {
            page.extend(["  row ", &thousands(*row), ": ", what, "\n"]);
        }
        // Without a reader of stderr the run continues.
        let _ = screen.write_all(page.as_bytes());
    }
}

/// What somebody did, in words.
#[must_use]
pub(crate) fn in_words(action: Steering) -> String {
    match action {
        Steering::Paused => "paused".to_owned(),
        Steering::Resumed => "resumed".to_owned(),
        Steering::Pace { percent } => format!("the pace is {percent}% of the limit"),
        Steering::Stopped => "told to finish the requests in flight and stop".to_owned(),
    }
}

/// What is about to be changed, for a run that changes something real.
fn target(started: &Started) -> String {
    let Some((project, host)) = &started.target else { return String::new() };
    let operation = started.operation.unwrap_or("the operations of the rows");
    let inputs = first_names(&started.inputs, str::to_owned);
    let rows = match started.checked {
        Some((rows, 0)) => format!("{} from ", count(rows, "row")),
        Some((rows, invalid)) => {
            format!("{} ({} invalid) from ", count(rows, "row"), thousands(invalid))
        }
        None => "from ".to_owned(),
    };
    format!("project {project} at {host}: {operation}, {rows}{inputs}\n")
}

impl Sink for Announcer {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started(started) => self.started(started),
            Event::CanaryChecked(report) => self.canary(report),
            Event::Waiting(Waiting::CoolDown(left)) => {
                tracing::info!(seconds = left.as_secs(), "waiting: the server asked for a pause");
            }
            Event::Waiting(Waiting::Limit(_)) => tracing::debug!("waiting for the limit"),
            Event::Waiting(Waiting::Hours(left)) => self.outside_hours(*left),
            Event::Intervened(intervention) => self.intervened(intervention),
            Event::Stopping(reason) => tracing::info!(reason = reason.code(), "stopping"),
            Event::Waiting(Waiting::Sending | Waiting::Paused)
            | Event::Read { .. }
            | Event::AllRead
            | Event::RowFinished(_)
            | Event::Tick(_)
            | Event::Finished(_) => {}
        }
    }
}
