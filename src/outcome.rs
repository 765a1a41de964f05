//! Outcomes: the final word on every record, and what a run's outcomes add up to.
//!
//! Counting and deciding are pure: [`Tally`] counts, [`Tally::balances`] and
//! [`Tally::clean`] decide, and others print. The status words are a closed set.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::catalog::{Operation, OperationKind};
use crate::change::Changes;
use crate::exit::Exit;
use crate::input::record::{Notes, Record};
use crate::issue::Issue;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The server changed the user and returned it.
    Updated,
    /// The server made the user and returned it.
    Created,
    /// The server took the user away.
    Deleted,
    /// There was nothing to do.
    Unchanged,
    /// Never sent: the row is wrong.
    Invalid,
    /// Set aside: somebody else changed the user in the meantime.
    Drifted,
    /// The server said no; sending it again will not help.
    Rejected,
    /// It could work another time: retries are used up.
    GaveUp,
    /// Sent, but no trustworthy answer came: it may have been applied.
    Unknown,
}

impl Status {
    /// Every status, in the order in which people are shown them.
    pub const ALL: [Self; 9] = [
        Self::Updated,
        Self::Created,
        Self::Deleted,
        Self::Unchanged,
        Self::Invalid,
        Self::Drifted,
        Self::Rejected,
        Self::GaveUp,
        Self::Unknown,
    ];

    /// The word in files and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::Invalid => "invalid",
            Self::Drifted => "drifted",
            Self::Rejected => "rejected",
            Self::GaveUp => "gave_up",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the row belongs into the failures file.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !self.is_change() && self != Self::Unchanged
    }

    /// Whether the server did what the row wants.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Updated | Self::Created | Self::Deleted)
    }

    /// What a row of an operation comes to that the server has done.
    #[must_use]
    pub fn done(operation: &Operation) -> Self {
        match operation.kind {
            OperationKind::Read | OperationKind::Update => Self::Updated,
            OperationKind::Create | OperationKind::Upsert => Self::Created,
            OperationKind::Delete => Self::Deleted,
        }
    }
}

/// A request that was sent for a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentRequest {
    /// When it went out.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Its path.
    pub path: Cow<'static, str>,
    /// How long it had waited for the limit and for a slot, in milliseconds.
    #[serde(default, skip_serializing_if = "is_none")]
    pub waited_ms: u64,
    /// From then to the answer, or until it was lost, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// How the answer was lost, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Cow<'static, str>>,
}

/// The final word on a record.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of it.
    pub status: Status,
    /// Updates sent for it; those refused for their rate are not counted, nor are reads. None for
    /// a row that an earlier process sent, and that reading showed to be done.
    pub attempts: u32,
    /// The status of the answer that it rests on: of the last one to the update, if one came, or
    /// of the read that showed a lost update to be done.
    pub http_status: Option<u16>,
    /// From its first turn at the gate to its end.
    pub duration: Duration,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The user as the server sent it, or as it was read where the answer was lost; one who was
    /// deleted as it was before.
    pub user: Option<Box<RawValue>>,
    /// The user who was merged into this one and is gone, as it was read before.
    pub merged: Option<Box<RawValue>>,
    /// Why it failed; `None` exactly when the status is no failure.
    pub error: Option<Box<Issue>>,
    /// The updates that were sent for it, in order; reads are not among them.
    pub requests: Vec<SentRequest>,
}

impl Outcome {
    /// The outcome of a row that was never sent.
    #[must_use]
    pub fn invalid(issue: Box<Issue>, finished_at: Timestamp) -> Self {
        Self {
            status: Status::Invalid,
            attempts: 0,
            http_status: None,
            duration: Duration::ZERO,
            finished_at,
            user: None,
            merged: None,
            error: Some(issue),
            requests: Vec::new(),
        }
    }
}

/// A record with its outcome: what the recorder writes.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The row.
    pub record: Record,
    /// What was to be done; `None` when the row does not say.
    pub operation: Option<&'static Operation>,
    /// The user that it names, if it names one.
    pub login_id: Option<String>,
    /// What was to be done to the user.
    pub changes: Changes,
    /// What became of it.
    pub outcome: Outcome,
    /// What was repaired, and what may be wrong.
    pub notes: Option<Box<Notes>>,
}

impl Finished {
    /// The bytes that its row, its changes and the users in its outcome hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let users = [&self.outcome.user, &self.outcome.merged].into_iter().flatten();
        // The changes hold the same values once more.
        2 * self.record.content.bytes() + users.map(|user| user.get().len()).sum::<usize>()
    }
}

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server answered with this HTTP status.
    Status(u16),
    /// There was no answer, in words.
    Lost(&'static str),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Lost(why) => f.write_str(why),
        }
    }
}

