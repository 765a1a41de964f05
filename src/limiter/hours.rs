//! Hours of the day in which a run sends. Pure: the time is passed in.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::{Span, Timestamp, ZonedDateTime};

/// From one time of the day to another, which may be on the next day; written `22:00-06:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

/// Whether a run sends at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendingHours {
    /// It sends.
    Open,
    /// It does not; it does again then.
    Closed(Timestamp),
}

impl Hours {
    fn covers(self, time: Time) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    /// When they begin next, after a moment. A beginning that a change of the clock leaves out is as
    /// much later as the clock was put forward.
    fn next(self, now: &ZonedDateTime) -> Option<Timestamp> {
        let starts = (0..=2).filter_map(|days| {
            let date = now.date().checked_add(Span::new().days(days)).ok()?;
            date.to_datetime(self.from).to_zoned_datetime(now.time_zone().clone()).ok()
        });
        starts.map(|start| start.timestamp()).find(|start| *start > now.timestamp())
    }
}

impl SendingHours {
    /// What holds at a moment, by the clock of its time zone. Without hours it is always open.
    #[must_use]
    pub fn at(hours: &[Hours], now: &ZonedDateTime) -> Self {
        if hours.is_empty() || hours.iter().any(|own| own.covers(now.time())) {
            return Self::Open;
        }
        let next = hours.iter().filter_map(|own| own.next(now)).min();
        // Only at the end of all time is there no next day.
        Self::Closed(next.unwrap_or(Timestamp::MAX))
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const HOW: &str = "write it as HH:MM-HH:MM, such as 22:00-06:00";
        let (from, to) = text.split_once('-').ok_or(HOW)?;
        let (from, to) = (time(from).ok_or(HOW)?, time(to).ok_or(HOW)?);
        if from == to {
            return Err("the two times must differ".to_owned());
        }
        Ok(Self { from, to })
    }
}

/// A time of the day, to the minute; the end of the day is its beginning.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let fine = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fine.then(|| digits.parse::<i8>().ok()).flatten()
    };
    match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{}-{}", from.strftime("%H:%M"), to.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{self, TimeZone};

    /// Berlin's rules, without a database: `CET-1CEST,M3.5.0,M10.5.0/3`.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn at(text: &str) -> ZonedDateTime {
        let civil: jiff::civil::DateTime = text.parse().unwrap();
        civil.to_zoned_datetime(berlin()).unwrap()
    }

    fn hours(texts: &[&str]) -> Vec<Hours> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn hours_are_from_and_to() {
        for text in ["22:00-06:00", "00:00-05:30", "13:05-13:06"] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
        assert_eq!("18:00-24:00".parse::<Hours>().unwrap().to_string(), "18:00-00:00");
        for wrong in [
            "",
            "22:00",
            "22-06",
            "22:00-22:00",
            "25:00-06:00",
            "22:60-06:00",
            "2:00-06:00",
            "a-b",
            "-1:00-06:00",
            "22:00-06:00-07:00",
            "24:01-06:00",
            "00:00-24:00",
            "+2:00-06:00",
        ] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_is_open_from_the_first_minute_and_closed_from_the_last() {
        let night = hours(&["22:00-06:00"]);
        let open = |text| SendingHours::at(&night, &at(text)) == SendingHours::Open;
        assert!(
            open("2026-11-27T22:00") && open("2026-11-28T05:59:59") && open("2026-11-28T00:00")
        );
        assert!(!open("2026-11-27T21:59:59") && !open("2026-11-28T06:00"));
        assert_eq!(SendingHours::at(&[], &at("2026-11-27T12:00")), SendingHours::Open);
    }

    #[test]
    fn the_next_beginning_is_told() {
        for (given, now, next) in [
            (&["22:00-06:00"][..], "2026-11-27T12:00", "2026-11-27T22:00"),
            (&["22:00-06:00"], "2026-11-28T06:00", "2026-11-28T22:00"),
            (&["01:00-02:00"], "2026-11-27T12:00", "2026-11-28T01:00"),
            (&["01:00-02:00", "13:00-14:00"], "2026-11-27T12:00", "2026-11-27T13:00"),
            (&["01:00-02:00", "13:00-14:00"], "2026-12-31T14:00", "2027-01-01T01:00"),
        ] {
            let expected = SendingHours::Closed(at(next).timestamp());
            assert_eq!(SendingHours::at(&hours(given), &at(now)), expected, "{given:?} at {now}");
        }
    }

    #[test]
    fn the_clock_of_the_zone_counts_when_it_is_changed() {
        // On the last Sunday of March 02:00 becomes 03:00, and in October 03:00 becomes 02:00.
        let early = hours(&["02:30-04:00"]);
        let before = at("2026-03-29T01:59");
        let SendingHours::Closed(opens) = SendingHours::at(&early, &before) else { panic!() };
        assert!(opens.duration_since(before.timestamp()).as_secs() <= 31 * 60);
        assert_eq!(SendingHours::at(&early, &at("2026-03-29T03:00")), SendingHours::Open);
        let night = hours(&["22:00-06:00"]);
        let evening = at("2026-10-24T21:00").timestamp();
        let SendingHours::Closed(opens) = SendingHours::at(&night, &at("2026-10-24T21:00")) else {
            panic!()
        };
        assert_eq!(opens.duration_since(evening).as_secs(), 3600);
    }

    #[test]
    fn the_end_of_all_time_is_harmless() {
        let last = Timestamp::MAX.to_zoned_datetime(TimeZone::fixed(tz::offset(0)));
        let given = hours(&["20:00-20:01"]);
        assert!(matches!(SendingHours::at(&given, &last), SendingHours::Closed(_)));
    }
}
