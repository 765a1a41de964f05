//! Whether a user as it was read has what an instruction sets. Pure.
//!
//! Values are compared as the service keeps them: phone numbers by their digits (API reference,
//! section 9), e-mail addresses without regard to case, lists without regard to order.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::catalog::{AsPatch, Field, Kind, PATCH_FIELDS};
use crate::rows::{Instruction, lane};

/// Whether a user has a name, as login ID or user ID.
pub(super) fn is_named(user: &RawValue, name: &str) -> bool {
    let wanted = lane(name);
    object(user.get()).is_some_and(|user| names(&user).iter().any(|name| lane(name) == wanted))
}

/// The names in a user object: all its login IDs, and its user ID.
pub(super) fn names(user: &Map<String, Value>) -> Vec<&str> {
    let lists = ["loginIds", "externalIds"].into_iter().filter_map(|key| user.get(key)?.as_array());
    let single = ["userId", "loginId"].into_iter().filter_map(|key| user.get(key));
    lists
        .flatten()
        .chain(single)
        .filter_map(Value::as_str)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether a user has everything that an instruction sets. Only for what can be a patch.
pub(super) fn shows(user: &RawValue, instruction: &Instruction) -> bool {
    let Some(user) = object(user.get()) else { return false };
    let members = instruction.members();
    if instruction.operation.as_patch == AsPatch::Attribute {
        let member = |index: usize| members.get(index).map(|(_, value)| value.get());
        let key = member(1).and_then(|key| serde_json::from_str::<String>(key).ok());
        let Some((key, value)) = key.zip(member(2)) else { return false };
        return serde_json::from_str::<Value>(value).is_ok_and(|value| has(&user, &key, &value));
    }
    let fields = instruction.operation.fields;
    members.iter().skip(1).all(|(name, wanted)| {
        let field = fields.iter().find(|field| field.name == *name);
        let Some(index) = field.and_then(Field::in_patch) else { return false };
        let wanted = serde_json::from_str::<Value>(wanted.get());
        wanted.is_ok_and(|wanted| shows_field(&user, index, &wanted))
    })
}

fn object(json: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(json).ok()
}

fn shows_field(user: &Map<String, Value>, index: usize, wanted: &Value) -> bool {
    let field = &PATCH_FIELDS[index];
    if field.name == "additionalIdentifiers" {
        // A user shows all its login IDs, and not which of them are the further ones.
        return false;
    }
    let there = user.get(field.name);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    match field.kind {
        Kind::Phone => digits(&text(there)) == digits(&text(Some(wanted))),
        Kind::Email => text(there).eq_ignore_ascii_case(&text(Some(wanted))),
        Kind::Boolean => there.and_then(Value::as_bool).unwrap_or(false) == *wanted,
        Kind::List => texts(there) == texts(Some(wanted)),
        Kind::Tenants => tenants(there) == tenants(Some(wanted)),
        Kind::JsonObject => {
            let wanted = wanted.as_object();
            // Nobody can see that nothing was set.
            wanted.is_some_and(|all| {
                !all.is_empty() && all.iter().all(|(key, value)| has(user, key, value))
            })
        }
        Kind::Text | Kind::OneOf(_) | Kind::Secret | Kind::Json => {
            text(there) == text(Some(wanted))
        }
    }
}

fn has(user: &Map<String, Value>, attribute: &str, wanted: &Value) -> bool {
    user.get("customAttributes").and_then(|all| all.get(attribute)) == Some(wanted)
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

fn texts(list: Option<&Value>) -> BTreeSet<&str> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn tenants(list: Option<&Value>) -> BTreeSet<(&str, BTreeSet<&str>)> {
    let list = list.and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|tenant| {
            Some((tenant.get("tenantId")?.as_str()?, texts(tenant.get("roleNames"))))
        })
        .collect()
}

#[cfg(test)]
mod tests;
