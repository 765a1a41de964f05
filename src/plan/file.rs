//! The plan file: written by a plan, taken by a run.
//!
//! It is JSON Lines. The first line says what the plan is of, the last what it comes to, with a
//! digest of all before it. Between them is a line for each row, in the order of the file: one that
//! would change a user is a row of input like any other, with what it expects of its user in
//! `_expect`; one that would not has keys that begin with `_` only, and a run passes it over.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::class::ChangeClass;
use super::row::{PlanOutcome, PlannedChange, PlannedRow};
use super::totals::PlanTotals;
use crate::change;
use crate::exit::Error;
use crate::input::{self, InputRequest};
use crate::outcome::rfc3339;
use crate::rows::{EXPECT, Instruction, OnConflict};
use crate::store::NewFile;

/// The version of the format.
pub(crate) const PLAN_VERSION: u32 = 1;

/// How the first line begins.
const FIRST: &[u8] = b"{\"_plan\":";

/// What a plan is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanHeader {
    /// [`PLAN_VERSION`].
    pub(crate) version: u32,
    /// The program that made it.
    pub(crate) tool: String,
    /// The project's ID.
    pub(crate) project_id: String,
    /// The base URL of its API.
    pub(crate) base_url: String,
    /// When users began to be read.
    #[serde(serialize_with = "rfc3339")]
    pub(crate) read_at: Timestamp,
    /// The files that were planned.
    pub(crate) inputs: Vec<String>,
    /// What happens where a contact is another user's.
    pub(crate) merges: bool,
    /// Whether what takes things away wholesale is allowed.
    pub(crate) allow_destructive: bool,
    /// Whether users who are created are invited.
    #[serde(default)]
    pub(crate) invites: bool,
}

#[derive(Serialize, Deserialize)]
struct FirstLine {
    #[serde(rename = "_plan")]
    plan: PlanHeader,
}

#[derive(Serialize, Deserialize)]
struct LastLine {
    #[serde(rename = "_total")]
    total: PlanTotals,
    #[serde(rename = "_digest")]
    digest: String,
}

/// A plan file in the making: it has its name once it is whole.
pub(crate) struct PlanWriter {
    file: NewFile,
    hash: Xxh3,
}

impl PlanWriter {
    /// Begins a file, which only its owner can read. One that exists is refused.
    pub(crate) fn create(path: &Path, header: PlanHeader) -> Result<Self, Error> {
        let mut writer = Self { file: NewFile::create(path)?, hash: Xxh3::new() };
        writer.line(&serde_json::to_vec(&FirstLine { plan: header }).unwrap_or_default())?;
        Ok(writer)
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, planned: &PlannedRow) -> Result<(), Error> {
        let line = match (&planned.row, &planned.verdict) {
            (Ok(instruction), PlanOutcome::Changes(change)) => line_of(instruction, change),
            (_, verdict) => refused(planned, verdict).to_string().into_bytes(),
        };
        self.line(&line)
    }

    /// Ends the file, gives it its name, and waits until it is on the disk.
    pub(crate) fn finish(mut self, total: &PlanTotals) -> Result<(), Error> {
        let digest = format!("{:032x}", self.hash.digest128());
        let last = LastLine { total: total.clone(), digest };
        self.line(&serde_json::to_vec(&last).unwrap_or_default())?;
        self.file.finish()
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        self.hash.update(line);
        self.hash.update(b"\n");
        self.file.line(line)
    }
}

/// The line of a row that would change its user.
fn line_of(instruction: &Instruction, change: &PlannedChange) -> Vec<u8> {
    let record = &instruction.record;
    let changes: Vec<Value> = change
        .differences
        .iter()
        .map(|(field, before, after)| json!({"field": field, "before": before, "after": after}))
        .collect();
    let classes: Vec<&str> = change.classes.iter().copied().map(ChangeClass::word).collect();
    let more = [
        ("_row", json!(record.position.row)),
        ("_file", json!(record.source.name)),
        ("_line", json!(record.position.line)),
        ("_class", json!(classes)),
        ("_changes", json!(changes)),
        (EXPECT, json!(change.expect)),
    ];
    // Of a user who is to be made nothing is expected.
    let is_said = |(key, _): &&(&str, Value)| *key != EXPECT || !change.expect.is_empty();
    let more: Vec<_> = more.iter().filter(is_said).map(|(key, value)| (*key, value)).collect();
    let (operation, login_id) = (instruction.operation, &instruction.login_id);
    change::row(operation, login_id, &instruction.changes.iter(), &more)
}

