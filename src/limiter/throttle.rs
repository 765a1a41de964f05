//! A throttle: one limit, kept in every window.
//!
//! Two rules, both pure functions of the time they are asked at. The log: requests on the
//! wire and replies of the last window together stay below the limit. The pace: governor spaces
//! requests evenly, unless the whole job is known to fit into one window. A first window sent at
//! once would serve no longer job: servers that count the last window as if it had been even
//! refuse the first requests of the second.

use std::collections::VecDeque;
use std::ops::Add;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::budget::{Budget, Refusal, Ticket};
use crate::catalog::RateClass;
use crate::limiter::limit::Limit;

/// One limit, kept in every window.
#[derive(Debug)]
pub(super) struct Throttle {
    limit: Option<Limit>,
    log: Mutex<Log>,
    freed: Notify,
    /// What other processes send counts too.
    shared: Option<(Arc<Budget>, RateClass)>,
}

#[derive(Debug, Default)]
struct Log {
    on_the_wire: u32,
    replies: VecDeque<Instant>,
    /// What others leave of the limit, as far as that was found out, and when.
    left: Option<(u32, Instant)>,
    pace: Option<Pacer>,
}

impl Log {
    /// Requests on the wire and replies of the last window.
    fn count(&mut self, limit: Limit, now: Instant) -> u64 {
        while self.replies.front().is_some_and(|reply| *reply + limit.window <= now) {
            self.replies.pop_front();
        }
        u64::from(self.on_the_wire) + self.replies.len() as u64
    }

    /// The limit, or what others leave of it.
    fn left_of(&mut self, limit: Limit, now: Instant) -> Limit {
        let left = self.left.and_then(|(left, since)| limit.regained(left, now - since));
        if left.is_none() {
            self.left = None;
        }
        left.unwrap_or(limit)
    }
}

type Pacer = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>;

/// Why a throttle lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Ask again then.
    Until(Instant),
    /// Ask again when a reply is in.
    Reply,
    /// Another process was told to be quiet for so long.
    Closed(Duration),
}

/// Counts against the limit from now until a window after it is dropped.
#[derive(Debug)]
pub(super) struct Token<'a> {
    throttle: &'a Throttle,
    ticket: Option<Ticket>,
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        if self.throttle.limit.is_some() {
            let mut log = self.throttle.log();
            log.on_the_wire -= 1;
            log.replies.push_back(Instant::now());
            drop(log);
            self.throttle.freed.notify_one();
        }
        if let (Some((budget, _)), Some(ticket)) = (&self.throttle.shared, self.ticket) {
            budget.reply(ticket);
        }
    }
}

impl Throttle {
    pub(super) fn new(limit: Option<Limit>) -> Self {
        let log = Log { pace: limit.map(pacer), ..Log::default() };
        Self { limit, log: Mutex::new(log), freed: Notify::new(), shared: None }
    }

    /// The same, with a budget that other processes share.
    pub(super) fn sharing(self, budget: &Arc<Budget>, class: RateClass) -> Self {
        Self { shared: Some((Arc::clone(budget), class)), ..self }
    }

    pub(super) fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Lets one request through, or says what to wait for.
    pub(super) fn try_take(&self, now: Instant) -> Result<Token<'_>, Wait> {
        let Some(limit) = self.limit else {
            return Ok(Token { throttle: self, ticket: None });
        };
        let mut log = self.log();
        let counted = log.count(limit, now);
        let limit = log.left_of(limit, now);
        if counted >= u64::from(limit.requests) {
            log.pace.get_or_insert_with(|| pacer(limit));
            return Err(log
                .replies
                .front()
                .map_or(Wait::Reply, |r| Wait::Until(*r + limit.window)));
        }
        let shared = self
            .shared
            .as_ref()
            .and_then(|(budget, class)| budget.take(*class, limit, log.pace.is_some()));
        let ticket = match (shared, &log.pace) {
            // The pace is kept by all together.
            (Some(Ok(ticket)), _) => Some(ticket),
            (Some(Err(Refusal::Limit(wait))), _) => return Err(Wait::Until(now + wait)),
            (Some(Err(Refusal::Closed(wait))), _) => return Err(Wait::Closed(wait)),
            (None, Some(pace)) => {
                pace.check()
                    .map_err(|early| Wait::Until(now + early.wait_time_from(Moment(now))))?;
                None
            }
            (None, None) => None,
        };
        log.on_the_wire += 1;
        Ok(Token { throttle: self, ticket })
    }

    /// How long the log stays full.
    pub(super) fn full_for(&self, now: Instant) -> Duration {
        let Some(limit) = self.limit else { return Duration::ZERO };
        let log = self.log();
        let counted = u64::from(log.on_the_wire) + log.replies.len() as u64;
        if counted < u64::from(limit.requests) {
            return Duration::ZERO;
        }
        log.replies.front().map_or(Duration::ZERO, |reply| (*reply + limit.window) - now)
    }

    /// Waits until a reply is in.
    pub(super) async fn reply(&self) {
        self.freed.notified().await;
    }

    /// Says how many requests the whole job takes: one that fits into a window goes out at once.
    pub(super) fn whole_job(&self, requests: u64) {
        if self.limit.is_some_and(|limit| requests <= u64::from(limit.requests)) {
            self.log().pace = None;
        }
    }

    /// The server has refused although the limit was kept: others use it as well. So this one
    /// yields, together with those that share its budget.
    pub(super) fn yields(&self, now: Instant) {
        let Some(limit) = self.limit else { return };
        let shared = self.shared.as_ref();
        if shared.and_then(|(budget, class)| budget.yields(*class, limit)).is_some() {
            return;
        }
        let mut log = self.log();
        let counted = u32::try_from(log.count(limit, now)).unwrap_or(u32::MAX);
        let left = log.left_of(limit, now).requests;
        log.left = Some((limit.yielding(counted.min(left)), now));
    }

    /// Spaces requests from now on.
    pub(super) fn pace(&self) {
        if let Some(limit) = self.limit {
            self.log().pace.get_or_insert_with(|| pacer(limit));
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pacer(limit: Limit) -> Pacer {
    let (period, burst) = limit.spacing();
    let quota =
        Quota::with_period(period).expect("the period is longer than nothing").allow_burst(burst);
    RateLimiter::direct_with_clock(quota, TokioClock)
}

/// Tokio's clock for governor, so that a paused clock moves it too.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Clock for TokioClock {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, duration: Nanos) -> Self {
        Self(self.0 + Duration::from(duration))
    }
}