/// Counts of a run's rows by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Records read from the input.
    pub read: u64,
    /// See [`Status::Updated`].
    pub updated: u64,
    /// See [`Status::Created`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub created: u64,
    /// See [`Status::Deleted`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub deleted: u64,
    /// See [`Status::Unchanged`].
    pub unchanged: u64,
    /// See [`Status::Invalid`].
    pub invalid: u64,
    /// See [`Status::Drifted`].
    #[serde(default, skip_serializing_if = "is_none")]
    pub drifted: u64,
    /// See [`Status::Rejected`].
    pub rejected: u64,
    /// See [`Status::GaveUp`].
    pub gave_up: u64,
    /// See [`Status::Unknown`].
    pub unknown: u64,
    /// Records read that were not reached before the run stopped.
    pub not_attempted: u64,
    /// Records read that were not chosen.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(rows: &u64) -> bool {
    *rows == 0
}

impl Tally {
    /// Counts one outcome.
    pub fn count(&mut self, status: Status) {
        *self.slot(status) += 1;
    }

    /// How many rows have a status.
    #[must_use]
    pub fn of(mut self, status: Status) -> u64 {
        *self.slot(status)
    }

    /// How many rows have each status, and how many were not attempted, by the words of files.
    pub fn by_word(self) -> impl Iterator<Item = (&'static str, u64)> {
        let ended = Status::ALL.into_iter().map(move |status| (status.word(), self.of(status)));
        ended.chain([("not_attempted", self.not_attempted)])
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            updated: self.updated + other.updated,
            created: self.created + other.created,
            deleted: self.deleted + other.deleted,
            unchanged: self.unchanged + other.unchanged,
            invalid: self.invalid + other.invalid,
            drifted: self.drifted + other.drifted,
            rejected: self.rejected + other.rejected,
            gave_up: self.gave_up + other.gave_up,
            unknown: self.unknown + other.unknown,
            not_attempted: self.not_attempted + other.not_attempted,
            left_out: self.left_out + other.left_out,
        }
    }

    /// What came since an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            read: self.read - earlier.read,
            updated: self.updated - earlier.updated,
            created: self.created - earlier.created,
            deleted: self.deleted - earlier.deleted,
            unchanged: self.unchanged - earlier.unchanged,
            invalid: self.invalid - earlier.invalid,
            drifted: self.drifted - earlier.drifted,
            rejected: self.rejected - earlier.rejected,
            gave_up: self.gave_up - earlier.gave_up,
            unknown: self.unknown - earlier.unknown,
            not_attempted: self.not_attempted - earlier.not_attempted,
            left_out: self.left_out - earlier.left_out,
        }
    }

    /// Rows with an outcome.
    #[must_use]
    pub fn finished(self) -> u64 {
        Status::ALL.iter().map(|&status| self.of(status)).sum()
    }

    /// Rows for which the server did what they want.
    #[must_use]
    pub fn changed(self) -> u64 {
        self.updated + self.created + self.deleted
    }

    /// Rows whose outcome is a failure.
    #[must_use]
    pub fn failed(self) -> u64 {
        Status::ALL.iter().filter(|status| status.is_failure()).map(|&status| self.of(status)).sum()
    }

    /// The totals add up: every record read is in exactly one state.
    #[must_use]
    pub fn balances(self) -> bool {
        self.read == self.finished() + self.not_attempted + self.left_out
    }

    /// The same with records that were read and not chosen.
    #[must_use]
    pub fn leaving_out(self, rows: u64) -> Self {
        Self { read: self.read + rows, left_out: self.left_out + rows, ..self }
    }

    /// Every row was read, reached, and is `updated` or `unchanged`.
    #[must_use]
    pub fn clean(self) -> bool {
        self.failed() == 0 && self.not_attempted == 0
    }

    /// What it means for scripts, of a run that is finished.
    #[must_use]
    pub fn exit(self) -> Exit {
        if self.clean() { Exit::Success } else { Exit::Failures }
    }

    fn slot(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Updated => &mut self.updated,
            Status::Created => &mut self.created,
            Status::Deleted => &mut self.deleted,
            Status::Unchanged => &mut self.unchanged,
            Status::Invalid => &mut self.invalid,
            Status::Drifted => &mut self.drifted,
            Status::Rejected => &mut self.rejected,
            Status::GaveUp => &mut self.gave_up,
            Status::Unknown => &mut self.unknown,
        }
    }
}

/// Whole milliseconds.
#[must_use]
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds: the form of every time in the files of a run.
pub(crate) fn rfc3339<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{time:.3}"))
}
