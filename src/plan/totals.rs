//! What a plan comes to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::{PlanOutcome, PlannedChange, PlannedRow};

/// Rows of a kind, for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Example {
    /// The user, as the row names it.
    pub(crate) user: String,
    /// Why nothing would happen; empty where something would.
    pub(crate) why: String,
    /// What would: parts, with what they are and what they would be.
    pub(crate) changes: Vec<(String, String, String)>,
}

/// Examples that are kept of each kind.
const EXAMPLES: usize = 10;

/// Users with most changes that are named.
const MOST_CHANGED: usize = 5;

/// What a plan comes to, as its last line has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanTotals {
    /// Rows of the input.
    pub(crate) rows: u64,
    /// Rows that would change a user.
    pub(crate) changes: u64,
    /// Rows that would not, by why: `unchanged`, `not_found`, `conflict`, `invalid`, `secret`,
    /// `unknown_role`, `unknown_tenant`.
    pub(crate) others: BTreeMap<String, u64>,
    /// Changes by operation.
    pub(crate) operations: BTreeMap<String, u64>,
    /// Changes by class; one may be of several.
    pub(crate) classes: BTreeMap<String, u64>,
    /// The first of each kind.
    #[serde(skip)]
    pub(crate) examples: BTreeMap<String, Vec<Example>>,
    /// Users with more than one change, and how many: those with most.
    #[serde(skip)]
    pub(crate) most_changed: Vec<(String, u64)>,
    /// Whether examples are kept without bound.
    #[serde(skip)]
    pub(crate) keeps_all: bool,
}

impl PlanTotals {
    /// Counts a row.
    pub(crate) fn count(&mut self, planned: &PlannedRow) {
        self.rows += 1;
        let user = match &planned.row {
            Ok(instruction) => instruction.login_id.clone(),
            Err(invalid) => invalid.login_id.clone().unwrap_or_else(|| invalid.record.place()),
        };
        match &planned.verdict {
            PlanOutcome::Unchanged => *self.others.entry("unchanged".to_owned()).or_default() += 1,
            PlanOutcome::Refused { status, why } => {
                *self.others.entry((*status).to_owned()).or_default() += 1;
                self.example(status, || Example { user, why: why.clone(), changes: Vec::new() });
            }
            PlanOutcome::Changes(change) => self.count_change(planned, change),
        }
    }

    fn count_change(&mut self, planned: &PlannedRow, change: &PlannedChange) {
        let user = change.shown_as.as_str();
        self.changes += 1;
        if let Ok(instruction) = &planned.row {
            *self.operations.entry(instruction.operation.name.to_owned()).or_default() += 1;
        }
        for class in &change.classes {
            *self.classes.entry(class.word().to_owned()).or_default() += 1;
            let (user, why) = (user.to_owned(), String::new());
            self.example(class.word(), || Example { user, why, changes: change.shown() });
        }
        if change.of_user > 1 {
            self.most_changed.retain(|(own, _)| own != user);
            self.most_changed.push((user.to_owned(), change.of_user));
            self.most_changed.sort_by_key(|(_, changes)| std::cmp::Reverse(*changes));
            self.most_changed.truncate(MOST_CHANGED);
        }
    }

    fn example(&mut self, kind: &str, make: impl FnOnce() -> Example) {
        let examples = self.examples.entry(kind.to_owned()).or_default();
        if self.keeps_all || examples.len() < EXAMPLES {
            examples.push(make());
        }
    }

    /// Rows that would not be sent, or in vain: all but those that are unchanged.
    #[must_use]
    pub(crate) fn refused(&self) -> u64 {
        self.others.iter().filter(|(why, _)| *why != "unchanged").map(|(_, rows)| rows).sum()
    }
}
