//! From a request to rows: the layers of a file, one behind the other.
//!
//! Its bytes are unpacked, then either held as a workbook or decoded as text and read row by
//! row. What was found out on the way goes into the [`Source`].

use std::fs::{self, File};
use std::io::{self, Read};

use super::delimited::Delimited;
use super::json::Json;
use super::jsonl::Jsonl;
use super::promise::Watch;
use super::request::{InputRequest, Unreadable};
use super::rows::RowReader;
use super::skipped::Skipped;
use super::sniff::{self, Container, Named};
use super::unpack::{self, Bytes, Meter, Peek, Unpacked};
use super::window::Window;
use super::wrapper::{self, Wrapper};
use super::{decode, sheet};
use crate::input::record::{Delimiter, Encoding, Format, Source};

/// An input whose header is read.
pub(super) struct Opened {
    pub(super) source: Source,
    pub(super) rows: Box<dyn RowReader>,
    /// How much of the file is read, if its text is not what the file holds.
    pub(super) meter: Option<Meter>,
}

/// The bytes of an input.
pub(super) struct OpenedBytes {
    pub(super) reader: Box<dyn Read + Send>,
    /// How many there are, if that is known.
    pub(super) size: Option<u64>,
    /// Whether the file stays as it was promised to be.
    pub(super) watch: Option<Watch>,
}

/// Opens a request's bytes.
pub(super) fn open_bytes(request: &InputRequest) -> Result<OpenedBytes, String> {
    if request.is_stdin() {
        return Ok(OpenedBytes { reader: Box::new(io::stdin()), size: None, watch: None });
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
    let size = metadata.is_file().then_some(metadata.len());
    let watch = request.promise.as_ref().map(|promise| Watch::new(&request.path, promise));
    let reader: Box<dyn Read + Send> = match &watch {
        Some(watch) => Box::new(watch.reader(file)),
        None => Box::new(file),
    };
    Ok(OpenedBytes { reader, size, watch })
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
pub(super) fn open_rows<R>(
    request: &InputRequest,
    reader: R,
    skipped: &Skipped,
) -> Result<Opened, Unreadable>
where
    R: Read + Send + 'static,
{
    let name = request.name();
    let fault = |reason: String| Unreadable::Fault(format!("{name}: {reason}"));
    let failed = |error: io::Error| fault(format!("cannot be read: {error}"));
    let Unpacked { mut bytes, compression, meter } =
        unpack::open(reader).map_err(failed)?.map_err(fault)?;
    if let Some(container) = sniff::container(&mut bytes).map_err(failed)? {
        let opened = open_sheet(request, bytes, container, (&meter, skipped)).map_err(fault)?;
        let source = Source {
            name,
            format: opened.format,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: opened.columns,
            header_line: opened.header_line,
        };
        return Ok(Opened { source, rows: Box::new(opened.rows), meter: None });
    }
    let (text, encoding) =
        decode::open(bytes, request.stated.encoding).map_err(failed)?.map_err(fault)?;
    let mut window = Window::new(text);
    sniff::begin(&mut window).map_err(failed)?.map_err(fault)?;
    if request.stated.may_be_empty && window.bytes().trim_ascii().is_empty() {
        // Without a header there are no columns; there is nothing in any of them.
        let (format, columns) = (Format::Jsonl, Vec::new());
        let source = Source { name, format, encoding, delimiter: None, columns, header_line: 0 };
        return Ok(Opened { source, rows: Box::new(Jsonl::new(window)), meter: Some(meter) });
    }
    let wrapper = match window.bytes().trim_ascii_start().first() {
        Some(b'{') => wrapper::find_in(&mut window).map_err(failed)?,
        _ => Wrapper::None,
    };
    let (format, delimiter) = format(request, &window, &wrapper).map_err(fault)?;
    let (columns, header_line, rows): (_, _, Box<dyn RowReader>) = match (format, delimiter) {
        (_, Some(delimiter)) => {
            let rows = Delimited::new(window, delimiter, &request.stated, skipped.clone())
                .map_err(|fault| fault.at(&name))?;
            (rows.columns().to_vec(), rows.header_line(), Box::new(rows))
        }
        (Format::Json, _) => (Vec::new(), 0, Box::new(Json::new(window))),
        _ => (Vec::new(), 0, Box::new(Jsonl::new(window))),
    };
    let source = Source { name, format, encoding, delimiter, columns, header_line };
    Ok(Opened {
        source,
        rows,
        meter: (compression.is_some() || encoding != Encoding::Utf8).then_some(meter),
    })
}

fn open_sheet(
    request: &InputRequest,
    bytes: Peek,
    container: Container,
    (meter, skipped): (&Meter, &Skipped),
) -> Result<sheet::OpenedSheet, String> {
    let stated = request.stated.format;
    if let Some(format) = stated.filter(|format| !format.is_spreadsheet()) {
        return Err(format!(
            "is a workbook or a zip archive, but --format is {}; omit --format",
            format.extension()
        ));
    }
    let opened = sheet::open(bytes, container, &request.stated, meter, skipped)?;
    match stated.filter(|format| *format != opened.format) {
        None => Ok(opened),
        Some(format) => Err(format!(
            "is .{}, but --format is {}; omit --format",
            opened.format.extension(),
            format.extension()
        )),
    }
}

/// The format of a text, and what separates its cells if it has any.
fn format(
    request: &InputRequest,
    window: &Window<Bytes>,
    wrapper: &Wrapper,
) -> Result<(Format, Option<Delimiter>), String> {
    let stated = &request.stated;
    let named = sniff::by_name(&request.path);
    let format = match (stated.format, named) {
        (Some(format), _) if format.is_spreadsheet() => {
            return Err(format!(
                "is not a workbook, but --format is {}; omit --format",
                format.extension()
            ));
        }
        (Some(format), _) | (None, Some(Named::Format(format))) => format,
        (None, Some(Named::Cells)) => Format::Csv,
        (None, None | Some(Named::AnyJson)) if matches!(wrapper, Wrapper::List(..)) => Format::Json,
        (None, named) => sniff::by_content(window.bytes(), named)?,
    };
    let format = match (format, wrapper) {
        (Format::Json | Format::Jsonl, Wrapper::List(_, keys)) => wrapped(format, keys)?,
        _ => format,
    };
    let delimiter = match (format, stated.delimiter) {
        (Format::Json | Format::Jsonl | Format::Xlsx | Format::Ods, _) => {
            return Ok((format, None));
        }
        (_, Some(delimiter)) => delimiter,
        (Format::Tsv, None) => Delimiter::Tab,
        (Format::Csv, None) => sniff::delimiter(window.bytes())?,
    };
    Ok((delimiter.format(), Some(delimiter)))
}

/// How a file is read whose first object holds a list of rows under these keys.
fn wrapped(format: Format, keys: &[String]) -> Result<Format, String> {
    if keys == [wrapper::USERS] {
        return Ok(Format::Json);
    }
    if format == Format::Jsonl {
        return Ok(format); // each line is a row, as was stated
    }
    let path = keys.join(".");
    Err(format!(
        "has its rows in a list under {path:?}; write them to a file of their own: jq -c \
         '.{path}[]' FILE > rows.jsonl"
    ))
}
