//! Which rows are taken of those that there are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::exit;
use crate::input::bitmap::RowSet;
use crate::input::record::{ADDED_COLUMNS, Content, Record, Source, is_of_results, normalize};

/// The column that says what became of a row.
const STATUS_COLUMN: &str = ADDED_COLUMNS[1];

/// Which rows of all inputs are taken: of those that meet the conditions, so many behind the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Columns or keys with the text that they must hold. A row that cannot be read meets them: it
    /// is not left out in silence.
    pub conditions: Vec<(String, String)>,
    /// How many rows that meet them are left out first.
    pub skip: u64,
    /// How many are taken then; all if nothing is said.
    pub limit: Option<u64>,
    /// Which of these are taken, by their numbers; all if nothing is said.
    pub rows: Option<Arc<RowSet>>,
}

impl Selection {
    /// Whether all rows are taken.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses a condition on a column that no input has; objects may have any key.
    pub(super) fn check(&self, sources: &[Arc<Source>]) -> Result<(), exit::Error> {
        self.refuse_what_was_done(sources)?;
        if sources.iter().any(|source| !source.format.has_columns()) {
            return Ok(());
        }
        let known = |wanted: &str| {
            let mut columns = sources.iter().flat_map(|source| &source.columns);
            columns.any(|column| normalize(column) == normalize(wanted))
        };
        match self.conditions.iter().find(|(column, _)| !known(column)) {
            None => Ok(()),
            Some((column, text)) => Err(exit::Error::refused(format_args!(
                "--where {column}={text}: no file has a column {column}; there are {}",
                sources.iter().flat_map(|s| &s.columns).cloned().collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}

impl Selection {
    /// Refuses results for spreadsheets, whose rows were mostly done, unless rows are chosen by what
    /// became of them.
    fn refuse_what_was_done(&self, sources: &[Arc<Source>]) -> Result<(), exit::Error> {
        let is_of_results =
            |source: &&Arc<Source>| source.columns.iter().any(|name| is_of_results(name));
        let chooses = self.conditions.iter().any(|(column, _)| column.trim() == STATUS_COLUMN);
        match sources.iter().find(is_of_results).filter(|_| !chooses) {
            None => Ok(()),
            Some(source) => Err(exit::Error::refused(format_args!(
                "{}: these are the results of a run, and rows that were done would be sent again\n  \
                 run the failures file of that run; or choose rows by what became of them, such as --where {STATUS_COLUMN}=rejected",
                source.name
            ))),
        }
    }
}

/// A selection on its way through the rows.
#[derive(Debug, Default)]
pub(super) struct Selecting {
    selection: Selection,
    /// How many rows have met the conditions.
    met: u64,
}

impl Selecting {
    pub(super) fn new(selection: &Selection) -> Self {
        Self { selection: selection.clone(), met: 0 }
    }

    /// Whether the next row is taken.
    pub(super) fn takes(&mut self, record: &Record) -> bool {
        let Selection { conditions, skip, limit, rows } = &self.selection;
        if !conditions.is_empty() && !meets(record, conditions) {
            return false;
        }
        self.met += 1;
        let behind = self.met.saturating_sub(*skip);
        let is_own = || rows.as_ref().is_none_or(|rows| rows.contains(record.position.row));
        behind > 0 && limit.is_none_or(|limit| behind <= limit) && is_own()
    }

    /// Takes only these of the rows that are taken.
    pub(super) fn take_only(&mut self, rows: Arc<RowSet>) {
        self.selection.rows = Some(rows);
    }
}

fn meets(record: &Record, conditions: &[(String, String)]) -> bool {
    match &record.content {
        Content::Broken { .. } => true,
        Content::Cells(cells) => conditions.iter().all(|(column, text)| {
            let columns = || record.source.columns.iter().zip(cells);
            let exactly = columns().find(|(name, _)| name.trim() == column.trim());
            let held = exactly
                .or_else(|| columns().find(|(name, _)| normalize(name) == normalize(column)));
            held.is_some_and(|(_, cell)| cell.trim() == text.trim())
        }),
        Content::Object(object) => {
            let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(object) else {
                return true;
            };
            conditions.iter().all(|(key, text)| {
                let held = members.iter().find(|(name, _)| normalize(name) == normalize(key));
                held.is_some_and(|(_, value)| text_of(value).trim() == text.trim())
            })
        }
    }
}

/// A JSON value as a cell would hold it: a text without its quotes, anything else as written.
fn text_of(value: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text.into(),
        Err(_) => value.get().into(),
    }
}
