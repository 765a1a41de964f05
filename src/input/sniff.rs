//! What a file is, by its name and by its first bytes.
//!
//! The only place that knows file name extensions and the first bytes of workbooks. What is not
//! read is refused here by name, so that it never reaches a row reader as garbage. Decisions
//! rest on the first row, so they do not depend on how the bytes arrive.

use std::io::{self, Read};
use std::path::Path;

use memchr::{memchr, memchr2, memrchr2};

use super::header;
use super::unpack::Peek;
use super::window::Window;
use crate::input::record::{Delimiter, Format};

/// How far into a file the first row is looked at.
const HEAD: usize = 64 * 1024;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// What a file's name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The format.
    Format(Format),
    /// Cells of whatever delimiter.
    Cells,
    /// An array of objects, or an object a line.
    AnyJson,
    /// A workbook of whatever kind.
    Workbook,
}

/// What a file's name tells; the endings of compressed files do not count.
pub(super) fn by_name(path: &Path) -> Option<Named> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let compressed = [".gz", ".gzip", ".zst", ".zstd"];
    let name = compressed.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" => Some(Named::Cells),
        "tsv" | "tab" => Some(Named::Format(Format::Tsv)),
        "jsonl" | "ndjson" => Some(Named::Format(Format::Jsonl)),
        "json" => Some(Named::AnyJson),
        "xlsx" | "xlsm" | "xls" | "xlsb" | "ods" => Some(Named::Workbook),
        _ => None,
    }
}

/// What is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// A zip archive, which workbooks are.
    Zip,
    /// What old Excel workbooks and protected ones are.
    Ole,
}

/// Whether expected text but something that holds others.
pub(super) fn container(bytes: &mut Peek) -> io::Result<Option<Container>> {
    for (magic, container) in [
        (&b"PK\x03\x04"[..], Container::Zip),
        (b"PK\x05\x06", Container::Zip), // an empty one
        (b"\xd0\xcf\x11\xe0", Container::Ole),
    ] {
        if bytes.begins_with(magic)? {
            return Ok(Some(container));
        }
    }
    Ok(None)
}

/// Reads up to the end of the first row, and skips a byte order mark.
///
/// Returns what to say if this is not text that we read.
pub(super) fn begin<R: Read>(window: &mut Window<R>) -> io::Result<Result<(), String>> {
    fill_row(window)?;
    if window.bytes().starts_with(UTF8_BOM) {
        window.consume(UTF8_BOM.len());
        fill_row(window)?;
    }
    let head = head(window.bytes());
    Ok(match memchr(0, head) {
        None => Ok(()),
        Some(at) => {
            let encoding = if at % 2 == 1 { "utf-16le" } else { "utf-16be" };
            Err(format!(
                "holds NUL bytes, so it is not UTF-8 text; if it is UTF-16, say so with \
                 --encoding {encoding}, else convert it to UTF-8 first"
            ))
        }
    })
}

/// Reads on until the first row is there, as far as it is looked at.
pub(super) fn fill_row<R: Read>(window: &mut Window<R>) -> io::Result<()> {
    while !has_row(window.bytes()) && window.fill()? {}
    Ok(())
}

/// What a text is that begins like a web page or a workbook in XML, whatever its name: portals call
/// both `.xls`, and a page that asks to log in is saved under any name.
pub(super) fn markup(bytes: &[u8]) -> Option<&'static str> {
    let head = &bytes[blanks(bytes)..bytes.len().min(HEAD)];
    let begins = |with: &str| {
        head.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let page = ["<!doctype html", "<html", "<head", "<body", "<table", "<meta", "<style", "<!--"];
    if page.into_iter().any(begins) {
        return Some("a web page (HTML)");
    }
    if begins("<?xml") {
        return Some("an XML file");
    }
    None
}

