//! The counting sink: why rows failed, and what was noticed about them, for the summary.

use std::sync::{Arc, Mutex, PoisonError};

use super::{FailureCauses, NoteCounts};
use crate::engine::events::{Event, Sink};

/// What was counted, shared with the sink that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Mutex<(FailureCauses, NoteCounts)>>);

impl Counts {
    /// What was counted so far.
    #[must_use]
    pub(crate) fn so_far(&self) -> (FailureCauses, NoteCounts) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Counts {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::RowFinished(finished) = event
            && (finished.outcome.error.is_some() || finished.notes.is_some())
        {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            counts.0.count(finished);
            counts.1.count(finished);
        }
    }
}
