//! The thread, and what happens when a file cannot be written.

use std::fs::{File, OpenOptions};

use tokio::sync::mpsc;

use super::*;
use crate::recorder::failures::Failures;
use crate::recorder::output::Output;
use crate::recorder::spawn;

#[test]
fn the_thread_records_all_and_closes() {
    let fixture = Fixture::new();
    let recorder = Recorder::new(&fixture.folder, &[]).unwrap();
    let (sender, receiver) = mpsc::channel(8);
    let thread = spawn(recorder, receiver);
    for _ in 0..1000 {
        sender.blocking_send(updated("{}")).unwrap();
    }
    drop(sender);
    let closed = thread.join().unwrap().unwrap();
    let text = fixture.text("results.jsonl");
    assert_eq!(text.lines().count(), 1000);
    assert_eq!(closed.lengths.results, text.len() as u64);
}

#[tokio::test]
async fn what_has_come_in_is_committed_when_nothing_waits() {
    let fixture = Fixture::new();
    let recorder = Recorder::new(&fixture.folder, &[]).unwrap();
    let (sender, receiver) = mpsc::channel(8);
    let thread = spawn(recorder, receiver);
    sender.send(updated("{}")).await.unwrap();
    let committed = async {
        while fixture.text("results.jsonl").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // It is in the file although the sender is still there.
    tokio::time::timeout(Duration::from_secs(10), committed).await.unwrap();
    drop(sender);
    thread.join().unwrap().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_senders_and_says_where() {
    let fixture = Fixture::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let recorder = Recorder {
        results: Output::over("run/results.jsonl".into(), full),
        failures: Failures::new(fixture.folder.path(), &[]),
        folder: fixture.folder.path().to_owned(),
    };
    let (sender, receiver) = mpsc::channel(8);
    let thread = spawn(recorder, receiver);
    while sender.blocking_send(updated("{}")).is_ok() {}
    let error = thread.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.to_string().starts_with("cannot write run/results.jsonl: "), "{error}");
}

#[test]
fn after_an_error_the_files_end_at_the_last_commit() {
    let fixture = Fixture::new();
    let source = csv(&["loginId"]);
    let mut recorder = Recorder::new(&fixture.folder, &[Arc::clone(&source)]).unwrap();
    recorder.record(&updated("{}")).unwrap();
    let lengths = recorder.commit().unwrap();
    // The results are written; the failures file cannot be begun, since one is in its place.
    File::create(fixture.folder.path().join("failures.csv")).unwrap();
    let long = format!("\"{}\"", "x".repeat(100_000));
    recorder.record(&updated(&long)).unwrap();
    recorder.record(&updated(&long)).unwrap();
    assert!(fixture.text("results.jsonl").len() as u64 > lengths.results);
    let error = recorder.record(&rejected(&source, cells(&["a"]))).unwrap_err();
    assert!(error.to_string().contains("failures.csv"), "{error}");
    assert_eq!(fixture.text("results.jsonl").len() as u64, lengths.results);
}
