//! The gate: the one place that every request passes, first tries, retries and reads alike.
//!
//! A request waits for a slot, then its turn (first come, first served), then until nobody holds it
//! back, then the end of a cool-down, then the rate. What is let through holds a [`Pass`] until the reply is in.
//!
//! How many may go is one pure [`state`], kept in memory or in a file for all processes of the
//! host. For several hosts, a server keeps the same state by the same rules ([`remote`]).

mod hold;
mod hours;
mod keeper;
mod leave;
pub mod limit;
mod remote;
mod shared;
mod state;
mod throttle;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::Instant;

use crate::catalog::RateClass;
use crate::limiter::limit::Limit;
use hold::Hold;
pub use hours::{Hours, SendingHours};
pub use keeper::OwnShare;
use keeper::{Here, HostKeeper, Keeper, TakenRequest};
pub use leave::{Leave, LeaveMoment};
pub use remote::{RemoteAddress, RemoteBudget};
pub use shared::SharedBudget;
pub use state::BudgetUsage;
pub use throttle::{Held, Intervention, Steering, Throttle};

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
    users: Class,
    lower: Vec<Class>,
    keeper: Keeper,
    throttle: Throttle,
    closed_until: watch::Sender<Option<Instant>>,
    /// Until when the window of all requests was full, when it was last asked.
    full_until: watch::Sender<Option<Instant>>,
    waits: Waits,
    /// Refusals for the rate since something was let through.
    refusals: AtomicU32,
}

/// Requests that count together.
#[derive(Debug)]
struct Class {
    rate: RateClass,
    limit: Option<Limit>,
    /// First come, first served; held while waiting for the cool-down and the rate.
    turn: Mutex<()>,
    /// Whether requests are spaced; not those of a job that fits into one window.
    is_paced: AtomicBool,
    /// A reply is in.
    freed: Notify,
}

impl Class {
    fn new(class: RateClass, limit: Option<Limit>) -> Self {
        let (turn, freed) = Default::default();
        Self { rate: class, limit, turn, is_paced: AtomicBool::new(true), freed }
    }
}

/// Leave to send one request; to be held until its reply is in.
#[derive(Debug)]
pub struct Pass<'a> {
    _users: Option<Token<'a>>,
    _lower: Option<Token<'a>>,
    _slot: SemaphorePermit<'a>,
}

/// Counts against a limit from now until a window after it is dropped.
#[derive(Debug)]
struct Token<'a> {
    keeper: &'a Keeper,
    class: &'a Class,
    taken: TakenRequest,
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        self.keeper.reply(self.class.rate.name(), self.taken);
        self.class.freed.notify_one();
    }
}

impl Gate {
    /// A gate with so many slots for requests at a time, which keeps the rates by itself.
    #[must_use]
    pub fn new(slots: usize, rates: &Rates) -> Self {
        let lower = |(class, limit): &(RateClass, Limit)| Class::new(*class, Some(*limit));
        Self {
            slots,
            free: Semaphore::new(slots),
            users: Class::new(RateClass::Users, rates.users),
            lower: rates.lower.iter().map(lower).collect(),
            keeper: Keeper::Host(HostKeeper::Here(Here::new())),
            throttle: Throttle::default(),
            closed_until: watch::Sender::new(None),
            full_until: watch::Sender::new(None),
            waits: Waits::default(),
            refusals: AtomicU32::new(0),
        }
    }

    /// The same, with the rates kept together with other processes.
    #[must_use]
    pub fn sharing(self, budget: SharedBudget) -> Self {
        Self { keeper: Keeper::Host(HostKeeper::Shared(budget)), ..self }
    }

    /// The same, with the rates kept together with processes of other hosts. While the server that
    /// keeps them is lost, nothing is sent, or what this host's share allows.
    #[must_use]
    pub fn sharing_with_hosts(self, budget: RemoteBudget, share: Option<OwnShare>) -> Self {
        Self { keeper: Keeper::Remote(budget, share), ..self }
    }

    /// Waits until other processes see all that was sent. Nothing more may be sent.
    pub async fn end(&self) {
        self.keeper.end().await;
    }

    /// The same, heeding what holds requests back besides.
    #[must_use]
    pub fn heeding(self, throttle: Throttle) -> Self {
        Self { throttle, ..self }
    }

