//! Days and times, as they are written.
//!
//! What the API wants of a date is not documented beyond the word (API reference, 3.7), so a text is
//! only looked at, and never rewritten.

use jiff::Timestamp;
use jiff::civil::Date;

/// Whether a text is a day, `2026-05-31`, or a time by RFC 3339.
pub(super) fn is_date(text: &str) -> bool {
    match text.get(..DAY.len()).zip(text.get(DAY.len()..)) {
        Some((day, "")) => is_day(day),
        Some((day, time)) => is_day(day) && is_time(time) && text.parse::<Timestamp>().is_ok(),
        None => false,
    }
}

const DAY: &str = "0000-00-00";

/// Digits where the pattern has `0`, and else what the pattern has.
fn looks_like(text: &str, pattern: &str) -> bool {
    let same = |(own, wanted): (u8, u8)| match wanted {
        b'0' => own.is_ascii_digit(),
        _ => own == wanted,
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(same)
}

fn is_day(text: &str) -> bool {
    looks_like(text, DAY) && text.parse::<Date>().is_ok()
}

/// Whether what stands behind a day is a time by RFC 3339: with seconds, and an offset or `Z`.
fn is_time(text: &str) -> bool {
    const TIME: &str = "T00:00:00";
    let text = text.to_ascii_uppercase();
    let Some((time, rest)) = text.get(..TIME.len()).zip(text.get(TIME.len()..)) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        Some(part) => {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return false;
            }
            &part[digits..]
        }
        None => rest,
    };
    let offset = rest == "Z" || looks_like(rest, "+00:00") || looks_like(rest, "-00:00");
    looks_like(time, TIME) && offset
}

/// Whether a text is a date of which nobody can tell the month from the day: `01/02/2024`.
pub(super) fn is_ambiguous(text: &str) -> bool {
    let mut parts = text.split(['/', '.', '-']);
    let (Some(one), Some(other), Some(year), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let small = |part: &str| matches!(part.len(), 1 | 2) && matches!(part.parse(), Ok(1_u8..=12));
    let is_year = matches!(year.len(), 2 | 4) && year.bytes().all(|byte| byte.is_ascii_digit());
    small(one) && small(other) && is_year
}

/// Whether a text is a day of a year: `05-31`, `02-29`.
pub(super) fn is_month_day(text: &str) -> bool {
    // A leap year has every day.
    looks_like(text, "00-00") && format!("2024-{text}").parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_or_times_that_there_are() {
        for (text, expected) in [
            ("2024-05-31", true),
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("2024-13-01", false),
            ("2024-00-01", false),
            ("2024-5-31", false),
            ("20240531", false),
            ("2024/05/31", false),
            ("01/02/2024", false),
            ("2024-05-31T10:00:00Z", true),
            ("2024-05-31t10:00:00z", true),
            ("2024-05-31T10:00:00.123Z", true),
            ("2024-05-31T10:00:00.Z", false),
            ("2024-05-31T10:00:00+02:00", true),
            ("2024-05-31T10:00:00+0200", false),
            ("2024-05-31T10:00:00", false),
            ("2024-05-31T10:00Z", false),
            ("2024-05-31 10:00:00Z", false),
            ("2024-05-31T25:00:00Z", false),
            ("2024-05-31T10:00:00Z[Europe/Paris]", false),
            ("2024-05-3\u{661}", false),
            ("", false),
            ("today", false),
            ("1717142400", false),
        ] {
            assert_eq!(is_date(text), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_ambiguous_where_both_numbers_can_be_a_month() {
        for (text, expected) in [
            ("01/02/2024", true),
            ("1.2.24", true),
            ("12-12-2024", true),
            ("13/02/2024", false),
            ("02/13/2024", false),
            ("2024-01-02", false),
            ("01/02", false),
            ("0/1/2024", false),
        ] {
            assert_eq!(is_ambiguous(text), expected, "{text}");
        }
    }

    #[test]
    fn days_of_a_year_are_a_month_and_a_day() {
        for (text, expected) in [
            ("05-31", true),
            ("02-29", true),
            ("02-30", false),
            ("13-01", false),
            ("5-31", false),
            ("31-05", false),
            ("2024-05-31", false),
            ("05/31", false),
        ] {
            assert_eq!(is_month_day(text), expected, "{text}");
        }
    }
}
