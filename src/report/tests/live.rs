//! The progress sink, in paused time.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::engine::Ended;
use crate::engine::events::{Event, Pace, Sink, Started, Waiting};
use crate::outcome::{Status, Tally};
use crate::report::live::Screen;
use crate::report::tests::finished;
use crate::report::{LogWriter, ProgressForm, ProgressSink};

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

/// Lets time pass, with a tick every 100 ms.
async fn ticks(sink: &mut ProgressSink, time: Duration, pace: &Pace) {
    const TICK: Duration = Duration::from_millis(100);
    for _ in 0..time.as_millis() / TICK.as_millis() {
        tokio::time::advance(TICK).await;
        sink.event(&Event::Tick(pace));
    }
}

fn start(sink: &mut ProgressSink, bytes: u64, simulated: bool) {
    let started = Started { bytes: Some(bytes), simulated, ..Started::default() };
    sink.event(&Event::Started(&started));
}

fn end(sink: &mut ProgressSink) {
    sink.event(&Event::Finished(&Ended { tally: Tally::default(), complete: true }));
}

const AT_LIMIT: Pace = Pace {
    calls: 0,
    retries: 0,
    rate_limited: 0,
    saved: 0,
    slowed_to: None,
    calls_per_second: Some(1.0),
    waiting: Waiting::Limit(Duration::ZERO),
    trouble: None,
};

#[tokio::test(start_paused = true)]
async fn lines_come_every_ten_seconds() {
    let out = Shared::default();
    let mut sink = ProgressSink::over(Screen::Lines(Box::new(out.clone())));
    start(&mut sink, 1000, true);
    sink.event(&Event::Read { rows: 100, bytes: 1000 });
    sink.event(&Event::RowFinished(&finished(Status::Updated)));
    sink.event(&Event::RowFinished(&finished(Status::Rejected)));
    ticks(&mut sink, Duration::from_millis(9_900), &AT_LIMIT).await;
    assert_eq!(out.text(), "");
    ticks(&mut sink, Duration::from_secs(20), &AT_LIMIT).await;
    end(&mut sink);
    let text = out.text();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("progress: SIMULATED 2 of about 100 rows (2%), "), "{text}");
    assert!(text.contains("1 updated, 1 failed, waiting for the limit\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn every_form_starts_and_finishes() {
    for form in [ProgressForm::Bar, ProgressForm::Lines, ProgressForm::Events] {
        let log = LogWriter::default();
        let mut sink = ProgressSink::new(form, &log);
        start(&mut sink, 10, true);
        ticks(&mut sink, Duration::from_secs(11), &Pace::default()).await;
        log.make_writer().write_all(b"").unwrap();
        end(&mut sink);
    }
}

#[tokio::test(start_paused = true)]
async fn events_hold_the_facts() {
    let out = Shared::default();
    let writer = out.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut sink = ProgressSink::new(ProgressForm::Events, &LogWriter::default());
    start(&mut sink, 100, false);
    sink.event(&Event::Read { rows: 10, bytes: 10 });
    sink.event(&Event::RowFinished(&finished(Status::Unchanged)));
    let cooling = Pace { waiting: Waiting::CoolDown(Duration::from_secs(30)), ..AT_LIMIT };
    ticks(&mut sink, Duration::from_secs(11), &cooling).await;
    end(&mut sink);
    drop(guard);
    let text = out.text();
    let mut events =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let event = events.next().unwrap();
    assert_eq!(events.next().unwrap()["fields"]["message"], "finished");
    let fields = &event["fields"];
    assert_eq!(fields["message"], "progress");
    assert_eq!(fields["rows_done"], 1);
    assert_eq!(fields["rows_total"], 100);
    assert_eq!(fields["seconds_left"], 99 + 30);
    assert_eq!(fields["cool_down_seconds"], 30);
    assert_eq!(fields["unchanged"], 1);
}
