//! Files and objects to records.
//!
//! Opens what the user named, finds out what it is, reads the headers and refuses what cannot
//! be understood, all before the first record. Then it yields the records of all files in
//! order, each with its position, whatever the format. Hidden here: compression, encodings,
//! formats, buffers, quotes, byte order marks. A row that cannot be read is a
//! [`Content::Broken`] record and reading continues; an [`Unreadable`] ends it. Memory is bounded
//! by the longest row, never by their number; only spreadsheets are held whole, within bounds.
//!
//! [`Content::Broken`]: crate::input::record::Content::Broken

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::exit;
use crate::input::bitmap::RowSet;
use crate::input::record::{Position, Record, Source};

pub mod bitmap;
mod decode;
mod delimited;
pub mod guard;
mod header;
mod header_row;
mod json;
mod jsonl;
mod lines;
mod open;
mod promise;
mod quotes;
pub mod record;
mod remarks;
mod request;
mod rows;
mod selection;
mod sheet;
mod skipped;
mod sniff;
#[cfg(test)]
mod tests;
mod unpack;
mod window;
mod wrapper;
mod zstd;

pub(crate) use decode::is_decoded_twice;
pub use header_row::HeaderRow;
use open::{Opened, OpenedBytes, open_bytes, open_rows};
pub use promise::Promise;
use promise::Watch;
pub use request::{HiddenRows, InputRequest, ShortRows, Stated, Unreadable};
use rows::{InputRow, RowReader};
pub use rows::{MAX_RECORD_BYTES, MAX_RECORD_LINES};
use selection::Selecting;
pub use selection::Selection;
use skipped::Passed;
pub use skipped::Skipped;
use unpack::Meter;
pub(crate) use zstd::Frames;

/// How many files stay open from the first look; those behind are opened again in their turn.
const KEPT_OPEN: usize = 64;

/// The records of all inputs, in order.
///
/// Reading blocks, so it is read where that holds nobody up. After an error it yields no more.
pub struct Input {
    sources: Vec<Arc<Source>>,
    total_bytes: Option<u64>,
    /// The inputs not finished, the current one first.
    queue: VecDeque<QueuedInput>,
    row: u64,
    finished_bytes: u64,
    skipped: Skipped,
    selecting: Selecting,
}

/// An input not finished.
struct QueuedInput {
    source: Arc<Source>,
    request: InputRequest,
    /// Nothing if it is to be opened again.
    rows: Option<Box<dyn RowReader>>,
    /// What was passed over when it was opened.
    passed: Passed,
    /// How much of the file is read, if its text is not what the file holds.
    meter: Option<Meter>,
    size: Option<u64>,
    /// Whether the file stays as it was promised to be.
    watch: Option<Watch>,
}

impl QueuedInput {
    /// The bytes of the file up to which rows have been returned, as well as that is known.
    fn offset(&self) -> u64 {
        let rows = || self.rows.as_ref().map_or(0, |rows| rows.offset());
        self.meter.as_ref().map_or_else(rows, Meter::count)
    }

    /// Opens it again in its turn, and makes sure that it still is what it was.
    fn reopen(&mut self, skipped: &Skipped) -> Result<(), Unreadable> {
        let name = &self.source.name;
        let OpenedBytes { reader, watch, .. } = open_bytes(&self.request)
            .map_err(|reason| Unreadable::Fault(format!("{name}: {reason}")))?;
        let Opened { source, rows, meter, passed } = open_rows(&self.request, reader, skipped)?;
        if source != *self.source {
            let difference = "its header is not the same";
            return Err(Unreadable::Changed { name: name.clone(), difference });
        }
        (self.rows, self.meter, self.watch) = (Some(rows), meter, watch);
        self.passed = passed;
        Ok(())
    }

    /// What is to be said if the file is no longer what it was.
    fn changed(&self, difference: impl Fn(&Watch) -> Option<&'static str>) -> Option<Unreadable> {
        let difference = self.watch.as_ref().and_then(difference)?;
        Some(Unreadable::Changed { name: self.source.name.clone(), difference })
    }
}

