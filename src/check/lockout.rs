//! The lock-out guard: rows that take away what a user may sign in with.
//!
//! Pure. Nothing here is forbidden: it is said before it happens (API reference, 3.1.1, 10).

use crate::catalog::{Contact, Effect, Role};
use crate::change::{Action, Change, Subject, Value};
use crate::issue::Issue;
use crate::rows::Instruction;

/// The code of every such issue.
pub(super) const CODE: &str = "lock_out";

/// What an instruction takes away of what its user signs in with, if anything.
pub(super) fn lock_out(instruction: &Instruction) -> Option<Issue> {
    let of_change = instruction.changes.iter().find_map(|change| {
        let message = taken_away(change, instruction)?;
        let index = change.subject.index_in(instruction.operation)?;
        Some(issue(instruction.operation.fields[index].name, message))
    });
    of_change.or_else(|| not_sent(instruction))
}

/// What a change takes away, in words.
fn taken_away(change: &Change, instruction: &Instruction) -> Option<String> {
    match (&change.subject, &change.action) {
        (Subject::LoginId, Action::Clear) => {
            Some("the login ID is removed: nobody signs in with it any more".to_owned())
        }
        (Subject::Contact(contact), Action::Clear) => contact
            .signs_in()
            .map(|what| format!("the {what} is removed: the user cannot sign in with it any more")),
        (Subject::Verified(contact), Action::Set(Value::Boolean(false))) => {
            // What is removed has been told of.
            let removed = Change { subject: Subject::Contact(*contact), action: Action::Clear };
            let what = contact.signs_in().filter(|_| !instruction.changes.contains(&removed))?;
            Some(format!("the {what} is not verified: the user cannot sign in with it until it is"))
        }
        (
            Subject::LoginId
            | Subject::LoginIds
            | Subject::Contact(_)
            | Subject::Verified(_)
            | Subject::Status
            | Subject::Roles(_)
            | Subject::Tenants
            | Subject::Apps
            | Subject::Attribute(_)
            | Subject::Attributes
            | Subject::Secret(_)
            | Subject::Unseen(_)
            | Subject::Fixed(_)
            | Subject::Plain(_),
            _,
        ) => None,
    }
}

/// The contact that a full replace removes, since it is not sent.
fn not_sent(instruction: &Instruction) -> Option<Issue> {
    let operation = instruction.operation;
    let missing = [Contact::Phone, Contact::Email].into_iter().find(|contact| {
        let sent = |change: &Change| change.subject == Subject::Contact(*contact);
        !instruction.changes.iter().any(sent)
    })?;
    let field = &operation.fields[operation.index_of(Role::Contact(missing))?];
    (operation.effect == Effect::Replaces).then(|| {
        let message = format!(
            "{} without {} removes it: the user cannot sign in with it any more",
            operation.name, field.name
        );
        issue(field.name, message)
    })
}

fn issue(field: &str, message: String) -> Issue {
    Issue::warning(CODE, message).at(field).hint(format!(
        "make sure that there is another way to sign in; to allow it, use --allow {CODE}"
    ))
}
