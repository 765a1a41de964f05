//! Who keeps the state: this process for itself, a file for all processes of the host, or a server for
//! those of several hosts.
//!
//! One small face for all: ask for a request, tell of its reply, tell what the server has said.
//! Asking never blocks the runtime: files and servers are looked at on other threads.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// On this host.
    Host(HostKeeper),
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
        let (remote, share) = match self {
            Self::Host(host) => {
                return host.take(class, limit, is_paced).await.map(TakenRequest::Own);
            }
            Self::Remote(remote, share) => (remote, share),
        };
        let taken = remote.take(class, limit, is_paced).await;
        if let Some(share) = share {
            share.is_needed.store(matches!(taken, Err(NotGranted::Lost(_))), Ordering::Relaxed);
        }
        match (taken, share) {
            (Ok(()), _) => Ok(TakenRequest::Remote),
            (Err(NotGranted::Held(hold)), _) => Err(hold),
            (Err(NotGranted::Lost(_)), None) => Err(Hold::Pace(ASK_AGAIN)),
            (Err(NotGranted::Lost(since)), Some(share)) => {
                let taken = share.take(class, limit, since).await?;
                remote.own(class, limit);
                Ok(TakenRequest::Own(taken))
            }
        }
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str, taken: TakenRequest) {
        match (self, taken) {
            (Self::Host(host), TakenRequest::Own(request)) => host.reply(class, request),
            (Self::Remote(remote, Some(share)), TakenRequest::Own(request)) => {
                share.keeper.reply(class, request);
                remote.own_reply(class);
            }
            (Self::Remote(remote, _), TakenRequest::Remote) => remote.reply(class),
            // Nobody hands out what another keeper has let through.
            (_, TakenRequest::Remote) | (Self::Remote(_, None), TakenRequest::Own(_)) => {}
        }
    }

    /// Waits until others see all that was told. Nothing more may be told.
    pub(super) async fn end(&self) {
        let host = match self {
            Self::Host(host) => host,
            Self::Remote(_, Some(share)) => &share.keeper,
            Self::Remote(_, None) => return,
        };
        if let HostKeeper::Shared(budget) = host {
            budget.end().await;
        }
    }

    /// The server has refused although the limit of a class was kept.
    pub(super) fn yields(&self, class: &'static str, limit: Limit) {
        match self {
            Self::Host(host) => host.yields(class, limit),
            Self::Remote(remote, share) => {
                remote.yields(class, limit);
                if let Some(share) = share {
                    share.yields(class, limit);
                }
            }
        }
    }

    /// The server asks everybody to be quiet for a while.
    pub(super) fn close_for(&self, wait: Duration) {
        match self {
            Self::Host(host) => host.close_for(wait),
            Self::Remote(remote, share) => {
                remote.close_for(wait);
                if let Some(share) = share {
                    share.keeper.close_for(wait);
                }
            }
        }
    }
}

/// What this host takes while the server that keeps the budget is lost: the limit divided by the hosts.
#[derive(Debug)]
pub struct OwnShare {
    hosts: NonZeroU32,
    keeper: HostKeeper,
    /// Whether the server was lost when it was last asked.
    is_needed: AtomicBool,
}

impl OwnShare {
    /// One of so many shares, kept together with the processes of this host if that can be.
    #[must_use]
    pub fn new(hosts: NonZeroU32, budget: Option<SharedBudget>) -> Self {
        let keeper = budget.map_or_else(|| HostKeeper::Here(Here::new()), HostKeeper::Shared);
        Self { hosts, keeper, is_needed: AtomicBool::new(false) }
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
        self.keeper.take(class, limit, true).await.map_err(|hold| match hold {
            // The server may be back before a reply is in.
            Hold::Full(rest) => Hold::Full(Some(rest.unwrap_or(ASK_AGAIN).min(ASK_AGAIN))),
            hold => hold,
        })
    }

    /// The refusal was for the share, if that is what is sent by.
    fn yields(&self, class: &'static str, limit: Limit) {
        if let (true, Some(limit)) =
            (self.is_needed.load(Ordering::Relaxed), limit.part(self.hosts))
        {
            self.keeper.yields(class, limit);
        }
    }
}

/// Keeps a state on this host.
#[derive(Debug)]
pub(super) enum HostKeeper {
    /// In the memory of this process.
    Here(Here),
    /// Where other processes see it.
    Shared(SharedBudget),
}

impl HostKeeper {
    async fn take(
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

    fn reply(&self, class: &'static str, request: RequestId) {
        match self {
            Self::Here(here) => here.reply(class, request),
            Self::Shared(shared) => shared.reply(class, request),
        }
    }

    fn yields(&self, class: &'static str, limit: Limit) {
        match self {
            Self::Here(here) => here.with(|state, now| state.yields(class, limit, now)),
            Self::Shared(shared) => shared.tell(move |state, now| state.yields(class, limit, now)),
        }
    }

    fn close_for(&self, wait: Duration) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::RemoteAddress;

    const LIMIT: Limit = Limit { requests: 200, window: Duration::from_secs(60) };

    fn share(folder: &std::path::Path) -> OwnShare {
        let budget = SharedBudget::open(folder, "server", "project").unwrap();
        OwnShare::new(NonZeroU32::new(2).unwrap(), Some(budget))
    }

    /// A keeper whose server was never there.
    fn lost(folder: &std::path::Path) -> Keeper {
        let url = format!("unix://{}", folder.join("nobody").display());
        let address = RemoteAddress::parse(&url, None).unwrap();
        let remote =
            RemoteBudget::open(address, ("server", "project"), (1, Duration::from_secs(1)));
        Keeper::Remote(remote, Some(share(folder)))
    }

    /// How many requests go before the window is full.
    async fn left(share: &OwnShare) -> usize {
        let mut left = 0;
        let part = LIMIT.part(share.hosts).unwrap();
        while share.keeper.take("users", part, false).await.is_ok() {
            left += 1;
        }
        left
    }

    #[tokio::test]
    async fn a_refusal_while_the_server_is_lost_pauses_the_other_runs_of_this_host() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = lost(folder.path());
        keeper.close_for(Duration::from_secs(60));
        drop(keeper);
        let other = share(folder.path());
        let taken = other.take("users", LIMIT, Duration::from_secs(3600)).await;
        assert!(matches!(taken, Err(Hold::Closed(_))), "{taken:?}");
    }

    #[tokio::test]
    async fn a_refusal_lowers_the_share_only_while_that_is_what_is_sent_by() {
        for (is_asked, expected) in [(false, 100), (true, 10)] {
            let folder = tempfile::tempdir().unwrap();
            let keeper = lost(folder.path());
            if is_asked {
                let taken = keeper.take("users", LIMIT, true).await;
                assert!(
                    matches!(taken, Err(Hold::Full(_))),
                    "others may have filled it: {taken:?}"
                );
            }
            keeper.yields("users", LIMIT);
            drop(keeper);
            assert_eq!(left(&share(folder.path())).await, expected);
        }
    }
}
