//! Hashed passwords of another system, as the API's `hashedPassword` takes them (section 3.5 of the
//! API reference, schema `PasswordImport`): one form, with its parts.
//!
//! They are given as the whole object in JSON, as the one text that other systems export, or by
//! parts in columns of their own. The shape is checked here, since a hash that the API takes and
//! cannot use locks the user out without a word. Nothing of a value is in any issue.

mod exported;
mod form;
mod shape;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::cleaned::{BAD_VALUE, refuse};
use crate::catalog::normalize;
use crate::change::members;
use crate::issue::Issue;

pub(crate) use form::HashForm;
use form::HashPart;
use shape::Unfit;

/// The field of the API.
const FIELD: &str = "hashedPassword";

/// What a column of a hashed password gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HashColumn {
    /// The form.
    pub(crate) form: HashForm,
    /// One part of it, by the API's name; `None` for the hash as other systems export it.
    pub(crate) part: Option<&'static str>,
}

/// What a column or a name of `--set` stands for: `hashedPassword.FORM` or
/// `hashedPassword.FORM.PART`, read without regard to case, spaces, `_` and `-`.
///
/// `None` for any other name, the field `hashedPassword` itself included, which takes the whole
/// object. Forms and parts are those of section 3.5 of the API reference.
#[must_use]
pub(crate) fn of_column(name: &str) -> Option<Result<HashColumn, Issue>> {
    let (field, rest) = name.split_once('.')?;
    (normalize(field) == normalize(FIELD)).then(|| form_and_part(rest).map_err(|i| i.at(name)))
}

fn form_and_part(rest: &str) -> Result<HashColumn, Issue> {
    let (form, part) = match rest.split_once('.') {
        Some((form, part)) => (form, Some(part)),
        None => (rest, None),
    };
    let is = |name: &str, wanted: &str| normalize(name) == normalize(wanted);
    let Some(form) = HashForm::ALL.into_iter().find(|known| is(known.name(), form)) else {
        return Err(unknown(format!("there is no such form of {FIELD}"), &form_names()));
    };
    let Some(part) = part else { return Ok(HashColumn { form, part: None }) };
    match form.parts().iter().find(|known| is(known.name, part)) {
        Some(part) => Ok(HashColumn { form, part: Some(part.name) }),
        None => Err(unknown(format!("{} has no such part", form.name()), &part_names(form))),
    }
}

/// The JSON to send for the whole object, such as `{"bcrypt":{"hash":"$2b$…"}}`: one form, its parts
/// by the names and the types of the schema `PasswordImport` (section 3.5 of the API reference).
pub(crate) fn of_json(json: &str) -> Result<String, Issue> {
    const EXAMPLE: &str =
        "write one form with its parts, such as {\"bcrypt\":{\"hash\":\"$2b$…\"}}";
    let Ok(forms) = members(json) else { return refuse("expected a JSON object", EXAMPLE) };
    let [(name, inner)] = &forms[..] else {
        return refuse("expected one form of a hashed password", EXAMPLE);
    };
    let Some(form) = HashForm::ALL.into_iter().find(|form| form.name() == name) else {
        return Err(unknown(format!("there is no such form of {FIELD}"), &form_names()));
    };
    let Ok(parts) = members(inner.get()) else {
        return refuse(format!("{name}: expected a JSON object"), EXAMPLE);
    };
    let mut given = Vec::with_capacity(parts.len());
    for (name, raw) in &parts {
        let part = known_part(form, name)?;
        given.push((part.name, text_of_type(form, part, raw)?));
    }
    assemble(form, &given)
}

/// The JSON to send for a hash as other systems export it in one text. A form that needs more than
/// such a text holds is refused with the columns to add.
///
/// The texts are those of bcrypt, of Django, of phpass, the PHC strings of Argon2 and PBKDF2, those of
/// passlib, and hexadecimal digits for MD5 and SHA; the parts are those of section 3.5 of the API
/// reference.
pub(crate) fn of_text(form: HashForm, text: &str) -> Result<String, Issue> {
    let trimmed = text.trim();
    let taken = match form {
        HashForm::Argon2 => exported::argon2(trimmed),
        HashForm::Pbkdf2 => exported::pbkdf2(trimmed),
        HashForm::Phpass => exported::phpass(trimmed),
        HashForm::Bcrypt => Ok(vec![("hash", exported::bcrypt(trimmed).to_owned())]),
        HashForm::Firebase | HashForm::Bach => return Err(needs_columns(form)),
        _ => Ok(vec![("hash", trimmed.to_owned())]),
    };
    let taken = taken.map_err(|unfit| complaint(form, None, unfit))?;
    let given: Vec<_> = taken.iter().map(|(name, text)| (*name, Cow::from(text))).collect();
    // The text is in one column, which the caller knows.
    assemble(form, &given).map_err(|issue| Issue { place: None, ..issue })
}

/// The JSON to send for parts that have columns of their own, such as `hashedPassword.pbkdf2.salt`, by
/// their names in section 3.5 of the API reference. An issue stands at the column of its part.
pub(crate) fn of_parts(form: HashForm, parts: &[(&str, &str)]) -> Result<String, Issue> {
    let mut given = Vec::with_capacity(parts.len());
    for (name, text) in parts {
        given.push((known_part(form, name)?.name, Cow::from(*text)));
    }
    assemble(form, &given)
}

