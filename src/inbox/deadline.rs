//! The next time that it is a time of day somewhere. Pure.

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan, ZonedDateTime};

/// The first moment after `now` at which a clock in its zone shows a time of day.
///
/// On a day whose clocks skip the time, it is as long after midnight as if they did not; on one that
/// has it twice, the first counts.
///
/// # Errors
///
/// At the end of the calendar.
pub(crate) fn next_time(now: &ZonedDateTime, time: Time) -> Result<ZonedDateTime, jiff::Error> {
    let on = |day: Date| now.time_zone().to_zoned_datetime(day.to_datetime(time));
    let today = on(now.date())?;
    if today > *now { Ok(today) } else { on(now.date().tomorrow()?) }
}

/// Whether a file that was taken at a moment is one for a deadline, and not for the one a day before.
pub(crate) fn is_for(taken: Timestamp, deadline: &ZonedDateTime) -> bool {
    let before = deadline.checked_sub(1.day()).map(|before| before.timestamp());
    before.map_or(true, |before| taken > before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_today_or_tomorrow_whatever_the_clocks_do() {
        for (now, time, expected) in [
            ("2026-11-27T22:00[Europe/Berlin]", (6, 0), "2026-11-28T06:00:00+01:00[Europe/Berlin]"),
            ("2026-11-28T00:30[Europe/Berlin]", (6, 0), "2026-11-28T06:00:00+01:00[Europe/Berlin]"),
            ("2026-11-28T06:00[Europe/Berlin]", (6, 0), "2026-11-29T06:00:00+01:00[Europe/Berlin]"),
            ("2026-12-31T23:59[UTC]", (0, 0), "2027-01-01T00:00:00+00:00[UTC]"),
            // Clocks go forward: 02:30 is never shown. The night is an hour shorter.
            ("2026-03-28T22:00[Europe/Berlin]", (6, 0), "2026-03-29T06:00:00+02:00[Europe/Berlin]"),
            (
                "2026-03-29T01:00[Europe/Berlin]",
                (2, 30),
                "2026-03-29T03:30:00+02:00[Europe/Berlin]",
            ),
            // Clocks go back: 02:30 is shown twice.
            (
                "2026-10-25T01:00[Europe/Berlin]",
                (2, 30),
                "2026-10-25T02:30:00+02:00[Europe/Berlin]",
            ),
            (
                "2026-10-25T02:10+01:00[Europe/Berlin]",
                (2, 30),
                "2026-10-26T02:30:00+01:00[Europe/Berlin]",
            ),
        ] {
            let now: ZonedDateTime = now.parse().unwrap();
            let time = Time::new(time.0, time.1, 0, 0).unwrap();
            assert_eq!(next_time(&now, time).unwrap().to_string(), expected, "{now} {time}");
        }
    }

    #[test]
    fn a_file_of_the_night_before_does_not_count() {
        let deadline: ZonedDateTime = "2026-11-28T06:00[UTC]".parse().unwrap();
        for (taken, expected) in [
            ("2026-11-28T02:00Z", true),
            ("2026-11-27T06:00:01Z", true),
            ("2026-11-27T06:00Z", false),
            ("2026-11-27T02:00Z", false),
        ] {
            assert_eq!(is_for(taken.parse().unwrap(), &deadline), expected, "{taken}");
        }
    }
}
