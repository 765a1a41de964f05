//! Users as cells, the way rows are read: what comes out goes in. Pure.

use serde_json::{Map, Value, json};

use super::User;
use crate::catalog::{Contact, Kind, PATCH_FIELDS, Role, USER_ID};

/// A prefix of the columns of custom attributes.
const ATTRIBUTES: &str = "customAttributes.";

/// The columns of all users, but for those of custom attributes: who it is, and what can be set.
#[must_use]
pub(crate) fn columns() -> Vec<&'static str> {
    let settable = PATCH_FIELDS.iter().filter(|field| match field.role {
        Role::User | Role::LoginIds | Role::Attributes => false,
        Role::NewLoginId
        | Role::Contact(_)
        | Role::Verified(_)
        | Role::Status
        | Role::Roles
        | Role::RoleTenant
        | Role::Tenants
        | Role::Tenant
        | Role::Apps
        | Role::AttributeKey
        | Role::AttributeValue
        | Role::Secret(_)
        | Role::Unseen(_)
        | Role::Fixed(_)
        | Role::Plain(_) => true,
    });
    [USER_ID, "loginIds"].into_iter().chain(settable.map(|field| field.name)).collect()
}

/// Refuses a column that no user has.
pub(crate) fn check(column: &str) -> Result<(), String> {
    let known = columns();
    if known.contains(&column)
        || column.strip_prefix(ATTRIBUTES).is_some_and(|name| !name.is_empty())
    {
        return Ok(());
    }
    Err(format!("there is no column {column}: there are {} and {ATTRIBUTES}NAME", known.join(", ")))
}

/// What a user has in a column, as JSON; nothing where that is empty, or cannot be set.
#[must_use]
pub(crate) fn value(user: &User, column: &str) -> Option<Value> {
    if let Some(attribute) = column.strip_prefix(ATTRIBUTES) {
        return user.attribute(attribute).cloned().filter(|value| !is_empty(value));
    }
    if let Some(contact) = Contact::ALL.into_iter().find(|contact| contact.verified_key() == column)
    {
        let there = !user.text(contact.key()).is_empty();
        return there.then(|| user.is_verified(contact).into());
    }
    match column {
        "status" => {
            let known = ["enabled", "disabled", "invited"];
            Some(user.text(column)).filter(|own| known.contains(own)).map(Value::from)
        }
        "userTenants" => {
            let tenants = user
                .tenants()
                .into_iter()
                .map(|(id, roles)| json!({"tenantId": id, "roleNames": roles}));
            Some(tenants.collect::<Value>()).filter(|list| !is_empty(list))
        }
        _ => user.get(column).cloned().filter(|value| !is_empty(value)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as the text of a cell.
#[must_use]
pub(crate) fn cell(column: &str, value: &Value) -> String {
    match value {
        Value::String(text) if column.starts_with(ATTRIBUTES) => attribute(text),
        Value::String(text) => text.clone(),
        Value::Array(items) if is_list(column) => list(items),
        _ => value.to_string(),
    }
}

/// A text that would be read as something else is written as JSON.
fn attribute(text: &str) -> String {
    let reads_otherwise = serde_json::from_str::<Value>(text).is_ok()
        || text.starts_with(['"', '[', '{'])
        || ["true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.parse::<f64>().is_ok();
    if reads_otherwise { json!(text).to_string() } else { text.to_owned() }
}

fn is_list(column: &str) -> bool {
    let field = PATCH_FIELDS.iter().find(|field| field.name == column);
    column == "loginIds" || field.is_some_and(|field| field.kind == Kind::List)
}

/// `a;b`, or JSON where an item would be read as several.
fn list(items: &[Value]) -> String {
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    let plain = |text: &&str| {
        !text.contains([';', ',', '|', '\n']) && !text.starts_with('[') && text.trim() == *text
    };
    if texts.len() == items.len() && texts.iter().all(plain) {
        texts.join(";")
    } else {
        Value::from(items.to_vec()).to_string()
    }
}

/// The columns of the custom attributes that a user has.
pub(crate) fn attributes(user: &User) -> impl Iterator<Item = String> {
    user.attributes()
        .filter(|(_, value)| !is_empty(value))
        .map(|(name, _)| format!("{ATTRIBUTES}{name}"))
}

/// A user as a JSON row with some columns; custom attributes are one object in it.
#[must_use]
pub(crate) fn row(user: &User, columns: &[String]) -> Value {
    let mut row = Map::new();
    let mut attributes = Map::new();
    for column in columns {
        let Some(value) = value(user, column) else { continue };
        match column.strip_prefix(ATTRIBUTES) {
            Some(attribute) => drop(attributes.insert(attribute.to_owned(), value)),
            None => drop(row.insert(column.clone(), value)),
        }
    }
    if !attributes.is_empty() {
        row.insert("customAttributes".to_owned(), attributes.into());
    }
    row.into()
}
