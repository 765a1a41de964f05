//! The body of a request.

use super::value::write_text;
use super::{Action, Change, Subject, Value};
use crate::catalog::{Operation, Role};

/// What is sent to an operation for a user and changes, JSON, in the order of the catalogue.
///
/// `fail_on_conflict` is whether a contact that is another user's login ID is refused, where the
/// operation can be told (API reference, 3.1.1).
pub fn body<'c>(
    operation: &Operation,
    login_id: &str,
    changes: &(impl Iterator<Item = &'c Change> + Clone),
    fail_on_conflict: bool,
) -> Vec<u8> {
    let mut body = Object::new();
    add_fields(operation, login_id, changes, &mut body);
    let conflict = operation.fail_on_conflict.then_some(("failOnConflict", fail_on_conflict));
    for (key, value) in operation.constants.iter().copied().chain(conflict) {
        Value::Boolean(value).write_json(body.member(key));
    }
    body.end()
}

/// The same as a row of input, which comes to the same operation, user and changes.
///
/// `more` are further members, such as those that a run takes for conditions, each with its JSON.
pub fn row<'c>(
    operation: &Operation,
    login_id: &str,
    changes: &(impl Iterator<Item = &'c Change> + Clone),
    more: &[(&str, &serde_json::Value)],
) -> Vec<u8> {
    let mut row = Object::new();
    write_text(operation.name, row.member("operation"));
    add_fields(operation, login_id, changes, &mut row);
    for (key, value) in more {
        Value::Json(value.to_string().into()).write_json(row.member(key));
    }
    row.end()
}

/// The fields of an operation that a user and changes give, in the order of the catalogue.
fn add_fields<'c>(
    operation: &Operation,
    login_id: &str,
    changes: &(impl Iterator<Item = &'c Change> + Clone),
    body: &mut Object,
) {
    for field in operation.fields {
        let key = field.name;
        match field.role {
            Role::User => write_text(login_id, body.member(operation.user_key(login_id))),
            Role::AttributeKey => {
                if let Some((name, _)) = changes.clone().find_map(attribute) {
                    write_text(name, body.member(key));
                }
            }
            Role::AttributeValue => {
                if let Some((_, change)) = changes.clone().find_map(attribute) {
                    change.write_json(body.member(key));
                }
            }
            Role::Attributes => attributes(key, changes, body),
            Role::RoleTenant => {
                if let Some(tenant) = changes.clone().find_map(tenant_of_roles) {
                    write_text(tenant, body.member(key));
                }
            }
            Role::NewLoginId
            | Role::LoginIds
            | Role::Contact(_)
            | Role::Verified(_)
            | Role::Status
            | Role::Roles
            | Role::Tenants
            | Role::Tenant
            | Role::Apps
            | Role::Secret(_)
            | Role::Unseen(_)
            | Role::Fixed(_)
            | Role::Plain(_) => {
                let holds = |change: &&Change| {
                    change.subject.roles().into_iter().flatten().any(|role| role == field.role)
                };
                if let Some(change) = changes.clone().find(holds) {
                    change.write_json(body.member(key));
                }
            }
        }
    }
}

/// A JSON object in the making.
struct Object(Vec<u8>);

impl Object {
    fn new() -> Self {
        let mut text = Vec::with_capacity(128);
        text.push(b'{');
        Self(text)
    }

    /// Begins a member, and gives the place where its value is to be appended.
    fn member(&mut self, key: &str) -> &mut Vec<u8> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_text(key, &mut self.0);
        self.0.push(b':');
        &mut self.0
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// All custom attributes of the changes in one object.
fn attributes<'c>(
    key: &str,
    changes: &(impl Iterator<Item = &'c Change> + Clone),
    body: &mut Object,
) {
    let mut all = Object::new();
    for (name, change) in changes.clone().filter_map(attribute) {
        change.write_json(all.member(name));
    }
    let cleared = |change: &Change| {
        (&change.subject, &change.action) == (&Subject::Attributes, &Action::Clear)
    };
    let all = all.end();
    if all.len() > 2 || changes.clone().any(cleared) {
        body.member(key).extend_from_slice(&all);
    }
}

fn attribute(change: &Change) -> Option<(&str, &Change)> {
    match &change.subject {
        Subject::Attribute(name) => Some((name, change)),
        _ => None,
    }
}

fn tenant_of_roles(change: &Change) -> Option<&str> {
    match &change.subject {
        Subject::Roles(tenant) => tenant.as_deref(),
        _ => None,
    }
}
