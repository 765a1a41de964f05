//! Who keeps the state: this process for itself, or a file for all processes of the host.
//!
//! One small face for both: ask for a request, tell of its reply, tell what the server has said.
//! Asking never blocks the runtime: a file is looked at on a thread of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::hold::Hold;
use super::limit::Limit;
use super::shared::SharedBudget;
use super::state::{LimiterState, Moment, RequestId};

/// Keeps the state.
#[derive(Debug)]
pub(super) enum Keeper {
    /// In the memory of this process.
    Here(Here),
    /// Where other processes see it.
    Shared(SharedBudget),
}

impl Keeper {
    /// Takes one request of a class, to be given back with [`Keeper::reply`].
    pub(super) async fn take(
        &self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
    ) -> Result<RequestId, Hold> {
        match self {
            Self::Here(here) => here.take(class, limit, is_paced),
            Self::Shared(shared) => shared.take(class, limit, is_paced).await,
        }
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str, request: RequestId) {
        match self {
            Self::Here(here) => here.with(|state, now| state.reply(class, request, now)),
            Self::Shared(shared) => shared.tell(move |state, now| state.reply(class, request, now)),
        }
    }

    /// The server has refused although the limit of a class was kept.
    pub(super) fn yields(&self, class: &'static str, limit: Limit) {
        match self {
            Self::Here(here) => here.with(|state, now| state.yields(class, limit, now)),
            Self::Shared(shared) => shared.tell(move |state, now| state.yields(class, limit, now)),
        }
    }

    /// The server asks everybody to be quiet for a while.
    pub(super) fn close_for(&self, wait: Duration) {
        match self {
            Self::Here(here) => here.with(|state, now| state.close_until(now + wait)),
            Self::Shared(shared) => shared.tell(move |state, now| state.close_until(now + wait)),
        }
    }
}

/// The state in the memory of this process, by tokio's clock, so that a paused clock moves it too.
#[derive(Debug)]
pub(super) struct Here {
    state: Mutex<LimiterState>,
    start: Instant,
    next: AtomicU64,
}

impl Here {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), start: Instant::now(), next: AtomicU64::new(0) }
    }

    fn take(&self, class: &'static str, limit: Limit, is_paced: bool) -> Result<RequestId, Hold> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request = RequestId { process: std::process::id(), number };
        self.with(|state, now| {
            let taken = state.take(class, limit, is_paced, request, now);
            taken.map(|()| request).map_err(|wait| Hold::of(wait, now))
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut LimiterState, Moment) -> T) -> T {
        let now = self.start.elapsed();
        change(&mut self.state(), now)
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
