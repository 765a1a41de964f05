//! The recorder's task: entries come in over a bounded channel, and are written on threads that all
//! tasks share.
//!
//! When a write fails the receiver goes away, so the next send fails: the sender
//! stops, since nothing may be sent that cannot be recorded, and joins for the reason.

use std::borrow::Cow;
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::before::{BeforeImage, ReadBy};
use super::recorder::Recorder;
use crate::engine::recorder_handle::{Entry, ReadUser};
use crate::engine::room::Room;
use crate::tasks;

/// A batch is committed when it has this many entries, or earlier when nothing is waiting.
const BATCH: usize = 256;

/// What comes within this time of each other shares a commit, which costs two writes and, to be
/// woken for, as much again.
const GATHER: Duration = Duration::from_millis(1);

/// The longest that a row waits for others to be packed with it: alone it would hardly get smaller.
/// A process that is killed meanwhile has not recorded it; it is sent again, or reconciled.
const PACK_WITHIN: Duration = Duration::from_millis(500);

/// What was committed is on the disk after this time at the latest.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// Where those wait who are about to send what must not be sent twice, until that is known elsewhere,
/// too.
pub(crate) type KnownElsewhere = SyncSender<oneshot::Sender<()>>;

/// Records what comes in, until all senders are gone or a write fails.
#[must_use]
pub fn spawn(
    recorder: Recorder,
    receiver: Receiver<Entry>,
    room: Room,
    elsewhere: Option<KnownElsewhere>,
) -> JoinHandle<io::Result<Recorder>> {
    tasks::spawn(drain(Box::new(Recording::new(recorder, room, elsewhere)), receiver))
}

/// Records what comes in, until all senders are gone or a write fails.
pub(crate) async fn drain(
    mut recording: Box<Recording>,
    mut receiver: Receiver<Entry>,
) -> io::Result<Recorder> {
    // When what was committed must be on the disk; nothing when it is.
    let mut due: Option<Instant> = None;
    loop {
        let first = match due {
            None => receiver.recv().await,
            Some(due_at) => match timeout_at(due_at, receiver.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    let synced;
                    (recording, synced) =
                        tasks::beside(recording, |own| own.recorder.sync(&[])).await;
                    synced?;
                    due = None;
                    continue;
                }
            },
        };
        let Some(first) = first else { return Ok(recording.recorder) };
        let is_synced;
        (recording, is_synced) = batch(recording, first, &mut receiver, due).await?;
        due = match due {
            _ if is_synced => None,
            None => Some(Instant::now() + SYNC_AFTER.saturating_sub(recording.patience())),
            due => due,
        };
    }
}

/// Takes a batch in and commits it; whether it is on the disk. It ends when it is large enough, when
/// somebody waits to send, or when nothing more has come.
async fn batch(
    mut recording: Box<Recording>,
    first: Entry,
    receiver: &mut Receiver<Entry>,
    due: Option<Instant>,
) -> io::Result<(Box<Recording>, bool)> {
    let until = Instant::now() + recording.patience();
    if matches!(first, Entry::Finished(_)) {
        sleep(GATHER).await;
    }
    let (mut next, mut taken) = (Some(first), 0);
    while let Some(first) = next {
        let mut entries = vec![first];
        while taken + entries.len() < BATCH
            && let Ok(entry) = receiver.try_recv()
        {
            entries.push(entry);
        }
        taken += entries.len();
        let is_waited_for = entries.iter().any(|entry| matches!(entry, Entry::Sent { .. }));
        if is_waited_for || taken == BATCH || Instant::now() >= until {
            let work = move |own: &mut Recording| {
                own.take_in(entries)?;
                own.commit(due)
            };
            let (recording, committed) = tasks::beside(recording, work).await;
            return Ok((recording, committed?));
        }
        let taken_in;
        (recording, taken_in) = tasks::beside(recording, |own| own.take_in(entries)).await;
        taken_in?;
        next = timeout_at(until, receiver.recv()).await.ok().flatten();
    }
    let (recording, committed) = tasks::beside(recording, move |own| own.commit(due)).await;
    Ok((recording, committed?))
}

/// A recorder at work, and who is told. In a box, it moves between threads.
#[derive(Debug)]
pub(crate) struct Recording {
    recorder: Recorder,
    room: Room,
    elsewhere: Option<KnownElsewhere>,
    /// Rows that are about to be sent.
    rows: Vec<u64>,
    /// Those who wait until that is durable.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Recording {
    /// Nothing was taken in yet.
    pub(crate) fn new(recorder: Recorder, room: Room, elsewhere: Option<KnownElsewhere>) -> Self {
        Self { recorder, room, elsewhere, rows: Vec::new(), waiting: Vec::new() }
    }

    /// How long a row waits for others at most.
    fn patience(&self) -> Duration {
        if self.recorder.packs() { PACK_WITHIN } else { Duration::ZERO }
    }

    /// Takes entries in. Blocks.
    fn take_in(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        for entry in entries {
            match entry {
                Entry::Finished(finished) => {
                    self.recorder.record(&finished)?;
                    self.room.leave(finished.bytes());
                }
                Entry::Sent { rows, written } => {
                    self.rows.extend(rows);
                    self.waiting.push(written);
                }
                Entry::Before { users, written } => keep(&mut self.recorder, &users, written)?,
            }
        }
        Ok(())
    }

    /// Commits what was taken in, and makes it durable if that is due or waited for; whether it was.
    /// Blocks.
    fn commit(&mut self, due: Option<Instant>) -> io::Result<bool> {
        self.recorder.commit()?;
        if self.waiting.is_empty() && due.is_none_or(|due| Instant::now() < due) {
            return Ok(false);
        }
        self.recorder.sync(&std::mem::take(&mut self.rows))?;
        for written in self.waiting.drain(..) {
            // A client that went away, or is not told, does not send either.
            let _ = match &self.elsewhere {
                Some(elsewhere) => elsewhere.send(written).map_err(drop),
                None => written.send(()),
            };
        }
        Ok(true)
    }
}

/// Keeps users as they were read; those who wait for it are told.
fn keep(
    recorder: &mut Recorder,
    users: &[ReadUser],
    written: oneshot::Sender<()>,
) -> io::Result<()> {
    let image = |read: &'_ ReadUser| BeforeImage {
        row: read.row,
        read_at: read.at,
        source: if read.alone { ReadBy::Load } else { ReadBy::Search },
        user: Cow::Owned(read.user.clone()),
    };
    recorder.keep_before(&users.iter().map(image).collect::<Vec<_>>())?;
    // A client that went away does not send either.
    let _ = written.send(());
    Ok(())
}
