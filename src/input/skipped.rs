//! Rows that are passed over, since they say nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many rows of all inputs were passed over so far.
#[derive(Clone, Debug, Default)]
pub struct Skipped(Arc<SkippedCounts>);

#[derive(Debug, Default)]
struct SkippedCounts {
    blank: AtomicU64,
    headers: AtomicU64,
    hidden: AtomicU64,
    above: AtomicU64,
    left_out: AtomicU64,
}

/// What was passed over of one input before its first row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    /// Rows of its sheet that are hidden or filtered out.
    pub(super) hidden: u64,
    /// Rows above its header.
    pub(super) above: u64,
}

impl Skipped {
    /// Rows of nothing but delimiters.
    #[must_use]
    pub fn blank_rows(&self) -> u64 {
        self.0.blank.load(Ordering::Relaxed)
    }

    /// Rows that repeat the header.
    #[must_use]
    pub fn repeated_headers(&self) -> u64 {
        self.0.headers.load(Ordering::Relaxed)
    }

    /// Rows of sheets that are hidden or filtered out.
    #[must_use]
    pub fn hidden_rows(&self) -> u64 {
        self.0.hidden.load(Ordering::Relaxed)
    }

    /// Rows above headers: titles and notes.
    #[must_use]
    pub fn rows_above(&self) -> u64 {
        self.0.above.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, passed: Passed) {
        self.0.hidden.fetch_add(passed.hidden, Ordering::Relaxed);
        self.0.above.fetch_add(passed.above, Ordering::Relaxed);
    }

    /// Rows that were not chosen.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }

    pub(super) fn count_left_out(&self) {
        self.0.left_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_blank(&self) {
        self.0.blank.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_header(&self) {
        self.0.headers.fetch_add(1, Ordering::Relaxed);
    }
}
