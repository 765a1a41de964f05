//! A limit: so many requests in any such window. How it is written, and what follows from it.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many requests in any such window; written `N/WINDOW`, such as `200/60s` or `10/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests, at least 1.
    pub requests: u32,
    /// The window.
    pub window: Duration,
}

/// How many requests may follow each other at once while they are spaced: enough to make up
/// for a late wake-up, too few to be a burst. At most one in a hundred of the limit.
const PACED_BURST: u32 = 5;

/// The longest window of a limit.
const MAX_WINDOW: Duration = Duration::from_secs(31 * 24 * 60 * 60);

impl Limit {
    /// What we take of a server's limit: a share of it in percent, and never all of it, since
    /// reaching the limit costs a minute and one request is nothing.
    #[must_use]
    pub fn share(self, percent: u32) -> Self {
        let part = u64::from(self.requests) * u64::from(percent) / 100;
        let part = u32::try_from(part).unwrap_or(u32::MAX);
        Self { requests: part.min(self.requests - 1).max(1), ..self }
    }

    /// How requests follow each other evenly: one in this time, and so many back to back.
    #[must_use]
    pub fn spacing(self) -> (Duration, NonZeroU32) {
        let burst = (self.requests / 100).clamp(1, PACED_BURST);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // What a burst may add to a window's even share is taken off that share.
        let even = (self.requests + 1).saturating_sub(burst.get()).max(1);
        ((self.window / even).max(Duration::from_nanos(1)), burst)
    }

    /// Requests per second over a long run.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.requests) / self.window.as_secs_f64()
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const HOW: &str = "write it as N/WINDOW, such as 200/60s or 10/1s";
        let (requests, window) = text.split_once('/').ok_or(HOW)?;
        let requests: u32 = requests.trim().parse().map_err(|_| HOW)?;
        let window = window.trim();
        let window = if window.starts_with(|c: char| c.is_ascii_digit()) {
            humantime::parse_duration(window)
        } else {
            humantime::parse_duration(&format!("1{window}"))
        };
        match window {
            Ok(window) if window > MAX_WINDOW => {
                Err("a window may be 31 days long at most".to_owned())
            }
            Ok(window) if requests > 0 && !window.is_zero() => Ok(Self { requests, window }),
            Ok(_) => Err("neither number may be 0".to_owned()),
            Err(error) => Err(format!("{HOW} ({error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_requests_and_window() {
        for (text, requests, seconds) in
            [("200/60s", 200, 60), ("10/s", 10, 1), ("500/1m", 500, 60)]
        {
            let expected = Limit { requests, window: Duration::from_secs(seconds) };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in ["200", "0/1s", "a/1s", "1/0s", "1/600y", "1/32d", "1/x", "-1/s", ""] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
