//! JSON values: taken as they are, apart from `null` and line breaks.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::cleaned::refuse;
use crate::change::Value;
use crate::issue::Issue;

pub(super) fn text_of(json: &str) -> Result<String, Issue> {
    serde_json::from_str(json).or_else(|_| {
        refuse("the text holds half a character (a lone surrogate)", "write the whole character")
    })
}

/// JSON as it is, refused when a `null` is anywhere in it: what the server makes of one is not
/// documented, and it may remove a value.
pub(super) fn without_null(json: &str) -> Result<Value<'_>, Issue> {
    fn holds_null(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Null => true,
            serde_json::Value::Array(items) => items.iter().any(holds_null),
            serde_json::Value::Object(members) => members.values().any(holds_null),
            _ => false,
        }
    }
    match serde_json::from_str(json) {
        Ok(value) if holds_null(&value) => refuse(
            "null is never sent",
            "omit the key to keep the value, or write \"\" to remove it",
        ),
        Ok(_) => Ok(Value::Json(one_line(json))),
        Err(_) => refuse("expected JSON", "write JSON, such as {\"key\":\"value\"}"),
    }
}

/// JSON on one line; a value that spans lines must not break a line-based file or a log.
fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        // Line breaks stand only between tokens: inside a JSON text they are escaped.
        json.replace(['\n', '\r'], " ").into()
    } else {
        json.into()
    }
}

/// A cell for a field that takes any JSON: a number, `true`, `false`, a list, an object or
/// a quoted text is taken as what it is, anything else (`None`) is text. A number that JSON
/// would not give back digit by digit (`007`, `1e5`, 17 digits) is text.
pub(super) fn of_cell(text: &str) -> Option<Result<Value<'_>, Issue>> {
    let literal = match text.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => is_json(text),
        Some(b'-' | b'0'..=b'9') => is_plain_number(text),
        _ => matches!(text, "true" | "false"),
    };
    match text.as_bytes().first() {
        _ if !literal => None,
        Some(b'"') => Some(text_of(text).map(|text| Value::Text(text.into()))),
        Some(b'{' | b'[') => Some(without_null(text)),
        _ => Some(Ok(Value::Json(text.into()))),
    }
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Whether a number comes back from a JSON parser as it was written.
fn is_plain_number(text: &str) -> bool {
    const MAX_EXACT: u64 = 1 << 53;
    match text.parse::<i64>() {
        Ok(number) => number.unsigned_abs() <= MAX_EXACT && number.to_string() == text,
        Err(_) => {
            text.contains('.') && text.parse::<f64>().is_ok_and(|number| number.to_string() == text)
        }
    }
}
