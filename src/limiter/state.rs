//! What a limiter remembers, and what follows from it. Pure: the time is passed in.
//!
//! Two rules. The window: requests on the wire and the replies of the last window together stay
//! below the limit. A request reaches the server before its reply reaches us, so the server cannot
//! have seen more. The pace: governor spaces requests evenly, unless the whole job is known to fit
//! into one window. A first window sent at once would serve no longer job: servers that count the
//! last window as if it had been even refuse the first requests of the second.
//!
//! The state is one for a project, wherever it is kept: a process for itself, or a file for all
//! processes of a host.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};

use super::limit::Limit;
use crate::catalog::RateClass;

/// The version of the state's form.
const VERSION: u32 = 2;

/// How long everybody waits where it is not known what the last window has seen: a window of the
/// documented limits (API reference, section 8).
const UNKNOWN_WINDOW: Duration = Duration::from_secs(60);

/// The longest that a pause is believed; longer, and the clock has been set back.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A moment: the time since some beginning that all who share a state agree on.
pub(super) type Moment = Duration;

/// Who sends a request: a process, and the request's number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RequestId {
    pub(super) process: u32,
    pub(super) number: u64,
}

/// Why nothing may be sent just now, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The window is full until then; `None` while only a reply can free it.
    Full(Option<Moment>),
    /// The next request is due then.
    Pace(Moment),
    /// The server has asked for quiet until then.
    Closed(Moment),
}

/// What is used of a budget at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetUsage {
    /// Requests that count against the limit of all, by the processes that share the budget.
    pub requests: u64,
    /// The processes that have requests on the wire: their numbers, behind their hosts where these share it.
    pub processes: BTreeSet<String>,
    /// How long the server wants quiet.
    pub closed_for: Duration,
}

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LimiterState {
    version: u32,
    /// Nobody sends until then.
    closed_until: Moment,
    /// By the name of the class of requests that the server counts together.
    classes: BTreeMap<Cow<'static, str>, ClassState>,
}

/// What is remembered of a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClassState {
    /// When the next request is due, if they follow each other evenly: nanoseconds, as governor
    /// counts; 0 before the first.
    due: Cell<u64>,
    /// What others leave of the limit, as far as that was found out, and when.
    left: Option<(u32, Moment)>,
    /// Requests on the wire, and how long each counts from its reply on.
    on_the_wire: Vec<(RequestId, Duration)>,
    /// Until when each reply counts, the first to end in front.
    replies: VecDeque<Moment>,
}

impl Default for LimiterState {
    fn default() -> Self {
        Self { version: VERSION, closed_until: Moment::ZERO, classes: BTreeMap::new() }
    }
}

impl LimiterState {
    /// The state that a text is. An empty text is an empty state; one that was cut off, or has
    /// another form, says nothing of what the window has seen, so it is taken to be full.
    pub(super) fn parse(text: &str, now: Moment) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        serde_json::from_str(text)
            .ok()
            .filter(|state: &Self| state.version == VERSION)
            .unwrap_or_else(|| Self { closed_until: now + UNKNOWN_WINDOW, ..Self::default() })
    }

    /// Drops what counts no more, and sets right what a clock or the end of a process has left:
    /// a request whose process is gone counts as replied.
    pub(super) fn tidy(&mut self, now: Moment, is_alive: &dyn Fn(u32) -> bool) {
        if self.closed_until > now + LONGEST_PAUSE {
            self.closed_until = Moment::ZERO;
        }
        for class in self.classes.values_mut() {
            class.tidy(now, is_alive);
        }
    }

    /// Lets one request of a class through, or says what to wait for.
    pub(super) fn take(
        &mut self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
        request: RequestId,
        now: Moment,
    ) -> Result<(), Wait> {
        if self.closed_until > now {
            return Err(Wait::Closed(self.closed_until));
        }
        self.class(class).take(limit, is_paced, request, now)
    }

    /// The reply to a request is in, or will never come: it counts for a window from now on.
    pub(super) fn reply(&mut self, class: &'static str, request: RequestId, now: Moment) {
        self.class(class).reply(request, now);
    }

    /// The server has refused although the limit of a class was kept: others use it as well, and
    /// we yield.
    pub(super) fn yields(&mut self, class: &'static str, limit: Limit, now: Moment) {
        self.class(class).yields(limit, now);
    }

    /// The server asks everybody to be quiet. A shorter pause never shortens a longer one.
    pub(super) fn close_until(&mut self, until: Moment) {
        self.closed_until = self.closed_until.max(until);
    }

    /// What is used of it.
    pub(super) fn usage(&mut self, now: Moment) -> BudgetUsage {
        let sent = self.classes.values().flat_map(|class| &class.on_the_wire);
        let processes = sent.map(|(request, _)| request.process.to_string()).collect();
        let requests = self.class(RateClass::Users.name()).counted();
        BudgetUsage { requests, processes, closed_for: self.closed_until.saturating_sub(now) }
    }

    fn class(&mut self, name: &'static str) -> &mut ClassState {
        self.classes.entry(name.into()).or_default()
    }
}

