//! What of a summary stays when its run is purged. Pure.

use crate::redact::summary::{bare, bare_cause};
use crate::redact::words;
use crate::store::summary::{FailureCause, InputSummary, Summary};

/// The summary without what may hold a user's data. With `more`, settings, causes of failures and the
/// names of files stay, too.
#[must_use]
pub(super) fn harmless_summary(summary: &Summary, more: bool) -> Summary {
    let causes = summary.reasons.iter().filter(|_| more);
    let mut settings = summary.settings.clone();
    settings.retain(|name, value| {
        more && (words::FILE_SETTINGS.contains(&name.as_str())
            || words::is_harmless_setting(name, value))
    });
    Summary {
        inputs: summary.inputs.iter().map(|input| harmless_input(input, more)).collect(),
        reasons: causes.map(harmless_cause).collect(),
        settings,
        ..bare(summary)
    }
}

/// An input without its fingerprint, by which a guess at its content could be confirmed.
fn harmless_input(input: &InputSummary, more: bool) -> InputSummary {
    InputSummary {
        name: if more { input.name.clone() } else { String::new() },
        format: input.format.clone(),
        bytes: input.bytes,
        fingerprint: String::new(),
    }
}

fn harmless_cause(cause: &FailureCause) -> FailureCause {
    bare_cause(cause, cause.first.clone())
}
