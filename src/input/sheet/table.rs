//! The rows of a sheet under its header, from cells in order.
//!
//! The header is the first row that is not blank, or one below titles, from its first name to its
//! last. Rows below
//! get exactly its width: what is missing is blank, and a cell outside that holds something
//! makes its row a bad one, since nobody can tell what it means.

use std::collections::HashSet;

use csv::{ByteRecord, StringRecord};

use super::cell::{Bad, SheetCell};
use super::limits::{MAX_CELLS, MAX_ROWS, MAX_TEXT_BYTES};
use crate::input::guard;
use crate::input::header;
use crate::input::header_row::{HeaderRow, LOOKED_AT, is_plain};
use crate::input::record::{Content, Raw};
use crate::input::request::{HiddenRows, Stated};
use crate::input::rows::{KEPT_BYTES, MAX_RECORD_BYTES};
use crate::input::skipped::Passed;
use crate::issue::Issue;

/// The most bytes of text that are held of one row: one beyond what it may have is a bad one.
pub(super) const MAX_HELD: usize = 2 * MAX_RECORD_BYTES;

/// A sheet that is being read.
#[derive(Default)]
pub(super) struct Table {
    /// The number of the current row from 0, and its cells with their columns.
    row: u32,
    cells: Cells,
    /// The bytes of their text.
    row_bytes: usize,
    /// Where the header is, and the rows of which it may be one.
    header_row: HeaderRow,
    undecided: Vec<(u32, Cells)>,
    /// Without a header it is empty, and may be.
    may_be_empty: bool,
    /// How many rows stand above it.
    above: u64,
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

/// The cells of a row with their columns, from 0.
type Cells = Vec<(u32, SheetCell)>;

/// A table that was read: its header's names and line, its rows.
#[derive(Default)]
pub(super) struct TableRows {
    pub(super) columns: Vec<String>,
    pub(super) header_line: u64,
    pub(super) rows: Vec<Numbered>,
    pub(super) passed: Passed,
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
    /// One that is read as it is stated.
    pub(super) fn new(stated: &Stated) -> Self {
        Self {
            hidden_rows: stated.hidden_rows,
            header_row: stated.header.clone(),
            may_be_empty: stated.may_be_empty,
            ..Self::default()
        }
    }

    /// Says which rows nobody sees.
    pub(super) fn hide(&mut self, rows: impl Iterator<Item = u32>) {
        self.hidden.extend(rows);
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

    /// The table as far as it is read; the error stands behind the sheet's name.
    pub(super) fn finish(mut self) -> Result<TableRows, String> {
        self.end_row()
            .and_then(|()| self.settle_header())
            .map_err(|reason| format!(": {reason}"))?;
        if let (Some(first), None) = (self.unseen.first(), self.hidden_rows) {
            return Err(format!(
                ":{first}: {} of its rows are hidden or filtered out, and hold something, the first in line {first}; leave them out with --hidden skip, or send them with --hidden send",
                self.unseen.len()
            ));
        }
        let hidden = match self.hidden_rows {
            Some(HiddenRows::Skip) => self.unseen.len() as u64,
            _ => 0,
        };
        let passed = Passed { hidden, above: self.above };
        if self.header.is_none() && self.may_be_empty {
            return Ok(TableRows::default());
        }
        let header = self.header.ok_or(":1: there is no header row; the first row names the columns; if the file may be empty, use --allow-empty")?;
        Ok(TableRows { columns: header.names, header_line: header.line, rows: self.rows, passed })
    }

    /// Takes a row whose cells are all there.
    fn end_row(&mut self) -> Result<(), String> {
        let mut cells = std::mem::take(&mut self.cells);
        self.row_bytes = 0;
        if cells.iter().all(|(_, cell)| cell.is_blank()) {
            return Ok(());
        }
        cells.sort_by_key(|(column, _)| *column);
        if self.header.is_some() {
            return self.add_row(self.row, cells);
        }
        let texts = cells.iter().filter_map(|(_, cell)| cell.text());
        match &self.header_row {
            HeaderRow::At(line) if u64::from(self.row) + 1 < *line => {
                self.above += 1;
                return Ok(());
            }
            HeaderRow::At(_) => return self.set_header(self.row, cells),
            HeaderRow::Named(names) => {
                let above = self.undecided.iter().map(|(_, cells)| filled(cells)).max();
                if is_plain(names, texts, above.unwrap_or_default()).is_ok() {
                    self.above += self.undecided.drain(..).count() as u64;
                    return self.set_header(self.row, cells);
                }
            }
        }
        self.undecided.push((self.row, cells));
        if self.undecided.len() < LOOKED_AT { Ok(()) } else { self.settle_header() }
    }

    /// Takes the first of the rows that none shows plainly to be the header's.
    fn settle_header(&mut self) -> Result<(), String> {
        for (row, cells) in std::mem::take(&mut self.undecided) {
            if self.header.is_some() {
                self.add_row(row, cells)?;
            } else {
                self.set_header(row, cells)?;
            }
        }
        Ok(())
    }

    fn set_header(&mut self, row: u32, cells: Cells) -> Result<(), String> {
        let line = u64::from(row) + 1;
        let header = Header::of(line, cells);
        self.header = Some(header.map_err(|reason| format!("row {line}: {reason}"))?);
        Ok(())
    }

    fn add_row(&mut self, row: u32, cells: Cells) -> Result<(), String> {
        let Some(header) = &self.header else { return Ok(()) };
        let line = u64::from(row) + 1;
        if self.hidden.contains(&row) {
            self.unseen.push(line);
            if self.hidden_rows == Some(HiddenRows::Skip) {
                return Ok(());
            }
        }
        let content = header.content(cells);
        self.held_cells += header.names.len();
        self.held_bytes += content.bytes();
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
    fn of(line: u64, cells: Cells) -> Result<Self, String> {
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
    fn content(&self, cells: Cells) -> Content {
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

/// How many cells hold something.
fn filled(cells: &Cells) -> usize {
    cells.iter().filter(|(_, cell)| !cell.is_blank()).count()
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
