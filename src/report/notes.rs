//! What was noticed about rows, counted by kind.
//!
//! The kinds are closed lists of short words, so the memory is bounded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::issue::Severity;
use crate::outcome::Finished;

/// Repairs and warnings met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoteCounts {
    /// How often each kind of repair was made.
    pub repairs: BTreeMap<Cow<'static, str>, u64>,
    /// How often each kind of warning was given.
    pub warnings: BTreeMap<Cow<'static, str>, u64>,
}

impl NoteCounts {
    /// Counts what was noticed about a row.
    pub(crate) fn count(&mut self, finished: &Finished) {
        let Some(notes) = &finished.notes else { return };
        for repair in &notes.repairs {
            *self.repairs.entry(repair.kind.clone()).or_default() += 1;
        }
        for warning in notes.issues_of(Severity::Warning) {
            *self.warnings.entry(warning.code.clone()).or_default() += 1;
        }
    }
}
