//! A sliding window over a stream of bytes.
//!
//! Row readers see the bytes that are there, ask for more when a row is not complete, and
//! give back what they are done with. The window hides the buffer and its growth. It always
//! knows the offset of its first byte, never waits for more than one read to return, and
//! holds no more than one row (bounded by its reader) and one block.

use std::io::{self, ErrorKind, Read};

/// The room for one read. More would be no faster, and many files may be read in one process.
const BLOCK: usize = 16 * 1024;

/// The bytes read and not yet consumed.
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BLOCK], start: 0, end: 0, offset: 0 }
    }

    /// What is there.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The offset in the stream of the first byte that is there.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Lets go of the first `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "consumed what is not there");
        self.start += count;
        self.offset += count as u64;
    }

    /// Adds what one read returns; false at the end of the stream.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
