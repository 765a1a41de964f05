//! A row, and what a plan says of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::class::ChangeClass;
use crate::change::{User, UserParts};
use crate::rows::{Instruction, Invalid};

/// A row as it was understood, or why not.
pub(super) type Understood = Result<Instruction, Box<Invalid>>;

/// A row, and what a plan says of it.
#[derive(Debug)]
pub(crate) struct PlannedRow {
    /// What the row wants, or why it wants nothing.
    pub(crate) row: Understood,
    /// What would come of it.
    pub(crate) verdict: PlanOutcome,
}

/// What would come of a row.
#[derive(Debug)]
pub(crate) enum PlanOutcome {
    /// The user would change.
    Changes(Box<PlannedChange>),
    /// The user is already as the row wants.
    Unchanged,
    /// It would not be sent, or in vain.
    Refused {
        /// A stable word: `invalid`, `not_found`, `conflict`, `drifted`, `secret`, `unknown_role` or
        /// `unknown_tenant`.
        status: &'static str,
        /// Why, in words.
        why: String,
    },
}

/// What would happen to a user.
#[derive(Debug)]
pub(crate) struct PlannedChange {
    /// The parts that would change, with what they are and what they would be.
    pub(crate) differences: Vec<(String, Value, Value)>,
    /// What it can do.
    pub(crate) classes: BTreeSet<ChangeClass>,
    /// The parts that the row touches, as they are, and the user's ID.
    pub(crate) expect: UserParts,
    /// A login ID of the user, for people.
    pub(crate) shown_as: String,
    /// Rows of the same user that would change it, this one among them.
    pub(crate) of_user: u64,
}

impl PlannedChange {
    /// The parts that would change, with what they are and what they would be, for people.
    pub(super) fn shown(&self) -> Vec<(String, String, String)> {
        let one = |(part, was, is): &(String, Value, Value)| (part.clone(), shown(was), shown(is));
        self.differences.iter().map(one).collect()
    }
}

/// A part's value, for people.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            let one = |(key, value): (&String, &Value)| match value {
                Value::Null => key.clone(),
                Value::Array(items) if items.is_empty() => key.clone(),
                value => format!("{key} ({})", shown(value)),
            };
            members.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A user as it was read, shared by the rows that name it.
pub(super) type KnownUser = Arc<User>;
