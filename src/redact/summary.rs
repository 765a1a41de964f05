//! The summary, and which run it is, with pseudonyms in place of names and values. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pseudonyms::Pseudonyms;
use super::words::{self, LEFT_OUT};
use crate::store::journal::{Identity, InputIdentity};
use crate::store::summary::{FailureCause, Files, InputSummary, Stopped, Summary};

/// The numbers of a summary, times and stable words; nothing that names anybody or anything. What is new in
/// a summary does not compile until it is decided here.
#[must_use]
pub(crate) fn bare(summary: &Summary) -> Summary {
    let words = |counts: &BTreeMap<Cow<'static, str>, u64>| {
        let counts = counts.iter().filter(|(kind, _)| words::is_word(kind));
        counts.map(|(kind, count)| (kind.clone(), *count)).collect()
    };
    Summary {
        version: summary.version,
        tool: summary.tool.clone(),
        simulated: summary.simulated,
        started_at: summary.started_at,
        finished_at: summary.finished_at,
        elapsed_ms: summary.elapsed_ms,
        inputs: Vec::new(),
        tally: summary.tally,
        skipped: summary.skipped,
        done_before: summary.done_before,
        complete: summary.complete,
        balanced: summary.balanced,
        calls: summary.calls,
        calls_saved: summary.calls_saved,
        retries: summary.retries,
        rate_limited: summary.rate_limited,
        invited: summary.invited,
        merge_allowed: summary.merge_allowed,
        merged: summary.merged,
        not_kept: summary.not_kept,
        waited: summary.waited,
        interventions: summary.interventions.clone(),
        reasons: Vec::new(),
        repairs: words(&summary.repairs),
        warnings: words(&summary.warnings),
        settings: Map::new(),
        stopped: summary.stopped.as_ref().map(|stopped| Stopped {
            reason: words::word_or_none(&stopped.reason).unwrap_or("other").to_owned(),
            message: LEFT_OUT.to_owned(),
            hint: None,
            resume: None,
        }),
        exit_code: summary.exit_code,
        next: None,
        files: Files::default(),
        // It is of what the files were.
        chain: None,
    }
}

/// A cause of failures by its kind, the server's code and a place.
#[must_use]
pub(crate) fn bare_cause(cause: &FailureCause, first: String) -> FailureCause {
    FailureCause {
        kind: words::word_or_none(&cause.kind).unwrap_or("other").to_owned(),
        code: cause.code.clone().filter(|code| words::is_server_code(code)),
        count: cause.count,
        first,
        message: None,
        hint: None,
    }
}

/// The summary, as it may be handed on.
#[must_use]
pub(super) fn redacted(names: &Pseudonyms, summary: &Summary) -> Summary {
    Summary {
        inputs: summary.inputs.iter().map(|input| redacted_input(names, input)).collect(),
        reasons: summary.reasons.iter().map(|own| redacted_cause(names, summary, own)).collect(),
        settings: redacted_settings(names, &summary.settings),
        files: Files { results: crate::store::RESULTS.into(), ..Files::default() },
        ..bare(summary)
    }
}

/// Which run it is, as it may be handed on.
#[must_use]
pub(super) fn redacted_identity(names: &Pseudonyms, identity: Identity) -> Identity {
    let input = |input: InputIdentity| InputIdentity {
        name: names.file(&input.name),
        path: names.file(&input.path),
        bytes: input.bytes,
        fingerprint: names.named("content", &input.fingerprint),
    };
    Identity {
        version: identity.version,
        inputs: identity.inputs.into_iter().map(input).collect(),
        settings: redacted_settings(names, &identity.settings),
    }
}

fn redacted_input(names: &Pseudonyms, input: &InputSummary) -> InputSummary {
    InputSummary {
        name: names.file(&input.name),
        format: input.format.clone(),
        bytes: input.bytes,
        fingerprint: names.named("content", &input.fingerprint),
    }
}

fn redacted_cause(names: &Pseudonyms, summary: &Summary, cause: &FailureCause) -> FailureCause {
    // The place is `file:line (row n)`.
    let place = summary.inputs.iter().find_map(|input| {
        let place = cause.first.strip_prefix(&input.name)?;
        let numbers = |c: char| c.is_ascii_digit() || ":() row".contains(c);
        (place.starts_with(':') && place.chars().all(numbers))
            .then(|| names.file(&input.name) + place)
    });
    bare_cause(cause, place.unwrap_or_else(|| LEFT_OUT.to_owned()))
}

/// Settings: those that hold nothing of a user as they are, others with pseudonyms. One with a name that
/// is not like a setting's, such as the type of an attribute, is left out.
fn redacted_settings(names: &Pseudonyms, settings: &Map<String, Value>) -> Map<String, Value> {
    let named = |name: &String| name.chars().all(|c| c.is_ascii_alphabetic());
    let settings = settings.iter().filter(|(name, _)| named(name));
    let redacted = settings.map(|(name, value)| {
        let own = if words::is_harmless_setting(name, value) {
            value.clone()
        } else if words::FILE_SETTINGS.contains(&name.as_str()) {
            texts(value, &|text| names.file(text))
        } else {
            texts(value, &|text| names.column(text))
        };
        (name.clone(), own)
    });
    redacted.collect()
}

/// A value with each of its texts and keys replaced.
fn texts(value: &Value, replaced: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => replaced(text).into(),
        Value::Array(items) => items.iter().map(|item| texts(item, replaced)).collect(),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| (replaced(key), texts(value, replaced));
            members.iter().map(member).collect::<Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
