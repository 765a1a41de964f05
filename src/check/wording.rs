//! What is told of a finding: place, column, value, and words for conflicts.

use std::io;
use std::sync::Arc;

use super::assertions::{Assertion, Assertions, RowPlace};
use super::conflicts::{Conflict, Conflicts, FoundConflicts};
use super::located::LocatedIssue;
use super::options::Options;
use super::sorter::{self, Sorter};
use super::{excerpt, lockout};
use crate::catalog::Operation;
use crate::input::record::{Record, Source};
use crate::issue::Issue;
use crate::rows::Builder;
use crate::rows::values::{
    LIST_SEPARATOR, MIXED_SCRIPTS, MIXED_TYPES, NOT_NORMALIZED, REGION_MISMATCH, ZERO_RESTORED,
};

/// Conflicts that are told one by one at most; all are counted.
const MOST_TOLD: usize = 1_000_000;

/// Codes of warnings that can be allowed.
pub(crate) const ALLOWABLE: [&str; 25] = [
    NOT_NORMALIZED,
    MIXED_SCRIPTS,
    "apostrophe_removed",
    "formula_unwrapped",
    "quotes_removed",
    "replacement_character",
    "decoded_twice",
    MIXED_TYPES,
    LIST_SEPARATOR,
    REGION_MISMATCH,
    ZERO_RESTORED,
    lockout::CODE,
    Conflict::Repeated.code(),
    Conflict::Contradicting.code(),
    Conflict::MadeTwice.code(),
    Conflict::UnmadeTwice.code(),
    Conflict::RenamedAway.code(),
    Conflict::TakenUntil.code(),
    Conflict::Swap.code(),
    Conflict::SharedLoginId.code(),
    Conflict::SharedValue.code(),
    Conflict::AnothersLoginId.code(),
    Conflict::Merges.code(),
    "phone_not_in_use",
    "placeholder_value",
];

impl Conflict {
    /// The word for it.
    const fn code(self) -> &'static str {
        match self {
            Self::Repeated => "repeated_value",
            Self::Contradicting => "contradicting_values",
            Self::MadeTwice => "created_twice",
            Self::UnmadeTwice => "deleted_twice",
            Self::RenamedAway => "renamed_away",
            Self::TakenUntil => "login_id_still_taken",
            Self::Swap => "login_id_swap",
            Self::SharedLoginId => "shared_login_id",
            Self::SharedValue => "shared_value",
            Self::AnothersLoginId => "anothers_login_id",
            Self::Merges => "merges_user",
        }
    }

    fn hint(self) -> String {
        let what = match self {
            Self::Repeated => "remove one of the rows",
            Self::Contradicting => {
                "rows are sent in order, so the later one wins; remove the one that is not meant"
            }
            Self::MadeTwice => {
                "the later row will be rejected, since the user is there; to change the user, use the operation patch"
            }
            Self::UnmadeTwice => "a run refuses such a file: leave one of the rows out",
            Self::RenamedAway => {
                "name the user by the new login ID, or put this row before the rename"
            }
            Self::TakenUntil => {
                "move the row that frees the login ID first; if both rows are about one user, rename it once"
            }
            Self::Swap => "use a third login ID: first A to C, then B to A, then C to B",
            Self::SharedLoginId | Self::SharedValue => {
                "find out whose it is, and remove the other row"
            }
            Self::AnothersLoginId => {
                "the server will refuse the row; put the row that frees the value first, or find out whether both are one person"
            }
            Self::Merges => {
                "the other user is deleted, without a way back, and later rows for it reach this one; remove one of the rows, or leave out --on-conflict merge"
            }
        };
        format!("{what}; to allow it, use --allow {}", self.code())
    }
}

/// Conflicts, counted, and those that are told.
pub(super) struct Conflicting {
    pub(super) counts: Vec<(&'static str, u64)>,
    kept: Vec<(Conflict, Vec<FoundConflicts>)>,
}

impl Conflicting {
    /// Those to be told, by row.
    pub(super) fn shown(&self, wanted: impl Fn(&str) -> bool) -> Vec<FoundConflicts> {
        let kinds = self.kept.iter().filter(|(conflict, _)| wanted(conflict.code()));
        let mut shown: Vec<FoundConflicts> =
            kinds.flat_map(|(_, found)| found.iter().copied()).collect();
        shown.sort_unstable_by_key(|found| found.assertion.at);
        shown
    }
}

/// Looks for conflicts among assertions; of each kind the first few are kept, or all.
/// `merges` is whether the server merges users whose login ID is given to another.
pub(super) fn conflicts(
    sorters: Vec<Sorter<Assertion>>,
    merges: bool,
    options: &Options,
) -> io::Result<Conflicting> {
    let most = if options.all { MOST_TOLD } else { options.examples };
    let mut kept: Vec<(Conflict, Vec<FoundConflicts>)> = Vec::new();
    let mut counts: Vec<(&'static str, u64)> = Vec::new();
    let mut conflicts = Conflicts::new(merges, |found: FoundConflicts| {
        let code = found.conflict.code();
        match counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => counts.push((code, 1)),
        }
        let kind = match kept.iter_mut().position(|(known, _)| *known == found.conflict) {
            Some(index) => &mut kept[index].1,
            None => {
                kept.push((found.conflict, Vec::new()));
                let last = kept.len() - 1;
                &mut kept[last].1
            }
        };
        kind.push(found);
        // The first by row are wanted, and assertions come by user.
        if kind.len() >= (2 * most).max(64) {
            kind.sort_unstable_by_key(|found| found.assertion.at);
            kind.truncate(most);
        }
    });
    sorter::merge(sorters, |assertion| conflicts.take(assertion))?;
    conflicts.finish();
    for (_, kind) in &mut kept {
        kind.sort_unstable_by_key(|found| found.assertion.at);
        kind.truncate(most);
    }
    Ok(Conflicting { counts, kept })
}

/// Puts findings into words.
pub(super) struct Wording<'a> {
    pub(super) builder: &'a Builder,
    pub(super) sources: &'a [Arc<Source>],
    pub(super) assertions: Assertions,
}

