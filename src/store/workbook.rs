//! Rows of text files as a workbook, whose cells are texts, so that Excel leaves them as they are.
//!
//! Memory does not grow with the rows: they go through files without a name, beside the workbook.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use rust_xlsxwriter::{IgnoreError, Workbook, Worksheet, XlsxError};

use super::disk::{at, private};
use crate::input::guard;
use crate::input::record::{ADDED_COLUMNS, Delimiter};

/// The most rows of a sheet.
const MOST_ROWS: u32 = 1 << 20;

/// The most UTF-16 units of a cell.
const MOST_TEXT: usize = 32_767;

/// Writes a workbook of text files, each on sheets of its own: complete, or not at all.
pub(super) fn write(path: &Path, tables: &[(&Path, Option<Delimiter>)]) -> io::Result<()> {
    write_sheets(path, tables, MOST_ROWS)
}

fn write_sheets(
    path: &Path,
    tables: &[(&Path, Option<Delimiter>)],
    most_rows: u32,
) -> io::Result<()> {
    let part = path.with_extension("xlsx.part");
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut book = Workbook::new();
        book.set_tempdir(folder).map_err(in_words)?;
        for (index, (table, delimiter)) in tables.iter().enumerate() {
            let name = match index {
                0 => "results".to_owned(),
                _ => format!("results-{}", index + 1),
            };
            let delimiter = delimiter.unwrap_or(Delimiter::Comma);
            sheets(&mut book, (&name, most_rows), table, delimiter)?;
        }
        let file = private().create(true).truncate(true).open(&part)?;
        let mut out = BufWriter::new(file);
        book.save_to_writer(&mut out).map_err(in_words)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|error| {
        // It is half of a file, of no use to anybody.
        let _ = fs::remove_file(&part);
        at("write", path, &error)
    })
}

/// A sheet that is being filled.
struct Filling {
    sheet: Worksheet,
    /// The rows in it.
    rows: u32,
    /// The most cells of a row.
    width: u16,
}

impl Filling {
    fn new(book: &mut Workbook, name: &str) -> Result<Self, XlsxError> {
        let mut sheet = book.new_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        Ok(Self { sheet, rows: 0, width: 1 })
    }

    /// Writes a row. `number` is the column that holds the row's number, which can be sorted by.
    fn row(&mut self, cells: &ByteRecord, number: Option<usize>) -> Result<(), XlsxError> {
        for (index, cell) in cells.iter().enumerate() {
            let column = u16::try_from(index).map_err(|_| XlsxError::RowColumnLimitError)?;
            let text = String::from_utf8_lossy(cell);
            let bare = guard::take_off_text(&text);
            match bare.parse::<u32>() {
                Ok(row) if self.rows > 0 && number == Some(index) => {
                    self.sheet.write_number(self.rows, column, row)?;
                }
                _ if bare.is_empty() => {}
                _ => {
                    self.sheet.write_string(self.rows, column, fitting(bare))?;
                }
            }
            self.width = self.width.max(column + 1);
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the sheet: it can be filtered, and numbers that are texts are meant.
    fn end(mut self, book: &mut Workbook) -> Result<(), XlsxError> {
        if let Some(last) = self.rows.checked_sub(1) {
            self.sheet.autofilter(0, 0, last, self.width - 1)?;
            self.sheet.ignore_error_range(
                0,
                0,
                last,
                self.width - 1,
                IgnoreError::NumberStoredAsText,
            )?;
        }
        book.push_worksheet(self.sheet);
        Ok(())
    }
}

/// Fills sheets with the rows of a file; each begins with the header.
fn sheets(
    book: &mut Workbook,
    (name, most_rows): (&str, u32),
    table: &Path,
    delimiter: Delimiter,
) -> io::Result<()> {
    let mut file = BufReader::new(File::open(table)?);
    // Its byte order mark is no part of the first name.
    file.read_exact(&mut [0; 3])?;
    let mut rows = ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let (mut header, mut row) = (ByteRecord::new(), ByteRecord::new());
    rows.read_byte_record(&mut header)?;
    let number = header.iter().position(|name| name == ADDED_COLUMNS[0].as_bytes());
    let mut filling = Filling::new(book, name).map_err(in_words)?;
    filling.row(&header, number).map_err(in_words)?;
    let mut sheet = 1;
    while rows.read_byte_record(&mut row)? {
        if filling.rows == most_rows {
            sheet += 1;
            filling.end(book).map_err(in_words)?;
            filling = Filling::new(book, &format!("{name} ({sheet})")).map_err(in_words)?;
            filling.row(&header, number).map_err(in_words)?;
        }
        filling.row(&row, number).map_err(in_words)?;
    }
    filling.end(book).map_err(in_words)
}

/// The text as a cell. One that looks as if it had a guard gets one, since it is taken off where
/// the workbook is read; one that is too long for Excel is cut.
fn fitting(bare: &str) -> String {
    let text = match guard::take_off_text(bare) {
        off if off == bare => bare.to_owned(),
        _ => format!("'{bare}"),
    };
    if text.encode_utf16().count() <= MOST_TEXT {
        return text;
    }
    let mut units = 1;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= MOST_TEXT
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

fn in_words(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        XlsxError::RowColumnLimitError => {
            io::Error::other("a row has more columns than a sheet may have (16,384)")
        }
        error => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_a_sheet_does_not_hold_go_on_to_the_next() {
        use calamine::{Reader, Xlsx, open_workbook};

        let folder = tempfile::tempdir().unwrap();
        let (table, book) = (folder.path().join("a.csv"), folder.path().join("a.xlsx"));
        fs::write(&table, "\u{feff}name;_row\n\"a\nb\";1\n'+44;2\nc;3\nd;4\ne;5\n").unwrap();
        write_sheets(&book, &[(&table, Some(Delimiter::Semicolon))], 3).unwrap();
        let mut read: Xlsx<_> = open_workbook(&book).unwrap();
        assert_eq!(read.sheet_names(), ["results", "results (2)", "results (3)"]);
        let mut rows = Vec::new();
        for (_, range) in read.worksheets() {
            let cells = |row: &[calamine::Data]| row.iter().map(ToString::to_string).collect();
            rows.extend(range.rows().map(cells).map(|row: Vec<String>| row.join("|")));
        }
        let expected =
            ["name|_row", "a\nb|1", "+44|2", "name|_row", "c|3", "d|4", "name|_row", "e|5"];
        assert_eq!(rows, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else stays behind");
    }

    #[test]
    fn a_cell_is_what_is_read_again_and_no_longer_than_excel_allows() {
        for (cell, written) in [
            ("+447911123456", "+447911123456"),
            ("=1+1", "=1+1"),
            ("'=1", "''=1"),
            ("'ada", "'ada"),
        ] {
            assert_eq!(fitting(cell), written);
            assert_eq!(guard::take_off_text(written), cell);
        }
        let cut = fitting(&"😀".repeat(20_000));
        assert!(cut.ends_with('…') && cut.encode_utf16().count() <= MOST_TEXT);
    }
}
