//! Classes of changes: what a change can do besides what it says. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::catalog::Contact;
use crate::change::User;

/// What a change can do. A run of a plan needs leave for each class but the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ChangeClass {
    /// Nothing that needs leave.
    Plain,
    /// A user is made, which needs no leave either.
    Creation,
    /// A mail or an SMS goes out to the user.
    Invitation,
    /// A value is taken away, and nothing takes its place.
    Removal,
    /// A login ID gets another name: the user has to sign in with that.
    Rename,
    /// The user may do more than before: roles, tenants or apps.
    Access,
    /// The user may not be able to sign in as before.
    LockOut,
    /// Another user becomes part of this one, and is gone.
    Merge,
    /// The user is taken away.
    Deletion,
}

impl ChangeClass {
    /// Every class.
    pub(crate) const ALL: [Self; 9] = [
        Self::Plain,
        Self::Creation,
        Self::Invitation,
        Self::Removal,
        Self::Rename,
        Self::Access,
        Self::LockOut,
        Self::Merge,
        Self::Deletion,
    ];

    /// The words that give leave for classes.
    pub(crate) const ALLOWABLE: [&str; 8] =
        ["invitation", "removal", "rename", "access", "lock_out", "merge", "deletion", "all"];

    /// Whether a run of a plan needs leave for it.
    #[must_use]
    pub(crate) fn needs_leave(self) -> bool {
        !matches!(self, Self::Plain | Self::Creation)
    }

    /// The word in files, on the screen and behind `--allow`.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Creation => "creation",
            Self::Invitation => "invitation",
            Self::Deletion => "deletion",
            Self::Removal => "removal",
            Self::Rename => "rename",
            Self::Access => "access",
            Self::LockOut => "lock_out",
            Self::Merge => "merge",
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Plain => "changes",
            Self::Creation => "a user is created",
            Self::Invitation => "a mail or an SMS goes out to the user",
            Self::Deletion => "the user is deleted",
            Self::Removal => "a value is removed",
            Self::Rename => "a login ID is renamed or removed",
            Self::Access => "more access: roles, tenants or apps",
            Self::LockOut => "the user may be locked out",
            Self::Merge => "another user is merged into this one, and is gone",
        }
    }
}

/// The classes of what happens to a user; at least one.
pub(crate) fn classes(
    before: &User,
    after: &User,
    parts: &BTreeSet<String>,
) -> BTreeSet<ChangeClass> {
    let mut classes = BTreeSet::new();
    for part in parts {
        let (was, is) = (before.part(part), after.part(part));
        if was == is {
            continue;
        }
        let (key, _) = part.split_once('.').unwrap_or((part, ""));
        match key {
            "loginIds" if loses(&was, &is) => drop(classes.insert(ChangeClass::Rename)),
            "roleNames" | "userTenants" if widens(&was, &is) => {
                classes.insert(ChangeClass::Access);
            }
            // An empty list opens all apps.
            "ssoAppIds" if is.is_null() || (!was.is_null() && gains(&was, &is)) => {
                classes.insert(ChangeClass::Access);
            }
            "status" if is == "disabled" => drop(classes.insert(ChangeClass::LockOut)),
            _ => {}
        }
        if is.is_null() && key != "loginIds" && !is_flag(key) {
            classes.insert(ChangeClass::Removal);
        }
    }
    if locks_out(before, after) {
        classes.insert(ChangeClass::LockOut);
    }
    if classes.is_empty() {
        classes.insert(ChangeClass::Plain);
    }
    classes
}

fn is_flag(key: &str) -> bool {
    key.starts_with("verified")
}

/// Whether a contact that the user could sign in with is gone, or is there and cannot be used.
fn locks_out(before: &User, after: &User) -> bool {
    [Contact::Phone, Contact::Email].into_iter().any(|contact| {
        let (was, is) = (before.part(contact.key()), after.part(contact.key()));
        let could = !was.is_null() && before.is_verified(contact);
        let can = !is.is_null() && after.is_verified(contact);
        let is_new = is != was && !is.is_null();
        !can && (could || is_new)
    })
}

/// The items of a list, or the keys and roles of tenants.
fn items(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().map(Value::to_string).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, roles)| {
                let own = items(roles).into_iter().map(move |role| format!("{key} {role}"));
                own.chain([key.clone()])
            })
            .collect(),
        _ => BTreeSet::new(),
    }
}

fn gains(was: &Value, is: &Value) -> bool {
    !items(is).is_subset(&items(was))
}

fn loses(was: &Value, is: &Value) -> bool {
    gains(is, was)
}

/// Whether roles or memberships come in. An empty list of roles in a tenant is a membership.
fn widens(was: &Value, is: &Value) -> bool {
    (was.is_null() && !is.is_null()) || gains(was, is)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(value: Value) -> User {
        let Value::Object(object) = value else { panic!("an object") };
        User::from(object)
    }

    #[test]
    fn what_a_change_can_do_is_told_by_what_was_and_what_is() {
        for (before, after, expected) in [
            (json!({"name": "A"}), json!({"name": "B"}), &["plain"][..]),
            (json!({"name": "A"}), json!({"name": ""}), &["removal"]),
            (json!({}), json!({"name": "A"}), &["plain"]),
            (json!({"loginIds": ["a"]}), json!({"loginIds": ["b"]}), &["rename"]),
            (json!({"loginIds": ["a"]}), json!({"loginIds": ["a", "b"]}), &["plain"]),
            (json!({"roleNames": ["a"]}), json!({"roleNames": ["a", "b"]}), &["access"]),
            (json!({"roleNames": ["a", "b"]}), json!({"roleNames": ["a"]}), &["plain"]),
            (json!({"roleNames": ["a"]}), json!({"roleNames": []}), &["removal"]),
            (json!({"ssoAppIds": ["a"]}), json!({"ssoAppIds": []}), &["removal", "access"]),
            (json!({"ssoAppIds": []}), json!({"ssoAppIds": ["a"]}), &["plain"]),
            (json!({}), json!({"userTenants": [{"tenantId": "T"}]}), &["access"]),
            (json!({"status": "enabled"}), json!({"status": "disabled"}), &["lock_out"]),
            (json!({"status": "disabled"}), json!({"status": "enabled"}), &["plain"]),
            (
                json!({"phone": "+1", "verifiedPhone": true}),
                json!({"phone": "+2", "verifiedPhone": true}),
                &["plain"],
            ),
            (
                json!({"phone": "+1", "verifiedPhone": true}),
                json!({"phone": "+2", "verifiedPhone": false}),
                &["lock_out"],
            ),
            (
                json!({"phone": "+1", "verifiedPhone": true}),
                json!({"phone": "", "verifiedPhone": false}),
                &["removal", "lock_out"],
            ),
            (
                json!({"phone": "+1", "verifiedPhone": false}),
                json!({"phone": "+1", "verifiedPhone": true}),
                &["plain"],
            ),
        ] {
            let (before, after) = (user(before), user(after));
            let parts = ["name", "loginIds", "roleNames", "ssoAppIds", "userTenants", "status"]
                .into_iter()
                .chain(["phone", "verifiedPhone"])
                .map(str::to_owned)
                .collect();
            let told: Vec<_> =
                classes(&before, &after, &parts).into_iter().map(ChangeClass::word).collect();
            assert_eq!(told, expected, "{before:?} → {after:?}");
        }
    }
}
