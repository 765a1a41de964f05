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
        let (requests, window) = text.split_once('/').ok_or_else(|| {
            "write `documented`, `off`, or requests/window such as 500/60s".to_owned()
        })?;
        let requests = match requests.parse() {
            Ok(0) | Err(_) => {
                return Err(format!("`{requests}` is no number of requests from 1 on"));
            }
            Ok(requests) => requests,
        };
        let one = if window.starts_with(|c: char| c.is_ascii_alphabetic()) { "1" } else { "" };
        let window = humantime::parse_duration(&format!("{one}{window}"))
            .map_err(|error| format!("`{window}` is no window such as 60s or 1m: {error}"))?;
        if window.is_zero() {
            return Err("the window is zero".to_owned());
        }
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
        Some(self.closed_until - now)
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
    /// is refused. Every class counts in user management as a whole, too. A refused request is
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
        let counted = &classes[..if class == RateClass::Users { 1 } else { 2 }];
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
mod tests {
    use super::*;

    const PATH: &str = "/v1/mgmt/user/update/phone";

    fn limiter(limit: &str, window: RateWindow, buckets: RateBuckets) -> Limiter {
        Limiter::new(limit.parse().unwrap(), window, buckets)
    }

    fn milliseconds(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Sends at each time, and gathers the answers.
    fn send(limiter: &mut Limiter, class: RateClass, times: &[u64]) -> Vec<Result<(), u64>> {
        times.iter().map(|ms| limiter.arrive("P1", class, PATH, milliseconds(*ms))).collect()
    }

    #[test]
    fn limits_are_read_and_printed() {
        for (text, printed) in [
            ("off", "off"),
            ("documented", "documented"),
            ("10/1s", "10/1s"),
            ("500/1m", "500/60s"),
            ("500/60", "error"),
            ("7/s", "7/1s"),
            ("3/500ms", "3/0.5s"),
            ("0/1s", "error"),
            ("x/1s", "error"),
            ("5/0s", "error"),
            ("5/", "error"),
            ("lots", "error"),
        ] {
            let read = text.parse::<Limit>().map_or("error".to_owned(), |limit| limit.to_string());
            assert_eq!(read, printed, "{text}");
        }
    }

    #[test]
    fn a_sliding_window_holds_no_more_than_the_limit_and_exceeding_costs_a_window() {
        let mut limiter = limiter("2/1s", RateWindow::Sliding, RateBuckets::Project);
        let answers =
            send(&mut limiter, RateClass::Users, &[0, 900, 1000, 1800, 1801, 2799, 2800, 2801]);
        let closed = Err(1);
        assert_eq!(
            answers,
            [
                Ok(()),
                Ok(()),
                Ok(()),
                closed, // 900 and 1000 are in the window: closed until 2800
                closed,
                closed,
                Ok(()),
                Ok(()),
            ]
        );
    }

    #[test]
    fn a_fixed_window_starts_anew_at_each_multiple() {
        let mut limiter = limiter("2/1s", RateWindow::Fixed, RateBuckets::Project);
        let answers = send(&mut limiter, RateClass::Users, &[900, 950, 1000, 1001, 1002]);
        assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Ok(()), Err(1)]);
    }

    #[test]
    fn the_documented_limits_are_a_whole_and_its_parts() {
        for class in RateClass::ALL {
            let (requests, window) = class.documented_limit();
            let mut limiter = limiter("documented", RateWindow::Sliding, RateBuckets::Project);
            let times = vec![5; requests as usize];
            assert!(send(&mut limiter, class, &times).iter().all(Result::is_ok));
            assert_eq!(send(&mut limiter, class, &[5]), [Err(window.as_secs())]);
            // The part is refused; the whole goes on for as long as it has room.
            let whole = send(&mut limiter, RateClass::Users, &[6])[0];
            assert_eq!(whole.is_ok(), class != RateClass::Users, "{}", class.name());
        }
    }

    #[test]
    fn seconds_to_wait_are_rounded_up() {
        let mut limiter = limiter("1/60s", RateWindow::Sliding, RateBuckets::Project);
        let answers = send(&mut limiter, RateClass::Users, &[0, 1, 2, 59_002, 60_001]);
        assert_eq!(answers, [Ok(()), Err(60), Err(60), Err(1), Ok(())]);
    }

    #[test]
    fn projects_are_counted_apart_and_paths_if_asked() {
        let now = Duration::ZERO;
        let users = RateClass::Users;
        let mut one = limiter("1/1s", RateWindow::Sliding, RateBuckets::Project);
        assert!(one.arrive("P1", users, "/a", now).is_ok());
        assert!(one.arrive("P2", users, "/a", now).is_ok());
        assert!(one.arrive("P1", users, "/b", now).is_err());
        let mut each = limiter("1/1s", RateWindow::Sliding, RateBuckets::Path);
        assert!(each.arrive("P1", users, "/a", now).is_ok());
        assert!(each.arrive("P1", users, "/b", now).is_ok());
        assert!(each.arrive("P1", users, "/a", now).is_err());
    }

    #[test]
    fn idle_projects_are_forgotten() {
        let mut limiter = limiter("1/1s", RateWindow::Sliding, RateBuckets::Project);
        for n in 0..3 * PROJECTS as u64 {
            let project = format!("P{n}");
            let now = Duration::from_secs(2 * n);
            assert!(limiter.arrive(&project, RateClass::Users, PATH, now).is_ok());
        }
        assert!(limiter.projects.len() <= PROJECTS);
    }

    #[test]
    fn nothing_is_held_when_limits_are_off() {
        let mut limiter = limiter("off", RateWindow::Sliding, RateBuckets::Project);
        assert!(send(&mut limiter, RateClass::Users, &[0; 1000]).iter().all(Result::is_ok));
        assert!(limiter.projects.is_empty());
    }
}
