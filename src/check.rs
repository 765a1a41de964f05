//! Checking: everything that can be known of the rows without a network.
//!
//! Rows are judged one by one, on all cores, and compared with each other: what they say of
//! one user, or of one value, is sorted (on disk where there is much of it) and looked through.
//! Memory does not grow with their number. Nothing here reads or writes a file that has a name.

mod assertions;
mod conflicts;
mod excerpt;
mod forecast;
mod groups;
mod located;
mod lockout;
mod options;
mod rows;
mod wording;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;

use crate::exit::{Error, Exit};
use crate::input::record::Record;
use crate::input::{self, Input, InputRequest};
use crate::issue::{Issue, Severity};
use crate::rows::{Builder, Mapping, OnConflict, TypesFrom};
use crate::store::summary::SkippedRows;
use assertions::Assertions;
pub(crate) use forecast::{Calls, Needed, forecast};
use groups::Groups;
pub(crate) use groups::{Group, Repairs};
pub(crate) use located::LocatedIssue;
pub(crate) use options::{EXAMPLES, Options};
use rows::CheckInput;
pub(crate) mod sorter;
pub(crate) use wording::ALLOWABLE;
use wording::Wording;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Rows read.
    pub rows: u64,
    /// Rows that were passed over.
    pub skipped: SkippedRows,
    /// Rows that were not chosen.
    pub left_out: u64,
    /// Rows that would be sent.
    pub valid: u64,
    /// What is wrong, the worst first.
    pub groups: Vec<Group>,
    /// Findings of kinds too many to be kept apart.
    pub others: u64,
    /// Warnings that are allowed, by code.
    pub allowed: Vec<(String, u64)>,
    /// Values that would be repaired.
    pub repairs: Vec<Repairs>,
    /// Calls and time.
    pub forecast: Vec<Calls>,
    /// The same with `--batch`.
    pub batched: Vec<Calls>,
    /// Calls that read users before, to keep them as they were.
    pub reads: u64,
    /// Why reading ended before the end.
    pub unreadable: Option<String>,
    /// Where the types of custom attributes come from, where rows set any.
    pub types_from: Vec<TypesFrom>,
}

impl Report {
    /// How many findings of a severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        self.groups.iter().filter(|group| group.severity == severity).map(|group| group.count).sum()
    }

    /// Kinds of problems with their numbers, the worst first.
    #[must_use]
    pub(crate) fn problem_counts(&self) -> Vec<(&str, u64)> {
        self.groups.iter().map(|group| (&*group.code, group.count)).collect()
    }

    /// What it means for scripts.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.unreadable.is_some() {
            Exit::Refused
        } else if self.has_problems() {
            Exit::Failures
        } else {
            Exit::Success
        }
    }

    /// Whether anything is wrong.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        !self.groups.is_empty() || self.others > 0
    }
}

/// Checks files, which must be such that can be read more than once.
///
/// # Errors
///
/// Files that cannot be opened or understood, and temporary files that cannot be written.
pub(crate) fn check_files(
    requests: &[InputRequest],
    mapping: Mapping,
    options: &Options,
    each: &mut dyn FnMut(&LocatedIssue),
) -> Result<Report, Error> {
    let input = input::open(requests)?;
    let sources = input.sources().to_vec();
    let types_from = mapping.types_from();
    let builder = Builder::new(mapping, &sources)?;
    let builder = survey(builder, requests, &|| false)?;
    let subject = CheckInput { sources: &sources, builder: &builder };
    let skipped = input.skipped();
    let again = || input::open(requests);
    let rows = |input: Input| input.map(|row| row.map_err(Error::from));
    let report = check(&subject, rows(input), || again().map(rows), options, each)
        .map_err(|error| Error::Stopped(format!("the check cannot continue: {error}")))?;
    let (skipped, left_out) = (SkippedRows::of(&skipped), skipped.left_out());
    Ok(Report { skipped, left_out, types_from, ..report })
}

/// The custom attributes that the rows of files set. `stopped` ends it early.
pub(crate) fn attribute_names(
    mapping: &Mapping,
    requests: &[InputRequest],
    stopped: &dyn Fn() -> bool,
) -> Result<BTreeSet<String>, Error> {
    let input = input::open(requests)?;
    let mut builder = Builder::new(mapping.clone(), input.sources())?;
    let mut rows = input.map_while(Result::ok).take_while(|_| !stopped());
    Ok(builder.attribute_names(&mut rows))
}

/// Has a builder look at all rows of its files where it needs to know what their columns show.
/// `stopped` ends it early.
pub(crate) fn survey(
    builder: Builder,
    requests: &[InputRequest],
    stopped: &dyn Fn() -> bool,
) -> Result<Builder, Error> {
    if !builder.needs_survey() {
        return Ok(builder);
    }
    // What a column shows, it shows as a whole.
    let requests: Vec<_> = requests.iter().cloned().map(InputRequest::with_all_rows).collect();
    let input = input::open(&requests)?;
    // Files that are opened again are new sources, and a builder knows those that it was made for.
    let surveyor = Builder::new(builder.mapping().clone(), input.sources())?;
    let surveyor = surveyor.surveying(input.map_while(Result::ok).take_while(|_| !stopped()));
    Ok(builder.surveyed_like(&surveyor))
}

