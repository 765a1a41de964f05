//! `OpenDocument` spreadsheets.
//!
//! `calamine` reads them, too, but not within bounds: repeated cells multiply its memory, and a
//! document that is cut off keeps it busy for ever. The little that rows need of the format is
//! here: tables, rows and cells, how often they are repeated, values by their type, and text.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Cursor};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::book::{Book, Info};
use super::cell::{Bad, SheetCell};
use super::limits::MAX_ROWS;
use super::table::{MAX_HELD, Table};

use crate::input::header::MAX_COLUMNS;
use crate::input::rows::{KEPT_BYTES, MAX_RECORD_BYTES};

/// What is passed over with all that is in it: comments and drawings have text of their own.
const PASSED_OVER: [&str; 4] =
    ["office:annotation", "table:dde-links", "table:tracked-changes", "office:forms"];

/// An `OpenDocument` spreadsheet.
pub(super) struct Document {
    file: Vec<u8>,
}

impl Document {
    pub(super) fn new(file: Vec<u8>) -> Self {
        Self { file }
    }

    /// Goes through the document; the cells of one sheet go into the table.
    fn walk(&self, wanted: Option<(&str, &mut Table)>) -> Result<Vec<Info>, String> {
        let mut archive = ZipArchive::new(Cursor::new(&*self.file)).map_err(damaged)?;
        if let Ok(manifest) = archive.by_name("META-INF/manifest.xml")
            && mentions_encryption(BufReader::new(manifest))?
        {
            return Err(
                "is a spreadsheet protected by a password; save it without one first".to_owned()
            );
        }
        let content = archive.by_name("content.xml").map_err(damaged)?;
        let mut walk = Walk::new(wanted);
        let mut reader = Reader::from_reader(BufReader::new(content));
        reader.config_mut().expand_empty_elements = true;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|_| damaged("not XML"))? {
                Event::Start(element) => walk.start(&element)?,
                Event::End(element) => walk.end(element.name().0)?,
                Event::Text(text) => walk.text(&text.xml10_content()),
                Event::CData(text) => walk.text(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let known = quick_xml::escape::resolve_xml_entity(&entity).map(str::to_owned);
                    let char = || entity.resolve_char_ref().ok().flatten().map(String::from);
                    walk.text(&known.or_else(char).ok_or_else(|| damaged("an unknown entity"))?);
                }
                Event::Eof if walk.depth == 0 => return Ok(walk.sheets),
                Event::Eof => return Err(damaged("it ends too early")),
                _ => {}
            }
        }
    }
}

fn mentions_encryption(manifest: impl BufRead) -> Result<bool, String> {
    let mut reader = Reader::from_reader(manifest);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|_| damaged("not XML"))? {
            Event::Start(element) | Event::Empty(element)
                if element.name().0 == "manifest:encryption-data" =>
            {
                return Ok(true);
            }
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

impl Book for Document {
    fn sheets(&mut self) -> Result<Vec<Info>, String> {
        self.walk(None)
    }

    fn read(&mut self, sheet: &str, table: &mut Table) -> Result<(), String> {
        self.walk(Some((sheet, table))).map(|_| ())
    }
}

/// Where in a document we are.
struct Walk<'a> {
    wanted: Option<(&'a str, &'a mut Table)>,
    sheets: Vec<Info>,
    /// The elements that are open.
    depth: usize,
    /// The depth at which passing over ends.
    passing: Option<usize>,
    /// The style that is being read, and those of hidden sheets.
    style: String,
    hidden: HashSet<String>,
    /// In a sheet: the number of the next row from 0.
    row: Option<u32>,
    /// The cells of the current row, how often each, and how often the row.
    cells: Vec<(u32, SheetCell)>,
    /// The bytes of their text.
    row_bytes: usize,
    column: u32,
    rows_repeated: u32,
    /// Whether the current row is hidden or filtered out.
    row_is_hidden: bool,
    cell: Option<Open>,
}

/// A cell that is being read.
struct Open {
    repeated: u32,
    value_type: String,
    value: Option<String>,
    is_error: bool,
    text: String,
    paragraphs: usize,
    in_paragraph: bool,
    too_long: bool,
}

