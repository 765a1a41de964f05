//! The recorder's thread: entries come in over a bounded channel.
//!
//! When a write fails the receiver goes away, so the next send fails: the sender
//! stops, since nothing may be sent that cannot be recorded, and joins for the reason.

use std::borrow::Cow;
use std::io;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::before::{BeforeImage, ReadBy};
use super::recorder::Recorder;
use crate::engine::recorder_handle::{Entry, ReadUser};
use crate::engine::room::Room;

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

/// Records what comes in on a thread of its own, until all senders are gone or a write fails.
/// Needs a runtime, for its clock.
#[must_use]
pub fn spawn(
    recorder: Recorder,
    receiver: Receiver<Entry>,
    room: Room,
    elsewhere: Option<KnownElsewhere>,
) -> JoinHandle<io::Result<Recorder>> {
    let runtime = Handle::current();
    thread::spawn(move || runtime.block_on(drain(recorder, receiver, room, elsewhere)))
}

/// Records what comes in, until all senders are gone or a write fails. Blocks to write.
pub(crate) async fn drain(
    mut recorder: Recorder,
    mut receiver: Receiver<Entry>,
    room: Room,
    elsewhere: Option<KnownElsewhere>,
) -> io::Result<Recorder> {
    // When what was committed must be on the disk; nothing when it is.
    let mut due: Option<Instant> = None;
    loop {
        let first = match due {
            None => receiver.recv().await,
            Some(due_at) => match timeout_at(due_at, receiver.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    recorder.sync(&[])?;
                    due = None;
                    continue;
                }
            },
        };
        let Some(first) = first else { return Ok(recorder) };
        let (rows, waiting) = gather(&mut recorder, first, (&mut receiver, &room)).await?;
        recorder.commit()?;
        let now = Instant::now();
        if waiting.is_empty() && due.is_none_or(|due| now < due) {
            due.get_or_insert(now + SYNC_AFTER.saturating_sub(patience(&recorder)));
            continue;
        }
        recorder.sync(&rows)?;
        due = None;
        for written in waiting {
            // A client that went away, or is not told, does not send either.
            let _ = match &elsewhere {
                Some(elsewhere) => elsewhere.send(written).map_err(drop),
                None => written.send(()),
            };
        }
    }
}

/// How long a row waits for others at most.
fn patience(recorder: &Recorder) -> Duration {
    if recorder.packs() { PACK_WITHIN } else { Duration::ZERO }
}

/// The rows that are about to be sent, and who waits until that is durable.
type AboutToSend = (Vec<u64>, Vec<oneshot::Sender<()>>);

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

/// Takes a batch in; gives back what is about to be sent. It ends when it is large enough, or when
/// nothing more has come.
async fn gather(
    recorder: &mut Recorder,
    first: Entry,
    (receiver, room): (&mut Receiver<Entry>, &Room),
) -> io::Result<AboutToSend> {
    let until = Instant::now() + patience(recorder);
    let (mut about_to_send, mut next, mut taken) = (AboutToSend::default(), Some(first), 0);
    while let Some(entry) = next {
        if matches!(entry, Entry::Finished(_)) && taken == 0 {
            sleep(GATHER).await;
        }
        take(recorder, entry, room, &mut about_to_send)?;
        taken += 1;
        if taken == BATCH {
            break;
        }
        next = match receiver.try_recv() {
            Ok(next) => Some(next),
            // Somebody waits to send.
            Err(_) if !about_to_send.1.is_empty() || Instant::now() >= until => None,
            Err(_) => timeout_at(until, receiver.recv()).await.ok().flatten(),
        };
    }
    Ok(about_to_send)
}

/// Takes an entry in.
fn take(
    recorder: &mut Recorder,
    entry: Entry,
    room: &Room,
    (rows, waiting): &mut AboutToSend,
) -> io::Result<()> {
    match entry {
        Entry::Finished(finished) => {
            recorder.record(&finished)?;
            room.leave(finished.bytes());
        }
        Entry::Sent { rows: these, written } => {
            rows.extend(these);
            waiting.push(written);
        }
        Entry::Before { users, written } => keep(recorder, &users, written)?,
    }
    Ok(())
}
