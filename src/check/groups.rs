//! Groups: findings of one kind together, counted, with the first few of each.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::located::LocatedIssue;
use crate::input::record::Repair;
use crate::issue::Severity;
use crate::rows::values::REGION_MISMATCH;

/// Kinds of findings kept apart; there are far fewer, but JSON keys can be anything.
const MOST_GROUPS: usize = 256;

/// Findings of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// How bad they are.
    pub severity: Severity,
    /// The word for the kind.
    pub code: String,
    /// The column at fault.
    pub column: Option<String>,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<LocatedIssue>,
}

/// The findings so far.
#[derive(Debug)]
pub(super) struct Groups {
    kinds: Vec<Group>,
    examples: usize,
    others: u64,
}

impl Groups {
    /// Keeps so many examples of each group.
    pub(super) fn new(examples: usize) -> Self {
        Self { kinds: Vec::new(), examples, others: 0 }
    }

    /// Counts a finding; `finding` makes it if it is one of the first of its group.
    pub(super) fn add(
        &mut self,
        (severity, code, column): (Severity, &str, Option<&str>),
        finding: impl FnOnce() -> LocatedIssue,
    ) {
        let Some(index) = self.place(severity, code, column) else {
            self.others += 1;
            return;
        };
        let group = &mut self.kinds[index];
        group.count += 1;
        if group.examples.len() < self.examples {
            group.examples.push(finding());
        }
    }

    /// Counts a finding whose example comes later, if it is to come at all.
    pub(super) fn count(
        &mut self,
        severity: Severity,
        code: &str,
        column: Option<&str>,
        many: u64,
    ) {
        match self.place(severity, code, column) {
            Some(index) => self.kinds[index].count += many,
            None => self.others += many,
        }
    }

    /// Keeps an example of what is counted already.
    pub(super) fn example(&mut self, finding: LocatedIssue) {
        if let Some(index) = self.place(finding.issue.severity, &finding.issue.code, None)
            && self.kinds[index].examples.len() < self.examples
        {
            self.kinds[index].examples.push(finding);
        }
    }

    fn place(&mut self, severity: Severity, code: &str, column: Option<&str>) -> Option<usize> {
        let same = |group: &Group| {
            group.code == code && group.severity == severity && group.column.as_deref() == column
        };
        // The last one met is the likeliest.
        if let Some(index) = self.kinds.iter().rposition(same) {
            return Some(index);
        }
        if self.kinds.len() >= MOST_GROUPS {
            return None;
        }
        let (code, column) = (code.to_owned(), column.map(str::to_owned));
        self.kinds.push(Group { severity, code, column, count: 0, examples: Vec::new() });
        Some(self.kinds.len() - 1)
    }

    /// The groups, the worst and most frequent first, and findings beyond them.
    pub(super) fn finish(mut self) -> (Vec<Group>, u64) {
        // Conflicts come in no order of their own.
        self.kinds.sort_by(|a, b| {
            let key = |group: &Group| {
                // It explains others, which come of it.
                let first = group.code != REGION_MISMATCH;
                (group.severity, first, Reverse(group.count), group.code.clone())
            };
            key(a).cmp(&key(b)).then_with(|| a.column.cmp(&b.column))
        });
        (self.kinds, self.others)
    }
}

/// Repairs of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repairs {
    /// The word for the kind.
    pub kind: Cow<'static, str>,
    /// How many values were repaired so.
    pub count: u64,
    /// The first of them, with its place.
    pub first: (String, Repair),
}

/// Counts a repair.
pub(super) fn count_repair(
    counts: &mut Vec<Repairs>,
    repair: Repair,
    place: impl FnOnce() -> String,
) {
    match counts.iter_mut().find(|known| known.kind == repair.kind) {
        Some(known) => known.count += 1,
        None => {
            counts.push(Repairs { kind: repair.kind.clone(), count: 1, first: (place(), repair) });
        }
    }
}
