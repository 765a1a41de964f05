//! A forecast in words: calls, how long they take, and what batches would save.

use super::format::{count, span};
use crate::check::Calls;

/// A forecast, and the one with `--batch` where that saves calls.
#[must_use]
pub(super) fn forecast_in_words(single: &[Calls], batched: &[Calls]) -> String {
    let calls = |forecast: &[Calls]| forecast.first().map_or(0, |calls| calls.calls);
    if calls(batched) < calls(single) {
        format!("{}; with --batch {}", told(single), told(batched))
    } else {
        told(single)
    }
}

fn told(forecast: &[Calls]) -> String {
    let calls = forecast.first().map_or(0, |calls| calls.calls);
    let longest = forecast.iter().map(|calls| calls.time).max().unwrap_or_default();
    let is_limited = forecast.iter().any(|calls| calls.limit.is_some());
    let time = match (is_limited, longest.as_secs()) {
        (false, _) => "without a limit".to_owned(),
        (true, 0) => "all within one window of the limit".to_owned(),
        (true, _) => format!("at least {}", span(longest)),
    };
    format!("{}, {time}", count(calls, "call"))
}