impl ClassState {
    fn tidy(&mut self, now: Moment, is_alive: &dyn Fn(u32) -> bool) {
        self.forget(now);
        let windows = self.on_the_wire.iter().map(|(_, window)| *window);
        let longest = windows.max().unwrap_or_default();
        let gone = |(request, window): &(RequestId, Duration)| {
            (!is_alive(request.process)).then(|| now.saturating_add(*window))
        };
        self.replies.extend(self.on_the_wire.iter().filter_map(gone));
        self.on_the_wire.retain(|(request, _)| is_alive(request.process));
        // A clock that was set back must not hold the next request up for as long as it was ahead.
        let latest = self.replies.back().copied().unwrap_or(now).max(now.saturating_add(longest));
        self.due.set(self.due.get().min(nanos(latest.min(now + LONGEST_PAUSE))));
    }

    /// Drops replies that count no more. Those of a clock that was ahead count from now on.
    fn forget(&mut self, now: Moment) {
        while self.replies.front().is_some_and(|until| *until <= now) {
            self.replies.pop_front();
        }
    }

    fn take(
        &mut self,
        limit: Limit,
        is_paced: bool,
        request: RequestId,
        now: Moment,
    ) -> Result<(), Wait> {
        self.forget(now);
        let limit = self.left_of(limit, now);
        if self.counted() >= u64::from(limit.requests) {
            return Err(Wait::Full(self.replies.front().copied()));
        }
        if is_paced {
            self.pace(limit, now).map_err(Wait::Pace)?;
        }
        self.on_the_wire.push((request, limit.window));
        Ok(())
    }

    /// Asks governor, whose own state is here; on refusal, when to ask again.
    fn pace(&self, limit: Limit, now: Moment) -> Result<(), Moment> {
        let (period, burst) = limit.spacing();
        let Some(quota) = Quota::with_period(period) else { return Ok(()) };
        let clock = ReplyTime(Cell::new(Moment::ZERO));
        let pacer: RateLimiter<NotKeyed, _, _, NoOpMiddleware<Moment>> =
            RateLimiter::new(quota.allow_burst(burst), Due(&self.due), &clock);
        clock.0.set(now);
        pacer.check().map_err(|early| now + early.wait_time_from(now))
    }

    fn reply(&mut self, request: RequestId, now: Moment) {
        let is = |(own, _): &(RequestId, Duration)| *own == request;
        if let Some(index) = self.on_the_wire.iter().position(is) {
            let (_, window) = self.on_the_wire.swap_remove(index);
            self.replies.push_back(now + window);
        }
    }

    fn yields(&mut self, limit: Limit, now: Moment) {
        self.forget(now);
        let left = self.left_of(limit, now).requests;
        let went_through = u32::try_from(self.counted()).unwrap_or(u32::MAX).min(left);
        self.left = Some((limit.yielding(went_through), now));
    }

    fn counted(&self) -> u64 {
        self.on_the_wire.len() as u64 + self.replies.len() as u64
    }

    /// The limit, or what others leave of it. It outlives the process that has found it out.
    fn left_of(&mut self, limit: Limit, now: Moment) -> Limit {
        let regained =
            self.left.and_then(|(left, since)| limit.regained(left, now.saturating_sub(since)));
        if regained.is_none() {
            self.left = None;
        }
        regained.unwrap_or(limit)
    }
}

fn nanos(moment: Moment) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX)
}

/// Where governor keeps when the next request is due.
struct Due<'a>(&'a Cell<u64>);

impl StateStore for Due<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let known = self.0.get();
        let (decided, next) = decide((known > 0).then(|| known.into()))?;
        self.0.set(next.into());
        Ok(decided)
    }
}

/// A clock that shows what it is set to: governor counts from what it shows first.
struct ReplyTime(Cell<Moment>);

impl Clock for &ReplyTime {
    type Instant = Moment;

    fn now(&self) -> Moment {
        self.0.get()
    }
}

#[cfg(test)]
mod tests;
