//! Rows of text with cells (CSV, TSV and their like), and their header.
//!
//! `csv_core` splits rows into cells; the rest of a reader is here, because the `csv` crate's
//! line numbers are wrong after CRLF and blank lines and it swallows the rest of a file behind
//! a quote that is never closed. Lines are counted from the raw bytes (LF, CRLF and a lone CR
//! each end one). A row is at most [`MAX_RECORD_BYTES`] and [`MAX_RECORD_LINES`] long. Once a
//! row's end is in doubt, reading ends: what follows might be the inside of a cell.

use std::cmp::Ordering;
use std::io::{self, Read};

use csv::{ByteRecord, StringRecord};
use csv_core::ReadRecordResult;
use memchr::memchr2;

use super::header;
use super::lines::{Lines, line_ends};
use super::quotes;
use super::request::{ShortRows, Stated};
use super::rows::{Fault, InputRow, KEPT_BYTES, MAX_RECORD_BYTES, MAX_RECORD_LINES, RowReader};
use super::skipped::Skipped;
use super::window::Window;
use crate::input::guard;
use crate::input::record::{Content, Delimiter, Raw};
use crate::issue::Issue;

/// Reads text with cells.
pub(super) struct Delimited<R> {
    window: Window<R>,
    core: csv_core::Reader,
    delimiter: Delimiter,
    columns: Vec<String>,
    /// It is a file of ours, whose cells have their guard on.
    guarded: bool,
    lines: Lines,
    /// The cells of the row read last, end to end, and where each of them ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    /// How many ends there are.
    ended: usize,
    /// Why reading ends behind the row that was returned last.
    fault: Option<Fault>,
    /// The line of the header.
    header_line: u64,
    short_rows: ShortRows,
    skipped: Skipped,
}

/// Where a row lies: it begins at the window's first byte.
struct Frame {
    line: u64,
    byte: u64,
    /// Its bytes in the window, the line end included if it has one.
    length: usize,
    cells: usize,
    end: RecordEnd,
}

/// How a row ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordEnd {
    Line,
    File,
    /// Not within the bounds.
    Nowhere,
}

