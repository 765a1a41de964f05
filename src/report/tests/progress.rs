//! Numbers derived from progress.

use std::time::Duration;

use crate::engine::events::{Event, Pace, Started, Waiting};
use crate::outcome::{Status, Tally, Trouble};
use crate::report::format::{brief, count, quoted, span, tame, thousands};
use crate::report::progress::{Progress, RateEstimate, Snapshot, time_left};
use crate::report::tests::finished;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The progress of a run that has begun.
fn begun(bytes: Option<u64>, done_before: Tally) -> Progress {
    let mut progress = Progress::default();
    progress.event(&Event::Started(&Started { bytes, done_before, ..Started::default() }));
    progress
}

fn read(progress: &mut Progress, rows: u64, bytes: u64) {
    progress.event(&Event::Read { rows, bytes });
}

#[test]
fn the_time_left() {
    let none = Duration::ZERO;
    // Done, total, allowed, measured, cool-down; expected seconds.
    let table = [
        (0, 100, None, None, none, None),
        (0, 100, None, None, seconds(60), None),
        (0, 100, Some(10.0), None, none, Some(10)),
        (50, 100, None, Some(5.0), none, Some(10)),
        (50, 100, Some(10.0), Some(5.0), none, Some(10)),
        (50, 100, Some(5.0), Some(5000.0), none, Some(10)),
        (50, 100, Some(5.0), None, seconds(42), Some(52)),
        (100, 100, Some(5.0), None, seconds(42), Some(0)),
        (101, 100, None, None, none, Some(0)),
        (0, 100, Some(5.0), Some(0.0), none, None),
        (0, 100, Some(0.0), None, none, None),
        (0, 100, Some(f64::NAN), None, none, None),
        (0, u64::MAX, Some(1e-300), None, none, None),
    ];
    for (done, total, allowed, measured, cool_down, expected) in table {
        assert_eq!(
            time_left(done, total, allowed, measured, cool_down),
            expected.map(seconds),
            "{done} of {total}, {allowed:?}, {measured:?}, {cool_down:?}"
        );
    }
}

#[test]
fn the_total_is_estimated_until_all_is_read() {
    let mut progress = begun(Some(1000), Tally::default());
    assert_eq!(progress.snapshot().permille(), None);
    read(&mut progress, 10, 100);
    progress.event(&Event::RowFinished(&finished(Status::Updated)));
    let snapshot = progress.snapshot();
    assert_eq!((snapshot.total, snapshot.permille()), (Some(100), Some(10)));
    // A file that grows: never less than what was read.
    read(&mut progress, 190, 1900);
    assert_eq!(progress.snapshot().total, Some(200));
    read(&mut progress, 1, 1);
    progress.event(&Event::AllRead);
    assert_eq!(progress.snapshot().total, Some(201));
    let mut unknown = begun(None, Tally::default());
    read(&mut unknown, 10, 100);
    assert_eq!(unknown.snapshot().total, None);
    unknown.event(&Event::AllRead);
    assert_eq!(unknown.snapshot().total, Some(10));
    let mut empty = begun(Some(0), Tally::default());
    empty.event(&Event::AllRead);
    assert_eq!(empty.snapshot().permille(), Some(1000));
}

#[test]
fn position_and_course() {
    let running = Snapshot {
        done: 1234,
        total: Some(40_000),
        ended: Tally { updated: 1230, rejected: 4, ..Tally::default() },
        ..Snapshot::default()
    };
    let ended = Tally { unchanged: 1, ..running.ended };
    let all_read = Snapshot { all_read: true, ended, ..running };
    let unknown = Snapshot { total: None, ..running };
    let pace = |waiting| Pace { calls_per_second: Some(6.5), waiting, ..Pace::default() };
    let pause = Waiting::CoolDown(seconds(42));
    let table = [
        (
            running,
            pace(Waiting::Sending),
            Some(7.04),
            "1,234 of about 40,000 rows (3%), 7.0 rows/s, 1h 39m left, 1,230 updated, 4 failed",
        ),
        (
            all_read,
            pace(Waiting::Limit(Duration::ZERO)),
            None,
            "1,234 of 40,000 rows (3%), 1h 39m left, 1,230 updated, 1 unchanged, 4 failed, waiting for the limit",
        ),
        (
            unknown,
            pace(pause),
            Some(6.0),
            "1,234 rows, 6.0 rows/s, 1,230 updated, 4 failed, cooling down: 42s",
        ),
        (Snapshot::default(), Pace::default(), None, "0 rows, 0 updated"),
    ];
    for (snapshot, pace, rate, expected) in table {
        assert_eq!(format!("{}, {}", snapshot.position(), snapshot.course(pace, rate)), expected);
    }
}

#[test]
fn a_burst_and_the_wait_after_it_are_one_rate() {
    let mut rate = RateEstimate::default();
    rate.advance(Duration::ZERO, 0);
    assert_eq!(rate.per_second(), None);
    // 400 rows at the beginning of each minute.
    for second in 1..=600_u64 {
        rate.advance(seconds(1), (second / 60 + 1) * 400);
    }
    let measured = rate.per_second().unwrap();
    assert!((measured - 400.0 / 60.0).abs() < 0.01, "{measured}");
    // Ticks closer than the samples add nothing.
    for _ in 0..9 {
        rate.advance(Duration::from_millis(100), u64::MAX);
    }
    assert_eq!(rate.per_second(), Some(measured));
}

#[test]
fn words() {
    let numbers = [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")];
    for (number, text) in numbers {
        assert_eq!(thousands(number), text);
    }
    assert_eq!(count(1, "row"), "1 row");
    assert_eq!(count(0, "row"), "0 rows");
    let spans = [
        (Duration::ZERO, "0s"),
        (Duration::from_micros(340_900), "340ms"),
        (Duration::from_millis(61_900), "1m 1s"),
        (seconds(3661), "1h 1m"),
        (seconds(90_061), "1day 1h"),
    ];
    for (time, text) in spans {
        assert_eq!(span(time), text);
    }
    assert_eq!(tame("a\x1b[31m\nb"), "a [31m b");
    assert_eq!(tame(&"é".repeat(161)), "é".repeat(161));
    assert_eq!(brief(&"é".repeat(160)), "é".repeat(160));
    assert_eq!(brief(&"é".repeat(161)), format!("{}…", "é".repeat(160)));
    assert_eq!(quoted("runs/a-1/failures.csv"), "runs/a-1/failures.csv");
    assert_eq!(quoted("it's here"), r"'it'\''s here'");
}

#[test]
fn rows_done_before_are_done() {
    let before = Tally { updated: 70, rejected: 5, invalid: 5, ..Tally::default() };
    let mut progress = begun(Some(1000), before);
    read(&mut progress, 100, 1000);
    progress.event(&Event::AllRead);
    progress.event(&Event::RowFinished(&finished(Status::Updated)));
    let now = progress.snapshot();
    assert_eq!(
        (now.done, now.ended.updated, now.ended.failed(), now.total),
        (81, 71, 10, Some(100))
    );
    assert_eq!(now.position(), "81 of 100 rows (81%)");
}

#[test]
fn what_fails_is_told_while_it_is_sent_again() {
    let course = |trouble| Snapshot::default().course(Pace { trouble, ..Pace::default() }, None);
    assert!(!course(None).contains("again"));
    assert!(course(Some(Trouble::Status(503))).ends_with("sending again after HTTP 503"));
    let lost = course(Some(Trouble::Lost("no answer in time")));
    assert!(lost.ends_with("sending again after no answer in time"), "{lost}");
}
