//! Whole numbers, and times that are sent as one.

use jiff::Timestamp;

use super::cleaned::{Cleaned, refuse};
use crate::change::Value;
use crate::issue::Issue;

/// A whole number, as a cell or as JSON.
pub(super) fn integer<'a>(text: &str) -> Result<Cleaned<'a>, Issue> {
    match text.parse::<i64>() {
        Ok(number) => Ok(Value::Json(number.to_string().into()).into()),
        Err(_) => refuse("expected a whole number", "write digits alone, such as 42"),
    }
}

/// The last second of the year 2286, the last that has ten digits: what is more is no time in
/// seconds but in milliseconds.
const LATEST: i64 = 9_999_999_999;

const HOW: &str = "write seconds since 1970, such as 1714557600, or 2024-05-01T10:00:00Z";

/// A time: seconds since 1970, or as RFC 3339 with its offset from UTC.
pub(super) fn time<'a>(text: &str) -> Result<Cleaned<'a>, Issue> {
    let seconds = match (text.parse::<i64>(), text.parse::<Timestamp>()) {
        (Ok(seconds), _) => seconds,
        (_, Ok(time)) => time.as_second(),
        _ => return refuse("expected a time", HOW),
    };
    if seconds > LATEST {
        return refuse("the time is not in seconds; it looks like milliseconds", HOW);
    }
    if seconds <= 0 {
        return refuse("the time is before 1970", HOW);
    }
    Ok(Value::Json(seconds.to_string().into()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(read: Result<Cleaned<'_>, Issue>) -> Option<String> {
        match read.ok()?.value {
            Value::Json(json) => Some(json.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn times_are_seconds_or_say_their_offset() {
        for (text, seconds) in [
            ("1714557600", Some("1714557600")),
            ("2024-05-01T10:00:00Z", Some("1714557600")),
            ("2024-05-01T12:00:00.500+02:00", Some("1714557600")),
            ("2024-05-01T10:00:00", None),
            ("2024-05-01", None),
            ("1714557600000", None),
            ("-5", None),
            ("0", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(taken(time(text)).as_deref(), seconds, "{text}");
        }
    }

    #[test]
    fn a_number_is_whole() {
        for (text, number) in [
            ("42", Some("42")),
            ("-1", Some("-1")),
            ("007", Some("7")),
            ("1.0", None),
            ("1e3", None),
        ] {
            assert_eq!(taken(integer(text)).as_deref(), number, "{text}");
        }
    }
}
