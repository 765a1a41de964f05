//! The task, and what happens when a file cannot be written.

use std::fs::File;

use tokio::sync::mpsc;

use super::*;
use crate::engine::recorder_handle::Entry;
use crate::engine::room::Room;
use crate::store::disk::memory::MemoryDisk;
use crate::store::spawn;

#[tokio::test(flavor = "multi_thread")]
async fn the_task_records_all_and_closes() {
    let fixture = Fixture::new();
    let recorder =
        Recorder::new(&fixture.folder, (&[], &OutputRules::default()), &identity()).unwrap();
    let (sender, receiver) = mpsc::channel(8);
    let task = spawn(recorder, receiver, Room::default(), None);
    for _ in 0..1000 {
        sender.send(Entry::Finished(Box::new(updated("{}")))).await.unwrap();
    }
    drop(sender);
    task.await.unwrap().unwrap().close(true).unwrap();
    assert_eq!(fixture.text("results.jsonl").lines().count(), 1000);
    let recovered = fixture.folder.recover().unwrap().unwrap();
    assert!(recovered.complete);
    assert_eq!(recovered.tally.updated, 1000);
    assert_eq!(recovered.finished.len(), 1, "all these rows have one number");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_in_is_committed_when_nothing_waits() {
    let fixture = Fixture::new();
    let recorder =
        Recorder::new(&fixture.folder, (&[], &OutputRules::default()), &identity()).unwrap();
    let (sender, receiver) = mpsc::channel(8);
    let task = spawn(recorder, receiver, Room::default(), None);
    sender.send(Entry::Finished(Box::new(updated("{}")))).await.unwrap();
    let committed = async {
        while fixture.text("results.jsonl").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // It is in the file although the sender is still there.
    tokio::time::timeout(Duration::from_secs(10), committed).await.unwrap();
    drop(sender);
    task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_senders_and_says_where() {
    let disk = MemoryDisk::default();
    let recorder =
        Recorder::begin(Box::new(disk.clone()), (&[], &OutputRules::default()), &identity())
            .unwrap();
    disk.room(Some(1000));
    let (sender, receiver) = mpsc::channel(8);
    let task = spawn(recorder, receiver, Room::default(), None);
    while sender.send(Entry::Finished(Box::new(updated("{}")))).await.is_ok() {}
    let error = task.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.to_string().starts_with("cannot write results.jsonl: "), "{error}");
}

#[test]
fn after_an_error_the_files_end_at_the_last_commit() {
    let fixture = Fixture::new();
    let source = csv(&["loginId"]);
    let mut recorder = Recorder::new(
        &fixture.folder,
        (&[Arc::clone(&source)], &OutputRules::default()),
        &identity(),
    )
    .unwrap();
    recorder.record(&updated("{}")).unwrap();
    recorder.commit().unwrap();
    let committed = fixture.text("results.jsonl").len();
    // The results are written; the failures file cannot be begun, since one is in its place.
    File::create(fixture.folder.path().join("failures.csv")).unwrap();
    let long = format!("\"{}\"", "x".repeat(100_000));
    recorder.record(&updated(&long)).unwrap();
    recorder.record(&updated(&long)).unwrap();
    assert!(fixture.text("results.jsonl").len() > committed);
    let error = recorder.record(&rejected(&source, cells(&["a"]))).unwrap_err();
    assert!(error.to_string().contains("failures.csv"), "{error}");
    assert_eq!(fixture.text("results.jsonl").len(), committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_sent_twice_is_in_the_journal_before_it_is_sent() {
    let fixture = Fixture::new();
    let recorder =
        Recorder::new(&fixture.folder, (&[], &OutputRules::default()), &identity()).unwrap();
    let (sender, receiver) = mpsc::channel(8);
    let task = spawn(recorder, receiver, Room::default(), None);
    let recorder = crate::engine::recorder_handle::RecorderHandle::new(&sender);
    assert!(recorder.about_to_send(vec![7]).await);
    let recovered = fixture.folder.recover().unwrap().unwrap();
    assert!(recovered.sent.contains(&7), "{recovered:?}");
    drop(sender);
    task.await.unwrap().unwrap();
    assert!(!recorder.about_to_send(vec![8]).await, "the recorder is gone");
}

#[test]
fn a_run_is_resumed_at_its_last_commit() {
    let fixture = Fixture::new();
    let source = csv(&["loginId"]);
    let sources = [Arc::clone(&source)];
    let mut recorder =
        Recorder::new(&fixture.folder, (&sources, &OutputRules::default()), &identity()).unwrap();
    recorder.record(&updated("{}")).unwrap();
    recorder.record(&rejected(&source, cells(&["a"]))).unwrap();
    recorder.commit().unwrap();
    let committed = ["results.jsonl", "failures.csv", "journal"].map(|name| fixture.text(name));
    recorder.record(&rejected(&source, cells(&["b"]))).unwrap();
    recorder.commit().unwrap();
    drop(recorder);
    // The machine stops in the middle of a line of the journal, with more in the other files.
    let journal = fixture.text("journal");
    fs::write(fixture.folder.path().join("journal"), &journal[..journal.len() - 1]).unwrap();
    let recovered = fixture.folder.recover().unwrap().unwrap();
    let recorder =
        Recorder::resume(&fixture.folder, (&sources, &OutputRules::default()), &recovered).unwrap();
    let now = ["results.jsonl", "failures.csv", "journal"].map(|name| fixture.text(name));
    assert_eq!(now[..2], committed[..2]);
    let behind = now[2].strip_prefix(&committed[2]).unwrap();
    assert!(behind.starts_with("\"synced\""), "{behind}");
    recorder.close(false).unwrap();
    assert!(!fixture.folder.recover().unwrap().unwrap().complete);
}
