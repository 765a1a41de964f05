//! Cells as people see them.
//!
//! A workbook keeps numbers as floats and dates as days since an epoch. Here they become the
//! text that stands for the same thing: whole numbers without a fraction, never in scientific
//! notation, dates in the order year, month, day. What cannot be told for certain is a bad cell.

use calamine::ExcelDateTime;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SheetCell {
    /// Text, or nothing.
    Text(String),
    /// Something that must not be sent.
    Bad(Bad),
}

/// Why a cell cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) shown: String,
    pub(super) code: &'static str,
    pub(super) what: String,
    pub(super) hint: &'static str,
}

/// From here on, neighbouring whole numbers are the same float.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The first day that no spreadsheet has: 10000-01-01.
const LAST_DAY: f64 = 2_958_466.0;

/// How much of what a cell holds is put into a message.
const SHOWN: usize = 40;

const SECONDS: f64 = 86_400.0;

impl SheetCell {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// Its text, unless something is wrong with it.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bad(_) => None,
        }
    }

    /// The bytes of its text.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Bad(Bad { shown: text, .. }) => text.len(),
        }
    }

    /// A cell whose formula has failed.
    pub(super) fn error(shown: String) -> Self {
        let short: String = shown.chars().take(SHOWN).collect();
        let what = if short.is_empty() { "an error".to_owned() } else { short };
        Self::Bad(Bad {
            shown,
            code: "cell_error",
            what: format!("holds {what}, the error of a formula"),
            hint: "fix the formula, or replace it with its value",
        })
    }

    /// A cell with a formula whose value was not saved.
    pub(super) fn unsaved() -> Self {
        Self::Bad(Bad {
            shown: String::new(),
            code: "cell_error",
            what: "holds a formula whose value was not saved".to_owned(),
            hint: "open the workbook in a spreadsheet and save it, or replace the formula with its value",
        })
    }

    /// A cell whose text is longer than a row may be.
    pub(super) fn too_long(shown: String) -> Self {
        Self::Bad(Bad {
            shown,
            code: "record_too_long",
            what: "is longer than 1 MiB".to_owned(),
            hint: "shorten it",
        })
    }

    pub(super) fn boolean(value: bool) -> Self {
        Self::Text(if value { "true" } else { "false" }.to_owned())
    }

    pub(super) fn number(value: f64) -> Self {
        if !value.is_finite() {
            return Self::error(value.to_string());
        }
        if value.abs() >= EXACT_BELOW {
            return Self::Bad(Bad {
                shown: value.to_string(),
                code: "rounded_number",
                what: "holds a number so long that the spreadsheet has rounded it".to_owned(),
                hint: "format the column as text and enter the number again from its source",
            });
        }
        // Zero has no sign that anyone sees.
        Self::Text(if value == 0.0 { "0".to_owned() } else { value.to_string() })
    }

    pub(super) fn date(value: &ExcelDateTime) -> Self {
        let days = value.as_f64();
        if !(0.0..LAST_DAY).contains(&days) {
            return Self::Bad(Bad {
                shown: days.to_string(),
                code: "cell_error",
                what: format!("is formatted as a date, but holds {days}, which is not a date"),
                hint: "change its format, or its value",
            });
        }
        let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
        let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
        let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
        Self::Text(if value.is_duration() {
            elapsed(days)
        } else if days < 1.0 {
            time
        } else if (hour, minute, second, milli) == (0, 0, 0, 0) {
            format!("{year:04}-{month:02}-{day:02}")
        } else {
            format!("{year:04}-{month:02}-{day:02}T{time}")
        })
    }
}

/// Hours, which may be more than a day's, minutes and seconds.
fn elapsed(days: f64) -> String {
    // Within the bounds of dates, so this is exact and never negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let seconds = (days * SECONDS).round() as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    fn text(cell: SheetCell) -> Option<String> {
        match cell {
            SheetCell::Text(text) => Some(text),
            SheetCell::Bad(_) => None,
        }
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (value, expected) in [
            (447_911_123_456.0, Some("447911123456")),
            (1.0, Some("1")),
            (-0.0, Some("0")),
            (-7.5, Some("-7.5")),
            (0.1 + 0.2, Some("0.30000000000000004")),
            (1e15, Some("1000000000000000")),
            (1e-7, Some("0.0000001")),
            (9_007_199_254_740_991.0, Some("9007199254740991")),
            (9_007_199_254_740_992.0, None),
            (-1e300, None),
            (f64::NAN, None),
        ] {
            assert_eq!(text(SheetCell::number(value)).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn dates_are_in_iso_order() {
        for (value, kind, epoch, expected) in [
            (46_350.0, DateTime, false, Some("2026-11-24")),
            (46_350.437_5, DateTime, false, Some("2026-11-24T10:30:00")),
            (46_350.0 + 37_200.0 / SECONDS, DateTime, false, Some("2026-11-24T10:20:00")),
            (44_888.0, DateTime, true, Some("2026-11-24")),
            (0.5, DateTime, false, Some("12:00:00")),
            (1.5, TimeDelta, false, Some("36:00:00")),
            (-1.0, DateTime, false, None),
            (3e6, DateTime, false, None),
            (f64::NAN, DateTime, false, None),
        ] {
            let date = ExcelDateTime::new(value, kind, epoch);
            assert_eq!(text(SheetCell::date(&date)).as_deref(), expected, "{value}");
        }
    }
}
