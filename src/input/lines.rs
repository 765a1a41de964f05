//! Counting lines in raw bytes.
//!
//! A line feed, a carriage return, and both together each end one line, as `csv_core` has it,
//! inside quotes as outside. Bytes may come in any pieces.

use memchr::memchr2_iter;

/// Where lines end in these bytes, which do not begin within a CRLF.
pub(super) fn line_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr2_iter(b'\n', b'\r', bytes)
        .filter(|&at| bytes[at] == b'\r' || at == 0 || bytes[at - 1] != b'\r')
}

/// Counts lines over bytes that come in pieces.
pub(super) struct Lines {
    /// The line at the next byte.
    pub(super) line: u64,
    /// The last byte was a carriage return, so a line feed next belongs to it.
    cr: bool,
}

impl Lines {
    /// At the beginning of a file.
    pub(super) fn new() -> Self {
        Self { line: 1, cr: false }
    }

    /// Goes past the bytes that come next.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.line += line_ends(bytes).count() as u64;
        if self.cr && bytes.first() == Some(&b'\n') {
            self.line -= 1; // it was counted at its carriage return
        }
        if let Some(last) = bytes.last() {
            self.cr = *last == b'\r';
        }
    }
}
