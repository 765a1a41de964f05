//! How long answers take.

use std::str::FromStr;
use std::time::Duration;

/// The time between a request's arrival and its answer: fixed, or anything in a range.
///
/// A request takes effect when it arrives; it is the answer that takes its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The least.
    pub least: Duration,
    /// The most; not below the least.
    pub most: Duration,
}

impl Latency {
    /// A latency, each in the range as likely as any other.
    pub(super) fn draw(self, random: &mut fastrand::Rng) -> Duration {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random.u64(nanoseconds(self.least)..=nanoseconds(self.most)))
    }
}

/// `TIME` or `MIN..MAX`: `50ms`, `10ms..2s`.
impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |time: &str| {
            humantime::parse_duration(time)
                .map_err(|error| format!("`{time}` is not a duration such as 50ms or 2s: {error}"))
        };
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (read(least)?, read(most)?),
            None => (read(text)?, read(text)?),
        };
        if most < least {
            return Err(format!("{text}: the range ends before it begins"));
        }
        Ok(Self { least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_a_time_or_a_range() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("50ms", Some((ms(50), ms(50)))),
            ("10ms..2s", Some((ms(10), ms(2000)))),
            ("0s", Some((ms(0), ms(0)))),
            ("2s..10ms", None),
            ("50", None),
            ("..", None),
        ] {
            let read = text.parse::<Latency>().ok();
            assert_eq!(read.map(|l| (l.least, l.most)), expected, "{text}");
        }
    }

    #[test]
    fn draws_stay_in_the_range() {
        let latency: Latency = "10ms..20ms".parse().unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..1000 {
            let drawn = latency.draw(&mut random);
            assert!(latency.least <= drawn && drawn <= latency.most);
        }
    }
}
