//! Rows of spreadsheets.
//!
//! A workbook cannot be read as a stream: it is held whole, and so are the rows of the sheet
//! that is read. Everything about it is bounded instead, and checked before it is believed: the
//! size of the file, what it really unpacks to, the cells and the text of the sheet.

use std::io::Read;
use std::vec;

use super::request::Stated;
use super::rows::{Fault, InputRow, RowReader};
use super::skipped::Passed;
use super::sniff::Container;
use super::unpack::Meter;
use crate::input::record::Format;

mod archive;
mod book;
mod cell;
mod facts;
pub(super) mod limits;
mod ods;
mod package;
mod table;
mod xlsx;

pub(super) use archive::{Contents, PackedText};
use book::{Book, Info};
use limits::MAX_FILE_BYTES;
use table::{Numbered, Table, TableRows};

/// How many sheets a message lists, and how much of a name.
const LISTED: usize = 20;
const SHOWN: usize = 60;

/// The rows of a sheet.
pub(super) struct Sheet {
    rows: vec::IntoIter<Numbered>,
    count: u64,
    /// The size of the file.
    bytes: u64,
}

/// What a sheet is made of: the header's names, the rows.
pub(super) struct OpenedSheet {
    pub(super) columns: Vec<String>,
    pub(super) header_line: u64,
    pub(super) rows: Sheet,
    pub(super) passed: Passed,
}

/// Holds a container whole, and tells what is read of it.
///
/// The error is what to say behind the file's name.
pub(super) fn hold(reader: impl Read, container: Container) -> Result<(Vec<u8>, Contents), String> {
    let mut file = Vec::new();
    reader
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut file)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if file.len() as u64 > MAX_FILE_BYTES {
        return Err(
            "is a workbook or zip archive of more than 128 MiB; save its sheet as CSV (UTF-8), or \
             unpack it"
                .to_owned(),
        );
    }
    let contents = archive::contents(&file, container)?;
    Ok((file, contents))
}

/// Reads a sheet: the one that is named, else the only one that holds something. The meter counts
/// the bytes of the file.
///
/// The error is what to say behind the file's name.
pub(super) fn open(
    (file, format): (Vec<u8>, Format),
    stated: &Stated,
    meter: &Meter,
) -> Result<OpenedSheet, String> {
    let mut book: Box<dyn Book> = match format {
        Format::Ods => Box::new(ods::Document::new(file)),
        _ => Box::new(xlsx::Workbook::open(package::tidied(file)?)?),
    };
    let sheets = book.sheets()?;
    let name = choose(&sheets, stated)?;
    let mut table = Table::new(stated);
    book.read(name, &mut table)?;
    let TableRows { columns, header_line, rows, passed } =
        table.finish().map_err(|reason| format!("sheet {name:?}{reason}"))?;
    let (count, bytes) = (rows.len() as u64, meter.count());
    Ok(OpenedSheet {
        columns,
        header_line,
        rows: Sheet { rows: rows.into_iter(), count, bytes },
        passed,
    })
}

/// The sheet to read; hidden ones are read only if they are named.
fn choose<'a>(sheets: &'a [Info], stated: &Stated) -> Result<&'a str, String> {
    if let Some(name) = &stated.sheet {
        let found = sheets.iter().find(|sheet| sheet.name == *name);
        return found
            .map(|sheet| &*sheet.name)
            .ok_or_else(|| format!("has no sheet {name:?}; there are {}", list(sheets.iter())));
    }
    let filled = || sheets.iter().filter(|sheet| sheet.filled && sheet.visible);
    match (filled().count(), filled().next()) {
        (1, Some(sheet)) => Ok(&sheet.name),
        (0, _) => nothing_seen(sheets, stated.may_be_empty),
        _ => Err(format!(
            "has several sheets with rows: {}; choose which one to read with --sheet NAME",
            list(filled())
        )),
    }
}

/// The sheet to read where none that can be seen holds something.
fn nothing_seen(sheets: &[Info], may_be_empty: bool) -> Result<&str, String> {
    if sheets.iter().any(|sheet| sheet.filled) {
        let hidden = sheets.iter().filter(|sheet| sheet.filled);
        return Err(format!(
            "holds nothing that can be seen; to read a hidden sheet, use --sheet NAME: {}",
            list(hidden)
        ));
    }
    match sheets {
        [first, ..] if may_be_empty => Ok(&first.name),
        [only] => Err(format!(
            "its only sheet, {:?}, is empty; if that may be, use --allow-empty",
            only.name
        )),
        _ => Err("its sheets are empty; if that may be, use --allow-empty".to_owned()),
    }
}

fn list<'a>(sheets: impl Iterator<Item = &'a Info>) -> String {
    let shown = |name: &str| name.chars().take(SHOWN).collect::<String>();
    let mut names: Vec<_> = sheets.map(|sheet| format!("{:?}", shown(&sheet.name))).collect();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

impl RowReader for Sheet {
    fn next(&mut self) -> Option<Result<InputRow, Fault>> {
        self.rows.next().map(|(line, content)| Ok(InputRow { line, byte: 0, content }))
    }

    /// As much of the file as of the rows.
    fn offset(&self) -> u64 {
        let done = self.count - self.rows.len() as u64;
        (self.bytes * done).checked_div(self.count).unwrap_or(self.bytes)
    }
}
