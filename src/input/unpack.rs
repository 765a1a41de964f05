//! From the bytes of a file to the bytes of its text: how much is read, gzip, zstd.
//!
//! What a file is compressed with is told from its first bytes. What it unpacks to is not held, and
//! a file that unpacks to far more than any table would is given up, so that a small file can
//! neither fill the memory nor keep a run busy for ever.

use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::{DeflateDecoder, MultiGzDecoder};

use super::zstd;

/// Bytes from anywhere.
pub(super) type Bytes = Box<dyn Read + Send>;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Behind the first byte of a zstd frame that holds no data, such as pzstd begins with.
const ZSTD_SKIPPED: &[u8] = b"\x2a\x4d\x18";

/// How much a compressed file may unpack to, however small it is.
pub(super) const FREE_BYTES: u64 = 256 * 1024 * 1024;

/// How many times its size a compressed file may unpack to beyond that.
pub(super) const MAX_RATIO: u64 = 1000;

/// The room for one read.
const BLOCK: usize = 64 * 1024;

/// How many bytes of the file itself were read.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A stream whose first bytes can be looked at.
///
/// It reads no more than is needed to tell, and never waits for bytes that would not.
pub(super) struct Peek {
    inner: Bytes,
    head: Vec<u8>,
    at: usize,
}

impl Peek {
    fn new(inner: Bytes) -> Self {
        Self { inner, head: Vec::new(), at: 0 }
    }

    /// Whether it begins with these bytes.
    pub(super) fn begins_with(&mut self, magic: &[u8]) -> io::Result<bool> {
        loop {
            let head = &self.head[self.at..];
            if head.len() >= magic.len() || !magic.starts_with(head) {
                return Ok(head.starts_with(magic));
            }
            if !self.more()? {
                return Ok(false);
            }
        }
    }

    /// Whether it begins with a frame that zstd passes over.
    fn begins_with_skipped_frame(&mut self) -> io::Result<bool> {
        for first in 0x50..0x60 {
            let magic = [&[first], ZSTD_SKIPPED].concat();
            if self.begins_with(&magic)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Passes over bytes that were looked at.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.head.len().min(self.at + count);
    }

    fn more(&mut self) -> io::Result<bool> {
        let there = self.head.len();
        self.head.resize(there + BLOCK, 0);
        let read = loop {
            match self.inner.read(&mut self.head[there..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.head.truncate(there + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}

impl Read for Peek {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = &self.head[self.at..];
        if head.is_empty() {
            return self.inner.read(buffer);
        }
        let count = head.len().min(buffer.len());
        buffer[..count].copy_from_slice(&head[..count]);
        self.at += count;
        if self.at == self.head.len() {
            (self.head, self.at) = (Vec::new(), 0);
        }
        Ok(count)
    }
}

/// The bytes of a file, unpacked.
pub(super) struct Unpacked {
    pub(super) bytes: Peek,
    /// How it was compressed.
    pub(super) compression: Option<&'static str>,
    /// How much of the file itself is read.
    pub(super) meter: Meter,
}

/// Looks how a stream is compressed, and unpacks it as it is read.
///
/// Returns what to say if it is compressed in a way that is not read.
pub(super) fn open(reader: impl Read + Send + 'static) -> io::Result<Result<Unpacked, String>> {
    let meter = Meter::default();
    let mut bytes = Peek::new(Box::new(Metered { inner: reader, meter: meter.clone() }));
    let Some(compression) = compression(&mut bytes)? else {
        return Ok(Ok(Unpacked { bytes, compression: None, meter }));
    };
    let inner: Bytes = if compression == "gzip" {
        Box::new(MultiGzDecoder::new(bytes))
    } else {
        Box::new(zstd::Frames::new(bytes))
    };
    let bounded = Bounded { inner, compression, written: 0, read: meter.clone() };
    let mut bytes = Peek::new(Box::new(bounded));
    if self::compression(&mut bytes)?.is_some() {
        return Ok(Err("is compressed twice; decompress it once first".to_owned()));
    }
    Ok(Ok(Unpacked { bytes, compression: Some(compression), meter }))
}

/// The bytes of a file in a zip archive, which may be compressed, and how many of them are read.
pub(super) fn zipped(bytes: Vec<u8>, deflated: bool) -> (Peek, Meter) {
    let meter = Meter::default();
    let inner = Metered { inner: Cursor::new(bytes), meter: meter.clone() };
    let inner: Bytes =
        if deflated { Box::new(DeflateDecoder::new(inner)) } else { Box::new(inner) };
    (Peek::new(inner), meter)
}

fn compression(bytes: &mut Peek) -> io::Result<Option<&'static str>> {
    if bytes.begins_with(GZIP)? {
        return Ok(Some("gzip"));
    }
    let zstd = bytes.begins_with(ZSTD)? || bytes.begins_with_skipped_frame()?;
    Ok(zstd.then_some("zstd"))
}

/// What a compressed stream unpacks to, as long as that is no more than a table would.
pub(super) struct Bounded {
    inner: Bytes,
    compression: &'static str,
    written: u64,
    read: Meter,
}

#[cfg(test)]
impl Bounded {
    /// One that has read and given out so much.
    pub(super) fn over(rest: &'static [u8], compressed: u64, written: u64) -> Self {
        let read = Meter::default();
        read.0.store(compressed, Ordering::Relaxed);
        Self { inner: Box::new(rest), compression: "gzip", written, read }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(|error| damaged(self.compression, error))?;
        self.written += count as u64;
        if self.written > FREE_BYTES && self.written / MAX_RATIO > self.read.count() {
            return Err(io::Error::other(format!(
                "its {} data unpacks to more than {MAX_RATIO} times its size, which no table \
                 does; unpack it and look",
                self.compression
            )));
        }
        Ok(count)
    }
}

/// The error of a decoder, in words that say what to do.
fn damaged(compression: &str, error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::Interrupted => error,
        ErrorKind::UnexpectedEof => {
            io::Error::other(format!("its {compression} data ends too early, it was cut off"))
        }
        _ => io::Error::other(format!("its {compression} data is damaged ({error})")),
    }
}
