//! `results.jsonl`: one line for each outcome.
//!
//! The user is passed through as the server sent it, unknown fields, order and number
//! spelling included; only line breaks between its tokens go, so that a line stays a line.

use std::borrow::Cow;
use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::object;
use crate::input::record::{Notes, Repair};
use crate::issue::{Issue, Severity};
use crate::outcome::{Finished, Status, milliseconds, rfc3339};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the file's")]
struct Line<'a> {
    file: &'a str,
    row: u64,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_id: Option<&'a str>,
    status: Status,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    duration_ms: u64,
    #[serde(serialize_with = "rfc3339")]
    finished_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Issue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<&'a Issue>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    repairs: &'a [Repair],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'a Issue>,
}

fn issues_of(notes: Option<&Notes>, severity: Severity) -> Vec<&Issue> {
    notes.into_iter().flat_map(|notes| notes.issues_of(severity)).collect()
}

/// Appends the outcome's line.
pub(super) fn write(finished: &Finished, to: &mut Vec<u8>) -> io::Result<()> {
    let Finished { record, outcome, .. } = finished;
    let notes = finished.notes.as_deref();
    let user = outcome.user.as_deref().map(object::one_line).transpose()?;
    let line = Line {
        file: &record.source.name,
        row: record.position.row,
        line: record.position.line,
        operation: finished.operation.map(|operation| operation.name),
        login_id: finished.login_id.as_deref(),
        status: outcome.status,
        attempts: outcome.attempts,
        http_status: outcome.http_status,
        duration_ms: milliseconds(outcome.duration),
        finished_at: outcome.finished_at,
        user,
        error: outcome.error.as_deref(),
        problems: issues_of(notes, Severity::Error),
        repairs: notes.map_or(&[], |notes| &notes.repairs),
        warnings: issues_of(notes, Severity::Warning),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.push(b'\n');
    Ok(())
}
