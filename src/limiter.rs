//! The gate: the one place that every request passes, first tries, retries and reads alike.
//!
//! A request waits for a slot, then its turn (first come, first served), then the end of a
//! cool-down, then the rate. Whoever is let through holds a [`Pass`] until the reply is in.
//!
//! The rate holds in *every* window: the gate remembers when the replies of the last window
//! came, and lets one more through only while those and the requests on the wire are fewer
//! than the limit. A request reaches the server before its reply reaches us, so the server
//! cannot have seen more. A job that is known to fit into one window goes out at once; for any
//! other, governor spaces the requests evenly, which servers that count approximately want.

mod budget;
pub mod limit;
mod throttle;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use crate::catalog::RateClass;
use crate::limiter::limit::Limit;
pub use budget::Budget;
use throttle::{Throttle, Token, Wait};

/// The rates that a gate keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// User management as a whole; `None` for no limit.
    pub users: Option<Limit>,
    /// Classes that have a lower limit besides.
    pub lower: Vec<(RateClass, Limit)>,
}

impl Rates {
    /// A share of the documented limits, in percent.
    #[must_use]
    pub fn documented(percent: u32) -> Self {
        let limit = |class: RateClass| {
            let (requests, window) = class.documented_limit();
            Limit { requests, window }.share(percent)
        };
        let lower = RateClass::ALL.into_iter().filter(|class| *class != RateClass::Users);
        Self {
            users: Some(limit(RateClass::Users)),
            lower: lower.map(|class| (class, limit(class))).collect(),
        }
    }
}

/// What the gate has done, for the progress and the summary.
#[derive(Debug, Default)]
pub struct Waits {
    limit_ms: AtomicU64,
    cool_down_ms: AtomicU64,
}

impl Waits {
    /// How long sending stood still for the limit.
    #[must_use]
    pub fn limit(&self) -> Duration {
        Duration::from_millis(self.limit_ms.load(Ordering::Relaxed))
    }

    /// How long sending stood still because the server had said 429.
    #[must_use]
    pub fn cool_down(&self) -> Duration {
        Duration::from_millis(self.cool_down_ms.load(Ordering::Relaxed))
    }
}

/// The one place that every request passes.
#[derive(Debug)]
pub struct Gate {
    slots: usize,
    free: Semaphore,
    /// First come, first served; held while waiting for the cool-down and the rate.
    turn: Mutex<()>,
    users: Throttle,
    lower: Vec<(RateClass, Mutex<()>, Throttle)>,
    closed_until: watch::Sender<Option<Instant>>,
    waits: Waits,
    shared: Option<Arc<Budget>>,
}

/// Leave to send one request; to be held until its reply is in.
#[derive(Debug)]
pub struct Pass<'a> {
    _users: Token<'a>,
    _lower: Option<Token<'a>>,
    _slot: SemaphorePermit<'a>,
}

impl Gate {
    /// A gate with so many slots for requests at a time.
    #[must_use]
    pub fn new(slots: usize, rates: &Rates) -> Self {
        let lower = |(class, limit): &(RateClass, Limit)| {
            (*class, Mutex::new(()), Throttle::new(Some(*limit)))
        };
        Self {
            slots,
            free: Semaphore::new(slots),
            turn: Mutex::new(()),
            users: Throttle::new(rates.users),
            lower: rates.lower.iter().map(lower).collect(),
            closed_until: watch::Sender::new(None),
            waits: Waits::default(),
            shared: None,
        }
    }

    /// The same, with the limits that are kept together with other processes.
    #[must_use]
    pub fn sharing(self, budget: Budget) -> Self {
        let budget = Arc::new(budget);
        let lower = self
            .lower
            .into_iter()
            .map(|(class, turn, throttle)| (class, turn, throttle.sharing(&budget, class)));
        Self {
            users: self.users.sharing(&budget, RateClass::Users),
            lower: lower.collect(),
            shared: Some(budget),
            ..self
        }
    }

    /// How many requests may be on the wire at a time.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Waits for a slot, a turn, the end of a cool-down and the rate.
    ///
    /// Dropping the future gives everything back.
    pub async fn enter(&self, class: RateClass) -> Pass<'_> {
        let slot = self.free.acquire().await.expect("slots are never closed");
        let lower = match self.lower.iter().find(|(lower, ..)| *lower == class) {
            Some((_, turn, throttle)) => {
                let _turn = turn.lock().await;
                Some(self.take(throttle, false).await)
            }
            None => None,
        };
        let _turn = self.turn.lock().await;
        let users = self.take(&self.users, true).await;
        Pass { _users: users, _lower: lower, _slot: slot }
    }

    /// Says how many requests the whole job takes, once that is known; retries come on top.
    pub fn whole_job(&self, requests: u64) {
        self.users.whole_job(requests);
        for (.., throttle) in &self.lower {
            throttle.whole_job(requests);
        }
    }

    /// Closes the gate for everyone. A shorter closure never shortens a longer one.
    pub fn close_for(&self, wait: Duration) {
        let now = Instant::now();
        let until = now + wait;
        if self.cool_down().is_zero() {
            // Later refusals of requests that were on the wire tell nothing new.
            self.users.yields(now);
        }
        self.closed_until.send_if_modified(|closed| {
            let later = closed.is_none_or(|closed| until > closed);
            if later {
                *closed = Some(until);
            }
            later
        });
        self.users.pace();
        if let Some(budget) = &self.shared {
            budget.close_for(wait);
        }
    }

    /// How long the gate stays closed.
    #[must_use]
    pub fn cool_down(&self) -> Duration {
        self.closed_until.borrow().map_or(Duration::ZERO, |until| until - Instant::now())
    }

    /// What has been waited for so far.
    #[must_use]
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Whether requests wait for the limit just now.
    #[must_use]
    pub fn is_at_limit(&self) -> bool {
        self.users.limit().is_some() && self.turn.try_lock().is_err()
    }

    /// How long the log of the last window stays full: until then nothing is let through.
    #[must_use]
    pub fn full_for(&self) -> Duration {
        self.users.full_for(Instant::now())
    }

    /// Requests per second that a class may send over a long run; `None` for no limit.
    #[must_use]
    pub fn allowed_per_second(&self, class: RateClass) -> Option<f64> {
        let lower = self.lower.iter().find(|(lower, ..)| *lower == class);
        let limits = [self.users.limit(), lower.and_then(|(.., throttle)| throttle.limit())];
        limits.into_iter().flatten().map(Limit::per_second).min_by(f64::total_cmp)
    }

    /// Waits until a throttle lets one through; looks again after every wait, since the
    /// server may meanwhile have asked for quiet, or for longer.
    async fn take<'a>(&'a self, throttle: &'a Throttle, heed_cool_down: bool) -> Token<'a> {
        loop {
            let now = Instant::now();
            let closed = *self.closed_until.borrow();
            let (until, counter) = match closed {
                Some(until) if heed_cool_down && until > now => (until, &self.waits.cool_down_ms),
                _ => match throttle.try_take(now) {
                    Ok(token) => return token,
                    Err(Wait::Until(until)) => (until, &self.waits.limit_ms),
                    Err(Wait::Closed(wait)) => (now + wait, &self.waits.cool_down_ms),
                    Err(Wait::Reply) => {
                        throttle.reply().await;
                        continue;
                    }
                },
            };
            tokio::time::sleep_until(until).await;
            add(counter, until - now);
        }
    }
}

fn add(counter: &AtomicU64, wait: Duration) {
    counter.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
