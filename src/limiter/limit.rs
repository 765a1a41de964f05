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

    /// One of so many equal parts of it; `None` where that is less than one request.
    #[must_use]
    pub fn part(self, parts: NonZeroU32) -> Option<Self> {
        let requests = self.requests / parts;
        (requests > 0).then_some(Self { requests, ..self })
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

    /// What is taken of it when the server has refused although it was kept: others use it as
    /// well, so a little less than went through in the last window, but never less than a tenth.
    #[must_use]
    pub fn yielding(self, went_through: u32) -> u32 {
        (went_through.min(self.requests).saturating_mul(9) / 10).max(self.requests / 10).max(1)
    }

    /// What is taken of it some time after it was only so much: in each window a hundredth more is
    /// tried, so that what becomes free is found again. `None` when that is all of it.
    #[must_use]
    pub fn regained(self, left: u32, since: Duration) -> Option<Self> {
        let windows = since.as_secs_f64() / self.window.as_secs_f64();
        let step = (f64::from(self.requests) / 100.0).max(1.0);
        let requests = f64::from(left) + windows * step;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the limit"
        )]
        let regained = || Self { requests: (requests as u32).max(1), ..self };
        (requests < f64::from(self.requests)).then(regained)
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
            Ok(_) => Err("neither number can be 0".to_owned()),
            Err(error) => Err(format!("{HOW} ({error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_yielded_is_tried_again_bit_by_bit() {
        let limit = Limit { requests: 500, window: Duration::from_secs(60) };
        assert_eq!((limit.yielding(300), limit.yielding(155)), (270, 139));
        assert_eq!(limit.yielding(10), 50, "never less than a tenth");
        let regained = |windows: u64| {
            limit.regained(270, Duration::from_secs(60 * windows)).map(|limit| limit.requests)
        };
        assert_eq!((regained(0), regained(1), regained(45)), (Some(270), Some(275), Some(495)));
        assert_eq!(regained(46), None);
        let one = Limit { requests: 1, window: Duration::from_secs(1) };
        assert_eq!((one.yielding(1), one.regained(1, Duration::ZERO)), (1, None));
    }

    #[test]
    fn limits_are_written_as_requests_and_window() {
        for (text, requests, seconds) in
            [("200/60s", 200, 60), ("10/s", 10, 1), ("500/1m", 500, 60), ("1/31d", 1, 2_678_400)]
        {
            let expected = Limit { requests, window: Duration::from_secs(seconds) };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in ["200", "0/1s", "a/1s", "1/0s", "1/600y", "1/32d", "1/x", "-1/s", ""] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
