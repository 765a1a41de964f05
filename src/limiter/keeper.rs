//! Who keeps the state: this process for itself, a file for all processes of the host, or a server for
//! those of several hosts.
//!
//! One small face for all: ask for a request, tell of its reply, tell what the server has said.
//! Asking never blocks the runtime: files and servers are looked at on a thread of their own.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::hold::Hold;
use super::limit::Limit;
use super::remote::{NotGranted, RemoteBudget};
use super::shared::SharedBudget;
use super::state::{LimiterState, Moment, RequestId};

/// How soon to ask again where the server that keeps the budget is lost.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Keeps the state.
#[derive(Debug)]
pub(super) enum Keeper {
    /// In the memory of this process.
    Here(Here),
    /// Where other processes see it.
    Shared(SharedBudget),
    /// Where processes of other hosts see it, and what is kept while that is lost.
    Remote(RemoteBudget, Option<OwnShare>),
}

/// A request that was let through.
#[derive(Clone, Copy, Debug)]
pub(super) enum TakenRequest {
    /// By a state of this host.
    Own(RequestId),
    /// By a server.
    Remote,
}

impl Keeper {
    /// Takes one request of a class, to be given back with [`Keeper::reply`].
    pub(super) async fn take(
        &self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
    ) -> Result<TakenRequest, Hold> {
        match self {
            Self::Here(here) => here.take(class, limit, is_paced).map(TakenRequest::Own),
            Self::Shared(shared) => {
                shared.take(class, limit, is_paced).await.map(TakenRequest::Own)
            }
            Self::Remote(remote, share) => match (remote.take(class, limit, is_paced).await, share)
            {
                (Ok(()), _) => Ok(TakenRequest::Remote),
                (Err(NotGranted::Held(hold)), _) => Err(hold),
                (Err(NotGranted::Lost(_)), None) => Err(Hold::Pace(ASK_AGAIN)),
                (Err(NotGranted::Lost(since)), Some(share)) => {
                    let taken = share.take(class, limit, since).await?;
                    remote.own(class, limit);
                    Ok(TakenRequest::Own(taken))
                }
            },
        }
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str, taken: TakenRequest) {
        match (self, taken) {
            (Self::Here(here), TakenRequest::Own(request)) => here.reply(class, request),
            (Self::Shared(shared), TakenRequest::Own(request)) => shared.reply(class, request),
            (Self::Remote(remote, Some(share)), TakenRequest::Own(request)) => {
                share.reply(class, request);
                remote.own_reply(class);
            }
            (Self::Remote(remote, _), TakenRequest::Remote) => remote.reply(class),
            // Nobody hands out what another keeper has let through.
            (_, TakenRequest::Remote) | (Self::Remote(_, None), TakenRequest::Own(_)) => {}
        }
    }

    /// The server has refused although the limit of a class was kept.
    pub(super) fn yields(&self, class: &'static str, limit: Limit) {
        match self {
            Self::Here(here) => here.with(|state, now| state.yields(class, limit, now)),
            Self::Shared(shared) => shared.tell(move |state, now| state.yields(class, limit, now)),
            Self::Remote(remote, _) => remote.yields(class, limit),
        }
    }

    /// The server asks everybody to be quiet for a while.
    pub(super) fn close_for(&self, wait: Duration) {
        match self {
            Self::Here(here) => here.with(|state, now| state.close_until(now + wait)),
            Self::Shared(shared) => shared.tell(move |state, now| state.close_until(now + wait)),
            Self::Remote(remote, _) => remote.close_for(wait),
        }
    }
}

/// What this host takes while the server that keeps the budget is lost: the limit divided by the hosts.
#[derive(Debug)]
pub struct OwnShare {
    hosts: NonZeroU32,
    keeper: HostKeeper,
}

/// What keeps the share of this host.
#[derive(Debug)]
enum HostKeeper {
    Here(Here),
    Shared(SharedBudget),
}

impl OwnShare {
    /// One of so many shares, kept together with the processes of this host if that can be.
    #[must_use]
    pub fn new(hosts: NonZeroU32, budget: Option<SharedBudget>) -> Self {
        let keeper = budget.map_or_else(|| HostKeeper::Here(Here::new()), HostKeeper::Shared);
        Self { hosts, keeper }
    }

    /// Takes one request; nothing in the first window after the loss, which the others may have filled.
    async fn take(
        &self,
        class: &'static str,
        limit: Limit,
        lost_for: Duration,
    ) -> Result<RequestId, Hold> {
        let full = (limit.window + RemoteBudget::LEASE).saturating_sub(lost_for);
        if !full.is_zero() {
            return Err(Hold::Full(Some(full.min(ASK_AGAIN))));
        }
        let limit = limit.part(self.hosts).ok_or(Hold::Pace(ASK_AGAIN))?;
        match &self.keeper {
            HostKeeper::Here(here) => here.take(class, limit, true),
            HostKeeper::Shared(shared) => shared.take(class, limit, true).await,
        }
        .map_err(|hold| match hold {
            // The server may be back before a reply is in.
            Hold::Full(rest) => Hold::Full(Some(rest.unwrap_or(ASK_AGAIN).min(ASK_AGAIN))),
            hold => hold,
        })
    }

    fn reply(&self, class: &'static str, request: RequestId) {
        match &self.keeper {
            HostKeeper::Here(here) => here.reply(class, request),
            HostKeeper::Shared(shared) => shared.reply(class, request),
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

    fn reply(&self, class: &'static str, request: RequestId) {
        self.with(|state, now| state.reply(class, request, now));
    }

    fn with<T>(&self, change: impl FnOnce(&mut LimiterState, Moment) -> T) -> T {
        let now = self.start.elapsed();
        change(&mut self.state(), now)
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
