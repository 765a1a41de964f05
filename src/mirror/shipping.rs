//! The thread that ships while the run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::shipper::Shipper;
use super::trouble::MirrorTrouble;
use crate::objects::ObjectUrl;
use crate::stop::{Stop, StopReason};
use crate::store::KnownElsewhere;
use crate::tasks;

/// How often it ships where nobody waits for it.
const INTERVAL: Duration = Duration::from_secs(5);

/// How soon it tries again where it failed.
const AGAIN: Duration = Duration::from_secs(1);

/// How many may wait at a time: as many as requests at most.
const MOST_WAITING: usize = 1 << 16;

/// The thread, and the way to it.
pub(super) struct Shipping {
    gate: KnownElsewhere,
    thread: JoinHandle<Option<Shipper>>,
}

impl Shipping {
    /// Starts the thread; it ends when nobody can wait for it any more.
    pub(super) fn spawn(
        shipper: Shipper,
        url: &ObjectUrl,
        lost: Arc<AtomicBool>,
        stop: &Stop,
    ) -> Self {
        let (gate, waiting) = sync_channel(MOST_WAITING);
        let (url, stop) = (url.to_string(), stop.clone());
        let work = ShippingWork { shipper, url, lost, stop, failing: false };
        Self { gate, thread: thread::spawn(tasks::in_own_name(move || work.ship(&waiting))) }
    }

    /// Where those wait who are about to send what must not be sent twice.
    pub(super) fn gate(&self) -> KnownElsewhere {
        self.gate.clone()
    }

    /// Ends it, and gives back what ships; nothing where another host writes to the mirror by now.
    pub(super) fn end(self) -> Option<Shipper> {
        drop(self.gate);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// What the thread holds.
struct ShippingWork {
    shipper: Shipper,
    url: String,
    /// Whether the lease is lost: then nobody is to wait any longer.
    lost: Arc<AtomicBool>,
    stop: Stop,
    /// Whether it has failed, and was told.
    failing: bool,
}

impl ShippingWork {
    fn ship(mut self, waiting: &Receiver<oneshot::Sender<()>>) -> Option<Shipper> {
        let mut told_then = Vec::new();
        // The first of it at once, so that the mirror says early that there is a run.
        let mut wait = Duration::ZERO;
        loop {
            match waiting.recv_timeout(wait) {
                Ok(first) => told_then.push(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Some(self.shipper),
            }
            if self.lost.load(Ordering::Acquire) {
                return None;
            }
            // What is in the journal by now is what these wait for.
            told_then.extend(waiting.try_iter());
            wait = match self.shipper.ship() {
                Ok(()) => {
                    self.works();
                    for written in told_then.drain(..) {
                        // A client that went away does not send either.
                        let _ = written.send(());
                    }
                    INTERVAL
                }
                Err(MirrorTrouble::Lost) => {
                    self.lost();
                    return None;
                }
                Err(trouble) => {
                    self.fails(&trouble);
                    AGAIN
                }
            };
        }
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::warn!("--mirror {}: it is written to again", self.url);
        }
    }

    fn fails(&mut self, trouble: &MirrorTrouble) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                "--mirror {}: {trouble}; the run goes on, and it is tried again; rows that must not be sent twice wait for it",
                self.url
            );
        }
    }

    fn lost(&self) {
        let message = format!("--mirror {}: another host writes to it", self.url);
        let hint = "leave the run to that host, or resume it when that one is done";
        self.stop.drain(StopReason::stopped("lease_lost", message, hint));
    }
}