/// The line of a row that would not change anything.
fn refused(planned: &PlannedRow, verdict: &PlanOutcome) -> Value {
    let (record, login_id) = match &planned.row {
        Ok(instruction) => (&instruction.record, Some(&instruction.login_id)),
        Err(invalid) => (&invalid.record, invalid.login_id.as_ref()),
    };
    let (status, why) = match verdict {
        PlanOutcome::Refused { status, why } => (*status, Some(why)),
        PlanOutcome::Unchanged | PlanOutcome::Changes(_) => ("unchanged", None),
    };
    let mut line = json!({
        "_row": record.position.row,
        "_file": record.source.name,
        "_line": record.position.line,
        "_status": status,
        "_loginId": login_id,
    });
    if let Some(why) = why {
        line["_message"] = json!(why);
    }
    line
}

/// A plan file that is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What it is of.
    pub(crate) header: PlanHeader,
    /// What it comes to.
    pub(crate) totals: PlanTotals,
}

impl Plan {
    /// The plan that a file holds; `None` if it is none.
    ///
    /// # Errors
    ///
    /// A plan that was changed since it was made, is not whole, or is of a later version.
    pub(crate) fn read(request: &InputRequest) -> Result<Option<Self>, Error> {
        let place = request.key();
        let place = place.display();
        let refuse = |why: &str| Error::refused(format!("{place}: {why}"));
        let cannot = |error: io::Error| refuse(&format!("cannot be read: {error}"));
        // What is wrong with a file is best told by what reads its rows.
        let opened = match input::bytes(request) {
            // It may be there the next time, and be a plan.
            Err(why) if request.is_object() => return Err(refuse(&why)),
            Err(_) => return Ok(None),
            Ok(bytes) => bytes,
        };
        let mut lines = BufReader::new(opened);
        if !lines.fill_buf().map_err(cannot)?.starts_with(FIRST) {
            return Ok(None);
        }
        let (mut hash, mut line, mut digest) = (Xxh3::new(), Vec::new(), 0);
        let mut first = Vec::new();
        loop {
            let mut next = Vec::new();
            lines.read_until(b'\n', &mut next).map_err(cannot)?;
            if next.is_empty() {
                break;
            }
            digest = hash.digest128();
            hash.update(&next);
            if first.is_empty() {
                first.clone_from(&next);
            }
            line = next;
        }
        let FirstLine { plan: header } = serde_json::from_slice(&first)
            .map_err(|error| refuse(&format!("its first line is not a plan's: {error}")))?;
        if header.version > PLAN_VERSION {
            let version = header.version;
            return Err(refuse(&format!(
                "the plan is of version {version}, and this program reads up to version {PLAN_VERSION}"
            )));
        }
        let last: LastLine = serde_json::from_slice(&line)
            .map_err(|_| refuse("the plan breaks off before its end: make it again"))?;
        if last.digest != format!("{digest:032x}") {
            return Err(refuse(
                "the plan was changed since it was made, so it is not what was shown: make it again",
            ));
        }
        Ok(Some(Self { header, totals: last.total }))
    }

    /// The classes of its changes that need leave and are not among those allowed, with their
    /// numbers.
    #[must_use]
    pub(crate) fn not_allowed(&self, allowed: &[String]) -> BTreeMap<String, u64> {
        let free = |class: &str| {
            ChangeClass::ALL.iter().any(|own| own.word() == class && !own.needs_leave())
        };
        let needs_leave = |class: &&String| {
            !free(class) && !allowed.iter().any(|own| own == *class || own == ALLOW_ALL)
        };
        let classes = self.totals.classes.iter().filter(|(class, _)| needs_leave(class));
        classes.map(|(class, changes)| (class.clone(), *changes)).collect()
    }

    /// What happens where a contact is another user's.
    #[must_use]
    pub(crate) fn on_conflict(&self) -> OnConflict {
        if self.header.merges { OnConflict::Merge } else { OnConflict::Fail }
    }
}

/// What allows changes of every class.
pub(crate) const ALLOW_ALL: &str = "all";
