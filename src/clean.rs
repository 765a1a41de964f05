//! Values: from what a cell or a JSON key holds to what the API takes, or why not.
//!
//! Pure, and strict where a guess could do harm: a phone number without its `+` or one
//! that a spreadsheet has rounded is refused, not repaired.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::catalog::Kind;

/// A value that the API takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// `true` or `false`.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
    /// Any other JSON value, as its text.
    Json(Cow<'a, str>),
}

impl Value<'_> {
    /// Whether it is the empty text, list or object: an explicit "nothing".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Json(json) => {
                let inner: String = json.split_whitespace().collect();
                matches!(inner.as_str(), "\"\"" | "[]" | "{}")
            }
            Self::Boolean(_) => false,
        }
    }

    /// Appends it as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Boolean(value) => {
                out.extend_from_slice(if *value { b"true" } else { b"false" });
            }
            Self::List(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    write_text(item, out);
                }
                out.push(b']');
            }
            Self::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text can always be written to memory");
}

/// Why a value is refused: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

fn complain<T>(message: impl Into<String>, hint: &'static str) -> Result<T, Complaint> {
    Err(Complaint { message: message.into(), hint })
}

/// The value of a cell that is not blank.
///
/// Blanks around it are dropped, except from secrets.
pub fn from_cell(kind: Kind, cell: &str) -> Result<Value<'_>, Complaint> {
    let trimmed = cell.trim();
    match kind {
        Kind::Secret => Ok(Value::Text(cell.into())),
        Kind::Text | Kind::Phone | Kind::Email | Kind::OneOf(_) => {
            text(kind, trimmed.into()).map(Value::Text)
        }
        Kind::Boolean => boolean(trimmed),
        Kind::List => list_of_cell(trimmed),
        Kind::Json => Ok(json_of_cell(trimmed)),
        Kind::JsonObject | Kind::JsonObjects => match serde_json::from_str::<&RawValue>(trimmed) {
            Ok(raw) => from_json(kind, raw),
            Err(_) => complain("it is no JSON", "write JSON, such as {\"key\":\"value\"}"),
        },
    }
}

/// The value of a JSON key that is not `null`.
pub fn from_json(kind: Kind, raw: &RawValue) -> Result<Value<'_>, Complaint> {
    let json = raw.get();
    match (kind, json.as_bytes().first()) {
        (Kind::Json | Kind::Secret, Some(b'"')) => Ok(Value::Text(text_of_json(json)?.into())),
        (Kind::Json, _) | (Kind::JsonObject, Some(b'{')) => without_null(json),
        (Kind::JsonObjects, Some(b'[')) => objects(json),
        (Kind::JsonObject, _) => {
            complain("it is no JSON object", "write an object, such as {\"key\":\"value\"}")
        }
        (Kind::JsonObjects, _) => complain(
            "it is no JSON list",
            "write a list of objects, such as [{\"tenantId\":\"T1\"}]",
        ),
        (Kind::Boolean, Some(b't')) => Ok(Value::Boolean(true)),
        (Kind::Boolean, Some(b'f')) => Ok(Value::Boolean(false)),
        (Kind::Boolean, _) => complain("it is neither true nor false", "write true or false"),
        (Kind::List, _) => list_of_json(json),
        (Kind::Text | Kind::Phone | Kind::Email | Kind::OneOf(_), Some(b'"')) => {
            let whole = text_of_json(json)?;
            if whole.is_empty() {
                return Ok(Value::Text("".into()));
            }
            text(kind, whole.trim().to_owned().into()).map(Value::Text)
        }
        _ => complain("it is no text", "put it in quotes"),
    }
}

fn text_of_json(json: &str) -> Result<String, Complaint> {
    serde_json::from_str(json).or_else(|_| {
        complain("the text holds half a character (a lone surrogate)", "write the whole character")
    })
}

/// JSON as it is, refused when a `null` is anywhere in it: what the server makes of one is not
/// documented, and it may remove a value.
fn without_null(json: &str) -> Result<Value<'_>, Complaint> {
    fn holds_null(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Null => true,
            serde_json::Value::Array(items) => items.iter().any(holds_null),
            serde_json::Value::Object(members) => members.values().any(holds_null),
            _ => false,
        }
    }
    match serde_json::from_str(json) {
        Ok(value) if holds_null(&value) => complain(
            "null is never sent",
            "leave the key out to keep the value, or write \"\" to remove it",
        ),
        Ok(_) => Ok(Value::Json(one_line(json))),
        Err(_) => complain("it is no JSON", "write JSON, such as {\"key\":\"value\"}"),
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

fn text(kind: Kind, text: Cow<'_, str>) -> Result<Cow<'_, str>, Complaint> {
    if text.is_empty() {
        return complain(
            "it holds nothing but blanks",
            "write a value, or \"\" to remove the value",
        );
    }
    match kind {
        Kind::Phone => phone(&text)?,
        Kind::Email => email(&text)?,
        Kind::OneOf(words) => return one_of(words, &text),
        _ => {}
    }
    Ok(text)
}

fn one_of<'a>(words: &[&'static str], text: &str) -> Result<Cow<'a, str>, Complaint> {
    match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        Some(word) => Ok((*word).into()),
        None => complain(format!("it is none of {}", words.join(", ")), "write one of these words"),
    }
}

