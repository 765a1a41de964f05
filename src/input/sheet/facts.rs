//! What a sheet of an Excel workbook says beside the values of its cells: formulas whose value was
//! not saved, cells that are covered by others, rows that nobody sees.

use std::collections::HashSet;
use std::io::{BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

/// A cell: its row and its column, from 0.
pub(super) type At = (u32, u32);

/// What a sheet says beside the values of its cells.
#[derive(Debug, Default)]
pub(super) struct SheetFacts {
    /// Cells with a formula whose value was not saved, in order.
    pub(super) unsaved: Vec<At>,
    /// Ranges of merged cells: the first cell, which has their value, and the last.
    merged: Vec<(At, At)>,
    /// Rows that are hidden or filtered out.
    pub(super) hidden: HashSet<u32>,
}

impl SheetFacts {
    /// Reads them; none where the sheet's part is not found. The error is what to say behind the
    /// file's name.
    pub(super) fn read(file: &[u8], sheet: &str) -> Result<Self, String> {
        let mut archive = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
        let Some(path) = part_of(&mut archive, sheet)? else { return Ok(Self::default()) };
        let Ok(part) = archive.by_name(&path) else { return Ok(Self::default()) };
        let mut scan = SheetScan::default();
        each(part, |event| {
            scan.take(event);
            true
        })?;
        Ok(scan.facts)
    }

    /// Whether a cell is covered by a merged one, whose value it does not have.
    pub(super) fn is_covered(&self, at: At) -> bool {
        self.merged.iter().any(|&(first, last)| {
            let within = (first.0..=last.0).contains(&at.0) && (first.1..=last.1).contains(&at.1);
            within && at != first
        })
    }
}

/// The name of the part that holds a sheet.
fn part_of(archive: &mut ZipArchive<Cursor<&[u8]>>, sheet: &str) -> Result<Option<String>, String> {
    let mut id = None;
    let Ok(book) = archive.by_name("xl/workbook.xml") else { return Ok(None) };
    each(book, |event| {
        if let Some(element) = opened(event)
            && element.local_name().as_ref() == "sheet"
            && attribute(element, "name").as_deref() == Some(sheet)
        {
            id = attribute(element, "id");
        }
        id.is_none()
    })?;
    let mut target = None;
    let Ok(relations) = archive.by_name("xl/_rels/workbook.xml.rels") else { return Ok(None) };
    each(relations, |event| {
        if let Some(element) = opened(event)
            && element.local_name().as_ref() == "Relationship"
            && attribute(element, "Id") == id
        {
            target = attribute(element, "Target");
        }
        target.is_none()
    })?;
    Ok(target.map(|target| match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{target}"),
    }))
}

/// Goes through the XML of a part, until `take` has enough.
pub(super) fn each(
    part: impl Read,
    mut take: impl FnMut(&Event<'_>) -> bool,
) -> Result<(), String> {
    let mut reader = Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return Ok(()),
            Ok(event) if take(&event) => buffer.clear(),
            Ok(_) => return Ok(()),
            Err(error) => return Err(damaged(error)),
        }
    }
}

fn damaged(_: impl std::fmt::Display) -> String {
    "is a damaged Excel workbook; open and save it again".to_owned()
}

pub(super) fn opened<'a>(event: &'a Event<'_>) -> Option<&'a BytesStart<'a>> {
    match event {
        Event::Start(element) | Event::Empty(element) => Some(element),
        _ => None,
    }
}

/// An attribute by its name, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    quick_xml::escape::unescape(&found.value).ok().map(std::borrow::Cow::into_owned)
}

/// A sheet on the way through its part.
#[derive(Default)]
struct SheetScan {
    facts: SheetFacts,
    /// The place of the current row, and of the next cell in it.
    row: Option<u32>,
    column: u32,
    cell: Option<OpenCell>,
    in_value: bool,
}

/// A cell that is open.
struct OpenCell {
    at: At,
    /// Whether it holds text, which may be empty.
    text: bool,
    formula: bool,
    value: bool,
}

impl SheetScan {
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(element) => self.start(element),
            Event::Empty(element) => {
                self.start(element);
                self.end(element.local_name().as_ref());
            }
            Event::End(element) => self.end(element.local_name().as_ref()),
            Event::Text(text) => {
                if let (Some(cell), true) = (&mut self.cell, self.in_value) {
                    cell.value |= !text.trim().is_empty();
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "row" => {
                let stated = attribute(element, "r").and_then(|row| row.parse::<u32>().ok());
                let next = self.row.map_or(0, |row| row.saturating_add(1));
                let row = stated.map_or(next, |row| row.saturating_sub(1));
                (self.row, self.column) = (Some(row), 0);
                if attribute(element, "hidden").is_some_and(|hidden| is_true(&hidden)) {
                    self.facts.hidden.insert(row);
                }
            }
            "c" => {
                let next = (self.row.unwrap_or_default(), self.column);
                let at = attribute(element, "r").as_deref().and_then(place).unwrap_or(next);
                self.column = at.1.saturating_add(1);
                let text = attribute(element, "t").is_some_and(|kind| kind == "str");
                self.cell = Some(OpenCell { at, text, formula: false, value: false });
            }
            "f" => {
                if let Some(cell) = &mut self.cell {
                    cell.formula = true;
                }
            }
            "v" | "is" => {
                self.in_value = true;
                if let Some(cell) = &mut self.cell {
                    cell.value |= cell.text;
                }
            }
            "mergeCell" => {
                let range = attribute(element, "ref");
                let ends = range.as_deref().and_then(|range| range.split_once(':'));
                if let Some((first, last)) = ends.and_then(|(a, b)| Some((place(a)?, place(b)?))) {
                    self.facts.merged.push((first, last));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "v" | "is" => self.in_value = false,
            "c" => {
                if let Some(cell) = self.cell.take()
                    && cell.formula
                    && !cell.value
                {
                    self.facts.unsaved.push(cell.at);
                }
            }
            _ => {}
        }
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "true")
}

/// The place of a cell by its name, such as `C2`.
fn place(name: &str) -> Option<At> {
    let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let column = name[..letters].bytes().try_fold(0_u32, |column, letter| {
        column.checked_mul(26)?.checked_add(u32::from(letter - b'A') + 1)
    })?;
    let row = name[letters..].parse::<u32>().ok()?;
    Some((row.checked_sub(1)?, column.checked_sub(1)?))
}
