//! Keeps the lease: a thread renews it, and stops the run when it is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::claim::LeaseTerms;
use super::lease::{Lease, Renewal};
use crate::limiter::{Leave, Throttle};
use crate::objects::ObjectUrl;
use crate::stop::{Stop, StopReason};
use crate::tasks;

/// The longest that giving the lease back may take.
const RELEASING: Duration = Duration::from_secs(10);

/// How soon it is tried again to renew it.
const AGAIN: Duration = Duration::from_millis(500);

/// What keeps the lease of a run.
pub(super) struct LeaseKeeper {
    lost: Arc<AtomicBool>,
    terms: LeaseTerms,
    /// Nothing once the lease was released.
    thread: Mutex<Option<KeeperThread>>,
}

/// What ends the thread when it is dropped, and the thread, which gives back the lease unless it is lost.
type KeeperThread = (SyncSender<()>, JoinHandle<Option<Lease>>);

/// What the thread holds.
struct Keeping {
    lease: Lease,
    leave: Leave,
    lost: Arc<AtomicBool>,
    url: String,
    stop: Stop,
    throttle: Throttle,
}

impl LeaseKeeper {
    /// Starts the thread. The run sends only while the lease lasts from now on.
    pub(super) fn spawn(
        lease: Lease,
        url: &ObjectUrl,
        (stop, throttle): (&Stop, &Throttle),
    ) -> Self {
        let terms = lease.terms;
        let leave = Leave::new(lease.asked, terms.sends_for());
        throttle.needs(leave.clone());
        let (lost, (end, ended)) = (Arc::new(AtomicBool::new(false)), sync_channel(1));
        let keeping = Keeping {
            lease,
            leave,
            lost: Arc::clone(&lost),
            url: url.to_string(),
            stop: stop.clone(),
            throttle: throttle.clone(),
        };
        let thread = thread::spawn(tasks::in_own_name(move || keeping.keep(&ended)));
        Self { lost, terms, thread: Mutex::new(Some((end, thread))) }
    }

    /// How long the lease lasts.
    pub(super) fn terms(&self) -> &LeaseTerms {
        &self.terms
    }

    /// What says whether the lease is lost.
    pub(super) fn lost(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.lost)
    }

    /// Whether the lease is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Gives the lease back. One that cannot be is over after its time.
    pub(super) fn release(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((end, thread)) = thread else { return };
        drop(end);
        if let Ok(Some(lease)) = thread.join()
            && let Err(fault) = lease.release(RELEASING)
        {
            tracing::warn!(
                "--mirror: the lease could not be given back, and is over after its time: {fault}"
            );
        }
    }
}

impl Keeping {
    fn keep(mut self, ended: &Receiver<()>) -> Option<Lease> {
        let mut wait = self.lease.terms.renewed_every();
        loop {
            match ended.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Some(self.lease),
            }
            wait = match self.lease.renew(self.patience()) {
                Renewal::Renewed => {
                    self.leave.renew(self.lease.asked);
                    self.throttle.look_again();
                    self.lease.terms.renewed_every()
                }
                Renewal::Lost(holder) => {
                    let what = format!("{holder} has taken the run up");
                    return self
                        .stop(&what, "leave it to that host, or resume it when that one is done");
                }
                Renewal::Unknown(fault) if self.leave.is_in_force() => {
                    tracing::info!(
                        "--mirror: the lease was not renewed, and is tried again: {fault}"
                    );
                    AGAIN
                }
                Renewal::Unknown(fault) => {
                    let what =
                        format!("the lease of the run could not be renewed in time: {fault}");
                    return self
                        .stop(&what, "see to it that the storage can be reached, and resume");
                }
            };
        }
    }

    /// The longest that one renewal may take: no longer than the lease lasts yet, and a little where it
    /// is over, as after a machine has slept.
    fn patience(&self) -> Duration {
        self.leave.left().max(self.lease.terms.renewed_every())
    }

    fn stop(self, what: &str, hint: &str) -> Option<Lease> {
        self.lost.store(true, Ordering::Release);
        let message = format!("--mirror {}: {what}", self.url);
        self.stop.drain(StopReason::stopped("lease_lost", message, hint));
        None
    }
}
