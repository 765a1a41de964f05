//! The changes that make a user anew, like one who is gone.

use super::{Action, Change, Changes, Subject, Tenant, User, Value};
use crate::catalog::{CREATED_TIME, Operation, Role};

/// What makes a user anew by an operation, as far as the API takes it: the first login ID, and the
/// changes. The user ID and what no user object shows do not come back (API reference, section 6).
///
/// `None` for a user without a login ID.
#[must_use]
pub fn anew(operation: &Operation, user: &User) -> Option<(String, Changes)> {
    let mut login_ids = user.list("loginIds").into_iter();
    let login_id = login_ids.next()?.to_owned();
    let further: Vec<String> = login_ids.map(str::to_owned).collect();
    let mut changes = Changes::new();
    let text = |key: &str| {
        let shown = user.text(key);
        (!shown.is_empty()).then(|| Value::Text(shown.to_owned().into()))
    };
    for field in operation.fields {
        let (subject, value) = match field.role {
            Role::LoginIds => (Subject::LoginIds, list(further.clone())),
            Role::Contact(contact) => (Subject::Contact(contact), text(contact.key())),
            Role::Verified(contact) => {
                let verified = text(contact.key()).map(|_| user.is_verified(contact));
                (Subject::Verified(contact), verified.map(Value::Boolean))
            }
            // What else there is cannot be set (API reference, 3.1).
            Role::Status => {
                let settable = ["enabled", "disabled", "invited"].contains(&user.text("status"));
                (Subject::Status, text("status").filter(|_| settable))
            }
            Role::Roles => (Subject::Roles(None), list(owned(user.list("roleNames")))),
            Role::Tenants => (Subject::Tenants, tenants(user)),
            Role::Apps => (Subject::Apps, list(owned(user.list("ssoAppIds")))),
            Role::Attributes => {
                changes.extend(user.attributes().filter(|(_, value)| !value.is_null()).map(
                    |(name, value)| Change {
                        subject: Subject::Attribute(name.as_str().into()),
                        action: Action::Set(Value::Json(value.to_string().into())),
                    },
                ));
                continue;
            }
            Role::Plain(key) => (Subject::Plain(key), text(key)),
            Role::Fixed(key) => (Subject::Fixed(key), fixed(user, key)),
            Role::User
            | Role::NewLoginId
            | Role::RoleTenant
            | Role::Tenant
            | Role::AttributeKey
            | Role::AttributeValue
            | Role::Secret(_)
            | Role::Unseen(_) => continue,
        };
        changes.extend(value.map(|value| Change { subject, action: Action::Set(value) }));
    }
    Some((login_id, changes))
}

fn owned(items: Vec<&str>) -> Vec<String> {
    items.into_iter().map(str::to_owned).collect()
}

fn list(items: Vec<String>) -> Option<Value<'static>> {
    (!items.is_empty()).then_some(Value::List(items))
}

fn tenants(user: &User) -> Option<Value<'static>> {
    let tenants = user.tenants().into_iter();
    let tenants: Vec<Tenant> =
        tenants.map(|(id, roles)| Tenant::of(id).with_roles(owned(roles))).collect();
    (!tenants.is_empty()).then_some(Value::Tenants(tenants))
}

/// A time as it is; of a flag only what is not so anyway.
fn fixed(user: &User, key: &str) -> Option<Value<'static>> {
    match user.get(key)? {
        serde_json::Value::Bool(true) => Some(Value::Boolean(true)),
        serde_json::Value::Number(number) if key == CREATED_TIME => {
            Some(Value::Json(number.to_string().into()))
        }
        _ => None,
    }
}