impl Wording<'_> {
    /// The column at fault, as the file names it.
    pub(super) fn column(
        &self,
        record: &Record,
        operation: Option<&'static Operation>,
        issue: &Issue,
    ) -> Option<String> {
        let column = issue.place.as_deref()?;
        let mapping = self.builder.mapping();
        let named = operation.and_then(|operation| mapping.column_of(record, operation, column));
        Some(named.unwrap_or_else(|| column.to_owned()))
    }

    /// An issue of a row by itself, with its place.
    pub(super) fn located(
        &self,
        record: &Record,
        operation: Option<&'static Operation>,
        issue: &Issue,
    ) -> LocatedIssue {
        let mapping = self.builder.mapping();
        let column = self.column(record, operation, issue);
        let is_secret = |column: &str| mapping.is_secret(column);
        let (excerpt, value) = excerpt::excerpt(record, column.as_deref(), &is_secret);
        let hint = issue.hint_with_candidates().map(|hint| hint.into_owned().into());
        LocatedIssue {
            issue: Issue { place: column, hint, ..issue.clone() },
            file: record.source.name.clone(),
            line: record.position.line,
            row: record.position.row,
            value,
            excerpt,
        }
    }

    /// The findings about a record that contradicts others.
    pub(super) fn conflicts_of(
        &self,
        mut record: Record,
        wanted: &[FoundConflicts],
    ) -> Vec<LocatedIssue> {
        let row = record.position.row;
        let first = wanted.partition_point(|found| found.assertion.at.row < row);
        let of_row: Vec<&FoundConflicts> =
            wanted[first..].iter().take_while(|found| found.assertion.at.row == row).collect();
        if of_row.is_empty() {
            return Vec::new();
        }
        // Files that were opened again are new sources; the builder knows those of the first time.
        if let Some(known) = self.sources.get(usize::from(of_row[0].assertion.at.source)) {
            record.source = Arc::clone(known);
        }
        let Ok(instruction) = self.builder.clone().build(record) else { return Vec::new() };
        let mut named: Vec<(Assertion, String)> = Vec::new();
        let at = of_row[0].assertion.at;
        self.assertions.of(&instruction, at, &mut |assertion, field| {
            named.push((assertion, field.to_owned()));
        });
        let finding = |found: &FoundConflicts| {
            let field =
                named.iter().find(|(assertion, _)| *assertion == found.assertion)?.1.clone();
            let issue = Issue::warning(found.conflict.code(), self.words(found, &field))
                .at(if found.conflict == Conflict::RenamedAway {
                    "loginId"
                } else {
                    field.as_str()
                })
                .hint(found.conflict.hint());
            let operation = Some(instruction.operation);
            Some(self.located(&instruction.record, operation, &issue))
        };
        of_row.into_iter().filter_map(finding).collect()
    }

    fn words(&self, found: &FoundConflicts, field: &str) -> String {
        let other = self.place(found.other);
        match found.conflict {
            Conflict::Repeated => format!("{other} sets this user's {field} to the same value"),
            Conflict::Contradicting => format!("{other} sets this user's {field} to another value"),
            Conflict::MadeTwice => format!("{other} creates the same user"),
            Conflict::UnmadeTwice => format!("{other} deletes the same user"),
            Conflict::RenamedAway => {
                format!("{other} renames this user, who then no longer has this login ID")
            }
            Conflict::TakenUntil => {
                format!("its user gives up this login ID only at {other}")
            }
            Conflict::Swap => {
                format!("{other} renames the other way round: a swap takes three steps")
            }
            Conflict::SharedLoginId => format!("{other} gives this login ID to another user"),
            Conflict::SharedValue => format!("{other} gives another user the same {field}"),
            Conflict::AnothersLoginId => {
                format!("{other} names another user by this {field} as its login ID")
            }
            Conflict::Merges => format!(
                "{other} names another user by this {field} as its login ID: that user is merged into this one"
            ),
        }
    }

    fn place(&self, at: RowPlace) -> String {
        let name = self.sources.get(usize::from(at.source)).map_or("", |source| &source.name);
        format!("{name}:{} (row {})", at.line, at.row)
    }
}
