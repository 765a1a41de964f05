//! `results.jsonl`, or `results.jsonl.zst`: one line for each outcome, written and read.
//!
//! The user is passed through as the server sent it, unknown fields, order and number
//! spelling included; only line breaks between its tokens go, so that a line stays a line.

use std::borrow::Cow;
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::disk::Disk;
use super::file::AppendFile;
use super::journal::Lengths;
use super::object;
use super::output::Output;
use super::rules::{KeepUsers, OutputRules};
use crate::change::{ChangeRecord, User};
use crate::input::record::{Notes, Repair};
use crate::issue::{Issue, Severity};
use crate::outcome::{Finished, SentRequest, Status, milliseconds, rfc3339};
use crate::seal;

/// The name of the file with every outcome.
pub const NAME: &str = "results.jsonl";

/// Its name where it is packed.
pub(super) const PACKED: &str = "results.jsonl.zst";

/// The version of the line's format. Keys may be added within a version; one that changes its
/// meaning makes a new one.
pub const RESULTS_VERSION: u32 = 1;

/// A line of `results.jsonl`: what became of one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultLine<'a> {
    /// [`RESULTS_VERSION`]; lines without it are of version 1.
    #[serde(default = "first_version")]
    pub version: u32,
    /// The input, as the user named it.
    pub file: Cow<'a, str>,
    /// The row, from 1, over all inputs of the run.
    pub row: u64,
    /// The line in its file at which it begins, from 1.
    pub line: u64,
    /// The name of the operation; absent when the row does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Cow<'a, str>>,
    /// The user that the row names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_id: Option<Cow<'a, str>>,
    /// What was to be done to the user; secrets without their value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeRecord>,
    /// What became of it.
    pub status: Status,
    /// Updates sent for it.
    pub attempts: u32,
    /// The HTTP status that the outcome rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The updates that were sent for it, in order.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub requests: Cow<'a, [SentRequest]>,
    /// From its first turn to its end, in milliseconds.
    pub duration_ms: u64,
    /// When it ended.
    #[serde(serialize_with = "rfc3339")]
    pub finished_at: Timestamp,
    /// How much of the user is kept here that the server returned.
    #[serde(default, skip_serializing_if = "KeepUsers::is_full")]
    pub user_kept: KeepUsers,
    /// The user as the server sent it, as far as it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Cow<'a, RawValue>>,
    /// The user who was merged into this one and is gone, as it was read before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Cow<'a, RawValue>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'a, Issue>>,
    /// What else is wrong with an invalid row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Cow<'a, Issue>>,
    /// Values that were repaired before they were sent.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub repairs: Cow<'a, [Repair]>,
    /// What may be wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Cow<'a, Issue>>,
}

fn first_version() -> u32 {
    1
}

fn issues_of(notes: Option<&Notes>, severity: Severity) -> Vec<Cow<'_, Issue>> {
    let issues = notes.into_iter().flat_map(|notes| notes.issues_of(severity));
    issues.map(Cow::Borrowed).collect()
}

impl<'a> ResultLine<'a> {
    /// The line of an outcome.
    pub(crate) fn new(finished: &'a Finished, keep: KeepUsers) -> serde_json::Result<Self> {
        let Finished { record, outcome, .. } = finished;
        let notes = finished.notes.as_deref();
        let user = outcome.user.as_deref();
        Ok(Self {
            version: RESULTS_VERSION,
            file: Cow::Borrowed(&record.source.name),
            row: record.position.row,
            line: record.position.line,
            operation: finished.operation.map(|operation| operation.name.into()),
            login_id: finished.login_id.as_deref().map(Cow::Borrowed),
            changes: finished.changes.iter().map(ChangeRecord::from).collect(),
            status: outcome.status,
            attempts: outcome.attempts,
            http_status: outcome.http_status,
            requests: Cow::Borrowed(&outcome.requests),
            duration_ms: milliseconds(outcome.duration),
            finished_at: outcome.finished_at,
            user_kept: user.map_or(KeepUsers::Full, |_| keep),
            user: user.map(|user| keep.of(user)).transpose()?.flatten(),
            merged: outcome.merged.as_deref().map(object::one_line).transpose()?,
            error: outcome.error.as_deref().map(Cow::Borrowed),
            problems: issues_of(notes, Severity::Error),
            repairs: notes.map_or(&[][..], |notes| &notes.repairs).into(),
            warnings: issues_of(notes, Severity::Warning),
        })
    }

