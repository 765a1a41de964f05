//! The summary: everything that is said about a run when it is over.
//!
//! Facts only: it is filled by the run, written as `summary.json`, printed by
//! `--json`, and told to people by the report. It never holds a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::digest::Digest;
use crate::input::Skipped;
use crate::limiter::Intervention;
use crate::outcome::{Tally, rfc3339};

/// The version of the summary's format.
pub const SUMMARY_VERSION: u32 = 1;

/// What is said about a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// [`SUMMARY_VERSION`].
    pub version: u32,
    /// What ran.
    pub tool: Tool,
    /// Whether it ran against the simulator: no real user was touched.
    pub simulated: bool,
    /// When it began.
    #[serde(serialize_with = "rfc3339")]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(serialize_with = "rfc3339")]
    pub finished_at: Timestamp,
    /// How long it took.
    pub elapsed_ms: u64,
    /// What it read.
    pub inputs: Vec<InputSummary>,
    /// What became of the rows, those done before included.
    pub tally: Tally,
    /// Rows that were passed over, since they say nothing; nothing where there are none.
    #[serde(default, skip_serializing_if = "SkippedRows::is_none")]
    pub skipped: SkippedRows,
    /// Rows that had their outcome when the run was resumed; times and calls are those
    /// since then.
    pub done_before: u64,
    /// Whether the input was read to its end and every row has its outcome.
    pub complete: bool,
    /// Whether the totals add up.
    pub balanced: bool,
    /// Requests sent.
    pub calls: u64,
    /// Requests that batching has saved.
    pub calls_saved: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Requests refused for their rate.
    pub rate_limited: u64,
    /// Users who were created and invited: a mail or an SMS went out to them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub invited: u64,
    /// Rows sent with leave to merge users into one another.
    pub merge_allowed: u64,
    /// Rows that merged another user into theirs; nothing where none might.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<u64>,
    /// Users who could not be read before something was sent for them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_kept: u64,
    /// What was waited for.
    pub waited: Waited,
    /// What somebody did to the run while it went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// The commonest reasons for failures, the commonest first.
    pub reasons: Vec<FailureCause>,
    /// Values repaired, by the kind of repair; of a resumed run, those since then.
    pub repairs: BTreeMap<Cow<'static, str>, u64>,
    /// Warnings, by kind, counted like repairs.
    pub warnings: BTreeMap<Cow<'static, str>, u64>,
    /// The settings in force, without secrets.
    pub settings: Map<String, Value>,
    /// Why it stopped early, if it did.
    pub stopped: Option<Stopped>,
    /// The exit code.
    pub exit_code: u8,
    /// The command that runs the rows that failed, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Where its files are.
    pub files: Files,
    /// What they are checked by; earlier versions had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainSummary>,
}

/// What the files of a run are checked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainSummary {
    /// How many links the chain of the journal has.
    pub links: u64,
    /// The last of them.
    pub last: Digest,
    /// The SHA-256 of files that are not in the chain, since they were made at the end, by name.
    pub files: BTreeMap<String, Digest>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Rows that were passed over and are not counted as rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedRows {
    /// Rows of nothing but delimiters.
    pub blank: u64,
    /// Rows that repeat the header.
    pub repeated_headers: u64,
    /// Rows of sheets that are hidden or filtered out.
    #[serde(default)]
    pub hidden: u64,
    /// Rows above the header: titles and notes.
    #[serde(default)]
    pub above_header: u64,
}

impl SkippedRows {
    /// What was passed over so far.
    #[must_use]
    pub fn of(skipped: &Skipped) -> Self {
        Self {
            blank: skipped.blank_rows(),
            repeated_headers: skipped.repeated_headers(),
            hidden: skipped.hidden_rows(),
            above_header: skipped.rows_above(),
        }
    }

    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// In words, such as `3 blank rows and 1 repeated header`; nothing where there are none.
    #[must_use]
    pub fn in_words(self) -> Option<String> {
        let part = |number: u64, what: &str| {
            let plural = if number == 1 { "" } else { "s" };
            (number > 0).then(|| format!("{number} {what}{plural}"))
        };
        let parts = [
            part(self.blank, "blank row"),
            part(self.repeated_headers, "repeated header"),
            part(self.hidden, "hidden row"),
            part(self.above_header, "row").map(|rows| rows + " above the header"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}

impl Summary {
    /// The summary that a text is: the content of a `summary.json`.
    ///
    /// # Errors
    ///
    /// When it is not one, or one of a version that this program does not know.
    pub fn parse(text: &str) -> io::Result<Self> {
        let summary: Self = serde_json::from_str(text)?;
        if summary.version > SUMMARY_VERSION {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the summary is of version {}, and this program reads up to version {SUMMARY_VERSION}",
                    summary.version
                ),
            ));
        }
        Ok(summary)
    }
}

/// A reason, and how often it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCause {
    /// The failures' kind.
    pub kind: String,
    /// The server's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many rows failed for it.
    pub count: u64,
    /// The place of the first: `file:line (row n)`.
    pub first: String,
    /// What the first said; of the server's words, without what may name a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it, as the first said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
}

impl Tool {
    /// This program.
    pub const THIS: Self = Self {
        name: Cow::Borrowed(env!("CARGO_PKG_NAME")),
        version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    };
}

/// An input of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSummary {
    /// As the user named it.
    pub name: String,
    /// The format's name.
    pub format: Cow<'static, str>,
    /// Its size.
    pub bytes: u64,
    /// The XXH3 (128 bits) of its content, in hexadecimal.
    pub fingerprint: String,
}

/// Time waited. The first two are times in which nothing could be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    /// For a turn within the limit.
    pub limit_ms: u64,
    /// For the end of a cool-down that the server asked for.
    pub cool_down_ms: u64,
    /// Between the attempts of rows, added up over all of them.
    pub back_off_ms: u64,
    /// While the run was paused, or outside its hours.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_ms: u64,
}

/// Why a run stopped early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// A stable word, such as `max_failures`.
    pub reason: String,
    /// What happened: a lower-case fragment.
    pub message: String,
    /// What to fix before resuming, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The command that resumes it, where that can help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// Where the files of a run are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Every outcome.
    #[serde(serialize_with = "lossy_path")]
    pub results: PathBuf,
    /// The rows that failed; none when nothing did.
    #[serde(serialize_with = "lossy_paths")]
    pub failures: Vec<PathBuf>,
    /// All rows, for spreadsheets; none where none were asked for.
    #[serde(default, serialize_with = "lossy_paths", skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<PathBuf>,
}

fn lossy_path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

fn lossy_paths<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(paths.iter().map(|path| path.display().to_string()))
}
