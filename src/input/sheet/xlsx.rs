//! Excel workbooks.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::book::{Book, Info};
use super::cell::SheetCell;
use super::facts::SheetFacts;
use super::table::Table;
use crate::input::rows::{KEPT_BYTES, MAX_RECORD_BYTES};

/// The most cells that are looked at in a sheet, blank ones included.
const MAX_LOOKED_AT: u64 = 64 * 1024 * 1024;

/// An Excel workbook.
pub(super) struct Workbook {
    book: Xlsx<Cursor<Arc<[u8]>>>,
    file: Arc<[u8]>,
}

impl Workbook {
    pub(super) fn open(file: Vec<u8>) -> Result<Self, String> {
        let file: Arc<[u8]> = file.into();
        let cursor = Cursor::new(Arc::clone(&file));
        let book = guarded(|| Xlsx::new(cursor).map_err(|error| unreadable(&error)))?;
        Ok(Self { book, file })
    }

    /// Goes through the cells of a sheet until `each` has enough.
    fn cells(
        &mut self,
        sheet: &str,
        mut each: impl FnMut((u32, u32), SheetCell) -> Result<bool, String>,
    ) -> Result<(), String> {
        guarded(|| {
            let failed = |error: XlsxError| unreadable(&error);
            let mut cells = self.book.worksheet_cells_reader(sheet).map_err(failed)?;
            for _ in 0..MAX_LOOKED_AT {
                let Some(next) = cells.next_cell().map_err(failed)? else { return Ok(()) };
                if !each(next.get_position(), cell(next.get_value()))? {
                    return Ok(());
                }
            }
            Err(format!("sheet {sheet:?} has too many cells; save it as CSV (UTF-8)"))
        })
    }
}

impl Book for Workbook {
    fn sheets(&mut self) -> Result<Vec<Info>, String> {
        let mut sheets = Vec::new();
        for sheet in self.book.sheets_metadata().to_vec() {
            if sheet.typ != SheetType::WorkSheet {
                continue;
            }
            let mut filled = false;
            self.cells(&sheet.name, |_, cell| {
                filled = !cell.is_blank();
                Ok(!filled)
            })?;
            let visible = sheet.visible == SheetVisible::Visible;
            sheets.push(Info { name: sheet.name, visible, filled });
        }
        Ok(sheets)
    }

    fn read(&mut self, sheet: &str, table: &mut Table) -> Result<(), String> {
        let facts = SheetFacts::read(&self.file, sheet)?;
        table.hide(facts.hidden.iter().copied());
        let of_sheet = |reason: String| format!("sheet {sheet:?}: {reason}");
        let mut unsaved = facts.unsaved.iter().copied().peekable();
        self.cells(sheet, |at, cell| {
            // A formula whose value was not saved is not blank.
            while let Some((row, column)) = unsaved.next_if(|unsaved| *unsaved <= at) {
                table.push(row, column, SheetCell::unsaved()).map_err(of_sheet)?;
            }
            if facts.unsaved.binary_search(&at).is_err() && !facts.is_covered(at) {
                table.push(at.0, at.1, cell).map_err(of_sheet)?;
            }
            Ok(true)
        })?;
        for (row, column) in unsaved {
            table.push(row, column, SheetCell::unsaved()).map_err(of_sheet)?;
        }
        Ok(())
    }
}

/// What a cell holds; a formula's is what it came to when the workbook was saved.
fn cell(data: &DataRef<'_>) -> SheetCell {
    match data {
        DataRef::Empty => SheetCell::Text(String::new()),
        // Floats up to the bound of exactness are whole numbers, too.
        #[allow(clippy::cast_precision_loss)]
        DataRef::Int(value) => SheetCell::number(*value as f64),
        DataRef::Float(value) => SheetCell::number(*value),
        DataRef::SharedString(text) => self::text(text),
        DataRef::Bool(value) => SheetCell::boolean(*value),
        DataRef::DateTime(value) => SheetCell::date(value),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            self::text(text)
        }
        DataRef::Error(error) => SheetCell::error(error.to_string()),
    }
}

fn text(text: &str) -> SheetCell {
    if text.len() > MAX_RECORD_BYTES {
        return SheetCell::too_long(text.chars().take(KEPT_BYTES / 4).collect());
    }
    SheetCell::Text(text.to_owned())
}

/// A parser that is led astray by a damaged file must not take the run with it.
fn guarded<T>(parse: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(parse))
        .unwrap_or_else(|_| Err("is a damaged Excel workbook; open and save it again".to_owned()))
}

fn unreadable(error: &XlsxError) -> String {
    match error {
        XlsxError::Password => {
            "is a workbook protected by a password; save it without one first".to_owned()
        }
        error => {
            // Its text may hold cells; the first words tell the kind.
            let text = error.to_string();
            let kind =
                text.split([':', '\'', '"', '(']).next().unwrap_or_default().trim().to_owned();
            format!("is a damaged Excel workbook ({kind}); open and save it again")
        }
    }
}
