//! The rows of a sheet under its header, from cells in order.
//!
//! The header is the first row that is not blank, from its first name to its last. Rows below
//! get exactly its width: what is missing is blank, and a cell outside that holds something
//! makes its row a bad one, since nobody can tell what it means.

use std::collections::HashSet;

use csv::{ByteRecord, StringRecord};

use super::cell::{Bad, SheetCell};
use super::limits::{MAX_CELLS, MAX_ROWS, MAX_TEXT_BYTES};
use crate::input::guard;
use crate::input::header;
use crate::input::record::{Content, Raw};
use crate::input::request::HiddenRows;
use crate::input::rows::{KEPT_BYTES, MAX_RECORD_BYTES};
use crate::issue::Issue;

/// The most bytes of text that are held of one row: one beyond what it may have is a bad one.
pub(super) const MAX_HELD: usize = 2 * MAX_RECORD_BYTES;

/// A sheet that is being read.
#[derive(Default)]
pub(super) struct Table {
    /// The number of the current row from 0, and its cells with their columns.
    row: u32,
    cells: Vec<(u32, SheetCell)>,
    /// The bytes of their text.
    row_bytes: usize,
    header: Option<Header>,
    rows: Vec<Numbered>,
    /// Rows that nobody sees, and what becomes of them.
    hidden: HashSet<u32>,
    hidden_rows: Option<HiddenRows>,
    /// Those of them that hold something.
    unseen: Vec<u64>,
    /// What is held, for the bounds.
    held_cells: usize,
    held_bytes: usize,
}

/// What a row holds, and its number from 1.
pub(super) type Numbered = (u64, Content);

struct Header {
    line: u64,
    first: u32,
    names: Vec<String>,
    guarded: bool,
}

impl Table {
    /// One whose hidden rows are treated so.
    pub(super) fn new(hidden_rows: Option<HiddenRows>) -> Self {
        Self { hidden_rows, ..Self::default() }
    }

    /// Says which rows nobody sees.
    pub(super) fn hide(&mut self, rows: impl Iterator<Item = u32>) {
        self.hidden.extend(rows);
    }

    /// How many rows were left out, since nobody sees them.
    pub(super) fn left_out(&self) -> u64 {
        match self.hidden_rows {
            Some(HiddenRows::Skip) => self.unseen.len() as u64,
            _ => 0,
        }
    }

    /// Takes the next cell, from the top row down.
    pub(super) fn push(&mut self, row: u32, column: u32, cell: SheetCell) -> Result<(), String> {
        if row < self.row {
            return Err("its rows are not in order; open and save it in a spreadsheet".to_owned());
        }
        if row > self.row {
            self.end_row()?;
            self.row = row;
        }
        if !cell.is_blank() || matches!(&cell, SheetCell::Text(text) if !text.is_empty()) {
            self.row_bytes += cell.len();
            // One text may stand in many cells: beyond what a row may have, none is held.
            let held =
                if self.row_bytes > MAX_HELD { SheetCell::too_long(String::new()) } else { cell };
            self.cells.push((column, held));
            if self.cells.len() > header::MAX_COLUMNS {
                return Err(format!("row {} has too many cells", u64::from(row) + 1));
            }
        }
        Ok(())
    }

    /// The header's names and its line, and the rows; the error stands behind the sheet's name.
    pub(super) fn finish(mut self) -> Result<(Vec<String>, u64, Vec<Numbered>), String> {
        self.end_row().map_err(|reason| format!(": {reason}"))?;
        if let (Some(first), None) = (self.unseen.first(), self.hidden_rows) {
            return Err(format!(
                ":{first}: {} of its rows are hidden or filtered out, and hold something, the first in line {first}; leave them out with --hidden skip, or send them with --hidden send",
                self.unseen.len()
            ));
        }
        let header =
            self.header.ok_or(":1: there is no header row; the first row names the columns; if the file may be empty, use --allow-empty")?;
        Ok((header.names, header.line, self.rows))
    }

    fn end_row(&mut self) -> Result<(), String> {
        let mut cells = std::mem::take(&mut self.cells);
        self.row_bytes = 0;
        if cells.iter().all(|(_, cell)| cell.is_blank()) {
            return Ok(());
        }
        cells.sort_by_key(|(column, _)| *column);
        let line = u64::from(self.row) + 1;
        let Some(header) = &self.header else {
            let header = Header::of(line, cells);
            self.header = Some(header.map_err(|reason| format!("row {line}: {reason}"))?);
            return Ok(());
        };
        if self.hidden.contains(&self.row) {
            self.unseen.push(line);
            if self.hidden_rows == Some(HiddenRows::Skip) {
                return Ok(());
            }
        }
        let content = header.content(cells);
        self.held_cells += header.names.len();
        self.held_bytes += bytes_of(&content);
        if self.rows.len() == MAX_ROWS
            || self.held_cells > MAX_CELLS
            || self.held_bytes > MAX_TEXT_BYTES
        {
            return Err(format!(
                "is too large at row {line}: a sheet may have {MAX_ROWS} rows, {MAX_CELLS} cells \
                 and 256 MiB of text; save it as CSV (UTF-8), which has no such limit"
            ));
        }
        self.rows.push((line, content));
        Ok(())
    }
}

