//! What `explain` tells: a row from its cells to its outcome, in plain words.

use std::io::{self, Write};

use serde_json::Value;

use super::format::{brief, span_ms, tame, thousands};
use crate::change::{Change, ChangeRecord, User, touched};
use crate::outcome::{SentRequest, Status};
use crate::plan::shown;
use crate::store::KeepUsers;
use crate::store::before::BeforeImage;
use crate::store::results::ResultLine;

/// Prints the story of a row; `before` is how its user was before the run wrote to it.
pub(crate) fn print_story(
    out: &mut impl Write,
    line: &ResultLine<'_>,
    before: Option<&BeforeImage<'_>>,
) -> io::Result<()> {
    let operation = line.operation.as_deref().unwrap_or("no operation");
    let of = line.login_id.as_deref().map(|own| format!(" of {}", brief(own))).unwrap_or_default();
    let (file, place) = (tame(&line.file), thousands(line.line));
    writeln!(out, "row {}, {file} line {place}: {operation}{of}", thousands(line.row))?;
    for repair in line.repairs.iter() {
        let (from, to) = (brief(&repair.from), brief(&repair.to));
        let (column, kind) = (brief(&repair.column), &repair.kind);
        writeln!(out, "  column {column}: {from:?} → {to:?} (repair: {kind})")?;
    }
    for warning in &line.warnings {
        let place = warning.place.as_deref().unwrap_or("the row");
        writeln!(out, "  warning at {}: {}", brief(place), brief(&warning.message))?;
    }
    print_changes(out, line, before)?;
    for request in line.requests.iter() {
        print_request(out, request)?;
    }
    print_outcome(out, line)
}

/// The changes, with what was there before, where that is known.
fn print_changes(
    out: &mut impl Write,
    line: &ResultLine<'_>,
    before: Option<&BeforeImage<'_>>,
) -> io::Result<()> {
    for record in &line.changes {
        writeln!(out, "  change: {}", of_change(record))?;
    }
    let changes: Vec<Change> = line.changes.iter().filter_map(ChangeRecord::change).collect();
    let Some(before) = before else { return Ok(()) };
    let user = User::read(&before.user).unwrap_or_default();
    for part in touched(&changes) {
        writeln!(
            out,
            "  before the run ({:.3}): {part} {}",
            before.read_at,
            brief(&shown(&user.part(&part)))
        )?;
    }
    Ok(())
}

fn of_change(record: &ChangeRecord) -> String {
    let within = record.attribute.as_deref().or(record.tenant.as_deref());
    let field = within.map_or(record.field.clone(), |within| format!("{}.{within}", record.field));
    let value = |value: &Value| brief(&shown(value));
    match record {
        ChangeRecord { set: Some(set), .. } => format!("{field} becomes {}", value(set)),
        ChangeRecord { add: Some(add), .. } => format!("{} is added to {field}", value(add)),
        ChangeRecord { remove: Some(remove), .. } => {
            format!("{} is taken from {field}", value(remove))
        }
        ChangeRecord { clear: true, .. } => format!("{field} is emptied"),
        ChangeRecord { .. } => format!("{field} is set to what is shown nowhere"),
    }
}

fn print_request(out: &mut impl Write, request: &SentRequest) -> io::Result<()> {
    let time = request.at.strftime("%H:%M:%S%.3f");
    // A turn that comes at once is no wait.
    if request.waited_ms >= 100 {
        writeln!(
            out,
            "  waited {} for the limit or for a free connection",
            span_ms(request.waited_ms)
        )?;
    }
    let answer = match (request.http_status, &request.lost) {
        (Some(status), _) => format!("{status}"),
        (None, Some(lost)) => lost.to_string(),
        (None, None) => "no answer".to_owned(),
    };
    let took = span_ms(request.took_ms);
    writeln!(out, "  {time}  {:<40}  {answer} after {took}", request.path)
}

fn print_outcome(out: &mut impl Write, line: &ResultLine<'_>) -> io::Result<()> {
    let what = match line.status {
        Status::Updated if line.user.is_some() || line.user_kept != KeepUsers::Full => {
            "the server changed the user and returned it"
        }
        Status::Updated => "the server has done it",
        Status::Created => "the server created the user",
        Status::Deleted => "the server deleted the user",
        Status::Unchanged => "the user was already as the row wants; nothing was sent",
        Status::Invalid => "the row is wrong; nothing was sent",
        Status::Drifted => "set aside; nothing was sent",
        Status::Rejected => "the server said no",
        Status::GaveUp => "the retries are used up",
        Status::Unknown => "sent, but without a trustworthy answer",
    };
    writeln!(out, "  {}: {what}", line.status.word().replace('_', " "))?;
    if line.merged.is_some() {
        writeln!(out, "  another user was merged into this one, and is gone")?;
    }
    let left_out = match line.user_kept {
        KeepUsers::Full => None,
        KeepUsers::Ids => Some("of the user, the IDs were kept only (--keep-users ids)"),
        KeepUsers::None => Some("the user was not kept (--keep-users none)"),
    };
    if let Some(left_out) = left_out {
        writeln!(out, "  {left_out}")?;
    }
    let Some(error) = &line.error else { return Ok(()) };
    let code = error.server_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    writeln!(out, "  {}: {}{code}", error.code, brief(&error.message))?;
    for more in &line.problems {
        writeln!(out, "  {}: {}", more.code, brief(&more.message))?;
    }
    match error.hint_with_candidates() {
        Some(hint) => writeln!(out, "  what to do: {}", brief(&hint)),
        None => Ok(()),
    }
}
