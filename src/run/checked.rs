//! What the rows of a run are like, before any is sent.

use std::collections::BTreeMap;

use crate::check::Needed;

/// What the rows of the inputs are like.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    pub(super) rows: u64,
    pub(super) invalid: u64,
    /// Rows that can be sent, by operation.
    pub(super) operations: BTreeMap<&'static str, u64>,
    /// What it takes to send them.
    pub(super) needed: Needed,
    /// Rows that are sent before all others.
    pub(super) canary: Vec<u64>,
}
