//! The failures files: rows to correct and feed back.
//!
//! A row is written in its input's own columns, with what went wrong in columns behind
//! them: cells with the input's own delimiter (a workbook's with commas), objects a line
//! each, in UTF-8. Inputs whose rows look alike there share a file; it is begun at its
//! first row. Where the input was not UTF-8, the file has its mark, so that a stated encoding
//! that no longer holds is noticed. A row that could not be read stays one that cannot be read: it is never
//! padded or shortened into a valid one. Cells have their [`guard`] on, so that a
//! spreadsheet may open and save the file.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use csv::ByteRecord;
use serde::Serialize;

use super::disk::Disk;
use super::file::AppendFile;
use super::journal::Lengths;
use super::object;
use super::output::Output;
use crate::input::guard;
use crate::input::record::{ADDED_COLUMNS, Content, Delimiter, Encoding, Format, Raw, Source};
use crate::issue::Severity;
use crate::outcome::{Finished, Status};

/// The key that holds the text of a JSONL line that could not be read.
const RAW_KEY: &str = "_raw";

/// The mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// What is added to a failed row; its names are [`ADDED_COLUMNS`].
#[derive(Serialize)]
struct Added<'a> {
    #[serde(rename = "_row")]
    row: u64,
    #[serde(rename = "_status")]
    status: Status,
    #[serde(rename = "_error")]
    error: &'a str,
    #[serde(rename = "_message")]
    message: Cow<'a, str>,
    #[serde(rename = "_hint", skip_serializing_if = "Option::is_none")]
    hint: Option<Cow<'a, str>>,
}

impl<'a> Added<'a> {
    fn new(finished: &'a Finished) -> Self {
        let Finished { record, outcome, .. } = finished;
        let error = outcome.error.as_ref();
        Self {
            row: record.position.row,
            status: outcome.status,
            error: error.map_or("", |error| error.server_code.as_deref().unwrap_or(&error.code)),
            message: message(finished),
            hint: error.and_then(|error| error.hint_with_candidates()),
        }
    }
}

/// What is wrong with a row: everything, so that it is corrected once.
fn message(finished: &Finished) -> Cow<'_, str> {
    let first = finished.outcome.error.as_ref().map_or("", |error| &error.message);
    let notes = finished.notes.iter();
    let also = notes.flat_map(|notes| notes.issues_of(Severity::Error)).map(|issue| {
        let place = issue.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        format!("; also {place}{}", issue.message)
    });
    let also: String = also.collect();
    if also.is_empty() { first.into() } else { (first.to_owned() + &also).into() }
}

/// The failures files of a run.
#[derive(Debug)]
pub(super) struct Failures {
    inputs: Vec<FailureSource>,
    layouts: Vec<Layout>,
}

/// A source, and how its rows go into a failures file.
#[derive(Debug)]
struct FailureSource {
    source: Arc<Source>,
    layout: usize,
    /// Its columns that are added ones: it is a failures file itself.
    added: Vec<usize>,
}

/// A failures file, begun or not.
#[derive(Debug)]
struct Layout {
    /// What separates cells; nothing for rows that are objects.
    delimiter: Option<Delimiter>,
    columns: Vec<String>,
    /// Whether it begins with a byte order mark of UTF-8.
    marked: bool,
    file: Option<AppendFile>,
}

impl Failures {
    /// Prepares the files of a run, or opens those begun at the lengths that were committed.
    pub(super) fn open(
        disk: &dyn Disk,
        sources: &[Arc<Source>],
        committed: Option<&Lengths>,
    ) -> io::Result<Self> {
        let mut failures = Self { inputs: Vec::with_capacity(sources.len()), layouts: Vec::new() };
        for source in sources {
            failures.input(source);
        }
        if let Some(committed) = committed {
            let present = disk.lengths()?;
            for (index, layout) in failures.layouts.iter_mut().enumerate() {
                let name = file_name(index, layout.delimiter);
                match committed.of(&name) {
                    // Begun and not committed: it is begun again at its first row.
                    0 if present.contains_key(&name) => disk.remove(&name)?,
                    0 => {}
                    length => layout.file = Some(AppendFile::reopen(disk, &name, length)?),
                }
            }
        }
        Ok(failures)
    }

    /// The source's place in `inputs`; one not seen before gets a place.
    fn input(&mut self, source: &Arc<Source>) -> usize {
        // Rows mostly come from the input met last.
        let known = |input: &FailureSource| Arc::ptr_eq(&input.source, source);
        if let Some(index) = self.inputs.iter().rposition(known) {
            return index;
        }
        let (added, own): (Vec<_>, Vec<_>) = (0..source.columns.len())
            .partition(|&column| ADDED_COLUMNS.contains(&source.columns[column].as_str()));
        let columns: Vec<_> = own.into_iter().map(|i| source.columns[i].clone()).collect();
        let has_cells = source.format.has_columns();
        let delimiter = has_cells.then(|| source.delimiter.unwrap_or(Delimiter::Comma));
        let same = |layout: &Layout| layout.delimiter == delimiter && layout.columns == columns;
        let layout = self.layouts.iter().position(same).unwrap_or_else(|| {
            self.layouts.push(Layout { delimiter, columns, marked: false, file: None });
            self.layouts.len() - 1
        });
        self.layouts[layout].marked |= source.encoding != Encoding::Utf8;
        self.inputs.push(FailureSource { source: Arc::clone(source), layout, added });
        self.inputs.len() - 1
    }
}

