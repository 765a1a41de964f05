//! Instructions: a record understood, or why it is not.
//!
//! Pure. What the columns mean is resolved once for a header (or for a set of JSON keys) in
//! a layout; a row then only fills it. What cannot be told is refused with the candidates
//! named, and nothing is ever cleared because a cell happened to be blank.

mod assemble;
mod assigned_contacts;
mod attribute_names;
mod attribute_types;
mod attributes;
mod batch_terms;
mod batching;
mod cell;
mod column_map;
mod declared;
mod expect;
mod hashed_passwords;
mod header_reading;
mod inference;
mod instruction;
mod mapping;
mod refusals;
mod row;
mod settings;
mod survey;
mod user_names;
pub mod values;

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::{Kind, Operation, normalize};
use crate::change::members;
use crate::exit::Error;
use crate::input::record::{Content, Record, Source};
use crate::issue::Issue;
use assemble::Assembled;
use cell::Cell;
use column_map::ColumnMap;
use row::{RowCells, RowDraft, fill};
use survey::Survey;

pub use assigned_contacts::AssignedContacts;
pub use attribute_types::TypesFrom;
pub use batch_terms::{BatchTerms, Sets};
pub use declared::{DeclaredAttribute, DeclaredAttributes};
pub use expect::EXPECT;
pub use header_reading::{ColumnUse, HeaderReading};
pub use instruction::{Call, InLanes, Instruction, Invalid, folded, lane};
pub use mapping::{Batching, Blank, Mapping, OnConflict};
pub(crate) use refusals::likeliest;
pub use settings::is_field;
pub use user_names::header_names;
pub use values::{Fits, Phones, Region};

/// Makes instructions from records.
#[derive(Clone, Debug)]
pub struct Builder {
    mapping: Mapping,
    headers: Vec<(Arc<Source>, ColumnMap)>,
    /// Whether there are sources without a header: of JSON.
    has_shapes: bool,
    /// Layouts of JSON rows by their keys; files repeat a few shapes over and over.
    shapes: HashMap<Vec<String>, Result<ColumnMap, Issue>>,
    /// What the columns show, where they were surveyed.
    survey: Arc<Survey>,
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
                .and_then(|columns| {
                    columns.check_header(&source.columns, &mapping).map(|()| columns)
                })
                .map_err(|problem| refusals::refusal(source, &problem))?;
            headers.push((Arc::clone(source), columns));
        }
        settings::check_map(&mapping, sources)?;
        let has_shapes = sources.iter().any(|source| !source.format.has_columns());
        let (shapes, survey) = (HashMap::new(), Arc::default());
        Ok(Self { mapping, headers, has_shapes, shapes, survey })
    }

    /// Whether how rows are read depends on what their columns show as a whole: where phone
    /// numbers may need a stated region, or custom attributes have columns of their own.
    #[must_use]
    pub fn needs_survey(&self) -> bool {
        let stated = self.mapping.region.is_some();
        let phones = self.mapping.phones != Phones::AsIs;
        let of_region = |columns: &ColumnMap| {
            phones && (stated || columns.region_column().is_some()) && columns.may_hold(Kind::Phone)
        };
        let mut tables = self.headers.iter().map(|(_, columns)| columns);
        (phones && self.has_shapes)
            || tables.any(|columns| of_region(columns) || columns.has_attributes())
    }

    /// The same, knowing what the columns of these rows show: those that it is to build from.
    #[must_use]
    pub fn surveying(mut self, rows: impl Iterator<Item = Record>) -> Self {
        let mut survey = Survey::default();
        for record in rows {
            if !self.may_need_region(&record) {
                continue;
            }
            let _ = self.with_row(&record, &mut |column_map, row| {
                row::survey(column_map, row, &mut survey);
                Ok(())
            });
        }
        self.survey = Arc::new(survey);
        self
    }

    /// The same, with what a builder for the same files knows of their columns.
    #[must_use]
    pub fn surveyed_like(self, other: &Self) -> Self {
        Self { survey: Arc::clone(&other.survey), ..self }
    }

    /// Whether a row can state a region: a JSON row without the key cannot, and need not be read.
    fn may_need_region(&self, record: &Record) -> bool {
        let Content::Object(text) = &record.content else { return true };
        let mapped = self.mapping.map.iter().any(|(_, field)| normalize(field) == "region");
        self.mapping.region.is_some()
            || mapped
            || memchr::memmem::find(text.as_bytes(), b"egion").is_some()
            || memchr::memmem::find(text.as_bytes(), b"EGION").is_some()
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
        let expect = match &record.content {
            Content::Object(text) => expect::of_row(text),
            Content::Cells(_) | Content::Broken { .. } => Ok(None),
        };
        let understood = self.understand(&record, &mut seen);
        match expect.and_then(|expect| Ok((understood?, expect))) {
            Ok((parts, expect)) => {
                let mut instruction = parts.of(record, seen.notes);
                if let Some(user_id) = expect.as_deref().and_then(expect::user_id) {
                    // Rows that name one user by several login IDs keep their order.
                    instruction.lanes.push(lane(user_id));
                    // So do a deletion and a creation with the login ID that it sets free.
                    let expected = expect.as_deref().into_iter().flat_map(expect::login_ids);
                    instruction.lanes.extend(expected.map(lane));
                    instruction.lanes.sort_unstable();
                    instruction.lanes.dedup();
                }
                Ok(Instruction { expect, ..instruction })
            }
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
        self.with_row(record, &mut |column_map, row| fill(column_map, row, seen))
    }

    /// Hands over the cells of a row, and what its columns stand for.
    fn with_row<T>(
        &mut self,
        record: &Record,
        read: &mut dyn FnMut(&mut ColumnMap, RowCells<'_>) -> Result<T, Issue>,
    ) -> Result<T, Issue> {
        let (mapping, survey, file) = (&self.mapping, &*self.survey, &*record.source.name);
        let row = |names, cells, typed| RowCells { mapping, file, names, cells, survey, typed };
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
                read(column_map, row(&source.columns, &cells, true))
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
                // What a plan or an undo wants is what a user was read as.
                let typed = !keys.iter().any(|key| key == EXPECT);
                match self.shapes.get_mut(&keys) {
                    Some(Ok(column_map)) => read(column_map, row(&keys, &cells, typed)),
                    Some(Err(problem)) => Err(problem.clone()),
                    None => Err(Issue::error("unreadable", "the row has no keys")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
