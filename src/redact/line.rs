//! A line of the results with pseudonyms in place of values. Pure.

use std::borrow::Cow;

use super::pseudonyms::Pseudonyms;
use super::{user, words};
use crate::input::record::Repair;
use crate::issue::Issue;
use crate::outcome::SentRequest;
use crate::store::results::ResultLine;

/// The line, as it may be handed on.
#[must_use]
pub(super) fn redacted(names: &Pseudonyms, line: &ResultLine<'_>) -> ResultLine<'static> {
    let person =
        |shown: &Cow<'_, serde_json::value::RawValue>| Cow::Owned(user::redacted(names, shown));
    let issue = |own: &Cow<'_, Issue>| Cow::Owned(redacted_issue(names, own));
    ResultLine {
        version: line.version,
        file: names.file(&line.file).into(),
        row: line.row,
        line: line.line,
        operation: line.operation.as_deref().and_then(words::operation).map(Cow::Borrowed),
        login_id: line.login_id.as_deref().map(|own| names.value("id", own).into()),
        changes: line.changes.iter().filter_map(|own| user::redacted_change(names, own)).collect(),
        status: line.status,
        attempts: line.attempts,
        http_status: line.http_status,
        requests: line.requests.iter().map(redacted_request).collect(),
        duration_ms: line.duration_ms,
        finished_at: line.finished_at,
        user_kept: line.user_kept,
        user: line.user.as_ref().map(person),
        merged: line.merged.as_ref().map(person),
        error: line.error.as_ref().map(issue),
        problems: line.problems.iter().map(issue).collect(),
        repairs: line.repairs.iter().map(|own| redacted_repair(names, own)).collect(),
        warnings: line.warnings.iter().map(issue).collect(),
    }
}

fn redacted_issue(names: &Pseudonyms, issue: &Issue) -> Issue {
    Issue {
        severity: issue.severity,
        code: words::word_or_none(&issue.code).unwrap_or("other").to_owned().into(),
        server_code: issue.server_code.clone().filter(|code| words::is_server_code(code)),
        place: issue.place.as_deref().map(|place| names.column(place)),
        message: words::LEFT_OUT.into(),
        hint: None,
        candidates: Vec::new(),
    }
}

fn redacted_request(request: &SentRequest) -> SentRequest {
    let path = words::request_path(&request.path).unwrap_or("(another path)");
    let lost = request.lost.as_deref().map(|words| words::lost(words).into());
    SentRequest {
        at: request.at,
        path: path.into(),
        waited_ms: request.waited_ms,
        took_ms: request.took_ms,
        http_status: request.http_status,
        lost,
    }
}

fn redacted_repair(names: &Pseudonyms, repair: &Repair) -> Repair {
    Repair {
        kind: words::word_or_none(&repair.kind).unwrap_or("other").to_owned().into(),
        column: names.column(&repair.column),
        from: names.value("text", &repair.from),
        to: names.value("text", &repair.to),
    }
}