/// Whether a character separates the digits of a phone number and does not count itself.
#[must_use]
pub fn is_phone_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}')
}

/// Checks the shape of a phone number: `+`, then 8 to 15 digits, with the usual
/// separators between them (API reference, section 9). The server drops separators.
fn phone(text: &str) -> Result<(), Complaint> {
    const SHAPE: &str = "write it with + and country code, such as +14155550123";
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let Some(rest) = text.strip_prefix('+') else {
        let looks_rounded = text.contains(['e', 'E'])
            && text.chars().all(|c| c.is_ascii_digit() || matches!(c, 'e' | 'E' | '+' | '.' | ','));
        if looks_rounded && digits > 0 {
            return complain(
                "a spreadsheet has rounded this number, and digits of it are lost",
                "export the column again as text",
            );
        }
        return complain("the phone number does not begin with +", SHAPE);
    };
    let separator_blank = |c: char| matches!(c, ' ' | '\u{a0}');
    if let Some(odd) = rest.chars().find(|&c| !c.is_ascii_digit() && !is_phone_separator(c)) {
        return complain(format!("{odd:?} does not belong into a phone number"), SHAPE);
    }
    if rest.replace(separator_blank, "").contains("(0)") {
        return complain(
            "the (0) is not part of the number from abroad",
            "leave (0) out, such as +442079460123",
        );
    }
    if !rest.trim_start_matches(is_phone_separator).starts_with(|c: char| ('1'..='9').contains(&c))
    {
        return complain("a country code does not begin with 0", SHAPE);
    }
    if !(8..=15).contains(&digits) {
        return complain(format!("{digits} digits cannot be a phone number"), SHAPE);
    }
    Ok(())
}

/// Checks the shape of an e-mail address: one `@` with something on either side.
fn email(text: &str) -> Result<(), Complaint> {
    const SHAPE: &str = "write it as name@example.com";
    let mut parts = text.split('@');
    let sides = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
    if sides.0.is_empty() || sides.1.is_empty() || sides.2.is_some() {
        return complain("it is no e-mail address", SHAPE);
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return complain("an e-mail address holds no blanks", SHAPE);
    }
    Ok(())
}

fn boolean(text: &str) -> Result<Value<'_>, Complaint> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "t", "yes", "y", "1"]) {
        Ok(Value::Boolean(true))
    } else if is(&["false", "f", "no", "n", "0"]) {
        Ok(Value::Boolean(false))
    } else {
        complain("it is neither true nor false", "write true or false")
    }
}

fn list_of_cell(text: &str) -> Result<Value<'_>, Complaint> {
    if text.starts_with('[') {
        return list_of_json(text);
    }
    let items: Vec<String> = text.split(';').map(|item| item.trim().to_owned()).collect();
    list(items)
}

fn list_of_json(json: &str) -> Result<Value<'_>, Complaint> {
    match serde_json::from_str::<Vec<String>>(json) {
        Ok(items) => list(items),
        Err(_) => complain("it is no list of texts", "write [\"a\",\"b\"], or a;b in a cell"),
    }
}

fn list<'a>(items: Vec<String>) -> Result<Value<'a>, Complaint> {
    if items.iter().any(|item| item.trim().is_empty()) {
        return complain("an item of the list is blank", "write a;b, or [] for an empty list");
    }
    Ok(Value::List(items))
}

fn objects(json: &str) -> Result<Value<'_>, Complaint> {
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(items) if items.iter().all(|item| item.get().starts_with('{')) => without_null(json),
        _ => complain("it is no list of objects", "write [{\"tenantId\":\"T1\"}]"),
    }
}

