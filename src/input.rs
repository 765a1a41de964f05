//! Files to records.
//!
//! Opens what the user named, finds out what it is, reads the headers and refuses what cannot
//! be understood, all before the first record. Then it yields the records of all files in
//! order, each with its position, whatever the format. Hidden here: formats, buffers, quotes,
//! byte order marks. A row that cannot be read is a [`Content::Broken`] record and reading goes
//! on; an [`Unreadable`] ends it. Memory is bounded by the longest row, never by their number.
//!
//! [`Content::Broken`]: crate::record::Content::Broken

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::exit;
use crate::record::{Content, Format, Position, Record, Source};

mod delimited;
mod header;
mod jsonl;
mod lines;
mod quotes;
mod sniff;
#[cfg(test)]
mod tests;
mod window;

use delimited::Delimited;
use jsonl::Jsonl;
use window::Window;

/// The most bytes a row may have, its line end not counted.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// The most lines a CSV or TSV row may span.
pub const MAX_RECORD_LINES: u64 = 1000;

/// What is kept of a row that is too long.
const KEPT_BYTES: usize = 4096;

/// How many files stay open from the first look; those behind are opened again in their turn.
const KEPT_OPEN: usize = 64;

/// One input as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// Its format; by default told from its name, else from its content.
    pub format: Option<Format>,
    /// The name that people know it by, where that is not its path.
    pub known_as: Option<String>,
}

impl Request {
    /// Whether it is standard input itself.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Whether it can be read only once: standard input, a pipe.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        use std::os::unix::fs::FileTypeExt;

        let pipe = |metadata: fs::Metadata| {
            metadata.file_type().is_fifo() || metadata.file_type().is_socket()
        };
        self.is_stdin() || fs::metadata(&self.path).is_ok_and(pipe)
    }

    /// The bytes of an input that can be read only once.
    pub fn stream(&self) -> io::Result<Box<dyn Read>> {
        if self.is_stdin() {
            return Ok(Box::new(io::stdin()));
        }
        Ok(Box::new(File::open(&self.path)?))
    }

    /// The same input from a file that holds a copy of it.
    #[must_use]
    pub fn kept_in(&self, path: PathBuf) -> Self {
        Self { path, format: self.format, known_as: Some(self.name()) }
    }

    /// The name in messages and results.
    #[must_use]
    pub fn name(&self) -> String {
        self.known_as.clone().unwrap_or_else(|| self.path.display().to_string())
    }
}

/// Reading cannot go on: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl From<Unreadable> for exit::Error {
    fn from(error: Unreadable) -> Self {
        Self::Stopped(error.0)
    }
}

/// The records of all inputs, in order.
///
/// Reading blocks: an input belongs on a thread of its own. After an error it yields no more.
pub struct Input {
    sources: Vec<Arc<Source>>,
    total_bytes: Option<u64>,
    /// The inputs not finished, the current one first.
    queue: VecDeque<Entry>,
    row: u64,
    finished_bytes: u64,
}

/// An input not finished.
struct Entry {
    source: Arc<Source>,
    request: Request,
    /// Nothing if it is to be opened again.
    rows: Option<Box<dyn Rows>>,
}

/// Opens all inputs and reads their headers.
///
/// Refuses, with the place and what to do, what is missing, cannot be read, is named twice, is
/// no text of a format that is read, or has a header that is missing or ambiguous. A header
/// without rows, and JSONL without lines, are inputs without records.
pub fn open(requests: &[Request]) -> Result<Input, exit::Error> {
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
    };
    for request in requests {
        input.add(request)?;
    }
    Ok(input)
}

