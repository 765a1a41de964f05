//! The rows of one input, in the face all formats share.

use std::io;

use super::request::Unreadable;
use crate::input::record::Content;

/// The most bytes a row may have, its line end not counted.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// The most lines a CSV or TSV row may span.
pub const MAX_RECORD_LINES: u64 = 1000;

/// What to do about bytes that are no text.
pub(super) const ENCODING_HINT: &str =
    "save the file as UTF-8, or name its encoding, such as --encoding windows-1252";

/// What is kept of a row that is too long.
pub(super) const KEPT_BYTES: usize = 4096;

/// The rows of one input, in the face all formats share.
pub(super) trait RowReader: Send {
    /// The next row; nothing at the end. Not called again after an error.
    fn next(&mut self) -> Option<Result<InputRow, Fault>>;

    /// The offset up to which rows have been returned.
    fn offset(&self) -> u64;
}

/// A row and where it begins in its file.
pub(super) struct InputRow {
    pub(super) line: u64,
    pub(super) byte: u64,
    pub(super) content: Content,
}

/// Why an input cannot be read any further, and at which line.
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(line: u64, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }

    pub(super) fn io(line: u64, error: &io::Error) -> Self {
        Self::new(
            line,
            format!("cannot be read beyond this point: {error}; run it again when that is fixed"),
        )
    }

    pub(super) fn at(self, name: &str) -> Unreadable {
        Unreadable::Fault(format!("{name}:{}: {}", self.line, self.reason))
    }
}
