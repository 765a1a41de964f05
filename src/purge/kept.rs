//! What of a summary stays when its run is purged. Pure.

use crate::redact::words;
use crate::store::summary::{FailureCause, Files, InputSummary, Stopped, Summary};

/// Settings that name files.
const FILES: [&str; 3] = ["job", "report", "protect"];

/// The summary without what may hold a user's data. With `more`, settings, causes of failures and the
/// names of files stay, too.
#[must_use]
pub(super) fn harmless_summary(summary: &Summary, more: bool) -> Summary {
    let mut kept = summary.clone();
    kept.inputs = summary.inputs.iter().map(|input| harmless_input(input, more)).collect();
    kept.reasons = summary.reasons.iter().filter(|_| more).map(harmless_cause).collect();
    kept.repairs.retain(|kind, _| words::is_word(kind));
    kept.warnings.retain(|kind, _| words::is_word(kind));
    kept.settings.retain(|name, value| {
        more && (FILES.contains(&name.as_str()) || words::is_harmless_setting(name, value))
    });
    kept.stopped = summary.stopped.as_ref().map(|stopped| Stopped {
        reason: words::word_or_none(&stopped.reason).unwrap_or("stopped").to_owned(),
        message: "left out when the run was purged".to_owned(),
        hint: None,
        resume: None,
    });
    kept.next = None;
    kept.files = Files::default();
    kept
}

/// An input without its fingerprint, by which a guess at its content could be confirmed.
fn harmless_input(input: &InputSummary, more: bool) -> InputSummary {
    InputSummary {
        name: if more { input.name.clone() } else { String::new() },
        fingerprint: String::new(),
        ..input.clone()
    }
}

fn harmless_cause(cause: &FailureCause) -> FailureCause {
    FailureCause {
        kind: words::word_or_none(&cause.kind).unwrap_or("other").to_owned(),
        code: cause.code.clone().filter(|code| words::is_server_code(code)),
        count: cause.count,
        first: cause.first.clone(),
        message: None,
        hint: None,
    }
}
