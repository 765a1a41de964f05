//! The changes that take changes back.
//!
//! What is restored is what was there before, and nothing else: roles that a user had already are
//! not taken away because they were "added", and a membership stays that was there before. A flag
//! of a contact goes back together with its contact, since the API has no way to set it alone.

use super::{Action, Change, Changes, Subject, Tenant, User, Value};
use crate::catalog::Contact;

/// What takes changes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Inverse {
    /// How the user is named after the changes; a rename is taken back from there.
    pub login_id: String,
    /// The changes, to be made in this order.
    pub changes: Changes,
    /// What cannot be taken back.
    pub irreversible: Vec<Irreversible>,
}

/// A change that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irreversible {
    /// The field.
    pub subject: Subject,
    /// Why not: a lower-case fragment.
    pub reason: &'static str,
}

/// The changes that take changes back, for a user who was like this before them.
///
/// `login_id` is how the row named the user. The changes are those of an operation that leaves
/// alone what it does not name: a full replace is taken back by a full replace.
#[must_use]
pub fn invert<'c>(
    login_id: &str,
    changes: impl IntoIterator<Item = &'c Change>,
    before: &User,
) -> Inverse {
    let mut inverse = Inverse {
        login_id: login_id.to_owned(),
        changes: Changes::new(),
        irreversible: Vec::new(),
    };
    for change in changes {
        inverse.take_back(login_id, change, before);
    }
    // The last that was done is the first to be taken back.
    inverse.changes.reverse();
    inverse
}

impl Inverse {
    fn take_back(&mut self, login_id: &str, change: &Change, before: &User) {
        let key = change.subject.word();
        match &change.subject {
            Subject::LoginId => self.login_id(login_id, change, before),
            Subject::LoginIds => {
                let further = before.list(key).into_iter().filter(|own| *own != login_id);
                self.set(Subject::LoginIds, list(further));
            }
            Subject::Contact(contact) | Subject::Verified(contact) => {
                self.contact(*contact, before);
            }
            Subject::Status => self.status(before),
            Subject::Plain(_) => {
                self.set(change.subject.clone(), text(before.text(key)));
            }
            Subject::Roles(tenant) => self.roles(tenant.as_deref(), change, before),
            Subject::Tenants => self.tenants(change, before),
            Subject::Apps => self.list(change, &before.list(key)),
            Subject::Attribute(name) => self.attribute(name, before.attribute(name)),
            Subject::Attributes => {
                for (name, value) in before.attributes() {
                    self.attribute(name, Some(value));
                }
            }
            Subject::Secret(_) | Subject::Unseen(_) => {
                self.cannot(change.subject.clone(), "what it was before cannot be read");
            }
            Subject::Fixed(_) => {
                self.cannot(change.subject.clone(), "it is said when a user is created, and stays");
            }
        }
    }

    fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    fn set(&mut self, subject: Subject, value: Value<'static>) {
        self.push(Change::set(subject, value));
    }

    fn cannot(&mut self, subject: Subject, reason: &'static str) {
        self.irreversible.push(Irreversible { subject, reason });
    }

    fn login_id(&mut self, old: &str, change: &Change, before: &User) {
        if let Some(new) = change.text() {
            new.clone_into(&mut self.login_id);
            return self.set(Subject::LoginId, text(old));
        }
        let left: Vec<&str> = before.list("loginIds").into_iter().filter(|id| *id != old).collect();
        match left.first() {
            Some(named) => {
                (*named).clone_into(&mut self.login_id);
                let others = before.list("loginIds").into_iter().filter(|id| id != named);
                self.set(Subject::LoginIds, list(others));
            }
            None => self.cannot(Subject::LoginId, "the user has no other login ID"),
        }
    }

    /// Both the contact and its flag, once.
    fn contact(&mut self, contact: Contact, before: &User) {
        let subject = Subject::Contact(contact);
        if self.changes.iter().any(|change| change.subject == subject) {
            return;
        }
        let was = before.text(contact.key());
        let verified = !was.is_empty() && before.is_verified(contact);
        // Taken back in the opposite order: the flag after the contact.
        self.set(Subject::Verified(contact), Value::Boolean(verified));
        self.set(subject, text(was));
    }

    fn status(&mut self, before: &User) {
        match before.text("status") {
            status @ ("enabled" | "disabled" | "invited") => {
                self.set(Subject::Status, text(status));
            }
            _ => self.cannot(Subject::Status, "the API does not take the status that was there"),
        }
    }

    fn roles(&mut self, tenant: Option<&str>, change: &Change, before: &User) {
        match (before.roles(tenant), tenant) {
            (Some(roles), _) => self.list(change, &roles),
            // Roles in a tenant make the user a member, who was none.
            (None, Some(id)) if matches!(change.action, Action::Add(_) | Action::Set(_)) => {
                self.push(membership(Action::Remove, id));
            }
            (None, _) => {}
        }
    }

    fn tenants(&mut self, change: &Change, before: &User) {
        let there = before.tenants();
        let member = |id: &str| there.iter().find(|(own, _)| *own == id);
        match &change.action {
            Action::Add(Value::Text(id)) if member(id).is_none() => {
                self.push(membership(Action::Remove, id));
            }
            Action::Remove(Value::Text(id)) => {
                if let Some((_, roles)) = member(id) {
                    let subject = Subject::Roles(Some(id.to_string().into()));
                    if !roles.is_empty() {
                        self.set(subject, list(roles.iter().copied()));
                    }
                    self.push(membership(Action::Add, id));
                }
            }
            Action::Set(_) | Action::Clear => {
                let tenant = |(id, roles): &(&str, Vec<&str>)| {
                    Tenant::of(*id).with_roles(roles.iter().map(ToString::to_string).collect())
                };
                let was = there.iter().map(tenant).collect();
                self.set(Subject::Tenants, Value::Tenants(was));
            }
            Action::Add(_) | Action::Remove(_) => {}
        }
    }

    fn list(&mut self, change: &Change, before: &[&str]) {
        let subject = change.subject.clone();
        let had = |item: &&str| before.contains(item);
        match &change.action {
            Action::Set(_) | Action::Clear => self.set(subject, list(before.iter().copied())),
            Action::Add(Value::List(added)) => {
                let new: Vec<&str> =
                    added.iter().map(String::as_str).filter(|item| !had(item)).collect();
                if !new.is_empty() {
                    self.push(Change { subject, action: Action::Remove(list(new.into_iter())) });
                }
            }
            Action::Remove(Value::List(removed)) => {
                let gone: Vec<&str> = removed.iter().map(String::as_str).filter(had).collect();
                if !gone.is_empty() {
                    self.push(Change { subject, action: Action::Add(list(gone.into_iter())) });
                }
            }
            Action::Add(_) | Action::Remove(_) => {}
        }
    }

    fn attribute(&mut self, name: &str, before: Option<&serde_json::Value>) {
        let subject = Subject::Attribute(name.into());
        match before {
            Some(value) => self.set(subject, Value::Json(value.to_string().into())),
            None => self.push(Change { subject, action: Action::Clear }),
        }
    }
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> Value<'static> {
    Value::List(items.map(str::to_owned).collect())
}

fn membership(action: impl Fn(Value<'static>) -> Action, id: &str) -> Change {
    Change { subject: Subject::Tenants, action: action(text(id)) }
}
