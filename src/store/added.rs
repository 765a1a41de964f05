//! What is said of a row behind its own columns.

use std::borrow::Cow;

use serde::Serialize;

use crate::input::record::ADDED_COLUMNS;
use crate::issue::Severity;
use crate::outcome::{Finished, Status};

/// What is said of a row; its names are [`ADDED_COLUMNS`].
#[derive(Serialize)]
pub(super) struct Added<'a> {
    #[serde(rename = "_row")]
    row: u64,
    #[serde(rename = "_status")]
    status: Status,
    #[serde(rename = "_error")]
    error: &'a str,
    #[serde(rename = "_message")]
    message: Cow<'a, str>,
    #[serde(rename = "_hint", skip_serializing_if = "Option::is_none")]
    hint: Option<Cow<'a, str>>,
}

impl<'a> Added<'a> {
    pub(super) fn new(finished: &'a Finished) -> Self {
        let Finished { record, outcome, .. } = finished;
        let error = outcome.error.as_ref();
        Self {
            row: record.position.row,
            status: outcome.status,
            error: error.map_or("", |error| error.server_code.as_deref().unwrap_or(&error.code)),
            message: message(finished),
            hint: error.and_then(|error| error.hint_with_candidates()),
        }
    }

    /// As cells.
    pub(super) fn cells(&self) -> [Cow<'_, str>; ADDED_COLUMNS.len()] {
        [
            self.row.to_string().into(),
            self.status.word().into(),
            self.error.into(),
            self.message.as_ref().into(),
            self.hint.as_deref().unwrap_or_default().into(),
        ]
    }
}

/// What is wrong with a row: everything, so that it is corrected once.
fn message(finished: &Finished) -> Cow<'_, str> {
    let first = finished.outcome.error.as_ref().map_or("", |error| &error.message);
    let notes = finished.notes.iter();
    let also = notes.flat_map(|notes| notes.issues_of(Severity::Error)).map(|issue| {
        let place = issue.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        format!("; also {place}{}", issue.message)
    });
    let also: String = also.collect();
    if also.is_empty() { first.into() } else { (first.to_owned() + &also).into() }
}