impl Output for Failures {
    fn write(&mut self, finished: &Finished, disk: &dyn Disk) -> io::Result<()> {
        if !finished.outcome.status.is_failure() {
            return Ok(());
        }
        let record = &finished.record;
        let index = self.input(&record.source);
        let input = &self.inputs[index];
        let layout = &mut self.layouts[input.layout];
        let added = Added::new(finished);
        let delimiter = layout.delimiter;
        let row = layout.row(disk, input.layout)?;
        match delimiter {
            Some(delimiter) => {
                write_cells(row, delimiter, &cells(&record.content, input, &added));
                Ok(())
            }
            None => write_object(row, &record.content, &added),
        }
    }

    fn files(&self) -> Box<dyn Iterator<Item = &AppendFile> + '_> {
        Box::new(self.layouts.iter().filter_map(|layout| layout.file.as_ref()))
    }

    fn files_mut(&mut self) -> Box<dyn Iterator<Item = &mut AppendFile> + '_> {
        Box::new(self.layouts.iter_mut().filter_map(|layout| layout.file.as_mut()))
    }
}

/// The name of the failures file of a layout.
fn file_name(index: usize, delimiter: Option<Delimiter>) -> String {
    let extension = delimiter.map_or(Format::Jsonl, Delimiter::format).extension();
    match index {
        0 => format!("failures.{extension}"),
        _ => format!("failures-{}.{extension}", index + 1),
    }
}

/// Whether a file of a run folder is a failures file.
pub(crate) fn is_failures_file(name: &str) -> bool {
    let stem = name.split_once('.').and_then(|(stem, _)| stem.strip_prefix("failures"));
    stem.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Layout {
    /// Where to append a row; begins the file if this is its first.
    fn row(&mut self, disk: &dyn Disk, index: usize) -> io::Result<&mut Vec<u8>> {
        let begun = self.file.is_some();
        if !begun {
            self.file = Some(AppendFile::create(disk, &file_name(index, self.delimiter))?);
        }
        let row = self.file.as_mut().expect("it was just begun").row()?;
        if !begun && self.marked {
            row.extend_from_slice(MARK);
        }
        if let (false, Some(delimiter)) = (begun, self.delimiter) {
            let own = self.columns.iter().map(String::as_str);
            write_cells(row, delimiter, &own.chain(ADDED_COLUMNS).collect());
        }
        Ok(row)
    }
}

/// The cells of a failed row: its own, then the added ones.
fn cells(content: &Content, input: &FailureSource, added: &Added) -> ByteRecord {
    let width = input.source.columns.len() - input.added.len();
    let mut cells = ByteRecord::new();
    let mut behind = ADDED_COLUMNS.len();
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
                behind -= 1;
            }
        }
    }
    let row = added.row.to_string();
    let added: [&str; ADDED_COLUMNS.len()] = [
        &row,
        added.status.word(),
        added.error,
        &added.message,
        added.hint.as_deref().unwrap_or_default(),
    ];
    cells.extend(added.iter().take(behind).map(|cell| cell.as_bytes()));
    cells
}

/// How many cells at the end of an unreadable row are those that an earlier run added; it added
/// one less to a row of the right width.
fn stale(cells: &ByteRecord, input: &FailureSource) -> usize {
    let width = input.source.columns.len() - input.added.len();
    let ours =
        |at| Status::ALL.iter().any(|status| cells.get(at) == Some(status.word().as_bytes()));
    let added = |count: usize| {
        let own = cells.len().checked_sub(count)?;
        let whole = count == ADDED_COLUMNS.len() || own == width;
        (whole && ours(own + 1)).then_some(count)
    };
    if input.added.is_empty() {
        return 0;
    }
    added(ADDED_COLUMNS.len()).or_else(|| added(ADDED_COLUMNS.len() - 1)).unwrap_or(0)
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

fn write_object(to: &mut Vec<u8>, content: &Content, added: &Added) -> io::Result<()> {
    let own = match content {
        Content::Object(text) => object::open(text, &ADDED_COLUMNS)?,
        unreadable => format!("{{\"{RAW_KEY}\":{},", serde_json::to_string(&lossy(unreadable))?),
    };
    to.extend_from_slice(own.as_bytes());
    let brace = to.len();
    serde_json::to_writer(&mut *to, added)?;
    to.remove(brace);
    to.push(b'\n');
    Ok(())
}

/// The text of a row that is no object.
fn lossy(content: &Content) -> String {
    let join = |cells: &ByteRecord| cells.iter().collect::<Vec<_>>().join(&b',');
    match content {
        Content::Cells(cells) => lossy_bytes(&join(cells.as_byte_record())),
        Content::Object(text) => text.to_string(),
        Content::Broken { raw: Raw::Cells(cells), .. } => lossy_bytes(&join(cells)),
        Content::Broken { raw: Raw::Line(line), .. } => lossy_bytes(line),
    }
}

fn lossy_bytes(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
