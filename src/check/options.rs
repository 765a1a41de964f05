//! How to check.

use crate::catalog::RateClass;
use crate::limiter::limit::Limit;

/// Findings of each kind that a report keeps, unless all are wanted.
pub(crate) const EXAMPLES: usize = 3;

/// How to check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// How many findings of a kind the report keeps.
    pub examples: usize,
    /// Codes of warnings that are meant, and no problem.
    pub allow: Vec<String>,
    /// The part of the limits that is used, for the forecast.
    pub limits: Vec<(RateClass, Limit)>,
    /// The most users in a batch.
    pub batch_size: u64,
    /// Whether each finding is told as it is met.
    pub all: bool,
}