/// Opens all inputs and reads their headers.
///
/// Refuses, with the place and what to do, what is missing, cannot be read, is named twice, is
/// no text of a format that is read, or has a header that is missing or ambiguous. A header
/// without rows, and JSONL without lines, are inputs without records.
pub fn open(requests: &[InputRequest]) -> Result<Input, exit::Error> {
    if requests.is_empty() {
        return Err(exit::Error::refused("no input: name a file, or - for standard input"));
    }
    refuse_twice(requests)?;
    let mut input = Input {
        sources: Vec::with_capacity(requests.len()),
        total_bytes: Some(0),
        queue: VecDeque::with_capacity(requests.len()),
        row: 0,
        finished_bytes: 0,
        skipped: Skipped::default(),
        selecting: Selecting::new(&requests[0].stated.selection),
    };
    for request in requests {
        input.add(request)?;
    }
    refuse_useless(requests, &input.sources)?;
    requests[0].stated.selection.check(&input.sources)?;
    Ok(input)
}

impl Input {
    /// One input of bytes from anywhere, as if they were in a file of that name.
    pub fn of_reader<R>(name: &str, stated: Stated, reader: R) -> Result<Self, Unreadable>
    where
        R: Read + Send + 'static,
    {
        let request = InputRequest { path: name.into(), stated, known_as: None, promise: None };
        let skipped = Skipped::default();
        let Opened { source, rows, meter, passed } = open_rows(&request, reader, &skipped)?;
        let source = Arc::new(source);
        Ok(Self {
            sources: vec![Arc::clone(&source)],
            total_bytes: None,
            queue: VecDeque::from([QueuedInput {
                source,
                request,
                rows: Some(rows),
                passed,
                meter,
                size: None,
                watch: None,
            }]),
            row: 0,
            finished_bytes: 0,
            skipped,
            selecting: Selecting::default(),
        })
    }

    /// The inputs, in order.
    #[must_use]
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// Takes only these rows, of those that are taken; the others are left out.
    pub fn take_only(&mut self, rows: Arc<RowSet>) {
        self.selecting.take_only(rows);
    }

