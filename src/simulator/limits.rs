//! Rate limits: how many requests a project may send, and for how long it is refused after.
//!
//! Pure: time is an argument, counted from any start that never goes back. Memory is bounded: no
//! more arrivals are held than the limit allows, for at most [`PROJECTS`] projects or as many as
//! were seen within one window. What is documented, and what is not, is section 8 of the API
//! reference.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::switches::{RateBuckets, RateWindow};
use crate::catalog::RateClass;

/// Projects that are remembered even when they are idle.
const PROJECTS: usize = 1000;

/// The rate limit of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// The documented limits, class by class.
    #[default]
    Documented,
    /// None.
    Off,
    /// So many requests in a window, for user management as a whole.
    Custom {
        /// At least 1.
        requests: u32,
        /// More than zero.
        window: Duration,
    },
}

impl Limit {
    /// What a class may send, or `None` if it is not limited.
    fn of(self, class: RateClass) -> Option<(u32, Duration)> {
        match self {
            Self::Documented => Some(class.documented_limit()),
            Self::Custom { requests, window } if class == RateClass::Users => {
                Some((requests, window))
            }
            Self::Off | Self::Custom { .. } => None,
        }
    }
}

/// `off`, `documented`, or `N/WINDOWs` with the window in seconds.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Documented => f.write_str("documented"),
            Self::Off => f.write_str("off"),
            Self::Custom { requests, window } => write!(f, "{requests}/{}s", window.as_secs_f64()),
        }
    }
}

/// `off`, `documented`, or `N/WINDOW`: `500/60s`, `500/1m`, `10/s`.
impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "documented" => return Ok(Self::Documented),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let crate::limiter::limit::Limit { requests, window } = text
            .parse()
            .map_err(|error| format!("write `documented`, `off`, or requests/window: {error}"))?;
        Ok(Self::Custom { requests, window })
    }
}

/// What was counted in a window.
enum Count {
    Sliding(VecDeque<Duration>),
    Fixed { window: u128, arrivals: u32 },
}

/// One count against one limit.
struct Bucket {
    count: Count,
    closed_until: Duration,
}

impl Bucket {
    fn new(shape: RateWindow) -> Self {
        let count = match shape {
            RateWindow::Sliding => Count::Sliding(VecDeque::new()),
            RateWindow::Fixed => Count::Fixed { window: 0, arrivals: 0 },
        };
        Self { count, closed_until: Duration::ZERO }
    }

    /// Forgets what has left the window, and says how many arrivals are in it.
    fn held(&mut self, now: Duration, window: Duration) -> usize {
        match &mut self.count {
            Count::Sliding(arrivals) => {
                while arrivals.front().is_some_and(|at| *at + window <= now) {
                    arrivals.pop_front();
                }
                arrivals.len()
            }
            Count::Fixed { window: current, arrivals } => {
                let this = now.as_nanos() / window.as_nanos();
                if *current != this {
                    (*current, *arrivals) = (this, 0);
                }
                *arrivals as usize
            }
        }
    }

    /// How long the next request has to wait, if it does; exceeding the limit closes the bucket.
    fn wait(&mut self, now: Duration, (requests, window): (u32, Duration)) -> Option<Duration> {
        if self.closed_until <= now {
            if self.held(now, window) < requests as usize {
                return None;
            }
            self.closed_until = now + window;
        }
        Some(self.closed_until.saturating_sub(now))
    }

    fn add(&mut self, now: Duration) {
        match &mut self.count {
            Count::Sliding(arrivals) => arrivals.push_back(now),
            Count::Fixed { arrivals, .. } => *arrivals += 1,
        }
    }

    fn idle(&mut self, now: Duration, window: Duration) -> bool {
        self.closed_until <= now && self.held(now, window) == 0
    }
}

/// Buckets of one project, by class and, if paths are counted by themselves, path.
type Buckets = HashMap<(RateClass, &'static str), Bucket>;

/// Counts requests against a limit.
pub(super) struct Limiter {
    limit: Limit,
    window: RateWindow,
    buckets: RateBuckets,
    projects: HashMap<String, Buckets>,
}

impl Limiter {
    /// A limiter that has seen nothing.
    pub(super) fn new(limit: Limit, window: RateWindow, buckets: RateBuckets) -> Self {
        Self { limit, window, buckets, projects: HashMap::new() }
    }

    /// Counts a request that arrives now, or says for how many seconds, rounded up, the project
    /// is refused. Every class of users counts in user management as a whole, too. A refused request is
    /// counted nowhere and does not prolong the refusal.
    pub(super) fn arrive(
        &mut self,
        project: &str,
        class: RateClass,
        path: &'static str,
        now: Duration,
    ) -> Result<(), u64> {
        if self.limit == Limit::Off {
            return Ok(());
        }
        self.forget_idle(now);
        if !self.projects.contains_key(project) {
            self.projects.insert(project.to_owned(), Buckets::new());
        }
        let Some(buckets) = self.projects.get_mut(project) else {
            return Ok(());
        };
        let path = match self.buckets {
            RateBuckets::Project => "",
            RateBuckets::Path => path,
        };
        let classes = [Some(RateClass::Users), Some(class)];
        let counted = match class {
            RateClass::Users => &classes[..1],
            _ if class.is_of_users() => &classes[..],
            _ => &classes[1..],
        };
        let mut longest: Option<Duration> = None;
        for class in counted.iter().flatten() {
            if let Some(limit) = self.limit.of(*class) {
                let bucket =
                    buckets.entry((*class, path)).or_insert_with(|| Bucket::new(self.window));
                longest = longest.max(bucket.wait(now, limit));
            }
        }
        if let Some(wait) = longest {
            return Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        }
        for class in counted.iter().flatten() {
            if let Some(bucket) = buckets.get_mut(&(*class, path)) {
                bucket.add(now);
            }
        }
        Ok(())
    }

    fn forget_idle(&mut self, now: Duration) {
        if self.projects.len() < PROJECTS {
            return;
        }
        let limit = self.limit;
        self.projects.retain(|_, buckets| {
            buckets.retain(|(class, _), bucket| {
                limit.of(*class).is_some_and(|(_, window)| !bucket.idle(now, window))
            });
            !buckets.is_empty()
        });
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
