//! Custom attributes in cells: their type, which text alone does not tell.
//!
//! An attribute has one type in its project, and so has its column, if all its cells agree.

use std::borrow::Cow;

use super::boolean::boolean;
use super::cleaned::{Cleaned, refuse};
use super::{json, wrapping};
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
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
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
pub(super) fn of_cell(text: &str, wanted: AttributeType) -> Option<Result<Cleaned<'_>, Issue>> {
    let value = match wanted {
        AttributeType::Text => return None,
        AttributeType::AsWritten => return json::of_cell(text).map(|value| value.map(Into::into)),
        AttributeType::Mixed => {
            let value = json::of_cell(text).unwrap_or_else(|| Ok(Value::Text(text.into())));
            return Some(value.map(|value| Cleaned { warning: Some(mixed()), ..value.into() }));
        }
        AttributeType::Boolean => boolean(text),
        AttributeType::Number => match number(text) {
            Some(number) => Ok(Value::Json(number)),
            None => refuse("expected a number", "write digits, with a point before decimals"),
        },
        AttributeType::Json => json::without_null(text),
    };
    Some(value.map(Into::into))
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