/// The part of a form with a name, to the letter.
fn known_part(form: HashForm, name: &str) -> Result<&'static HashPart, Issue> {
    let known = form.parts().iter().find(|part| part.name == name);
    known.ok_or_else(|| unknown(format!("{} has no such part", form.name()), &part_names(form)))
}

/// The text of a JSON value that has the type of the part.
fn text_of_type<'a>(
    form: HashForm,
    part: &HashPart,
    raw: &'a RawValue,
) -> Result<Cow<'a, str>, Issue> {
    let json = raw.get();
    let unfit = match (part.shape.is_integer(), json.as_bytes().first()) {
        (true, Some(b'0'..=b'9')) => return Ok(json.into()),
        (true, _) => {
            Unfit { message: "expected a JSON number", hint: "write digits without quotes" }
        }
        (false, Some(b'"')) => match serde_json::from_str::<String>(json) {
            Ok(text) => return Ok(text.into()),
            Err(_) => Unfit { message: "expected text", hint: "write whole characters" },
        },
        (false, _) => Unfit { message: "expected a JSON string", hint: "put it in quotes" },
    };
    Err(complaint(form, Some(part), unfit))
}

/// The object of a form from the texts of its parts, in the order of the schema.
fn assemble(form: HashForm, given: &[(&'static str, Cow<'_, str>)]) -> Result<String, Issue> {
    let mut object = Map::new();
    let mut missing = Vec::new();
    for part in form.parts() {
        let mut texts = given.iter().filter(|(name, _)| *name == part.name);
        match (texts.next(), texts.next()) {
            (Some((_, text)), None) => {
                let read = part.shape.read(text);
                let value = read.map_err(|unfit| complaint(form, Some(part), unfit))?;
                object.insert(part.name.to_owned(), value);
            }
            (Some(_), Some(_)) => {
                let hint = "give it once";
                let unfit = Unfit { message: "it is given twice", hint };
                return Err(complaint(form, Some(part), unfit));
            }
            (None, _) if part.required => missing.push(part.name),
            (None, _) => {}
        }
    }
    if !missing.is_empty() {
        return Err(lacks(form, &missing));
    }
    agree(form, &mut object)?;
    let whole = Map::from_iter([(form.name().to_owned(), Value::Object(object))]);
    Ok(Value::Object(whole).to_string())
}

/// Checks that the length of a hash is that of its type, and adds the type of a SHA hash.
fn agree(form: HashForm, object: &mut Map<String, Value>) -> Result<(), Issue> {
    let length = object.get("hash").and_then(Value::as_str).map_or(0, str::len);
    let implied = match (form, length) {
        (HashForm::Sha, 40) => "sha1",
        (HashForm::Sha, 64) => "sha256",
        (HashForm::Sha, _) | (HashForm::Phpass, 43 | 86) => "sha512",
        (HashForm::Phpass, _) => "md5",
        _ => return Ok(()),
    };
    let kind = object.entry("type").or_insert_with(|| implied.into());
    if kind == implied {
        return Ok(());
    }
    let unfit = Unfit {
        message: "the length of the hash is not that of this type",
        hint: "look whether the hash was cut off, and which type made it",
    };
    Err(complaint(form, form.parts().iter().find(|part| part.name == "type"), unfit))
}

/// The issue of a form or of one of its parts, at its column.
fn complaint(form: HashForm, part: Option<&HashPart>, unfit: Unfit) -> Issue {
    let form = form.name();
    let Unfit { message, hint } = unfit;
    match part {
        None => Issue::error(BAD_VALUE, format!("{form}: {message}")).hint(hint),
        Some(HashPart { name, .. }) => {
            let message = format!("{form}.{name}: {message}");
            Issue::error(BAD_VALUE, message).hint(hint).at(format!("{FIELD}.{form}.{name}"))
        }
    }
}

fn lacks(form: HashForm, missing: &[&str]) -> Issue {
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let message = format!("{}: {} {verb} missing", form.name(), missing.join(", "));
    let hint =
        format!("add {} as columns, or with --set where all rows share it", columns(form, missing));
    Issue::error(BAD_VALUE, message).hint(hint)
}

fn needs_columns(form: HashForm) -> Issue {
    let parts: Vec<_> = form.parts().iter().map(|part| part.name).collect();
    let message = format!("{}: one text does not hold all that the API needs", form.name());
    Issue::error(BAD_VALUE, message).hint(format!("give {} instead", columns(form, &parts)))
}

fn columns(form: HashForm, parts: &[&str]) -> String {
    let names = parts.iter().map(|part| format!("{FIELD}.{}.{part}", form.name()));
    names.collect::<Vec<_>>().join(", ")
}

fn unknown(message: String, known: &str) -> Issue {
    Issue::error(BAD_VALUE, message).hint(format!("use one of {known}"))
}

fn form_names() -> String {
    HashForm::ALL.map(HashForm::name).join(", ")
}

fn part_names(form: HashForm) -> String {
    form.parts().iter().map(|part| part.name).collect::<Vec<_>>().join(", ")
}
