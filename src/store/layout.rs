//! Files in the inputs' own columns: which inputs share one, and how a row goes into it.
//!
//! A row is written as cells with the input's own delimiter (a workbook's with commas), in UTF-8,
//! with columns of ours behind its own. Inputs whose rows look alike share a file; it is begun at
//! its first row. A row that could not be read stays one that cannot be read: it is never padded or
//! shortened into a valid one. Cells have their [`guard`] on, so that a spreadsheet may open and save
//! the file.

use std::io;
use std::sync::Arc;

use csv::ByteRecord;

use super::disk::Disk;
use super::file::AppendFile;
use super::journal::Lengths;
use crate::input::guard;
use crate::input::record::{
    ADDED_COLUMNS, Content, Delimiter, Encoding, Format, INPUT_COLUMN, Raw, Source, is_added,
};
use crate::outcome::Status;

/// The mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Which files they are.
#[derive(Debug)]
pub(super) struct LayoutRules {
    /// What their names begin with.
    pub(super) stem: &'static str,
    /// The columns behind the input's own.
    pub(super) added: Vec<String>,
    /// Whether they are for spreadsheets whatever the input is: always cells, never with tabs, and
    /// with a byte order mark, by which Excel recognises UTF-8.
    pub(super) is_for_spreadsheets: bool,
}

impl LayoutRules {
    /// What separates the cells of a source's rows; nothing for rows that are objects.
    fn delimiter(&self, source: &Source) -> Option<Delimiter> {
        let own = source.delimiter;
        if self.is_for_spreadsheets {
            own.filter(|own| *own != Delimiter::Tab).or(Some(Delimiter::Comma))
        } else {
            source.format.has_columns().then(|| own.unwrap_or(Delimiter::Comma))
        }
    }

    fn file_name(&self, index: usize, delimiter: Option<Delimiter>) -> String {
        let extension = delimiter.map_or(Format::Jsonl, Delimiter::format).extension();
        match index {
            0 => format!("{}.{extension}", self.stem),
            _ => format!("{}-{}.{extension}", self.stem, index + 1),
        }
    }
}

/// The files of a run in the inputs' own columns.
#[derive(Debug)]
pub(super) struct Layouts {
    rules: LayoutRules,
    inputs: Vec<LaidOutSource>,
    layouts: Vec<Layout>,
}

/// A source, and how its rows are laid out.
#[derive(Debug)]
pub(super) struct LaidOutSource {
    source: Arc<Source>,
    layout: usize,
    /// Its columns that an earlier run added.
    added: Vec<usize>,
}

/// A file, begun or not.
#[derive(Debug)]
struct Layout {
    /// What separates cells; nothing for rows that are objects.
    delimiter: Option<Delimiter>,
    columns: Vec<String>,
    /// Whether it begins with a byte order mark of UTF-8.
    marked: bool,
    file: Option<AppendFile>,
}

/// Where a row goes.
pub(super) struct RowEnd<'a> {
    /// The end of the file.
    pub(super) to: &'a mut Vec<u8>,
    /// What separates cells; nothing for rows that are objects.
    pub(super) delimiter: Option<Delimiter>,
    input: &'a LaidOutSource,
}

impl Layouts {
    /// Prepares the files of a run, or opens those begun at the lengths that were committed.
    pub(super) fn open(
        disk: &dyn Disk,
        sources: &[Arc<Source>],
        committed: Option<&Lengths>,
        rules: LayoutRules,
    ) -> io::Result<Self> {
        let mut layouts = Self { rules, inputs: Vec::new(), layouts: Vec::new() };
        for source in sources {
            layouts.input(source);
        }
        if let Some(committed) = committed {
            layouts.reopen(disk, committed)?;
        }
        Ok(layouts)
    }

    fn reopen(&mut self, disk: &dyn Disk, committed: &Lengths) -> io::Result<()> {
        let present = disk.lengths()?;
        for (index, layout) in self.layouts.iter_mut().enumerate() {
            let name = disk.named(&self.rules.file_name(index, layout.delimiter));
            match committed.of(&name) {
                // Begun and not committed: it is begun again at its first row.
                0 if present.contains_key(&name) => disk.remove(&name)?,
                0 => {}
                length => layout.file = Some(AppendFile::reopen(disk, &name, length)?),
            }
        }
        Ok(())
    }

    /// The source's place in `inputs`; one not seen before gets a place.
    fn input(&mut self, source: &Arc<Source>) -> usize {
        // Rows mostly come from the input met last.
        let known = |input: &LaidOutSource| Arc::ptr_eq(&input.source, source);
        if let Some(index) = self.inputs.iter().rposition(known) {
            return index;
        }
        let (added, own): (Vec<_>, Vec<_>) =
            (0..source.columns.len()).partition(|&column| is_added(&source.columns[column]));
        let mut columns: Vec<_> = own.into_iter().map(|i| source.columns[i].clone()).collect();
        let delimiter = self.rules.delimiter(source);
        if delimiter.is_some() && !source.format.has_columns() {
            columns.push(INPUT_COLUMN.to_owned());
        }
        let same = |layout: &Layout| layout.delimiter == delimiter && layout.columns == columns;
        let layout = self.layouts.iter().position(same).unwrap_or_else(|| {
            let marked = self.rules.is_for_spreadsheets;
            self.layouts.push(Layout { delimiter, columns, marked, file: None });
            self.layouts.len() - 1
        });
        self.layouts[layout].marked |= source.encoding != Encoding::Utf8;
        self.inputs.push(LaidOutSource { source: Arc::clone(source), layout, added });
        self.inputs.len() - 1
    }

