//! Custom attributes in cells: their type, which text alone does not tell.
//!
//! An attribute has one type in its project, and so has its column, if all its cells agree.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::boolean::boolean;
use super::cleaned::{Cleaned, refuse};
use super::list::{self, ListSeparator};
use super::{day, json, wrapping};
use crate::change::Value;
use crate::issue::Issue;

/// The code of the warning that the cells of a column are of several types.
pub const MIXED_TYPES: &str = "mixed_types";

/// The type of the values of a custom attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum AttributeType {
    /// What each value is written as.
    #[default]
    #[value(skip)]
    AsWritten,
    /// The same, and the column holds several.
    #[value(skip)]
    Mixed,
    /// Text, whatever it looks like.
    #[value(alias = "string")]
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// One of some options.
    #[value(name = "singleselect")]
    SingleSelect,
    /// Several of some options.
    #[value(name = "multiselect")]
    MultiSelect,
    /// Days, `2026-05-31`, or times by RFC 3339.
    Date,
    /// Days of any year, `05-31`.
    #[value(name = "monthday")]
    MonthDay,
    /// Any JSON.
    Json,
}

impl AttributeType {
    /// The types that an attribute can have in a project; the first has the number 1 there (API
    /// reference, 3.7).
    pub const OF_PROJECTS: [Self; 7] = [
        Self::Text,
        Self::Number,
        Self::Boolean,
        Self::SingleSelect,
        Self::MultiSelect,
        Self::Date,
        Self::MonthDay,
    ];

    /// The word by which it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Mixed => "mixed",
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::SingleSelect => "singleselect",
            Self::MultiSelect => "multiselect",
            Self::Date => "date",
            Self::MonthDay => "monthday",
            Self::Json => "json",
        }
    }

    /// Whether values of it are sent as text.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::SingleSelect | Self::Date | Self::MonthDay)
    }
}

/// How many cells of a column are written as what.
#[derive(Clone, Copy, Debug, Default)]
pub struct TypeCounts {
    booleans: u64,
    numbers: u64,
    /// Digits that are no number: with a zero in front, or too long for one.
    codes: u64,
    json: u64,
    texts: u64,
}

impl TypeCounts {
    /// Counts a cell that is not blank.
    pub fn count(&mut self, cell: &str) {
        let unwrapped = wrapping::unwrapped(cell).ok().flatten();
        let text = unwrapped.as_ref().map_or(cell, |(text, _)| text).trim();
        let of_type = match text.as_bytes().first() {
            Some(b'{' | b'[' | b'"') if json::is_json(text) => &mut self.json,
            _ if truth(text).is_some() => &mut self.booleans,
            _ if number(text).is_some() => &mut self.numbers,
            _ if text.bytes().all(|byte| byte.is_ascii_digit()) => &mut self.codes,
            _ => &mut self.texts,
        };
        *of_type += 1;
    }

    /// The type that all cells have.
    #[must_use]
    pub fn shown(&self) -> AttributeType {
        let Self { booleans, numbers, codes, json, texts } = *self;
        match (booleans > 0, numbers > 0, codes > 0, json > 0, texts > 0) {
            (true, false, false, false, false) => AttributeType::Boolean,
            (false, true, false, false, false) => AttributeType::Number,
            // Digits are text where some of them can be nothing else.
            (false, _, true, false, false) | (false, false, false, false, true) => {
                AttributeType::Text
            }
            (false, false, false, _, false) => AttributeType::AsWritten,
            _ => AttributeType::Mixed,
        }
    }
}

/// The value of a cell, which has nothing around it, of an attribute of a type. `None` where it is
/// text.
pub(super) fn of_cell(
    text: &str,
    wanted: AttributeType,
    separator: ListSeparator,
) -> Option<Result<Cleaned<'_>, Issue>> {
    let value = match wanted {
        // Texts that look like something else are exported as JSON.
        wanted if wanted.is_text() && text.starts_with('"') && json::is_json(text) => {
            json::text_of(text).and_then(|text| of_json_text(text, wanted))
        }
        AttributeType::Text | AttributeType::SingleSelect => return None,
        AttributeType::Date | AttributeType::MonthDay => {
            return day_of(text, wanted).err().map(Err);
        }
        AttributeType::MultiSelect => return Some(options_of_cell(text, separator)),
        AttributeType::AsWritten => return json::of_cell(text).map(|value| value.map(Into::into)),
        AttributeType::Mixed => {
            let value = json::of_cell(text).unwrap_or_else(|| Ok(Value::Text(text.into())));
            return Some(value.map(|value| Cleaned { warning: Some(mixed()), ..value.into() }));
        }
        AttributeType::Boolean => boolean(text),
        AttributeType::Number => match number(text) {
            Some(number) => Ok(Value::Json(number)),
            None => refuse(EXPECTED_NUMBER, "write digits, with a point before decimals"),
        },
        AttributeType::Json => json::without_null(text),
    };
    Some(value.map(Into::into))
}

const EXPECTED_NUMBER: &str = "expected a number";

