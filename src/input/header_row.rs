//! Where the header of a table is: in its first row, or below titles and notes.

use std::io::{self, Read};
use std::sync::Arc;

use super::header;
use super::lines::Lines;
use super::sniff;
use super::window::Window;
use crate::input::record::{Delimiter, normalize};

/// How many rows are looked at for a header.
pub(super) const LOOKED_AT: usize = 20;

/// How far into a text a header is looked for.
const HEAD: usize = 64 * 1024;

/// Where the header of a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderRow {
    /// In the first row that is not blank; or below it, in the first that has one of these names
    /// (normalized) and more cells than any row above it, where the first row has none of them.
    Named(Arc<[String]>),
    /// In the row that begins at this line of a text, or in this row of a sheet; from 1.
    At(u64),
}

impl Default for HeaderRow {
    /// In the first row that is not blank.
    fn default() -> Self {
        Self::Named([].into())
    }
}

/// Whether a row is plainly the header, below rows that have no more than so many cells that hold
/// something. Else how many of its own do.
pub(super) fn is_plain<'a>(
    names: &[String],
    cells: impl Iterator<Item = &'a str>,
    above: usize,
) -> Result<(), usize> {
    let (mut filled, mut named) = (0, false);
    for cell in cells.filter(|cell| !cell.trim().is_empty()) {
        filled += 1;
        named |= names.contains(&normalize(cell));
    }
    if named && filled > above { Ok(()) } else { Err(filled) }
}

/// What stands above the header of a text.
pub(super) struct AboveHeader {
    /// Its lines.
    pub(super) lines: Lines,
    /// How many rows hold something.
    pub(super) rows: u64,
    /// What separates the header's cells, if that showed.
    pub(super) delimiter: Option<Delimiter>,
}

/// Goes to the header of a text; the error is what to say.
pub(super) fn seek<R: Read>(
    window: &mut Window<R>,
    row: &HeaderRow,
    stated: Option<Delimiter>,
) -> io::Result<Result<AboveHeader, String>> {
    let mut above = AboveHeader { lines: Lines::new(), rows: 0, delimiter: None };
    match row {
        HeaderRow::At(line) => return skip_to(window, *line, above),
        HeaderRow::Named(names) if !names.is_empty() => {
            let found = find(window.bytes(), names, stated);
            let found = if found.as_ref().is_some_and(|found| found.rows == 0) {
                found
            } else {
                while window.bytes().len() < HEAD && window.fill()? {}
                find(window.bytes(), names, stated)
            };
            if let Some(PlainHeader { delimiter, rows, offset }) =
                found.filter(|found| found.rows > 0)
            {
                above.lines.pass(&window.bytes()[..offset]);
                window.consume(offset);
                (above.rows, above.delimiter) = (rows, Some(delimiter));
            }
        }
        HeaderRow::Named(_) => {}
    }
    Ok(Ok(above))
}

/// Goes to the beginning of a line.
fn skip_to<R: Read>(
    window: &mut Window<R>,
    line: u64,
    mut above: AboveHeader,
) -> io::Result<Result<AboveHeader, String>> {
    let mut is_blank = true;
    while above.lines.line < line {
        let Some(byte) = window.bytes().first().copied() else {
            if window.fill()? {
                continue;
            }
            let last = above.lines.line;
            return Ok(Err(format!("has only {last} lines, but --header-row is {line}")));
        };
        let before = above.lines.line;
        above.lines.pass(&[byte]);
        window.consume(1);
        is_blank &= byte.is_ascii_whitespace();
        if above.lines.line > before {
            above.rows += u64::from(!is_blank);
            is_blank = true;
        }
    }
    // A line feed behind a carriage return is passed over with blank lines.
    sniff::fill_row(window)?;
    Ok(Ok(above))
}

/// A row that is plainly the header.
struct PlainHeader {
    delimiter: Delimiter,
    /// How many rows that are not blank stand above it.
    rows: u64,
    offset: usize,
}

fn find(bytes: &[u8], names: &[String], stated: Option<Delimiter>) -> Option<PlainHeader> {
    let separator = header::separator_line(bytes);
    let start = separator.map_or(0, |(_, length)| length);
    let delimiters = match stated.or(separator.map(|(delimiter, _)| delimiter)) {
        Some(delimiter) => vec![delimiter],
        None => Delimiter::ALL.to_vec(),
    };
    let found = delimiters.into_iter().filter_map(|delimiter| {
        let (rows, offset) = plain_row(&bytes[start..], names, delimiter)?;
        Some(PlainHeader { delimiter, rows, offset: start + offset })
    });
    found.min_by_key(|found| found.rows)
}

/// How many rows stand above the row that is plainly the header, and where it begins.
fn plain_row(bytes: &[u8], names: &[String], delimiter: Delimiter) -> Option<(u64, usize)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let (mut above, mut rows) = (0, 0);
    for record in reader.byte_records().take(LOOKED_AT) {
        let record = record.ok()?;
        let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        match is_plain(names, cells.iter().map(AsRef::as_ref), above) {
            Ok(()) => {
                let offset = usize::try_from(record.position()?.byte()).ok()?;
                return Some((rows, offset));
            }
            Err(filled) => {
                above = above.max(filled);
                rows += u64::from(filled > 0);
            }
        }
    }
    None
}
