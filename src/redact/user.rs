//! A user, and what is done to it, with pseudonyms in place of values. Pure.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::pseudonyms::Pseudonyms;
use crate::catalog::{Kind, OPERATIONS};
use crate::change::{ChangeRecord, Subject};

/// Keys of a user object under which its names stand.
const NAMES: [&str; 3] = ["userId", "loginIds", "externalIds"];

/// A user as the server showed it, by keys that are known; what stands under others is left out.
#[must_use]
pub(super) fn redacted(names: &Pseudonyms, user: &RawValue) -> Box<RawValue> {
    let user: Map<String, Value> = serde_json::from_str(user.get()).unwrap_or_default();
    let known = user.iter().filter_map(|(key, value)| {
        let value = if NAMES.contains(&key.as_str()) {
            leaves(value, &|text| names.value("id", text))
        } else {
            let record =
                ChangeRecord { field: key.clone(), clear: true, ..ChangeRecord::default() };
            of_subject(names, &record.change()?.subject, value)?
        };
        Some((key.clone(), value))
    });
    let known: Map<String, Value> = known.collect();
    to_raw_value(&known).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A change of a known field; `None` for others.
#[must_use]
pub(super) fn redacted_change(names: &Pseudonyms, record: &ChangeRecord) -> Option<ChangeRecord> {
    let subject = record.change()?.subject;
    let value = |value: &Option<Value>| of_subject(names, &subject, value.as_ref()?);
    Some(ChangeRecord {
        field: record.field.clone(),
        attribute: record.attribute.as_deref().map(|name| names.attribute(name)),
        tenant: record.tenant.as_deref().map(|tenant| names.value("id", tenant)),
        set: value(&record.set),
        add: value(&record.add),
        remove: value(&record.remove),
        clear: record.clear,
    })
}

/// A value by what it is of a user; `None` where nothing of it is kept.
fn of_subject(names: &Pseudonyms, subject: &Subject, value: &Value) -> Option<Value> {
    Some(match subject {
        Subject::LoginId | Subject::LoginIds | Subject::Contact(_) => {
            leaves(value, &|text| names.value("id", text))
        }
        Subject::Verified(_) => value.as_bool()?.into(),
        Subject::Status => value.as_str().filter(|status| is_status(status))?.into(),
        Subject::Roles(_) | Subject::Apps => leaves(value, &|text| names.named("id", text)),
        Subject::Tenants => tenants(names, value),
        Subject::Attribute(_) => any(names, value),
        Subject::Attributes => match value {
            Value::Object(attributes) => {
                let attribute =
                    |(name, value): (&String, &Value)| (names.attribute(name), any(names, value));
                attributes.iter().map(attribute).collect::<Map<_, _>>().into()
            }
            value => any(names, value),
        },
        Subject::Secret(_) => return None,
        Subject::Unseen(_) | Subject::Fixed(_) | Subject::Plain(_) => match value {
            // A switch of a known field is no value of a user.
            Value::Bool(_) => value.clone(),
            value => any(names, value),
        },
    })
}

/// The words that a user's status may have.
fn is_status(text: &str) -> bool {
    let mut kinds = OPERATIONS.iter().flat_map(|own| own.fields).map(|field| field.kind);
    kinds.any(|kind| matches!(kind, Kind::OneOf(words) if words.contains(&text)))
}

/// A text, or a list of texts, each by its pseudonym; nothing else is kept.
fn leaves(value: &Value, pseudonym: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => pseudonym(text).into(),
        Value::Array(items) => items.iter().map(|item| leaves(item, pseudonym)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Value::Null,
    }
}

/// A tenant's ID, or tenants with the roles there.
fn tenants(names: &Pseudonyms, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| tenants(names, item)).collect(),
        Value::Object(tenant) => {
            let known = tenant.iter().filter_map(|(key, value)| match key.as_str() {
                "tenantId" | "tenantName" => {
                    Some((key.clone(), leaves(value, &|text| names.value("id", text))))
                }
                "roleNames" => Some((key.clone(), leaves(value, &|text| names.named("id", text)))),
                _ => None,
            });
            known.collect::<Map<_, _>>().into()
        }
        value => leaves(value, &|text| names.value("id", text)),
    }
}

/// A value of any type: numbers, switches and keys are values of the user, too.
fn any(names: &Pseudonyms, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) => names.value("text", text).into(),
        Value::Bool(_) | Value::Number(_) => names.named("value", &value.to_string()).into(),
        Value::Array(items) => items.iter().map(|item| any(names, item)).collect(),
        Value::Object(members) => {
            let member =
                |(key, value): (&String, &Value)| (names.named("key", key), any(names, value));
            members.iter().map(member).collect::<Map<_, _>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_a_user_is_left_but_switches_and_status() {
        let user = json!({
            "userId": "U2secret", "loginIds": ["ada@secret.com", "+447911123456"],
            "email": "Ada@secret.com", "verifiedEmail": true, "phone": "+447911123456",
            "name": "Ada Secret", "status": "enabled", "picture": "https://secret.com/a.png",
            "roleNames": ["secret-role"], "createdTime": 1_700_000_001, "test": false,
            "userTenants": [{"tenantId": "T1secret", "roleNames": ["r-secret"], "extra": "secret"}],
            "customAttributes": {"secretName": ["secret", 424_242, true], "other": {"secret": 1}},
            "unheardOf": "secret", "OAuth": {"secret": true},
        });
        let names = Pseudonyms::new().unwrap();
        let raw = to_raw_value(&user).unwrap();
        let text = redacted(&names, &raw).get().to_owned();
        for value in ["secret", "Secret", "Ada", "447911", "424242", "1700000001", "unheardOf"] {
            assert!(!text.contains(value), "{value} in {text}");
        }
        let own: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&own["verifiedEmail"], &own["status"]), (&json!(true), &json!("enabled")));
        assert_eq!(own["loginIds"][0], own["email"], "who it is can still be followed");
        assert_eq!(own["loginIds"][1], own["phone"]);
        assert_eq!(redacted(&names, &raw).get(), text);
    }

    #[test]
    fn changes_keep_their_field_and_their_action() {
        let names = Pseudonyms::new().unwrap();
        let record = |field: &str, attribute: Option<&str>, set: Value| ChangeRecord {
            field: field.to_owned(),
            attribute: attribute.map(str::to_owned),
            set: Some(set),
            ..ChangeRecord::default()
        };
        for (own, value) in [
            (record("phone", None, json!("+447911123456")), "447911"),
            (record("customAttributes", Some("secretName"), json!("gold")), "gold"),
            (record("customAttributes", Some("secretName"), json!(true)), "true"),
            (record("givenName", None, json!("Ada")), "Ada"),
            (record("roleNames", None, json!(["boss"])), "boss"),
        ] {
            let text = serde_json::to_string(&redacted_change(&names, &own).unwrap()).unwrap();
            assert!(text.contains(&own.field) && text.contains("\"set\""), "{text}");
            assert!(!text.contains(value) && !text.contains("secretName"), "{text}");
        }
        let cleared =
            ChangeRecord { field: "phone".into(), clear: true, ..ChangeRecord::default() };
        assert_eq!(redacted_change(&names, &cleared), Some(cleared));
        assert_eq!(redacted_change(&names, &record("Ada", None, json!(1))), None);
    }
}