/// The value of a JSON key, of an attribute of a type. `None` where it is sent as it is written.
pub(super) fn of_json(raw: &RawValue, wanted: AttributeType) -> Option<Result<Value<'_>, Issue>> {
    let json = raw.get();
    match wanted {
        AttributeType::AsWritten | AttributeType::Mixed | AttributeType::Json => return None,
        AttributeType::Text
        | AttributeType::Number
        | AttributeType::Boolean
        | AttributeType::SingleSelect
        | AttributeType::MultiSelect
        | AttributeType::Date
        | AttributeType::MonthDay => {}
    }
    Some(match json.as_bytes().first() {
        Some(b'"') => json::text_of(json).and_then(|text| of_json_text(text, wanted)),
        Some(b't' | b'f') if wanted == AttributeType::Boolean => Ok(Value::Boolean(json == "true")),
        Some(b'-' | b'0'..=b'9') if wanted == AttributeType::Number => Ok(Value::Json(json.into())),
        Some(b'[') if wanted == AttributeType::MultiSelect => options_of_json(json),
        _ => match wanted {
            AttributeType::Number => refuse(EXPECTED_NUMBER, "write a number"),
            AttributeType::Boolean => refuse("expected true or false", "write true or false"),
            AttributeType::MultiSelect => refuse("expected a list of texts", r#"write ["a","b"]"#),
            _ => refuse("expected text", "put it in quotes"),
        },
    })
}

/// A text of a JSON row: what can be nothing but a value of the type is one. The empty text removes
/// the attribute.
fn of_json_text<'a>(text: String, wanted: AttributeType) -> Result<Value<'a>, Issue> {
    if text.is_empty() {
        return Ok(Value::Text(text.into()));
    }
    match wanted {
        AttributeType::Number => match number(text.trim()) {
            Some(number) => Ok(Value::Json(number.into_owned().into())),
            None => refuse(EXPECTED_NUMBER, "write a number, without quotes"),
        },
        AttributeType::Boolean => match truth(text.trim()) {
            Some(truth) => Ok(Value::Boolean(truth)),
            None => refuse("expected true or false", "write true or false, without quotes"),
        },
        AttributeType::MultiSelect => Ok(Value::Json(serde_json::json!([text]).to_string().into())),
        AttributeType::Date | AttributeType::MonthDay => {
            day_of(&text, wanted).map(|()| Value::Text(text.into()))
        }
        _ => Ok(Value::Text(text.into())),
    }
}

/// Refuses a text that is no date, or no day of a year.
fn day_of(text: &str, wanted: AttributeType) -> Result<(), Issue> {
    match wanted {
        AttributeType::MonthDay if !day::is_month_day(text) => refuse(
            "expected a month and a day",
            "write MM-DD, such as 05-31; to send the text as it is, use --attribute NAME=text",
        ),
        AttributeType::Date if day::is_ambiguous(text) => refuse(
            "expected a date, and this can be read as two: which number is the month?",
            "write YYYY-MM-DD, such as 2026-05-31",
        ),
        AttributeType::Date if !day::is_date(text) => refuse(
            "expected a date",
            "write YYYY-MM-DD, such as 2026-05-31, or a time by RFC 3339; to send the text as it is, use --attribute NAME=text",
        ),
        _ => Ok(()),
    }
}

/// Options in a cell: `a;b`, or a JSON list.
fn options_of_cell(text: &str, separator: ListSeparator) -> Result<Cleaned<'_>, Issue> {
    let Cleaned { value, repairs, warning } = list::of_cell(text, separator)?;
    let warning = warning.or_else(|| list::suspicion(text, separator).map(Box::new));
    Ok(Cleaned { value: as_json(&value), repairs, warning })
}

fn options_of_json<'a>(json: &str) -> Result<Value<'a>, Issue> {
    list::of_json(json).map(|cleaned| as_json(&cleaned.value))
}

/// A list as any JSON value is kept.
fn as_json<'a>(list: &Value<'_>) -> Value<'a> {
    let mut json = Vec::new();
    list.write_json(&mut json);
    Value::Json(String::from_utf8_lossy(&json).into_owned().into())
}

fn mixed() -> Box<Issue> {
    let message = "the column holds values of several types: text, numbers, or true and false";
    let hint = "state the type of the attribute, such as --attribute NAME=text; to send each value as it is written, use --allow mixed_types";
    Box::new(Issue::warning(MIXED_TYPES, message).hint(hint))
}

/// `true` and `false` in any case, as spreadsheets write them.
fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal number as JSON, without zeros behind its decimals: spreadsheets pad amounts. Not what
/// a number would not give back: a zero in front, an exponent, more digits than are exact.
fn number(text: &str) -> Option<Cow<'_, str>> {
    const EXACT_DIGITS: usize = 15;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = whole == "0" || !whole.starts_with('0');
    let short = digits.len() <= EXACT_DIGITS;
    if !all_digits(whole) || !all_digits(decimals) || !plain || !short {
        return None;
    }
    if !digits.contains('.') {
        return Some(text.into());
    }
    Some(text.trim_end_matches('0').trim_end_matches('.').into())
}
