//! Values: from what a cell or a JSON key holds to what the API takes, or why not.
//!
//! Pure, and strict where a guess could do harm: what can be one thing only is repaired and said
//! so, what could be two is refused.

mod attribute;
mod boolean;
mod cleaned;
mod day;
mod json;
mod list;
mod lookalike;
mod number;
pub(crate) mod password_hash;
mod phone;
mod repairs;
#[cfg(test)]
mod tests;
mod text;
mod wrapping;

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use serde_json::value::RawValue;

use crate::catalog::{Kind, Role};
use crate::change::Value;
use crate::issue::{Issue, Severity};

pub use attribute::{AttributeType, MIXED_TYPES, TypeCounts};
use boolean::boolean;
pub use cleaned::Cleaned;
use cleaned::refuse;
pub use list::{LIST_SEPARATOR, ListSeparator};
pub use lookalike::{MIXED_SCRIPTS, NOT_NORMALIZED};
pub use phone::{
    Evidence, Fits, PhoneReading, Phones, REGION_MISMATCH, Region, StatedRegion, UNKNOWN_REGION,
    ZERO_RESTORED,
};
pub use repairs::{RepairKind, RepairKinds};
pub use text::is_blank;

/// How the values of a cell are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellReading {
    /// Phone numbers.
    pub phone: PhoneReading,
    /// What separates the items of a list.
    pub separator: ListSeparator,
    /// The type of a custom attribute.
    pub attribute: AttributeType,
}

/// The value of a cell that is not blank.
///
/// What stands around it and shows nothing is dropped, except from secrets.
pub fn from_cell(kind: Kind, cell: &str, reading: CellReading) -> Result<Cleaned<'_>, Issue> {
    match kind {
        Kind::Secret => return Ok(Value::Text(cell.into()).into()),
        Kind::PasswordHash => return hashed_password(cell.trim()),
        _ => {}
    }
    match wrapping::unwrapped(cell)? {
        // Of a phone number an apostrophe is only formatting.
        Some((_, RepairKind::ApostropheRemoved)) if kind == Kind::Phone => {}
        Some((text, repair)) => {
            let Cleaned { value, repairs, warning } = from_plain_cell(kind, &text, reading)?;
            // What is wrong with the text itself may be gone without what is around it.
            let warning = Some(warning.unwrap_or_else(|| wrapping::warning(repair)));
            return Ok(Cleaned {
                value: value.into_owned(),
                repairs: repairs.with(repair),
                warning,
            });
        }
        None => {}
    }
    from_plain_cell(kind, cell, reading)
}

/// The value of a cell with nothing put around it but blanks.
fn from_plain_cell(kind: Kind, cell: &str, reading: CellReading) -> Result<Cleaned<'_>, Issue> {
    let (trimmed, repairs) = text::trim(cell);
    match kind {
        Kind::Text
        | Kind::Phone
        | Kind::Email
        | Kind::OneOf(_)
        | Kind::Secret
        | Kind::PasswordHash => text(kind, Cow::Borrowed(cell), reading),
        Kind::Json => match attribute::of_cell(trimmed, reading.attribute, reading.separator) {
            Some(value) => value.map(|value| Cleaned { repairs, ..value }),
            None => text(Kind::Text, Cow::Borrowed(cell), reading),
        },
        Kind::Boolean => boolean(trimmed).map(Into::into),
        Kind::Integer => number::integer(trimmed),
        Kind::Time => number::time(trimmed),
        Kind::Objects(key) => list::objects_of_cell(key, trimmed, reading.separator),
        Kind::List => list::of_cell(trimmed, reading.separator),
        Kind::Tenants if !trimmed.starts_with(['[', '{']) => {
            list::tenants_of_cell(trimmed, reading.separator)
        }
        Kind::JsonObject | Kind::Tenants => match serde_json::from_str::<&RawValue>(trimmed) {
            Ok(raw) => from_json(kind, raw, reading),
            Err(_) => refuse("expected JSON", "write JSON, such as {\"key\":\"value\"}"),
        },
    }
}

/// What is wrong with a list in a cell, or may be: a role, a tenant or a login ID that holds what
/// separates items is refused, since it would be created or given without a word.
#[must_use]
pub fn list_problem(role: Role, cell: &str, separator: ListSeparator) -> Option<Issue> {
    let suspicion = list::suspicion(cell, separator)?;
    Some(match role {
        Role::Roles | Role::LoginIds | Role::Tenants => {
            Issue { code: cleaned::BAD_VALUE.into(), severity: Severity::Error, ..suspicion }
        }
        _ => suspicion,
    })
}

