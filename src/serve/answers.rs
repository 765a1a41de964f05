//! What the page answers.

use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::route::{LiveRoute, Order, is_this_machine};
use super::wheel::Wheel;
use crate::report::metrics::prometheus;
use crate::report::{PageRules, RunFacts, RunWatch, live_page, live_policy, write_page};
use crate::stop::StopReason;
use crate::store;

/// Failed rows on a page that is made while the run goes on.
const MAX_FAILURES: usize = 10_000;

/// The code of the reason of a run that was stopped from its page.
const STOPPED: &str = "stopped_from_page";

/// What is sent back.
#[derive(Debug)]
pub(super) enum Answer {
    /// A text of a type.
    Text { status: u16, kind: &'static str, body: String },
    /// How the run goes, from moment to moment.
    Events,
}

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
/// The text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

fn plain(status: u16, body: &str) -> Answer {
    Answer::Text { status, kind: PLAIN, body: format!("{body}\n") }
}

/// The page of a run.
#[derive(Debug)]
pub(super) struct LiveAnswers {
    watch: RunWatch,
    wheel: Wheel,
    token: String,
    /// Whether only this machine may ask.
    is_local: bool,
    policy: String,
    /// A report takes a while to make: one at a time.
    reporting: Mutex<()>,
}

impl LiveAnswers {
    pub(super) fn new(watch: RunWatch, wheel: Wheel, token: String, is_local: bool) -> Self {
        let policy = live_policy();
        Self { watch, wheel, token, is_local, policy, reporting: Mutex::default() }
    }

    /// The content security policy of the page.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    /// Whether the run has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.watch.has_ended()
    }

    /// How the run goes just now, as JSON.
    pub(super) fn now(&self) -> String {
        serde_json::to_string(&self.watch.view(&self.wheel.throttle)).unwrap_or_default()
    }

    /// Answers a request, by its method, path and the host that it names.
    pub(super) async fn answer(&self, method: &str, path: &str, host: &str) -> Answer {
        if self.is_local && !is_this_machine(host) {
            return plain(421, "ask for this page by its address");
        }
        match LiveRoute::of(method, path, &self.token) {
            LiveRoute::Page => Answer::Text { status: 200, kind: HTML, body: live_page() },
            LiveRoute::Events => Answer::Events,
            LiveRoute::Report => self.report().await,
            LiveRoute::Order(order) => self.obey(order),
            LiveRoute::Metrics => self.metrics(),
            LiveRoute::Health if self.watch.is_alive() => plain(200, "ok"),
            LiveRoute::Health => plain(503, "the run has been silent for a minute"),
            LiveRoute::Icon => Answer::Text { status: 204, kind: PLAIN, body: String::new() },
            LiveRoute::Unknown => {
                plain(404, "there is nothing here: open the address that the run printed")
            }
            LiveRoute::WrongMethod => plain(405, "this cannot be asked for in this way"),
        }
    }

    fn obey(&self, order: Order) -> Answer {
        let Wheel { throttle, stop } = &self.wheel;
        if self.watch.has_ended() || stop.is_draining() {
            return plain(409, "the run has ended, or is about to");
        }
        if !self.watch.takes(order.name(), throttle) {
            return plain(409, "there is nothing to do: it is so already, or the run has no limit");
        }
        match order {
            Order::Pause => throttle.pause(),
            Order::Resume => throttle.resume(),
            Order::Slower => throttle.slower(),
            Order::Faster => throttle.faster(),
            Order::Stop => {
                throttle.stopped();
                stop.drain(StopReason::stopped(STOPPED, "stopped from its page", ""));
            }
        }
        plain(200, "done")
    }

    fn metrics(&self) -> Answer {
        match self.watch.numbers() {
            Some((name, numbers)) => {
                Answer::Text { status: 200, kind: PROMETHEUS, body: prometheus(&name, &numbers) }
            }
            None => Answer::Text { status: 200, kind: PROMETHEUS, body: String::new() },
        }
    }

    /// The whole report so far, made of the run folder.
    async fn report(&self) -> Answer {
        let Some(folder) = self.watch.folder() else {
            return plain(503, "the run has not begun");
        };
        if store::is_encrypted(&folder) {
            return plain(409, &store::encrypted().to_string());
        }
        let Ok(_one) = self.reporting.try_lock() else {
            return plain(503, "a report is being made: try again in a moment");
        };
        match tokio::task::spawn_blocking(move || report(&folder)).await {
            Ok(Ok(body)) => Answer::Text { status: 200, kind: HTML, body },
            _ => plain(500, "the report could not be made"),
        }
    }
}

fn report(folder: &Path) -> std::io::Result<String> {
    let rules = PageRules { with_values: false, max_failures: MAX_FAILURES };
    let facts = RunFacts::read(folder, rules).map_err(std::io::Error::other)?;
    let mut page = Vec::new();
    write_page(&mut page, &[facts], rules, Timestamp::now())?;
    page.flush()?;
    String::from_utf8(page).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::{Event, Sink, Started};
    use crate::limiter::Throttle;
    use crate::stop::Stop;

    #[tokio::test]
    async fn a_run_that_is_encrypted_has_no_report_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("results.jsonl.age"), "").unwrap();
        let mut watch = RunWatch::default();
        let started = Started { folder: folder.path().to_owned(), ..Started::default() };
        watch.event(&Event::Started(&started));
        let wheel = Wheel { throttle: Throttle::default(), stop: Stop::default() };
        let page = LiveAnswers::new(watch, wheel, "abc".to_owned(), true);
        match page.answer("GET", "/abc/report", "localhost").await {
            Answer::Text { status: 409, body, .. } => {
                assert!(body.starts_with("the results are encrypted: "), "{body}");
            }
            other => panic!("{other:?}"),
        }
    }
}
