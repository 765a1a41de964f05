//! The user after changes, as the service would show it.

use serde_json::{Map, Value as Json, json};

use super::{Action, Change, Changes, Subject, User, Value};
use crate::catalog::{Effect, Operation, PATCH_FIELDS, Role};

/// All that an operation does to a user: its changes, and, where it replaces the whole user, the
/// removal of whatever they do not set.
#[must_use]
pub fn all_changes(operation: &Operation, changes: &Changes) -> Changes {
    if operation.effect != Effect::Replaces {
        return changes.clone();
    }
    let set = |role: Role| {
        changes.iter().any(|change| change.subject.roles().into_iter().flatten().any(|r| r == role))
    };
    let mut all = Changes::new();
    // Whether fields are removed, too, that it does not take is not documented.
    for field in PATCH_FIELDS {
        let subject = match field.role {
            Role::Attributes => Some(Subject::Attributes),
            // What becomes of a status that is not sent is not documented (API reference, 3.4).
            Role::User | Role::Status => None,
            role if set(role) => None,
            Role::Contact(contact) => {
                let action = Action::Set(Value::Boolean(false));
                all.push(Change { subject: Subject::Verified(contact), action });
                Some(Subject::Contact(contact))
            }
            Role::LoginIds => Some(Subject::LoginIds),
            Role::Roles => Some(Subject::Roles(None)),
            Role::Tenants => Some(Subject::Tenants),
            Role::Apps => Some(Subject::Apps),
            Role::Plain(key) => Some(Subject::Plain(key)),
            Role::NewLoginId
            | Role::Verified(_)
            | Role::RoleTenant
            | Role::Tenant
            | Role::AttributeKey
            | Role::AttributeValue
            | Role::Secret(_)
            | Role::Unseen(_)
            | Role::Fixed(_) => None,
        };
        all.extend(subject.map(|subject| Change { subject, action: Action::Clear }));
    }
    all.extend(changes.iter().cloned());
    all
}

impl User {
    /// The user after changes. `login_id` is how the row names the user.
    #[must_use]
    pub fn after<'c>(&self, login_id: &str, changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut after = self.clone();
        for change in changes {
            after.apply(login_id, change);
        }
        after
    }

    fn apply(&mut self, login_id: &str, change: &Change) {
        let key = change.subject.word();
        match &change.subject {
            Subject::LoginId => self.rename(login_id, change.text().unwrap_or_default()),
            Subject::LoginIds => self.set_further_login_ids(login_id, change),
            Subject::Contact(contact) => {
                let value = change.text().unwrap_or_default();
                self.put(key, json!(value));
                if value.is_empty() {
                    self.put(contact.verified_key(), json!(false));
                }
            }
            Subject::Verified(contact) => {
                let verified = change.action == Action::Set(Value::Boolean(true));
                let there = !self.text(contact.key()).is_empty();
                self.put(key, json!(verified && there));
            }
            Subject::Status | Subject::Plain(_) => {
                self.put(key, json!(change.text().unwrap_or_default()));
            }
            Subject::Roles(None) | Subject::Apps => {
                let list = changed_list(&self.list(key), &change.action);
                self.put(key, json!(list));
            }
            Subject::Roles(Some(tenant)) => self.change_roles(tenant, &change.action),
            Subject::Tenants => self.change_tenants(&change.action),
            Subject::Attribute(name) => self.set_attribute(name, change),
            Subject::Attributes => self.put(key, json!({})),
            Subject::Fixed(_) => self.put(key, change.json()),
            Subject::Secret(_) | Subject::Unseen(_) => {}
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        for key in ["loginIds", "externalIds"] {
            let mut ids: Vec<String> = self.list(key).into_iter().map(str::to_owned).collect();
            let Some(at) = ids.iter().position(|own| own == old) else { continue };
            if new.is_empty() || ids.iter().any(|own| own == new) {
                ids.remove(at);
            } else {
                new.clone_into(&mut ids[at]);
            }
            self.put(key, json!(ids));
        }
    }

    fn set_further_login_ids(&mut self, login_id: &str, change: &Change) {
        let further = changed_list(&[], &change.action);
        let own = self.list("loginIds");
        // Named by its user ID, it keeps its first login ID.
        let named = own.iter().find(|own| **own == login_id).or(own.first());
        let mut ids: Vec<String> = named.map(|named| (*named).to_owned()).into_iter().collect();
        ids.extend(further.into_iter().filter(|id| Some(id) != ids.first()).collect::<Vec<_>>());
        self.put("loginIds", json!(ids));
        self.put("externalIds", json!(ids));
    }

    fn change_roles(&mut self, tenant: &str, action: &Action) {
        let before = self.roles(Some(tenant));
        if before.is_none() && matches!(action, Action::Remove(_) | Action::Clear) {
            return;
        }
        let roles = changed_list(&before.unwrap_or_default(), action);
        let mut tenants = self.owned_tenants();
        match tenants.iter_mut().find(|(id, _)| id == tenant) {
            Some((_, own)) => *own = roles,
            None => tenants.push((tenant.to_owned(), roles)),
        }
        self.put_tenants(tenants);
    }

    fn change_tenants(&mut self, action: &Action) {
        let mut tenants = self.owned_tenants();
        match action {
            Action::Set(Value::Tenants(wanted)) => {
                let wanted = wanted.iter().cloned();
                tenants = wanted
                    .map(|tenant| (tenant.tenant_id, tenant.role_names.unwrap_or_default()))
                    .collect();
            }
            Action::Clear => tenants.clear(),
            Action::Add(Value::Text(id)) if !tenants.iter().any(|(own, _)| **own == **id) => {
                tenants.push((id.to_string(), Vec::new()));
            }
            Action::Remove(Value::Text(id)) => tenants.retain(|(own, _)| **own != **id),
            Action::Set(_) | Action::Add(_) | Action::Remove(_) => {}
        }
        self.put_tenants(tenants);
    }

    fn owned_tenants(&self) -> Vec<(String, Vec<String>)> {
        let owned = |(id, roles): (&str, Vec<&str>)| {
            (id.to_owned(), roles.into_iter().map(str::to_owned).collect())
        };
        self.tenants().into_iter().map(owned).collect()
    }

    fn put_tenants(&mut self, tenants: Vec<(String, Vec<String>)>) {
        let tenants: Vec<Json> = tenants
            .into_iter()
            .map(|(id, roles)| json!({"tenantId": id, "roleNames": roles}))
            .collect();
        self.put("userTenants", json!(tenants));
    }

    fn set_attribute(&mut self, name: &str, change: &Change) {
        let attributes = self.attributes().map(|(name, value)| (name.clone(), value.clone()));
        let mut attributes: Map<String, Json> = attributes.collect();
        if change.action == Action::Clear {
            attributes.remove(name);
        } else {
            attributes.insert(name.to_owned(), change.json());
        }
        self.put("customAttributes", attributes.into());
    }
}

/// A list after it was set, added to or taken from.
fn changed_list(before: &[&str], action: &Action) -> Vec<String> {
    let mut list: Vec<String> = before.iter().map(ToString::to_string).collect();
    match action {
        Action::Set(Value::List(items)) => list.clone_from(items),
        Action::Clear => list.clear(),
        Action::Add(Value::List(items)) => {
            for item in items {
                if !list.contains(item) {
                    list.push(item.clone());
                }
            }
        }
        Action::Remove(Value::List(items)) => list.retain(|item| !items.contains(item)),
        Action::Set(_) | Action::Add(_) | Action::Remove(_) => {}
    }
    list
}
