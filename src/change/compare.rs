//! What a user does not show yet of what is to be done.
//!
//! Values are compared by what they mean, as the service keeps them: phone numbers by their digits
//! (API reference, section 9), e-mail addresses without regard to case, lists without regard to
//! order, what is missing as empty. What a user object cannot show is always a difference: a
//! password, and which login IDs are the further ones.

use std::collections::BTreeSet;

use super::{Action, Change, Subject, User, Value};
use crate::catalog::Contact;

/// Which of the changes a user does not show; none means that there is nothing to do.
///
/// `login_id` is how the row names the user.
pub fn compare<'c>(
    login_id: &str,
    changes: impl IntoIterator<Item = &'c Change>,
    user: &User,
) -> Vec<&'c Change> {
    changes.into_iter().filter(|change| !shows(login_id, change, user)).collect()
}

/// Whether a user shows a change.
fn shows(login_id: &str, change: &Change, user: &User) -> bool {
    let key = change.subject.word();
    match &change.subject {
        Subject::LoginId => {
            let has = |name: &str| user.list("loginIds").contains(&name);
            !has(login_id) && change.text().is_none_or(has)
        }
        Subject::LoginIds | Subject::Secret(_) | Subject::Unseen(_) => false,
        Subject::Fixed(_) => user.get(key) == Some(&change.json()),
        Subject::Contact(contact) => {
            same_contact(*contact, user.text(key), change.text().unwrap_or_default())
        }
        Subject::Verified(contact) => {
            change.action == Action::Set(Value::Boolean(user.is_verified(*contact)))
        }
        Subject::Status | Subject::Plain(_) => {
            user.text(key) == change.text().unwrap_or_default()
                && user.get(key).is_none_or(serde_json::Value::is_string)
        }
        Subject::Roles(tenant) => shows_list(change, user.roles(tenant.as_deref())),
        Subject::Apps => shows_list(change, Some(user.list(key))),
        Subject::Tenants => shows_tenants(change, user),
        Subject::Attribute(name) => shows_attribute(change, user.attribute(name)),
        Subject::Attributes => user.attributes().next().is_none(),
    }
}

fn same_contact(contact: Contact, one: &str, other: &str) -> bool {
    let digits = |phone: &str| phone.chars().filter(char::is_ascii_digit).collect::<String>();
    if contact.is_phone() { digits(one) == digits(other) } else { one.eq_ignore_ascii_case(other) }
}

/// Whether a list shows a change; `None` is a list of a tenant that the user is not in.
fn shows_list(change: &Change, list: Option<Vec<&str>>) -> bool {
    let wanted: BTreeSet<&str> = match &change.action {
        Action::Set(Value::List(items))
        | Action::Add(Value::List(items))
        | Action::Remove(Value::List(items)) => items.iter().map(String::as_str).collect(),
        Action::Clear => BTreeSet::new(),
        Action::Set(_) | Action::Add(_) | Action::Remove(_) => return false,
    };
    let is_member = list.is_some();
    let there: BTreeSet<&str> = list.into_iter().flatten().collect();
    match change.action {
        Action::Set(_) | Action::Clear => is_member && there == wanted,
        Action::Add(_) => is_member && wanted.is_subset(&there),
        Action::Remove(_) => wanted.is_disjoint(&there),
    }
}

fn shows_tenants(change: &Change, user: &User) -> bool {
    let there = user.tenants();
    let is_member = |id: &str| there.iter().any(|(own, _)| *own == id);
    match &change.action {
        Action::Set(Value::Tenants(wanted)) => {
            let of_user: BTreeSet<(&str, BTreeSet<&str>)> =
                there.into_iter().map(|(id, roles)| (id, roles.into_iter().collect())).collect();
            let wanted = wanted.iter().map(|tenant| {
                let roles = tenant.role_names.iter().flatten().map(String::as_str).collect();
                (tenant.tenant_id.as_str(), roles)
            });
            of_user == wanted.collect()
        }
        Action::Clear => there.is_empty(),
        Action::Add(Value::Text(id)) => is_member(id),
        Action::Remove(Value::Text(id)) => !is_member(id),
        Action::Set(_) | Action::Add(_) | Action::Remove(_) => false,
    }
}

/// Whether an attribute shows a change: by value, since how the service keeps it is decided by
/// its declared type, which is not known here.
fn shows_attribute(change: &Change, there: Option<&serde_json::Value>) -> bool {
    match there {
        Some(there) => *there == change.json(),
        None => change.action == Action::Clear,
    }
}
