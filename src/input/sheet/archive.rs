//! What a container is, and whether it is safe to open.
//!
//! The sizes that an archive states are not believed: every part is unpacked once and counted
//! before any of it is parsed.

use std::io::{self, Cursor, Read};

use memchr::memmem;
use zip::ZipArchive;

use super::limits::MAX_UNPACKED_BYTES;
use crate::input::sniff::Container;

/// A workbook that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BookKind {
    Xlsx,
    Ods,
}

/// The most parts a workbook may have.
const MAX_PARTS: usize = 10_000;

/// The name of the stream that protected workbooks are in, as it is written in UTF-16.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

/// The kind of a workbook that unpacks to no more than is read; else what to say.
pub(super) fn kind(file: &[u8], container: Container) -> Result<BookKind, String> {
    match container {
        Container::Zip => zipped(file),
        Container::Ole if memmem::find(file, ENCRYPTED).is_some() => {
            Err("is a workbook protected by a password; save it without one first".to_owned())
        }
        Container::Ole => {
            Err("is an old Excel workbook (.xls); save it as .xlsx or CSV (UTF-8) first".to_owned())
        }
    }
}

fn zipped(file: &[u8]) -> Result<BookKind, String> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
    if archive.len() > MAX_PARTS {
        return Err(format!("has more than {MAX_PARTS} parts, which no workbook does"));
    }
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(damaged)?;
        let count = io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(damaged)?;
        left = left.checked_sub(count).ok_or(
            "unpacks to more than 1 GiB; save the sheet as CSV (UTF-8), which has no such limit",
        )?;
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.xml") {
        return Ok(BookKind::Xlsx);
    }
    if has("xl/workbook.bin") {
        return Err(
            "is a binary Excel workbook (.xlsb); save it as .xlsx or CSV (UTF-8) first".to_owned()
        );
    }
    if has("content.xml") && has("mimetype") {
        return Ok(BookKind::Ods);
    }
    Err("is a zip archive, but not a workbook (.xlsx, .ods); unpack it first".to_owned())
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("is a workbook or zip archive that is damaged or cut off ({error}); get it again")
}
