//! Instructions: a record understood, or why it is not.
//!
//! Pure. What the columns mean is resolved once for a header (or for a set of JSON keys) in
//! a layout; a row then only fills it. What cannot be told is refused with the candidates
//! named, and nothing is ever cleared because a cell happened to be blank.

mod assemble;
mod assigned_contacts;
mod attributes;
mod batch_terms;
mod batching;
mod cell;
mod column_map;
mod instruction;
mod mapping;
mod row;
mod settings;
pub mod values;

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::Operation;
use crate::change::members;
use crate::exit::Error;
use crate::input::record::{Content, Record, Source};
use crate::issue::Issue;
use assemble::Assembled;
use cell::Cell;
use column_map::ColumnMap;
use row::{RowDraft, fill};

pub use assigned_contacts::AssignedContacts;
pub use batch_terms::{BatchTerms, Sets};
pub use instruction::{InLanes, Instruction, Invalid, folded, lane};
pub use mapping::{Batching, Blank, Mapping, OnConflict};
pub use settings::is_field;
pub use values::{Phones, Region};

/// Makes instructions from records.
#[derive(Clone, Debug)]
pub struct Builder {
    mapping: Mapping,
    headers: Vec<(Arc<Source>, ColumnMap)>,
    /// Whether there are sources without a header: of JSON.
    has_shapes: bool,
    /// Layouts of JSON rows by their keys; files repeat a few shapes over and over.
    shapes: HashMap<Vec<String>, Result<ColumnMap, Issue>>,
}

/// How many shapes of JSON rows are remembered.
const MAX_SHAPES: usize = 256;

impl Builder {
    /// Resolves what the headers mean.
    ///
    /// Refused are columns and settings that no operation knows, columns that leave the
    /// operation open, and files that can make no valid row: before anything is sent.
    pub fn new(mapping: Mapping, sources: &[Arc<Source>]) -> Result<Self, Error> {
        mapping.check()?;
        let mut headers = Vec::new();
        for source in sources.iter().filter(|source| source.format.has_columns()) {
            let columns = ColumnMap::resolve(&source.columns, &mapping)
                .and_then(|columns| columns.check_header(&mapping).map(|()| columns))
                .map_err(|problem| column_map::refusal(&source.name, &problem))?;
            headers.push((Arc::clone(source), columns));
        }
        settings::check_map(&mapping, sources)?;
        let has_shapes = sources.iter().any(|source| !source.format.has_columns());
        Ok(Self { mapping, headers, has_shapes, shapes: HashMap::new() })
    }

    /// The mapping that it goes by.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether rows may set contacts in batches: only they need to know what was assigned.
    #[must_use]
    pub fn may_batch_contacts(&self) -> bool {
        let may = |operation: &Operation| {
            batching::is_batched(operation, self.mapping.batching)
                && batching::sets_contacts(operation)
        };
        // What is not known before the row is there may be anything.
        let unknown = self.mapping.batching != Batching::Off;
        let mut operations = self.headers.iter().map(|(_, columns)| columns.operation());
        (self.has_shapes && unknown) || operations.any(|own| own.map_or(unknown, may))
    }

    /// The instruction of a record, or why there is none.
    pub fn build(&mut self, record: Record) -> Result<Instruction, Box<Invalid>> {
        let mut seen = RowDraft::default();
        match self.understand(&record, &mut seen) {
            Ok(parts) => Ok(parts.of(record, seen.notes)),
            Err(issue) => {
                let RowDraft { operation, login_id, mut notes, errors } = seen;
                if !errors.is_empty() {
                    // What makes the row invalid goes before what may be wrong with it.
                    notes.get_or_insert_default().issues.splice(..0, errors);
                }
                let issue = Box::new(issue);
                Err(Box::new(Invalid { record, operation, login_id, issue, notes }))
            }
        }
    }

    fn understand(&mut self, record: &Record, seen: &mut RowDraft) -> Result<Assembled, Issue> {
        match &record.content {
            Content::Broken { issue, .. } => Err((**issue).clone()),
            Content::Cells(cells) => {
                let source = &record.source;
                let (_, column_map) = self
                    .headers
                    .iter_mut()
                    .find(|(known, _)| Arc::ptr_eq(known, source))
                    .ok_or_else(|| Issue::error("unreadable", "the row has no header"))?;
                let cells: Vec<Cell<'_>> = cells.iter().map(Cell::Text).collect();
                fill(column_map, &self.mapping, &source.columns, &cells, seen)
            }
            Content::Object(text) => {
                let (keys, cells): (Vec<_>, Vec<_>) = members(text)
                    .map_err(|error| Issue::error("invalid_json", error.to_string()))?
                    .into_iter()
                    .map(|(key, value)| (key, Cell::Json(value)))
                    .unzip();
                if self.shapes.len() >= MAX_SHAPES && !self.shapes.contains_key(&keys) {
                    self.shapes.clear();
                }
                // The keys are copied once for each shape, not for each row.
                if !self.shapes.contains_key(&keys) {
                    self.shapes.insert(keys.clone(), ColumnMap::resolve(&keys, &self.mapping));
                }
                match self.shapes.get_mut(&keys) {
                    Some(Ok(column_map)) => fill(column_map, &self.mapping, &keys, &cells, seen),
                    Some(Err(problem)) => Err(problem.clone()),
                    None => Err(Issue::error("unreadable", "the row has no keys")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