    /// The user as the server showed it; `None` where it showed none, or not all of it was kept.
    #[must_use]
    pub(crate) fn shown_user(&self) -> Option<User> {
        let user = self.user.as_ref().filter(|_| self.user_kept.is_full());
        user.and_then(|user| User::read(user))
    }

    /// The line that a text is.
    ///
    /// # Errors
    ///
    /// When it is not one, or one of a version that this program does not know.
    pub fn parse(text: &str) -> io::Result<ResultLine<'static>> {
        let mut line: ResultLine<'static> = serde_json::from_str(text)?;
        if line.version > RESULTS_VERSION {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "it is of version {}, and this program reads up to version {RESULTS_VERSION}",
                    line.version
                ),
            ));
        }
        for warning in &mut line.warnings {
            // The file tells the severity by the key.
            warning.to_mut().severity = Severity::Warning;
        }
        Ok(line)
    }
}

/// The lines of a results file, in its order. An error names the line.
pub fn read_results(
    results: impl BufRead,
) -> impl Iterator<Item = io::Result<ResultLine<'static>>> {
    results.lines().enumerate().map(|(index, text)| {
        ResultLine::parse(&text?).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", index + 1))
        })
    })
}

/// Whether a file of a run folder holds its results.
pub(super) fn is_results_file(name: &str) -> bool {
    all_names().any(|own| own == name)
}

/// What the file may be called: as it is, packed, and each encrypted.
pub(super) fn all_names() -> impl Iterator<Item = String> {
    let forms = [NAME, PACKED].into_iter();
    forms.flat_map(|name| [name.to_owned(), format!("{name}{}", seal::EXTENSION)])
}

/// The results file of a run.
#[derive(Debug)]
pub(super) struct Results {
    file: AppendFile,
    keep_users: KeepUsers,
}

impl Results {
    /// Begins the file, or opens it at the length that was committed.
    pub(super) fn open(
        disk: &dyn Disk,
        rules: &OutputRules,
        committed: Option<&Lengths>,
    ) -> io::Result<Self> {
        let stated = disk.named(if rules.compress_results { PACKED } else { NAME });
        let Some(committed) = committed else {
            let file = AppendFile::create(disk, &stated)?;
            return Ok(Self { file, keep_users: rules.keep_users });
        };
        // A run stays as it was begun.
        let present = disk.lengths()?;
        let begun = |name: &String| committed.of(name) > 0 || present.contains_key(name);
        let file = match [PACKED, NAME].map(|name| disk.named(name)).into_iter().find(begun) {
            Some(name) => AppendFile::reopen(disk, &name, committed.of(&name))?,
            // It may not have been on the disk yet when the power went.
            None => AppendFile::create(disk, &stated)?,
        };
        Ok(Self { file, keep_users: rules.keep_users })
    }
}

impl Output for Results {
    fn write(&mut self, finished: &Finished, _: &dyn Disk) -> io::Result<()> {
        let to = self.file.row()?;
        serde_json::to_writer(&mut *to, &ResultLine::new(finished, self.keep_users)?)?;
        to.push(b'\n');
        Ok(())
    }

    fn files(&self) -> Box<dyn Iterator<Item = &AppendFile> + '_> {
        Box::new(std::iter::once(&self.file))
    }

    fn files_mut(&mut self) -> Box<dyn Iterator<Item = &mut AppendFile> + '_> {
        Box::new(std::iter::once(&mut self.file))
    }
}
