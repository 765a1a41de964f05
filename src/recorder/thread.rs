//! The recorder's thread: outcomes come in over a bounded channel.
//!
//! When a write fails the receiver goes away, so the next send fails: whoever sends
//! stops, since nothing may be sent that cannot be recorded, and joins for the reason.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::Receiver;

use super::{Closed, Recorder};
use crate::outcome::Finished;

/// A batch is committed when it has this many rows, or earlier when nothing is waiting.
const BATCH: usize = 256;

/// Records what comes in, until all senders are gone or a write fails.
#[must_use]
pub fn spawn(recorder: Recorder, receiver: Receiver<Finished>) -> JoinHandle<io::Result<Closed>> {
    thread::spawn(move || drain(recorder, receiver))
}

fn drain(mut recorder: Recorder, mut receiver: Receiver<Finished>) -> io::Result<Closed> {
    while let Some(first) = receiver.blocking_recv() {
        recorder.record(&first)?;
        for _ in 1..BATCH {
            let Ok(next) = receiver.try_recv() else { break };
            recorder.record(&next)?;
        }
        recorder.commit()?;
    }
    recorder.close()
}