    /// What holds requests back besides the limits.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
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
        let own = self.lower(class);
        if let (false, Some(own)) = (class.is_of_users(), own) {
            let _turn = own.turn.lock().await;
            let own = self.take(own, true).await;
            return Pass { _users: None, _lower: own, _slot: slot };
        }
        let lower = match own {
            Some(lower) => {
                let _turn = lower.turn.lock().await;
                self.take(lower, false).await
            }
            None => None,
        };
        let _turn = self.users.turn.lock().await;
        let users = self.take(&self.users, true).await;
        Pass { _users: users, _lower: lower, _slot: slot }
    }

    /// Says how many requests the whole job takes, once that is known; retries come on top. A job
    /// that fits into one window goes out at once.
    pub fn whole_job(&self, requests: u64) {
        for class in self.lower.iter().chain([&self.users]) {
            if class.limit.is_some_and(|limit| requests <= u64::from(limit.requests)) {
                class.is_paced.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Closes the gate for everyone. A shorter closure never shortens a longer one.
    pub fn close_for(&self, wait: Duration) -> Duration {
        let wait = wait.max(self.least_wait());
        if let (Some(limit), true) = (self.users.limit, self.cool_down().is_zero()) {
            // Later refusals of requests that were on the wire tell nothing new.
            self.keeper.yields(RateClass::Users.name(), limit);
        }
        self.keeper.close_for(wait);
        self.closed_for(wait);
        self.users.is_paced.store(true, Ordering::Relaxed);
        wait
    }

    /// The shortest pause after a refusal: none the first time, then twice as long each time that
    /// nothing was let through in between. A server that asks for no pause at all would otherwise
    /// be asked without end.
    fn least_wait(&self) -> Duration {
        const MOST: u32 = 6;
        let refusals = if self.cool_down().is_zero() {
            self.refusals.fetch_add(1, Ordering::Relaxed)
        } else {
            // Those that were on the wire.
            self.refusals.load(Ordering::Relaxed).saturating_sub(1)
        };
        match refusals.min(MOST) {
            0 => Duration::ZERO,
            times => Duration::from_secs(1 << (times - 1)),
        }
    }

    /// An answer has come: one that is no refusal for the rate ends a row of them.
    pub fn answered(&self, status: Option<u16>) {
        const TOO_MANY: u16 = 429;
        if status != Some(TOO_MANY) {
            self.refusals.store(0, Ordering::Relaxed);
        }
    }

    /// How long the gate stays closed.
    #[must_use]
    pub fn cool_down(&self) -> Duration {
        left_until(&self.closed_until)
    }

    /// What has been waited for so far.
    #[must_use]
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Whether requests wait for the limit just now.
    #[must_use]
    pub fn is_at_limit(&self) -> bool {
        self.users.limit.is_some() && self.users.turn.try_lock().is_err()
    }

    /// How long the last window stays full: until then nothing is let through.
    #[must_use]
    pub fn full_for(&self) -> Duration {
        left_until(&self.full_until)
    }

    /// Requests per second that a class may send over a long run; `None` for no limit.
    #[must_use]
    pub fn allowed_per_second(&self, class: RateClass) -> Option<f64> {
        let users = self.users.limit.filter(|_| class.is_of_users());
        let limits = [users, self.lower(class).and_then(|lower| lower.limit)];
        let used = limits.into_iter().flatten().map(|limit| self.throttle.of(limit));
        used.map(Limit::per_second).min_by(f64::total_cmp)
    }

    fn lower(&self, class: RateClass) -> Option<&Class> {
        self.lower.iter().find(|lower| lower.rate == class)
    }

    fn closed_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        self.closed_until.send_if_modified(|closed| {
            let later = closed.is_none_or(|closed| until > closed);
            if later {
                *closed = Some(until);
            }
            later
        });
    }

    /// Waits until a class lets one through; looks again after every wait, since somebody may meanwhile
    /// hold requests back, and the server may have asked for quiet, or for longer. Nothing without a
    /// limit.
    async fn take<'a>(&'a self, class: &'a Class, heeds_cool_down: bool) -> Option<Token<'a>> {
        loop {
            self.throttle.opened().await;
            let cool_down = self.cool_down();
            if heeds_cool_down && !cool_down.is_zero() {
                self.wait(cool_down, &self.waits.cool_down_ms).await;
                continue;
            }
            let whole = class.limit?;
            let limit = self.throttle.of(whole);
            let is_paced = limit != whole || class.is_paced.load(Ordering::Relaxed);
            match self.keeper.take(class.rate.name(), limit, is_paced).await {
                Ok(taken) => return Some(Token { keeper: &self.keeper, class, taken }),
                Err(Hold::Closed(wait)) if heeds_cool_down => self.closed_for(wait),
                Err(Hold::Closed(wait)) => self.wait(wait, &self.waits.cool_down_ms).await,
                Err(Hold::Pace(wait)) => self.wait(wait, &self.waits.limit_ms).await,
                Err(Hold::Full(wait)) => {
                    class.is_paced.store(true, Ordering::Relaxed);
                    self.full(class, wait).await;
                }
            }
        }
    }

    /// Waits while the window of a class is full.
    async fn full(&self, class: &Class, wait: Option<Duration>) {
        let Some(wait) = wait else { return class.freed.notified().await };
        if class.rate == RateClass::Users {
            self.full_until.send_replace(Some(Instant::now() + wait));
        }
        self.wait(wait, &self.waits.limit_ms).await;
    }

    async fn wait(&self, wait: Duration, counter: &AtomicU64) {
        tokio::time::sleep(wait).await;
        counter.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

fn left_until(until: &watch::Sender<Option<Instant>>) -> Duration {
    until.borrow().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests;