/// The format its content tells, from a window that [`begin`] has prepared.
pub(super) fn by_content(bytes: &[u8], named: Option<Named>) -> Result<Format, &'static str> {
    let line = first_line(head(bytes)).trim_ascii_end();
    let inner = line.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    match (line.first(), named) {
        (_, Some(Named::Workbook)) => Err(
            "has the name of a workbook, but is not one; rename it to what it is, or say what it \
                 is with --format",
        ),
        (Some(b'['), Some(Named::AnyJson)) => Ok(Format::Json),
        (Some(b'['), _)
            if inner.is_some_and(|rest| rest.is_empty() || b"{]".contains(&rest[0])) =>
        {
            Ok(Format::Json)
        }
        (Some(b'['), _) => Err("looks like a JSON array that is not one of objects; say what it \
             is with --format"),
        (Some(b'{'), _) if line == b"{" => {
            Err("begins a JSON object that spans several lines, but a record has its own line or \
                 is an element of an array; write it so (jq -c . does)")
        }
        (Some(b'{'), _) | (None, Some(Named::AnyJson)) => Ok(Format::Jsonl),
        (_, Some(Named::AnyJson)) => {
            Err("has the name of a JSON file, but does not begin like one; rename it, or say what \
                 it is with --format")
        }
        _ => Ok(Format::Csv),
    }
}

/// The delimiter of cells: of those outside quotes in the first row, the one that is there.
///
/// Refused if several are there. A row without any is one column, and commas separate.
pub(super) fn delimiter(bytes: &[u8]) -> Result<Delimiter, String> {
    let head = head(bytes);
    if let Some((delimiter, _)) = header::separator_line(head) {
        return Ok(delimiter);
    }
    let row = &head[row_start(head)..];
    let mut found: Vec<Delimiter> = Vec::new();
    for at in outside_quotes(row) {
        found.extend(Delimiter::of(row[at]).filter(|delimiter| !found.contains(delimiter)));
    }
    match found[..] {
        [] => Ok(Delimiter::Comma),
        [only] => Ok(only),
        _ => {
            let names: Vec<_> = found.iter().map(|delimiter| delimiter.name()).collect();
            Err(format!(
                "the header holds more than one delimiter ({}); say which one separates the \
                 cells, such as --delimiter {}",
                names.join(", "),
                names[0]
            ))
        }
    }
}

/// Up to the end of the first row that is not blank.
fn head(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(HEAD)];
    let start = row_start(bytes);
    &bytes[..start + row_end(&bytes[start..]).unwrap_or(bytes.len() - start)]
}

/// The first line that is not blank, from its first byte that is not blank.
fn first_line(bytes: &[u8]) -> &[u8] {
    let bytes = &bytes[blanks(bytes)..];
    &bytes[..memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len())]
}

/// Where the first line begins that is not blank.
fn row_start(bytes: &[u8]) -> usize {
    let blanks = &bytes[..blanks(bytes)];
    memrchr2(b'\n', b'\r', blanks).map_or(0, |end| end + 1)
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.len() - bytes.trim_ascii_start().len()
}

/// Is the first row there, as far as it is looked at?
fn has_row(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD || row_end(&bytes[row_start(bytes)..]).is_some()
}

/// Where the first row ends: its line end outside quotes.
fn row_end(row: &[u8]) -> Option<usize> {
    // What begins like JSON has no quotes of ours: a line is a line.
    if matches!(row.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return memchr2(b'\n', b'\r', row);
    }
    if row.trim_ascii_start().is_empty() {
        return None; // no row yet
    }
    outside_quotes(row).find(|at| matches!(row[*at], b'\n' | b'\r'))
}

/// The places outside quotes; a quote opens at the beginning of a cell only.
fn outside_quotes(row: &[u8]) -> impl Iterator<Item = usize> {
    let (mut quoted, mut begins) = (false, true);
    (0..row.len()).filter(move |at| {
        let byte = row[*at];
        if byte == b'"' && (quoted || begins) {
            // A doubled quote closes and opens again.
            quoted = !quoted;
            begins = !quoted;
            return false;
        }
        begins = !quoted && Delimiter::of(byte).is_some();
        !quoted
    })
}