/// The same value with the warning that it looks like another user's, if it does.
#[must_use]
pub fn told_from_others(role: Role, cleaned: Cleaned<'_>) -> Cleaned<'_> {
    let warning = cleaned.warning.or_else(|| lookalike::suspicion(role, &cleaned.value));
    Cleaned { warning, ..cleaned }
}

/// The value of a JSON key that is not `null`.
pub fn from_json(kind: Kind, raw: &RawValue, reading: CellReading) -> Result<Cleaned<'_>, Issue> {
    if kind == Kind::Json
        && let Some(value) = attribute::of_json(raw, reading.attribute)
    {
        return value.map(Into::into);
    }
    let json = raw.get();
    let value = match (kind, json.as_bytes().first()) {
        (Kind::Json | Kind::Secret, Some(b'"')) => Value::Text(json::text_of(json)?.into()),
        (Kind::PasswordHash, _) => return hashed_password(json),
        (Kind::Json, _) | (Kind::JsonObject, Some(b'{')) => json::without_null(json)?,
        (Kind::Objects(key), _) => return list::objects(key, json),
        (Kind::Integer, _) => return number::integer(json),
        (Kind::Time, Some(b'"')) => return number::time(&json::text_of(json)?),
        (Kind::Time, _) => return number::time(json),
        (Kind::Tenants, Some(b'[')) => return list::tenants(json),
        (Kind::JsonObject, _) => {
            return refuse(
                "expected a JSON object",
                "write an object, such as {\"key\":\"value\"}",
            );
        }
        (Kind::Tenants, _) => {
            return refuse(
                "expected a JSON list",
                "write a list of objects, such as [{\"tenantId\":\"T1\"}]",
            );
        }
        (Kind::Boolean, Some(b't')) => Value::Boolean(true),
        (Kind::Boolean, Some(b'f')) => Value::Boolean(false),
        (Kind::Boolean, _) => {
            return refuse("expected true or false", "write true or false");
        }
        (Kind::List, _) => return list::of_json(json),
        (Kind::Text | Kind::Phone | Kind::Email | Kind::OneOf(_), Some(b'"')) => {
            let whole = json::text_of(json)?;
            if whole.is_empty() {
                return Ok(Value::Text("".into()).into());
            }
            return text(kind, whole.into(), reading);
        }
        _ => return refuse("expected text", "put it in quotes"),
    };
    Ok(value.into())
}

/// A hashed password, whole.
fn hashed_password<'a>(json: &str) -> Result<Cleaned<'a>, Issue> {
    Ok(Value::Json(password_hash::of_json(json)?.into()).into())
}

/// A text of a kind. A clean one that is borrowed is passed on as it is.
fn text(kind: Kind, whole: Cow<'_, str>, reading: CellReading) -> Result<Cleaned<'_>, Issue> {
    let as_is = kind == Kind::Phone && reading.phone.phones == Phones::AsIs;
    let (kept, around) = kept(whole, if as_is { text::trim_blanks } else { text::trim });
    if kept.is_empty() {
        return refuse(
            "it contains only white space",
            "write a value, or \"\" to remove the value",
        );
    }
    if kind == Kind::Phone {
        let (number, repairs, warning) = phone::read(kept, reading.phone)?;
        return Ok(Cleaned { value: Value::Text(number), repairs: repairs.and(around), warning });
    }
    let (tidy, within) = match text::tidy(&kept)? {
        (Cow::Owned(tidy), repairs) => (Cow::Owned(tidy), repairs),
        (Cow::Borrowed(_), repairs) => (kept, repairs),
    };
    let (value, warning) = match kind {
        Kind::Email => {
            email(&tidy)?;
            (tidy, None)
        }
        Kind::OneOf(words) => (one_of(words, &tidy)?, None),
        _ => {
            let warning = text::spoilt(&tidy).or_else(|| text::placeholder(&tidy));
            (tidy, warning)
        }
    };
    Ok(Cleaned { value: Value::Text(value), repairs: around.and(within), warning })
}

/// What is left of a text when it is trimmed.
fn kept(
    whole: Cow<'_, str>,
    trim: impl Fn(&str) -> (&str, RepairKinds),
) -> (Cow<'_, str>, RepairKinds) {
    match whole {
        Cow::Borrowed(text) => {
            let (kept, repairs) = trim(text);
            (kept.into(), repairs)
        }
        Cow::Owned(text) => {
            let (kept, repairs) = trim(&text);
            let kept = if kept.len() == text.len() { text } else { kept.to_owned() };
            (kept.into(), repairs)
        }
    }
}

fn one_of<'a>(words: &[&'static str], text: &str) -> Result<Cow<'a, str>, Issue> {
    match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        Some(word) => Ok((*word).into()),
        None => refuse(format!("expected one of {}", words.join(", ")), "write one of these words"),
    }
}

/// Checks the syntax of an e-mail address: a plain one, in a domain with a dot.
fn email(text: &str) -> Result<(), Issue> {
    text::refuse_placeholder(text)?;
    if text.contains(char::is_whitespace) {
        return refuse("an e-mail address holds no blanks", "write it as name@example.com");
    }
    let plain =
        Options::default().with_required_tld().without_display_text().without_domain_literal();
    match EmailAddress::parse_with_options(text, plain) {
        // No top-level domain is a number, so this is an IP address or a slip.
        Ok(address) if ends_in_number(address.domain()) => refuse(
            "an e-mail address ends in the name of a domain, not in a number",
            "write it as name@example.com",
        ),
        Ok(_) => Ok(()),
        Err(error) => {
            let why = error.to_string();
            let why = why.trim_end_matches('.');
            refuse(format!("not a valid e-mail address ({why})"), "write it as name@example.com")
        }
    }
}

fn ends_in_number(domain: &str) -> bool {
    let last = domain.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}
