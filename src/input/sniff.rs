//! What a file is, by its name and by its first bytes.
//!
//! The only place that knows file name extensions and magic bytes. What is not text that we
//! read is refused here by name, so that it never reaches a row reader as garbage. Decisions
//! rest on the first line that is not blank, so they do not depend on how the bytes arrive.

use std::io::{self, Read};
use std::path::Path;

use memchr::{memchr, memchr2};

use super::window::Window;
use crate::record::Format;

/// How far into a file the first line is looked at.
const HEAD: usize = 64 * 1024;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// First bytes of what is not read, with what it is and what to do.
const REFUSED: &[(&[u8], &str)] = &[
    (b"\xff\xfe", "is UTF-16 text; save or convert it as UTF-8 first"),
    (b"\xfe\xff", "is UTF-16 text; save or convert it as UTF-8 first"),
    (b"\x1f\x8b", "is compressed with gzip; decompress it first (gunzip)"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; decompress it first (unzstd)"),
    (
        b"PK\x03\x04",
        "is a spreadsheet or a zip archive; save the sheet as CSV (UTF-8), or unpack it, first",
    ),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; save the sheet as CSV (UTF-8) first"),
];

/// The format a file's name tells.
pub(super) fn by_name(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "csv" => Some(Format::Csv),
        "tsv" | "tab" => Some(Format::Tsv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        _ => None,
    }
}

/// Reads up to the end of the first line that is not blank, and skips a byte order mark.
///
/// Returns what to say if this is not text that we read.
pub(super) fn begin<R: Read>(window: &mut Window<R>) -> io::Result<Result<(), &'static str>> {
    fill_line(window)?;
    let head = head(window.bytes());
    if let Some((_, refusal)) = REFUSED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Ok(Err(refusal));
    }
    if memchr(0, head).is_some() {
        return Ok(Err("holds NUL bytes, so it is not UTF-8 text; convert it to UTF-8 first"));
    }
    if head.starts_with(UTF8_BOM) {
        window.consume(UTF8_BOM.len());
        fill_line(window)?;
    }
    Ok(Ok(()))
}

/// Reads on until the first line is there, as far as it is looked at.
fn fill_line<R: Read>(window: &mut Window<R>) -> io::Result<()> {
    while !has_line(window.bytes()) && window.fill()? {}
    Ok(())
}

/// The format its content tells, from a window that [`begin`] has prepared.
pub(super) fn by_content(bytes: &[u8]) -> Result<Format, &'static str> {
    let line = first_line(head(bytes));
    match line.first() {
        Some(b'{') => Ok(Format::Jsonl),
        Some(b'[') => Err("looks like a JSON array; write one object a line first (jq -c '.[]'), \
             or name its format with --format"),
        _ if memchr(b'\t', line).is_some() && memchr(b',', line).is_none() => Ok(Format::Tsv),
        _ => Ok(Format::Csv),
    }
}

/// Up to the end of the first line that is not blank.
fn head(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(HEAD)];
    &bytes[..blanks(bytes) + first_line(bytes).len()]
}

/// The first line that is not blank, from its first byte that is not blank.
fn first_line(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[blanks(bytes)..];
    &bytes[..memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len())]
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.len() - bytes.trim_ascii_start().len()
}

/// Is the first line there, as far as it is looked at?
fn has_line(bytes: &[u8]) -> bool {
    let blanks = blanks(bytes);
    bytes.len() >= HEAD || memchr2(b'\n', b'\r', &bytes[blanks..]).is_some()
}