/// A cell for a field that takes any JSON: a number, `true`, `false`, a list, an object or
/// a quoted text is taken as what it is, anything else as text. A number that JSON would
/// not give back digit by digit (`007`, `1e5`, 17 digits) is text.
fn json_of_cell(text: &str) -> Value<'_> {
    let literal = match text.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => serde_json::from_str::<&RawValue>(text).is_ok(),
        Some(b'-' | b'0'..=b'9') => is_plain_number(text),
        _ => matches!(text, "true" | "false"),
    };
    match (literal, text.as_bytes().first()) {
        (true, Some(b'"')) => {
            Value::Text(text_of_json(text).unwrap_or_else(|_| text.to_owned()).into())
        }
        (true, _) => Value::Json(one_line(text)),
        (false, _) => Value::Text(text.into()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(kind: Kind, text: &str) -> Option<String> {
        from_cell(kind, text).ok().map(|value| json(&value))
    }

    fn key(kind: Kind, text: &str) -> Option<String> {
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        from_json(kind, raw).ok().map(|value| json(&value))
    }

    fn json(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        value.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn phones_keep_their_plus_and_their_digits() {
        for good in ["+14155550123", "+1-415-555-0123", "+44 (20) 7946 0123", "+1.415.5550123"] {
            assert_eq!(cell(Kind::Phone, good), Some(format!("{good:?}")), "{good}");
        }
        for (bad, why) in [
            ("14155550123", "begin with +"),
            ("1.41556E+10", "rounded"),
            ("4,47911E+11", "rounded"),
            ("+1415555CALL", "does not belong"),
            ("+44 (0) 20 7946 0123", "(0)"),
            ("+0441234567", "country code"),
            ("+1234567", "7 digits"),
            ("+1234567890123456", "16 digits"),
            ("+", "country code"),
            ("n/a", "begin with +"),
        ] {
            let complaint = from_cell(Kind::Phone, bad).unwrap_err();
            assert!(complaint.message.contains(why), "{bad}: {}", complaint.message);
        }
    }

    #[test]
    fn email_addresses_have_two_sides() {
        assert_eq!(cell(Kind::Email, " a@b.c ").as_deref(), Some("\"a@b.c\""));
        for bad in ["a", "@b", "a@", "a@b@c", "a b@c"] {
            assert_eq!(cell(Kind::Email, bad), None, "{bad}");
        }
    }

    #[test]
    fn booleans_have_the_usual_spellings_in_cells_only() {
        for (text, value) in [("TRUE", "true"), ("yes", "true"), ("1", "true"), ("n", "false")] {
            assert_eq!(cell(Kind::Boolean, text).as_deref(), Some(value));
        }
        assert_eq!(cell(Kind::Boolean, "maybe"), None);
        assert_eq!(key(Kind::Boolean, "true").as_deref(), Some("true"));
        assert_eq!(key(Kind::Boolean, "1"), None);
        assert_eq!(key(Kind::Boolean, "\"yes\""), None);
    }

    #[test]
    fn lists_are_split_at_semicolons_or_written_as_json() {
        assert_eq!(cell(Kind::List, "a; b").as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(cell(Kind::List, r#"["a;b"]"#).as_deref(), Some(r#"["a;b"]"#));
        assert_eq!(cell(Kind::List, "[]").as_deref(), Some("[]"));
        assert_eq!(cell(Kind::List, "a;;b"), None);
        assert_eq!(cell(Kind::List, "[1]"), None);
        assert_eq!(key(Kind::List, r#""a""#), None);
    }

    #[test]
    fn any_json_keeps_what_a_number_would_lose() {
        for (text, expected) in [
            ("42", "42"),
            ("4.5", "4.5"),
            ("-1", "-1"),
            ("true", "true"),
            (r#"["a",1]"#, r#"["a",1]"#),
            ("007", "\"007\""),
            ("1e5", "\"1e5\""),
            ("+44", "\"+44\""),
            ("1.50", "\"1.50\""),
            ("99999999999999999", "\"99999999999999999\""),
            ("\"42\"", "\"42\""),
            ("gold", "\"gold\""),
            ("[broken", "\"[broken\""),
            ("True", "\"True\""),
        ] {
            assert_eq!(cell(Kind::Json, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn json_keys_are_taken_by_their_type() {
        assert_eq!(key(Kind::Text, "\"x\"").as_deref(), Some("\"x\""));
        assert_eq!(key(Kind::Text, "14155550123"), None);
        assert_eq!(key(Kind::Text, "\"  \""), None);
        assert_eq!(key(Kind::Text, "\"\\ud800\""), None);
        assert_eq!(key(Kind::Phone, "\"\"").as_deref(), Some("\"\""));
        assert_eq!(key(Kind::JsonObject, "{\"a\": 1}").as_deref(), Some("{\"a\": 1}"));
        assert_eq!(key(Kind::JsonObject, "[]"), None);
        assert_eq!(key(Kind::JsonObject, "{\"a\":{\"b\":[null]}}"), None);
        assert_eq!(
            key(Kind::JsonObjects, "[{\"tenantId\":\"T\"}]").as_deref(),
            Some("[{\"tenantId\":\"T\"}]")
        );
        assert_eq!(key(Kind::JsonObjects, "[1]"), None);
        assert_eq!(key(Kind::OneOf(&["enabled"]), "\"Enabled\"").as_deref(), Some("\"enabled\""));
        assert_eq!(key(Kind::Secret, "\" p \"").as_deref(), Some("\" p \""));
    }

    #[test]
    fn an_explicit_nothing_is_recognised() {
        for empty in ["[]", "[ ]", "{}", "\"\""] {
            assert!(Value::Json(empty.into()).is_empty());
        }
        assert!(Value::Text("".into()).is_empty());
        assert!(!Value::Boolean(false).is_empty());
        assert!(!Value::Json("0".into()).is_empty());
    }
}
