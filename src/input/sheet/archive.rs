//! What a container is, and whether it is safe to open.
//!
//! The sizes that an archive states are not believed: every part is unpacked once and counted
//! before any of it is parsed.

use std::io::{self, Cursor, Read};

use memchr::memmem;
use zip::{CompressionMethod, ZipArchive};

use super::limits::MAX_UNPACKED_BYTES;
use super::package::{self, Package, damaged};
use crate::input::sniff::Container;

/// What is read of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::input) enum Contents {
    Xlsx,
    Ods,
    /// The only file of an archive.
    Text(PackedText),
}

/// A file in an archive that is no workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::input) struct PackedText {
    pub(in crate::input) name: String,
    /// Its bytes as they are in the archive, and whether they are compressed.
    pub(in crate::input) bytes: Vec<u8>,
    pub(in crate::input) deflated: bool,
}

/// The most parts a workbook may have.
const MAX_PARTS: usize = 10_000;

/// The name of the stream that protected workbooks are in, as it is written in UTF-16.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

/// What is read of a container that unpacks to no more than is read; else what to say.
pub(super) fn contents(file: &[u8], container: Container) -> Result<Contents, String> {
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

fn zipped(file: &[u8]) -> Result<Contents, String> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
    if archive.len() > MAX_PARTS {
        return Err(format!("has more than {MAX_PARTS} parts, which no workbook does"));
    }
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        if archive.by_index_raw(index).map_err(damaged)?.encrypted() {
            return Err("is a zip archive protected by a password; unpack it first".to_owned());
        }
        let part = archive.by_index(index).map_err(damaged)?;
        let count = io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(damaged)?;
        left = left.checked_sub(count).ok_or(
            "unpacks to more than 1 GiB; unpack it, or save the sheet as CSV (UTF-8), first",
        )?;
    }
    let mut package = Package::new(archive);
    if package.book()?.is_some() || package.has(package::BOOK) {
        return Ok(Contents::Xlsx);
    }
    if package.has("xl/workbook.bin") {
        return Err(
            "is a binary Excel workbook (.xlsb); save it as .xlsx or CSV (UTF-8) first".to_owned()
        );
    }
    if package.has("content.xml") && package.has("mimetype") {
        return Ok(Contents::Ods);
    }
    only_file(file)
}

/// The only file of an archive; what systems add to archives of their own does not count.
fn only_file(file: &[u8]) -> Result<Contents, String> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).map_err(damaged)?;
        let name = part.name().map_err(damaged)?.into_owned();
        let own = name.starts_with("__MACOSX/") || name.ends_with(".DS_Store");
        if part.is_file() && !own {
            files.push((index, name));
        }
    }
    let [(index, name)] = &files[..] else {
        return Err(format!(
            "is a zip archive of {} files, but neither a workbook (.xlsx, .ods) nor one file alone; \
             unpack it first",
            files.len()
        ));
    };
    let mut part = archive.by_index_raw(*index).map_err(damaged)?;
    let deflated = part.compression() == CompressionMethod::Deflated;
    let mut bytes = Vec::new();
    part.read_to_end(&mut bytes).map_err(damaged)?;
    Ok(Contents::Text(PackedText { name: name.clone(), bytes, deflated }))
}