impl Input {
    /// The inputs, in order.
    #[must_use]
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// The size of all inputs, if each is a regular file.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// How far reading is: up to the end of the last record, over all inputs.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        let rows = self.queue.front().and_then(|entry| entry.rows.as_ref());
        self.finished_bytes + rows.map_or(0, |rows| rows.offset())
    }

    fn add(&mut self, request: &Request) -> Result<(), exit::Error> {
        let (reader, size) = open_bytes(request)
            .map_err(|reason| exit::Error::refused(format_args!("{}: {reason}", request.name())))?;
        let (source, rows) = open_rows(request, reader).map_err(exit::Error::refused)?;
        let source = Arc::new(source);
        let keep = size.is_none() || self.sources.len() < KEPT_OPEN;
        self.total_bytes = self.total_bytes.zip(size).map(|(total, size)| total + size);
        self.sources.push(Arc::clone(&source));
        self.queue.push_back(Entry {
            source,
            request: request.clone(),
            rows: keep.then_some(rows),
        });
        Ok(())
    }

    /// The next row and where it came from; nothing at the end.
    fn read(&mut self) -> Result<Option<(Arc<Source>, Row)>, Unreadable> {
        while let Some(entry) = self.queue.front_mut() {
            let rows = match &mut entry.rows {
                Some(rows) => rows,
                closed => closed.insert(reopen(&entry.source, &entry.request)?),
            };
            match rows.next() {
                Some(Ok(row)) => return Ok(Some((Arc::clone(&entry.source), row))),
                Some(Err(fault)) => return Err(fault.at(&entry.source.name)),
                None => {
                    self.finished_bytes += rows.offset();
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
        match self.read() {
            Ok(None) => None,
            Ok(Some((source, row))) => {
                self.row += 1;
                let position = Position { row: self.row, line: row.line, byte: row.byte };
                Some(Ok(Record { source, position, content: row.content }))
            }
            Err(error) => {
                self.finished_bytes = self.bytes_read();
                self.queue.clear();
                Some(Err(error))
            }
        }
    }
}

/// The rows of one input, in the face all formats share.
trait Rows: Send {
    /// The next row; nothing at the end. Not called again after an error.
    fn next(&mut self) -> Option<Result<Row, Fault>>;

    /// The offset up to which rows have been returned.
    fn offset(&self) -> u64;
}

/// A row and where it begins in its file.
struct Row {
    line: u64,
    byte: u64,
    content: Content,
}

/// Why an input cannot be read on, and at which line.
struct Fault {
    line: u64,
    reason: String,
}

impl Fault {
    fn new(line: u64, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }

    fn io(line: u64, error: &io::Error) -> Self {
        Self::new(
            line,
            format!("cannot be read on from here: {error}; run it again when that is mended"),
        )
    }

    fn at(self, name: &str) -> Unreadable {
        Unreadable(format!("{name}:{}: {}", self.line, self.reason))
    }
}

/// Refuses a file or standard input that is named twice.
fn refuse_twice(requests: &[Request]) -> Result<(), exit::Error> {
    let mut seen = HashSet::new();
    for request in requests {
        let path = match fs::canonicalize(&request.path) {
            Ok(path) if !request.is_stdin() => path,
            _ => request.path.clone(), // what is missing is refused when it is opened
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

/// Opens a request's bytes, with their number if it is known.
fn open_bytes(request: &Request) -> Result<(Box<dyn Read + Send>, Option<u64>), String> {
    if request.is_stdin() {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |error: io::Error| format!("cannot be opened: {error}");
    let metadata = fs::metadata(&request.path).map_err(failed)?;
    if metadata.is_dir() {
        return Err("is a directory; name the files in it".to_owned());
    }
    if is_device(&metadata) {
        return Err(
            "is a device, which may never end; name a file, or - for standard input".to_owned()
        );
    }
    let file = File::open(&request.path).map_err(failed)?;
    Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
}

#[cfg(unix)]
fn is_device(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &fs::Metadata) -> bool {
    false
}

/// Finds out what the bytes are and reads the header.
fn open_rows<R>(request: &Request, reader: R) -> Result<(Source, Box<dyn Rows>), Unreadable>
where
    R: Read + Send + 'static,
{
    let name = request.name();
    let unreadable = |reason: &str| Unreadable(format!("{name}: {reason}"));
    let mut window = Window::new(reader);
    sniff::begin(&mut window)
        .map_err(|error| unreadable(&format!("cannot be read: {error}")))?
        .map_err(unreadable)?;
    let format = match request.format.or_else(|| sniff::by_name(&request.path)) {
        Some(format) => format,
        None => sniff::by_content(window.bytes()).map_err(unreadable)?,
    };
    let (columns, rows): (_, Box<dyn Rows>) = match format.delimiter() {
        Some(delimiter) => {
            let rows = Delimited::new(window, delimiter).map_err(|fault| fault.at(&name))?;
            (rows.columns().to_vec(), Box::new(rows))
        }
        None => (Vec::new(), Box::new(Jsonl::new(window))),
    };
    let source = Source { name, format, columns };
    Ok((source, rows))
}

/// Opens an input again in its turn, and makes sure that it still is what it was.
fn reopen(source: &Source, request: &Request) -> Result<Box<dyn Rows>, Unreadable> {
    let (reader, _) =
        open_bytes(request).map_err(|reason| Unreadable(format!("{}: {reason}", source.name)))?;
    let (now, rows) = open_rows(request, reader)?;
    if now == *source {
        return Ok(rows);
    }
    Err(Unreadable(format!("{}: has changed since the start; put it back as it was", source.name)))
}
