//! Parts of a user: what a change touches, by name and as a value that can be compared.
//!
//! The values are normalised, so that two users who mean the same show the same: phone numbers by
//! their digits, e-mail addresses without regard to case, lists without regard to order, what is
//! missing and what is empty as nothing. A part's name is its key in a user object; behind a dot
//! stands which custom attribute, or which tenant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Action, Change, Subject, User};
use crate::catalog::Contact;

/// The parts of a user, by name.
pub type UserParts = BTreeMap<String, Value>;

impl Change {
    /// The name of the part that it touches; `None` for what is shown nowhere.
    #[must_use]
    pub fn part(&self) -> Option<String> {
        let key = self.subject.word();
        match &self.subject {
            Subject::LoginId | Subject::LoginIds => Some("loginIds".to_owned()),
            Subject::Roles(Some(tenant)) => Some(format!("userTenants.{tenant}")),
            Subject::Tenants => match &self.action {
                Action::Add(super::Value::Text(id)) | Action::Remove(super::Value::Text(id)) => {
                    Some(format!("{key}.{id}"))
                }
                Action::Set(_) | Action::Clear | Action::Add(_) | Action::Remove(_) => {
                    Some(key.to_owned())
                }
            },
            Subject::Attribute(name) => Some(format!("{key}.{name}")),
            Subject::Secret(_) | Subject::Unseen(_) => None,
            Subject::Contact(_)
            | Subject::Verified(_)
            | Subject::Status
            | Subject::Roles(None)
            | Subject::Apps
            | Subject::Attributes
            | Subject::Fixed(_)
            | Subject::Plain(_) => Some(key.to_owned()),
        }
    }
}

impl Change {
    /// Whether two states of a user differ in what it touches. A contact goes with its flag.
    #[must_use]
    pub fn tells_apart(&self, one: &User, other: &User) -> bool {
        let differs = |part: &str| one.part(part) != other.part(part);
        match &self.subject {
            Subject::Contact(contact) | Subject::Verified(contact) => {
                differs(contact.key()) || differs(contact.verified_key())
            }
            Subject::LoginId
            | Subject::LoginIds
            | Subject::Status
            | Subject::Roles(_)
            | Subject::Tenants
            | Subject::Apps
            | Subject::Attribute(_)
            | Subject::Attributes
            | Subject::Secret(_)
            | Subject::Unseen(_)
            | Subject::Fixed(_)
            | Subject::Plain(_) => self.part().is_none_or(|part| differs(&part)),
        }
    }
}

impl User {
    /// A part by its name, normalised.
    #[must_use]
    pub fn part(&self, name: &str) -> Value {
        if let Some(contact) = Contact::ALL.into_iter().find(|contact| contact.key() == name) {
            return contact_value(contact, self.text(name));
        }
        if let Some(contact) =
            Contact::ALL.into_iter().find(|contact| contact.verified_key() == name)
        {
            return if self.text(contact.key()).is_empty() {
                Value::Null
            } else {
                self.is_verified(contact).into()
            };
        }
        match name.split_once('.') {
            Some(("customAttributes", attribute)) => {
                self.attribute(attribute).map_or(Value::Null, attribute_value)
            }
            Some(("userTenants", tenant)) => {
                self.roles(Some(tenant)).map_or(Value::Null, |roles| sorted(roles))
            }
            _ => self.whole(name),
        }
    }

    fn whole(&self, name: &str) -> Value {
        match name {
            "loginIds" | "roleNames" | "ssoAppIds" => {
                let list = self.list(name);
                if list.is_empty() { Value::Null } else { sorted(list) }
            }
            "userTenants" => {
                let tenants = self.tenants().into_iter();
                let tenants: serde_json::Map<_, _> =
                    tenants.map(|(id, roles)| (id.to_owned(), sorted(roles))).collect();
                if tenants.is_empty() { Value::Null } else { tenants.into() }
            }
            "customAttributes" => {
                let attributes: serde_json::Map<_, _> = self
                    .attributes()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), attribute_value(value)))
                    .collect();
                if attributes.is_empty() { Value::Null } else { attributes.into() }
            }
            _ => match self.get(name) {
                Some(value @ (Value::Bool(_) | Value::Number(_))) => value.clone(),
                _ => text(self.text(name)),
            },
        }
    }

    /// The parts of some names.
    #[must_use]
    pub fn parts<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> UserParts {
        names.into_iter().map(|name| (name.clone(), self.part(name))).collect()
    }

    /// The names of the parts that it shows otherwise than stated.
    #[must_use]
    pub fn differs_in(&self, stated: &UserParts) -> Vec<String> {
        let differs = |(name, value): &(&String, &Value)| self.part(name) != **value;
        stated.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    }
}

/// The names of the parts that changes touch, each once, in order.
pub fn touched<'c>(changes: impl IntoIterator<Item = &'c Change>) -> BTreeSet<String> {
    changes.into_iter().filter_map(Change::part).collect()
}

fn contact_value(contact: Contact, value: &str) -> Value {
    if contact.is_phone() {
        let digits: String = value.chars().filter(|c| *c == '+' || c.is_ascii_digit()).collect();
        text(&digits)
    } else {
        text(&value.to_lowercase())
    }
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn sorted(list: Vec<&str>) -> Value {
    let list: BTreeSet<&str> = list.into_iter().collect();
    list.into_iter().map(Value::from).collect()
}

/// An attribute's value: the service keeps a list of one and the value alone for the same, a number
/// whatever its spelling, and a time as an instant.
pub(super) fn attribute_value(value: &Value) -> Value {
    match value {
        Value::String(written) => match written.parse::<jiff::Timestamp>() {
            Ok(instant) => instant.to_string().into(),
            Err(_) => text(written),
        },
        Value::Number(number) => match number.as_f64() {
            Some(exact) if number.is_f64() && exact.fract() == 0.0 && exact.abs() < 9e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
                let whole = exact as i64;
                whole.into()
            }
            _ => value.clone(),
        },
        Value::Array(items) => match &items[..] {
            [] => Value::Null,
            [only] => attribute_value(only),
            several => {
                let mut several: Vec<Value> = several.iter().map(attribute_value).collect();
                several.sort_by_key(Value::to_string);
                several.into()
            }
        },
        Value::Object(members) if members.is_empty() => Value::Null,
        Value::Null | Value::Bool(_) | Value::Object(_) => value.clone(),
    }
}