/// Checks rows. `again` gives the same rows once more, to show those that contradict others.
///
/// `each` is told every finding if that is asked for. The error is one of temporary files.
fn check<I, E>(
    subject: &CheckInput<'_>,
    rows: I,
    again: impl FnOnce() -> Result<I, E>,
    options: &Options,
    each: &mut dyn FnMut(&LocatedIssue),
) -> io::Result<Report>
where
    I: Iterator<Item = Result<Record, E>> + Send,
    E: Display + Send,
{
    let assertions = Assertions::new();
    let wording = Wording { builder: subject.builder, sources: subject.sources, assertions };
    let mut notes = Findings::new(options, &wording, each);
    let judged = rows::judge(subject, assertions, rows, &mut |judged| notes.take(judged))?;
    let conflicts = {
        let merges = subject.builder.mapping().on_conflict == OnConflict::Merge;
        wording::conflicts(judged.sorters, merges, options)?
    };
    notes.conflicts(&conflicts, again)?;
    let Findings { groups, allowed, repairs, .. } = notes;
    let (groups, others) = groups.finish();
    Ok(Report {
        rows: judged.rows,
        skipped: SkippedRows::default(),
        left_out: 0,
        valid: judged.valid,
        groups,
        others,
        allowed,
        repairs,
        reads: judged.calls.reads(),
        forecast: forecast(&judged.calls, options.batch_size, &options.limits),
        batched: forecast(&judged.batched, options.batch_size, &options.limits),
        unreadable: judged.unreadable,
        types_from: Vec::new(),
    })
}

/// What has been noted so far.
struct Findings<'a> {
    options: &'a Options,
    wording: &'a Wording<'a>,
    each: &'a mut dyn FnMut(&LocatedIssue),
    groups: Groups,
    allowed: Vec<(String, u64)>,
    repairs: Vec<Repairs>,
}

impl<'a> Findings<'a> {
    fn new(
        options: &'a Options,
        wording: &'a Wording<'a>,
        each: &'a mut dyn FnMut(&LocatedIssue),
    ) -> Self {
        let groups = Groups::new(options.examples);
        Self { options, wording, each, groups, allowed: Vec::new(), repairs: Vec::new() }
    }

    /// Notes what is wrong with a row by itself.
    fn take(&mut self, judged: rows::Judged) {
        let rows::Judged { record, operation, issues, repairs } = judged;
        for issue in issues {
            if self.allow(issue.severity, &issue.code, 1) {
                continue;
            }
            let make = |issue: &Issue| self.wording.located(&record, operation, issue);
            if self.options.all {
                (self.each)(&make(&issue));
            }
            let column = self.wording.column(&record, operation, &issue);
            self.groups.add((issue.severity, &issue.code, column.as_deref()), || make(&issue));
        }
        for repair in repairs {
            groups::count_repair(&mut self.repairs, repair, || record.place());
        }
    }

    /// Notes rows that contradict others.
    fn conflicts<I, E>(
        &mut self,
        conflicts: &wording::Conflicting,
        again: impl FnOnce() -> Result<I, E>,
    ) -> io::Result<()>
    where
        I: Iterator<Item = Result<Record, E>>,
        E: Display,
    {
        for &(code, count) in &conflicts.counts {
            if !self.allow(Severity::Warning, code, count) {
                self.groups.count(Severity::Warning, code, None, count);
            }
        }
        let wanted = conflicts.shown(|code| !self.is_allowed(code));
        if wanted.is_empty() {
            return Ok(());
        }
        let changed = |error: E| io::Error::other(error.to_string());
        for record in again().map_err(changed)? {
            let record = record.map_err(changed)?;
            let row = record.position.row;
            for finding in self.wording.conflicts_of(record, &wanted) {
                if self.options.all {
                    (self.each)(&finding);
                }
                self.groups.example(finding);
            }
            if wanted.last().is_some_and(|last| last.assertion.at.row <= row) {
                break;
            }
        }
        Ok(())
    }

    fn is_allowed(&self, code: &str) -> bool {
        self.options.allow.iter().any(|allowed| allowed == code)
    }

    /// Counts a finding that is allowed.
    fn allow(&mut self, severity: Severity, code: &str, many: u64) -> bool {
        if severity == Severity::Error || !self.is_allowed(code) {
            return false;
        }
        match self.allowed.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += many,
            None => self.allowed.push((code.to_owned(), many)),
        }
        true
    }
}

#[cfg(test)]
mod tests;