    /// The rows that are passed over; it counts as reading goes on.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.skipped.clone()
    }

    /// The size of all inputs, if each is a regular file.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// How far reading is: up to the end of the last record, over all inputs.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.finished_bytes + self.queue.front().map_or(0, QueuedInput::offset)
    }

    fn add(&mut self, request: &InputRequest) -> Result<(), exit::Error> {
        let OpenedBytes { reader, size, watch } = open_bytes(request)
            .map_err(|reason| exit::Error::refused(format_args!("{}: {reason}", request.name())))?;
        let Opened { source, rows, meter, passed } =
            open_rows(request, reader, &self.skipped).map_err(exit::Error::refused)?;
        let source = Arc::new(source);
        // What can be read once must be kept open. A workbook is held whole: one at a time.
        let few = self.sources.len() < KEPT_OPEN && !source.format.is_spreadsheet();
        let keep = size.is_none() || self.sources.is_empty() || few;
        self.total_bytes = self.total_bytes.zip(size).map(|(total, size)| total + size);
        self.sources.push(Arc::clone(&source));
        self.queue.push_back(QueuedInput {
            source,
            request: request.clone(),
            rows: keep.then_some(rows),
            passed,
            meter: meter.filter(|_| keep),
            size,
            watch,
        });
        Ok(())
    }

    /// The next row and where it came from; nothing at the end.
    fn read(&mut self) -> Result<Option<(Arc<Source>, InputRow)>, Unreadable> {
        while let Some(entry) = self.queue.front_mut() {
            if entry.rows.is_none() {
                entry
                    .reopen(&self.skipped)
                    .map_err(|fault| entry.changed(Watch::difference).unwrap_or(fault))?;
            }
            match entry.rows.as_mut().and_then(|rows| rows.next()) {
                Some(Ok(row)) => return Ok(Some((Arc::clone(&entry.source), row))),
                Some(Err(fault)) => {
                    let fault = fault.at(&entry.source.name);
                    // Whatever it looks like, that is why.
                    return Err(entry.changed(Watch::difference).unwrap_or(fault));
                }
                None => {
                    if let Some(changed) = entry.changed(Watch::difference_at_end) {
                        return Err(changed);
                    }
                    self.skipped.count(entry.passed);
                    self.finished_bytes += entry.size.unwrap_or_else(|| entry.offset());
                    self.queue.pop_front();
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Input {
    type Item = Result<Record, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Ok(None) => return None,
                Ok(Some((_, row))) if remarks::is_remark(&row.content) => {
                    if remarks::is_of_a_row(&row.content) {
                        self.row += 1;
                        self.skipped.count_left_out();
                    }
                }
                Ok(Some((source, row))) => {
                    self.row += 1;
                    let position = Position { row: self.row, line: row.line, byte: row.byte };
                    let record = Record { source, position, content: row.content };
                    if self.selecting.takes(&record) {
                        return Some(Ok(record));
                    }
                    self.skipped.count_left_out();
                }
                Err(error) => {
                    self.finished_bytes = self.bytes_read();
                    self.queue.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Whether a file has the name of something that is read.
#[must_use]
pub fn looks_like_input(path: &Path) -> bool {
    sniff::by_name(path).is_some() || path.extension().is_some_and(|own| own == "zip")
}

/// The bytes of an input as they are, from the beginning; or why it cannot be opened.
pub(crate) fn bytes(request: &InputRequest) -> Result<Box<dyn Read + Send>, String> {
    open_bytes(request).map(|opened| opened.reader)
}

/// The refusal of inputs without a row.
#[must_use]
pub fn no_rows(requests: &[InputRequest]) -> exit::Error {
    let names: Vec<String> = requests.iter().map(InputRequest::name).collect();
    let what = match requests.first() {
        Some(first) if !first.stated.selection.is_all() => {
            "no row is chosen by --where, --skip and --limit"
        }
        _ => "there are no rows",
    };
    exit::Error::refused(format!("{}: {what}; if that may be, use --allow-empty", names.join(", ")))
}

/// Refuses a file or standard input that is named twice.
fn refuse_twice(requests: &[InputRequest]) -> Result<(), exit::Error> {
    let mut seen = HashSet::new();
    for request in requests {
        let path = match fs::canonicalize(&request.path) {
            Ok(path) if !request.is_stdin() => path,
            _ => request.key(), // what is missing is refused when it is opened
        };
        if !seen.insert(path) {
            return Err(exit::Error::refused(format_args!(
                "{}: named twice, so its rows would be sent twice; name it once",
                request.name()
            )));
        }
    }
    Ok(())
}

/// Refuses what is said and concerns no input: it was meant for another, or is a mistake.
fn refuse_useless(requests: &[InputRequest], sources: &[Arc<Source>]) -> Result<(), exit::Error> {
    let said = |is: fn(&Stated) -> bool| requests.iter().any(|request| is(&request.stated));
    let none = |concerns: fn(&Source) -> bool| !sources.iter().any(|source| concerns(source));
    let useless = [
        (
            "--sheet",
            "a workbook",
            said(|s| s.sheet.is_some()) && none(|s| s.format.is_spreadsheet()),
        ),
        (
            "--header-row",
            "a table with a header",
            said(|s| matches!(s.header, HeaderRow::At(_))) && none(|s| s.format.has_columns()),
        ),
        (
            "--delimiter",
            "text with cells",
            said(|s| s.delimiter.is_some()) && none(|s| s.delimiter.is_some()),
        ),
        (
            "--encoding",
            "text",
            said(|s| s.encoding.is_some()) && none(|s| !s.format.is_spreadsheet()),
        ),
    ];
    match useless.into_iter().find(|(_, _, useless)| *useless) {
        None => Ok(()),
        Some((flag, what, _)) => Err(exit::Error::refused(format_args!(
            "{flag} is given, but no input is {what}; omit it"
        ))),
    }
}