impl<R: Read> Delimited<R> {
    /// Reads the header. A delimiter that was stated is not doubted. The error is a line and what
    /// is wrong with it.
    pub(super) fn new(
        window: Window<R>,
        delimiter: Delimiter,
        stated: &Stated,
        (lines, skipped): (Lines, Skipped),
    ) -> Result<Self, Fault> {
        let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter.byte()).build();
        // So that it does not look for a byte order mark, which it does if enough bytes are there.
        core.read_record(&[], &mut [], &mut []);
        let mut rows = Self {
            window,
            core,
            delimiter,
            columns: Vec::new(),
            guarded: false,
            lines,
            cells: vec![0; 1024],
            ends: vec![0; 64],
            ended: 0,
            fault: None,
            header_line: 1,
            short_rows: stated.short_rows,
            skipped,
        };
        if rows.lines.line == 1 {
            let skipped = header::skip_separator_line(rows.window.bytes(), delimiter)
                .map_err(|reason| Fault::new(1, reason))?;
            rows.window.consume(skipped); // its line end is passed over with blank lines
        }
        let mut columns = rows.header(stated.delimiter.is_some())?;
        rows.guarded = header::take_guard_off(&mut columns);
        rows.columns = columns;
        Ok(rows)
    }

    /// The header's names.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The line of the header.
    pub(super) fn header_line(&self) -> u64 {
        self.header_line
    }

    fn header(&mut self, stated: bool) -> Result<Vec<String>, Fault> {
        let Some(row) = self.read().map_err(|error| self.io(&error))? else {
            return Err(Fault::new(
                self.lines.line,
                "there is no header row; the first row names the columns; if the file may be empty, use --allow-empty",
            ));
        };
        let cells = match row.content {
            Content::Cells(cells) => cells,
            Content::Broken { issue, .. } => {
                let hint = issue.hint.map_or(String::new(), |hint| format!("; {hint}"));
                let reason = format!("the header row cannot be read: {}{hint}", issue.message);
                return Err(Fault::new(row.line, reason));
            }
            Content::Object(_) => unreachable!("no objects among cells"),
        };
        self.header_line = row.line;
        let doubted = (!stated).then_some(self.delimiter);
        header::names(cells.iter(), doubted).map_err(|reason| Fault::new(row.line, reason))
    }

    fn io(&self, error: &io::Error) -> Fault {
        Fault::io(self.lines.line, error)
    }

    /// The next row that is not a blank line.
    fn read(&mut self) -> io::Result<Option<InputRow>> {
        while let Some(frame) = self.frame()? {
            let content = self.content(&frame);
            self.window.consume(frame.length);
            if let Some(content) = content {
                return Ok(Some(InputRow { line: frame.line, byte: frame.byte, content }));
            }
        }
        Ok(None)
    }

    /// Reads until a whole row is there, or more of it than a row may have.
    fn frame(&mut self) -> io::Result<Option<Frame>> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.lines.line;
        let (mut length, mut written, mut cells) = (0, 0, 0);
        let mut file_ended = false;
        let end = loop {
            let bytes = self.window.bytes();
            // Nothing is put in only at the end of the file: that ends the row.
            let input = &bytes[length..bytes.len().min(MAX_RECORD_BYTES + 1)];
            if self.cells.len() <= written + input.len() {
                self.cells.resize(2 * (written + input.len()), 0);
            }
            let (result, read, wrote, ended) =
                self.core.read_record(input, &mut self.cells[written..], &mut self.ends[cells..]);
            self.lines.pass(&input[..read]);
            length += read;
            written += wrote;
            cells += ended;
            let lines = self.lines.line - line;
            match result {
                ReadRecordResult::Record if file_ended => break RecordEnd::File,
                ReadRecordResult::Record if lines > MAX_RECORD_LINES => break RecordEnd::Nowhere,
                ReadRecordResult::Record => break RecordEnd::Line,
                _ if length > MAX_RECORD_BYTES || lines >= MAX_RECORD_LINES => {
                    break RecordEnd::Nowhere;
                }
                _ => {}
            }
            if cells == self.ends.len() {
                self.ends.resize(2 * cells, 0);
            }
            if length == self.window.bytes().len() {
                file_ended = !self.window.fill()?;
            }
        };
        self.ended = cells;
        Ok(Some(Frame { line, byte: self.window.offset(), length, cells, end }))
    }

    /// Goes to the first byte of the next row; false if there is none.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let bytes = self.window.bytes();
            let there = bytes.len();
            let count = bytes.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            self.lines.pass(&bytes[..count]);
            self.window.consume(count);
            if count < there {
                return Ok(true);
            }
            if !self.window.fill()? {
                return Ok(false);
            }
        }
    }

    /// What a row holds; nothing if it is a line of blanks.
    fn content(&mut self, frame: &Frame) -> Option<Content> {
        let row = &self.window.bytes()[..frame.length];
        if frame.end == RecordEnd::Nowhere {
            return Some(self.lost(frame));
        }
        let quotes = quotes::scan(row, self.delimiter.byte());
        if quotes.open.is_some() {
            return Some(self.lost(frame));
        }
        let cells = self.cells(self.length(frame));
        let problem = if let Some(stray) = quotes.stray {
            let line = frame.line + line_ends(&row[..stray]).count() as u64;
            Issue::error(
                "stray_quote",
                format!("a quote closes in the middle of a cell on line {line}"),
            )
            .hint("double the quotes that belong to the text, and quote the whole cell")
        } else if is_blank(&cells) {
            // A line of blanks is one that an editor left, not a row.
            if frame.cells > 1 && !self.columns.is_empty() {
                self.skipped.count_blank();
            }
            return None;
        } else if cells.len() != self.columns.len() && !self.columns.is_empty() {
            self.wrong_count(frame)
        } else {
            match StringRecord::from_byte_record(cells) {
                Ok(cells) if self.repeats_header(&cells) => {
                    self.skipped.count_header();
                    return None;
                }
                Ok(cells) => return Some(Content::Cells(cells)),
                Err(error) => {
                    let problem = self.invalid_utf8(error.utf8_error());
                    return Some(broken(error.into_byte_record(), problem));
                }
            }
        };
        Some(broken(cells, problem))
    }

    /// How many cells the row read last is taken to have: those beyond the header's that hold
    /// nothing do not count, and those that are missing may be blank.
    fn length(&self, frame: &Frame) -> usize {
        let columns = self.columns.len();
        let beyond = || {
            let end = self.ends[frame.cells - 1];
            self.cells[self.ends[columns - 1]..end].trim_ascii().is_empty()
        };
        match frame.cells.cmp(&columns) {
            _ if columns == 0 => frame.cells,
            Ordering::Greater if beyond() => columns,
            Ordering::Less if self.short_rows == ShortRows::Blank => columns,
            _ => frame.cells,
        }
    }

    /// Whether a row is the header once more.
    fn repeats_header(&self, cells: &StringRecord) -> bool {
        !self.columns.is_empty() && cells.iter().map(str::trim).eq(self.columns.iter())
    }

    /// The first cells of the row read last, and blank ones beyond them.
    fn cells(&self, count: usize) -> ByteRecord {
        let ends = &self.ends[..count.min(self.ended)];
        let mut record = ByteRecord::with_capacity(ends.last().map_or(0, |end| *end), count);
        let mut start = 0;
        for &end in ends {
            let cell = &self.cells[start..end];
            record.push_field(if self.guarded { guard::take_off(cell) } else { cell });
            start = end;
        }
        for _ in ends.len()..count {
            record.push_field(b"");
        }
        record
    }

    fn wrong_count(&self, frame: &Frame) -> Issue {
        let last = self.lines.line - u64::from(frame.end == RecordEnd::Line);
        let lines = if last > frame.line {
            format!(" (lines {} to {last})", frame.line)
        } else {
            String::new()
        };
        let plural = if frame.cells == 1 { "" } else { "s" };
        let hint = if frame.cells < self.columns.len() {
            "add the delimiters that are missing; if blank cells at the end of rows were left out, use --short-rows blank"
        } else {
            "quote a cell that holds a delimiter, a quote or a line break; double its quotes"
        };
        Issue::error(
            "wrong_field_count",
            format!(
                "the row has {} cell{plural}{lines}, but the header has {}",
                frame.cells,
                self.columns.len()
            ),
        )
        .hint(hint)
    }

    fn invalid_utf8(&self, error: &csv::Utf8Error) -> Issue {
        let byte = error.valid_up_to() + 1;
        let column = self.columns.get(error.field());
        let name = column.map_or_else(
            || format!("cell {}", error.field() + 1),
            |column| format!("the cell of {column:?}"),
        );
        let message = format!("{name} is not UTF-8 at its byte {byte}");
        let issue = Issue { place: column.cloned(), ..Issue::error("invalid_utf8", message) };
        issue.hint(super::rows::ENCODING_HINT)
    }

    /// A row whose end is in doubt, behind which reading ends.
    fn lost(&mut self, frame: &Frame) -> Content {
        let row = bounded(&self.window.bytes()[..frame.length]);
        let within = if frame.end == RecordEnd::File {
            "before the end of the file"
        } else {
            "within 1,000 lines or 1 MiB"
        };
        let (line, issue) = match quotes::scan(row, self.delimiter.byte()).open {
            Some(open) => {
                let line = frame.line + line_ends(&row[..open]).count() as u64;
                let what = format!("the quote opened on line {line} is not closed {within}");
                let hint = "close it, or double it if it belongs to the text";
                (line, Issue::error("unterminated_quote", what).hint(hint))
            }
            None => (
                frame.line,
                Issue::error("record_too_long", "the row is longer than 1 MiB")
                    .hint("check its line ends and delimiters"),
            ),
        };
        self.fault = Some(Fault::new(
            line,
            format!(
                "{}, so the rest cannot be read; {}",
                issue.message,
                issue.hint.as_deref().unwrap_or_default()
            ),
        ));
        let first = &row[..memchr2(b'\n', b'\r', row).unwrap_or(row.len())];
        let kept = first.len().min(KEPT_BYTES);
        Content::Broken { raw: Raw::Line(first[..kept].into()), issue: Box::new(issue) }
    }
}

impl<R: Read + Send> RowReader for Delimited<R> {
    fn next(&mut self) -> Option<Result<InputRow, Fault>> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        match self.read() {
            Ok(row) => row.map(Ok),
            Err(error) => Some(Err(self.io(&error))),
        }
    }

    fn offset(&self) -> u64 {
        self.window.offset()
    }
}

fn broken(cells: ByteRecord, issue: Issue) -> Content {
    Content::Broken { raw: Raw::Cells(cells), issue: Box::new(issue) }
}

fn is_blank(cells: &ByteRecord) -> bool {
    cells.iter().all(|cell| cell.trim_ascii().is_empty())
}

/// As much of a row as a row may have, whatever has been read beyond.
fn bounded(row: &[u8]) -> &[u8] {
    let row = &row[..row.len().min(MAX_RECORD_BYTES + 1)];
    let most = usize::try_from(MAX_RECORD_LINES).unwrap_or(usize::MAX);
    line_ends(row).nth(most - 1).map_or(row, |last| &row[..=last])
}