impl Header {
    fn of(line: u64, cells: Vec<(u32, SheetCell)>) -> Result<Self, String> {
        let mut filled = cells.iter().filter(|(_, cell)| !cell.is_blank()).map(|(at, _)| *at);
        let first = filled.next().unwrap_or_default();
        let last = filled.next_back().unwrap_or(first);
        let mut names = vec![String::new(); width(first, last)];
        for (column, cell) in cells {
            match cell {
                SheetCell::Text(text) if (first..=last).contains(&column) => {
                    names[width(first, column) - 1] = text;
                }
                SheetCell::Text(_) => {}
                SheetCell::Bad(bad) => {
                    return Err(format!(
                        "the header row cannot be read: cell {} {}; {}",
                        letters(column),
                        bad.what,
                        bad.hint
                    ));
                }
            }
        }
        let mut names = header::names(names.iter().map(String::as_str), None)?;
        let guarded = header::take_guard_off(&mut names);
        Ok(Self { line, first, names, guarded })
    }

    /// What a row holds, from its cells in order.
    fn content(&self, cells: Vec<(u32, SheetCell)>) -> Content {
        let mut own = vec![String::new(); self.names.len()];
        let mut outside = Vec::new();
        let mut issue = None;
        let mut last = None;
        for (column, cell) in cells {
            let index =
                column.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            let index = index.filter(|index| *index < own.len());
            let twice = last.replace(column) == Some(column);
            match (cell, index) {
                (cell, None) if cell.is_blank() => {}
                (cell, None) => {
                    issue.get_or_insert_with(|| beyond(column));
                    outside.push(shown(cell));
                }
                (cell, Some(index)) if twice => {
                    issue.get_or_insert_with(|| self.bad(index, "appears twice", "keep one"));
                    own[index] = shown(cell);
                }
                (SheetCell::Text(text), Some(index)) => {
                    let bare = if self.guarded { guard::take_off_text(&text) } else { &text };
                    bare.clone_into(&mut own[index]);
                }
                (SheetCell::Bad(bad), Some(index)) => {
                    issue.get_or_insert_with(|| Issue {
                        code: bad.code.into(),
                        ..self.bad(index, &bad.what, bad.hint)
                    });
                    own[index] = bad.shown;
                }
            }
        }
        if own.iter().map(String::len).sum::<usize>() > MAX_RECORD_BYTES {
            return too_long(&own);
        }
        match issue {
            None => Content::Cells(StringRecord::from(own)),
            Some(issue) => {
                own.append(&mut outside);
                Content::Broken { raw: Raw::Cells(ByteRecord::from(own)), issue: Box::new(issue) }
            }
        }
    }

    fn bad(&self, index: usize, what: &str, hint: &'static str) -> Issue {
        let name = &self.names[index];
        Issue::error("cell_error", format!("the cell of {name:?} {what}")).at(name).hint(hint)
    }
}

fn shown(cell: SheetCell) -> String {
    match cell {
        SheetCell::Text(text) | SheetCell::Bad(Bad { shown: text, .. }) => text,
    }
}

fn beyond(column: u32) -> Issue {
    let what =
        format!("column {} holds something, but the header has no name for it", letters(column));
    Issue::error("wrong_field_count", what).hint("name the column in the header, or clear the cell")
}

fn too_long(own: &[String]) -> Content {
    let issue =
        Issue::error("record_too_long", "the row is longer than 1 MiB").hint("shorten its cells");
    let text = own.join(",");
    let kept = text.as_bytes()[..text.len().min(KEPT_BYTES)].into();
    Content::Broken { raw: Raw::Line(kept), issue: Box::new(issue) }
}

/// The bytes that the cells of a row hold.
fn bytes_of(content: &Content) -> usize {
    match content {
        Content::Cells(cells) => cells.as_slice().len(),
        Content::Object(text) => text.len(),
        Content::Broken { raw: Raw::Cells(cells), .. } => cells.as_slice().len(),
        Content::Broken { raw: Raw::Line(line), .. } => line.len(),
    }
}

fn width(first: u32, last: u32) -> usize {
    usize::try_from(last - first).map_or(usize::MAX, |width| width + 1)
}

/// A column as spreadsheets name it: A to Z, AA, AB and so on.
fn letters(column: u32) -> String {
    let mut name = Vec::new();
    let mut left = u64::from(column) + 1;
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    name.iter().rev().collect()
}
