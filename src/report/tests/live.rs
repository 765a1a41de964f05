//! The reporter, in paused time.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::outcome::Status;
use crate::report::live::Screen;
use crate::report::{Kind, LogWriter, Pace, Progress, Reporter, Waiting};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines(progress: &Arc<Progress>, out: &Shared) -> Reporter {
    let screen = Screen::Lines(Box::new(out.clone()));
    let pace = || Pace {
        calls_per_second: Some(1.0),
        waiting: Waiting::Limit(Duration::ZERO),
        ..Pace::default()
    };
    Reporter::with(Duration::from_secs(1), screen, Arc::clone(progress), pace)
}

#[tokio::test(start_paused = true)]
async fn lines_come_every_ten_seconds() {
    let (progress, out) = (Arc::new(Progress::new(Some(1000), true)), Shared::default());
    let reporter = lines(&progress, &out);
    progress.read(100, 1000);
    progress.finished(Status::Updated);
    progress.finished(Status::Rejected);
    tokio::time::sleep(Duration::from_millis(9_900)).await;
    assert_eq!(out.text(), "");
    tokio::time::sleep(Duration::from_secs(20)).await;
    reporter.finish().await;
    let text = out.text();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("progress: SIMULATED 2 of about 100 rows (2%), "), "{text}");
    assert!(text.contains("1 updated, 1 failed, waiting for the limit\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_short_run_shows_nothing_and_ends_at_once() {
    let (progress, out) = (Arc::new(Progress::default()), Shared::default());
    let before = tokio::time::Instant::now();
    lines(&progress, &out).finish().await;
    assert_eq!(out.text(), "");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn every_kind_starts_and_finishes() {
    for kind in [Kind::Bar, Kind::Lines, Kind::Events, Kind::Quiet] {
        let log = LogWriter::default();
        let progress = Arc::new(Progress::new(Some(10), true));
        let reporter = Reporter::start(kind, progress, Pace::default, &log);
        tokio::time::sleep(Duration::from_secs(11)).await;
        log.make_writer().write_all(b"").unwrap();
        reporter.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_hold_the_facts() {
    let out = Shared::default();
    let writer = out.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let progress = Arc::new(Progress::new(Some(100), false));
    progress.read(10, 10);
    progress.finished(Status::Unchanged);
    let pace = || Pace {
        calls_per_second: Some(1.0),
        waiting: Waiting::CoolDown(Duration::from_secs(30)),
        ..Pace::default()
    };
    let reporter = Reporter::start(Kind::Events, progress, pace, &LogWriter::default());
    tokio::time::sleep(Duration::from_secs(11)).await;
    reporter.finish().await;
    drop(guard);
    let event: serde_json::Value = serde_json::from_str(out.text().trim_end()).unwrap();
    let fields = &event["fields"];
    assert_eq!(fields["message"], "progress");
    assert_eq!(fields["rows_done"], 1);
    assert_eq!(fields["rows_total"], 100);
    assert_eq!(fields["seconds_left"], 99 + 30);
    assert_eq!(fields["cool_down_seconds"], 30);
    assert_eq!(fields["unchanged"], 1);
}