    /// Where the next row of a source goes; begins the file if it is its first.
    pub(super) fn row(&mut self, source: &Arc<Source>, disk: &dyn Disk) -> io::Result<RowEnd<'_>> {
        let index = self.input(source);
        let input = &self.inputs[index];
        let layout = &mut self.layouts[input.layout];
        let name = || disk.named(&self.rules.file_name(input.layout, layout.delimiter));
        let (begun, file) = match &mut layout.file {
            Some(file) => (true, file),
            none => (false, none.insert(AppendFile::create(disk, &name())?)),
        };
        let to = file.row()?;
        if !begun {
            begin(to, layout.marked, layout.delimiter, &layout.columns, &self.rules.added);
        }
        Ok(RowEnd { to, delimiter: layout.delimiter, input })
    }

    /// What the files begin with that a row of these sources may go into, with their names.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.layouts.iter().enumerate().map(|(index, layout)| {
            let mut first = Vec::new();
            begin(&mut first, layout.marked, layout.delimiter, &layout.columns, &self.rules.added);
            (self.rules.file_name(index, layout.delimiter), first)
        })
    }

    /// The files begun, with what separates their cells.
    pub(super) fn begun(&self) -> impl Iterator<Item = (&AppendFile, Option<Delimiter>)> {
        let begun = |layout: &'_ Layout| layout.file.is_some();
        let layouts = self.layouts.iter().filter(move |layout| begun(layout));
        layouts.filter_map(|layout| Some((layout.file.as_ref()?, layout.delimiter)))
    }

    /// The files begun, to be changed.
    pub(super) fn files_mut(&mut self) -> impl Iterator<Item = &mut AppendFile> {
        self.layouts.iter_mut().filter_map(|layout| layout.file.as_mut())
    }
}

/// Writes what a file begins with.
fn begin(
    to: &mut Vec<u8>,
    marked: bool,
    delimiter: Option<Delimiter>,
    columns: &[String],
    added: &[String],
) {
    if marked {
        to.extend_from_slice(MARK);
    }
    if let Some(delimiter) = delimiter {
        write_cells(to, delimiter, &columns.iter().chain(added).map(String::as_str).collect());
    }
}

impl RowEnd<'_> {
    /// Writes a row as cells: its own, then the added ones.
    pub(super) fn write(&mut self, content: &Content, added: &[&str]) {
        let Some(delimiter) = self.delimiter else { return };
        let (mut cells, behind) = own_cells(content, self.input, added.len());
        cells.extend(added.iter().take(behind).map(|cell| cell.as_bytes()));
        write_cells(self.to, delimiter, &cells);
    }
}

/// The own cells of a row, and how many of the added ones go behind them.
fn own_cells(content: &Content, input: &LaidOutSource, added: usize) -> (ByteRecord, usize) {
    let width = input.source.columns.len() - input.added.len();
    let mut cells = ByteRecord::new();
    match content {
        Content::Cells(own) => own
            .iter()
            .enumerate()
            .filter(|(column, _)| !input.added.contains(column))
            .for_each(|(_, cell)| cells.push_field(cell.as_bytes())),
        Content::Object(text) => cells.push_field(text.as_bytes()),
        Content::Broken { raw, .. } => {
            match raw {
                Raw::Cells(own) => own
                    .iter()
                    .take(own.len() - stale(own, input))
                    .for_each(|cell| cells.push_field(cell)),
                Raw::Line(line) => cells.push_field(line),
            }
            let text = cells.iter().all(|cell| std::str::from_utf8(cell).is_ok());
            if text && cells.len() == width {
                // It would pass for a good row; a cell less keeps it invalid.
                return (cells, added - 1);
            }
        }
    }
    (cells, added)
}

/// How many cells at the end of an unreadable row are those that an earlier run added; it added
/// one less to a row of the right width.
fn stale(cells: &ByteRecord, input: &LaidOutSource) -> usize {
    let width = input.source.columns.len() - input.added.len();
    let ours =
        |at| Status::ALL.iter().any(|status| cells.get(at) == Some(status.word().as_bytes()));
    // People remove some of the columns.
    let whole = input.added.len().max(ADDED_COLUMNS.len());
    let added = |count: usize| {
        let own = cells.len().checked_sub(count)?;
        let may_be = count == whole || own == width;
        (may_be && ours(own + 1)).then_some(count)
    };
    if input.added.is_empty() {
        return 0;
    }
    added(whole).or_else(|| added(whole - 1)).unwrap_or(0)
}

/// Writes cells as a row. Whatever could be taken for a delimiter, or for the beginning of
/// something else than text with cells, is quoted, so that the file can be told from its header.
fn write_cells(to: &mut Vec<u8>, delimiter: Delimiter, cells: &ByteRecord) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            to.push(delimiter.byte());
        }
        let cell = guard::put_on(cell);
        let telling =
            |byte: &u8| matches!(byte, b'"' | b'\n' | b'\r') || Delimiter::of(*byte).is_some();
        let begins = [&b"{"[..], b"[", "\u{feff}".as_bytes()];
        if !cell.iter().any(telling) && !begins.iter().any(|start| cell.starts_with(start)) {
            to.extend_from_slice(&cell);
            continue;
        }
        to.push(b'"');
        for &byte in &*cell {
            to.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
        }
        to.push(b'"');
    }
    to.push(b'\n');
}