impl<'a> Walk<'a> {
    fn new(wanted: Option<(&'a str, &'a mut Table)>) -> Self {
        Self {
            wanted,
            sheets: Vec::new(),
            depth: 0,
            passing: None,
            style: String::new(),
            hidden: HashSet::new(),
            row: None,
            cells: Vec::new(),
            row_bytes: 0,
            column: 0,
            rows_repeated: 1,
            row_is_hidden: false,
            cell: None,
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.depth += 1;
        let name = element.name().0;
        if self.passing.is_some() {
            return Ok(());
        }
        if PASSED_OVER.contains(&name) || name.starts_with("draw:") {
            self.passing = Some(self.depth);
            return Ok(());
        }
        match name {
            "style:style" => self.style = attribute(element, "style:name")?.unwrap_or_default(),
            "style:table-properties" => {
                if attribute(element, "table:display")?.as_deref() == Some("false") {
                    self.hidden.insert(self.style.clone());
                }
            }
            "table:table" => self.start_table(element)?,
            "table:table-row" => {
                self.column = 0;
                self.rows_repeated = repeated(element, "table:number-rows-repeated")?;
                let visibility = attribute(element, "table:visibility")?;
                self.row_is_hidden = visibility.is_some_and(|visibility| visibility != "visible");
            }
            "table:table-cell" | "table:covered-table-cell" if self.row.is_some() => {
                self.cell = Some(Open::new(element)?);
            }
            _ => {
                if let Some(cell) = &mut self.cell {
                    cell.start(name, element)?;
                }
            }
        }
        Ok(())
    }

    fn start_table(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.row.is_some() {
            return Err("has a table inside a cell, which is not supported; remove it".to_owned());
        }
        let name = attribute(element, "table:name")?.unwrap_or_default();
        let style = attribute(element, "table:style-name")?;
        let visible = style.is_none_or(|style| !self.hidden.contains(&style));
        self.sheets.push(Info { name, visible, filled: false });
        self.row = Some(0);
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), String> {
        self.depth = self.depth.saturating_sub(1);
        if let Some(depth) = self.passing {
            if self.depth < depth {
                self.passing = None;
            }
            return Ok(());
        }
        match name {
            "table:table" => self.row = None,
            "table:table-row" => self.end_row()?,
            "table:table-cell" | "table:covered-table-cell" => self.end_cell()?,
            "text:p" => {
                if let Some(cell) = &mut self.cell {
                    cell.in_paragraph = false;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let (Some(cell), None) = (&mut self.cell, self.passing) {
            cell.take(text);
        }
    }

    fn end_cell(&mut self) -> Result<(), String> {
        let Some(open) = self.cell.take() else { return Ok(()) };
        let repeated = open.repeated;
        let cell = open.finish();
        let begin = self.column;
        self.column = begin.saturating_add(repeated);
        if cell == SheetCell::Text(String::new()) {
            return Ok(());
        }
        if self.column as usize > MAX_COLUMNS {
            return Err(format!("has a row with more than {MAX_COLUMNS} cells"));
        }
        if let (Some(sheet), false) = (self.sheets.last_mut(), cell.is_blank()) {
            sheet.filled = true;
        }
        if self.is_wanted() {
            self.row_bytes += cell.len().saturating_mul(repeated as usize);
            let cell =
                if self.row_bytes > MAX_HELD { SheetCell::too_long(String::new()) } else { cell };
            self.cells.extend((begin..self.column).map(|column| (column, cell.clone())));
        }
        Ok(())
    }

    fn is_wanted(&self) -> bool {
        let sheet = self.sheets.last().map(|sheet| sheet.name.as_str());
        self.wanted.as_ref().is_some_and(|(wanted, _)| Some(*wanted) == sheet)
    }

    fn end_row(&mut self) -> Result<(), String> {
        let cells = std::mem::take(&mut self.cells);
        self.row_bytes = 0;
        let Some(row) = &mut self.row else { return Ok(()) };
        let first = *row;
        *row = first.saturating_add(self.rows_repeated);
        let blank = cells.iter().all(|(_, cell)| cell.is_blank());
        let Some((sheet, table)) = &mut self.wanted else { return Ok(()) };
        if blank {
            return Ok(());
        }
        if self.rows_repeated as usize > MAX_ROWS {
            return Err(format!("sheet {sheet:?} repeats a row too often"));
        }
        if self.row_is_hidden {
            table.hide(first..*row);
        }
        for row in first..*row {
            for (column, cell) in &cells {
                let taken = table.push(row, *column, cell.clone());
                taken.map_err(|reason| format!("sheet {sheet:?}: {reason}"))?;
            }
        }
        Ok(())
    }
}

impl Open {
    fn new(element: &BytesStart<'_>) -> Result<Self, String> {
        let value_type = attribute(element, "office:value-type")?.unwrap_or_default();
        let value = match value_type.as_str() {
            "float" | "percentage" | "currency" => attribute(element, "office:value")?,
            "date" => attribute(element, "office:date-value")?,
            "time" => attribute(element, "office:time-value")?,
            "boolean" => attribute(element, "office:boolean-value")?,
            "string" => attribute(element, "office:string-value")?,
            _ => None,
        };
        Ok(Self {
            repeated: repeated(element, "table:number-columns-repeated")?,
            is_error: attribute(element, "calcext:value-type")?.as_deref() == Some("error"),
            value_type,
            value,
            text: String::new(),
            paragraphs: 0,
            in_paragraph: false,
            too_long: false,
        })
    }

    fn start(&mut self, name: &str, element: &BytesStart<'_>) -> Result<(), String> {
        match name {
            "text:p" => {
                if self.paragraphs > 0 {
                    self.push('\n', 1);
                }
                self.paragraphs += 1;
                self.in_paragraph = true;
            }
            "text:s" => self.push(' ', repeated(element, "text:c")? as usize),
            "text:tab" => self.push('\t', 1),
            "text:line-break" => self.push('\n', 1),
            _ => {}
        }
        Ok(())
    }

    /// Takes text; of blanks in a row, only the first counts, others have elements of their own.
    fn take(&mut self, text: &str) {
        if !self.in_paragraph {
            return;
        }
        for char in text.chars() {
            match char {
                ' ' | '\t' | '\n' | '\r' if self.text.ends_with([' ', '\n']) => {}
                ' ' | '\t' | '\n' | '\r' if self.text.is_empty() => {}
                '\t' | '\n' | '\r' => self.push(' ', 1),
                char => self.push(char, 1),
            }
        }
    }

    fn push(&mut self, char: char, count: usize) {
        if self.text.len().saturating_add(count * char.len_utf8()) > MAX_RECORD_BYTES {
            self.too_long = true;
            return;
        }
        self.text.extend(std::iter::repeat_n(char, count));
    }

    fn finish(self) -> SheetCell {
        if self.is_error {
            return SheetCell::error(self.text);
        }
        if self.too_long || self.value.as_ref().is_some_and(|v| v.len() > MAX_RECORD_BYTES) {
            return SheetCell::too_long(self.text.chars().take(KEPT_BYTES / 4).collect());
        }
        match (self.value_type.as_str(), self.value) {
            ("float" | "percentage" | "currency", Some(value)) => match value.parse::<f64>() {
                Ok(number) => SheetCell::number(number),
                Err(_) => SheetCell::Bad(Bad {
                    what: "is marked as a number, but does not hold one".to_owned(),
                    hint: "enter it again",
                    code: "cell_error",
                    shown: value,
                }),
            },
            ("boolean", Some(value)) => SheetCell::boolean(value == "true"),
            ("date" | "time" | "string", Some(value)) => SheetCell::Text(value),
            _ => SheetCell::Text(self.text),
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let attribute = element.try_get_attribute(name).map_err(|_| damaged("an attribute"))?;
    let value = attribute.map(|attribute| {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        value.map(std::borrow::Cow::into_owned).map_err(|_| damaged("an attribute"))
    });
    value.transpose()
}

fn repeated(element: &BytesStart<'_>, name: &str) -> Result<u32, String> {
    match attribute(element, name)? {
        None => Ok(1),
        Some(text) => text.trim().parse().map_err(|_| damaged("a number of repetitions")),
    }
}

fn damaged(what: impl std::fmt::Display) -> String {
    format!("is a damaged spreadsheet ({what}); open and save it again")
}
