//! From a request to rows: the layers of a file, one behind the other.
//!
//! Its bytes are unpacked, then either held as a workbook or decoded as text and read row by
//! row. What was found out on the way goes into the [`Source`].

use std::fs::{self, File};
use std::io::{self, Read};

use super::delimited::Delimited;
use super::header_row::{self, AboveHeader};
use super::json::Json;
use super::jsonl::Jsonl;
use super::promise::Watch;
use super::request::{InputRequest, Unreadable};
use super::rows::RowReader;
use super::sheet::{Contents, PackedText};
use super::skipped::{Passed, Skipped};
use super::sniff::{self, Named};
use super::unpack::{self, Bytes, Meter, Unpacked};
use super::window::Window;
use super::wrapper::{self, Wrapper};
use super::{decode, sheet};
use crate::input::record::{Delimiter, Encoding, Format, Source};
use crate::objects::PinnedObject;

/// An input whose header is read.
pub(super) struct Opened {
    pub(super) source: Source,
    pub(super) rows: Box<dyn RowReader>,
    /// How much of the file is read, if its text is not what the file holds.
    pub(super) meter: Option<Meter>,
    /// What was passed over already.
    pub(super) passed: Passed,
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
    if request.is_object() {
        return open_object(request);
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

/// Opens an object: the one that was promised, or the one that is there now.
fn open_object(request: &InputRequest) -> Result<OpenedBytes, String> {
    let promised = request.promise.as_ref().and_then(|promise| promise.object());
    let object = match promised {
        Some(object) => object.clone(),
        None => PinnedObject::pin(&request.path.to_string_lossy())
            .map_err(|why| format!("cannot be opened: {why}"))?,
    };
    let watch = request.promise.as_ref().map(|promise| Watch::new(&request.path, promise));
    let (size, content) = (Some(object.bytes()), object.content());
    let reader: Box<dyn Read + Send> = match &watch {
        Some(watch) => Box::new(watch.reader(content)),
        None => Box::new(content),
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
        let stated = request.stated.format.filter(|format| !format.is_spreadsheet());
        let is_other = |reason: String| match stated {
            Some(format) => fault(is_a_book(format)),
            None => fault(reason),
        };
        let (file, contents) = sheet::hold(bytes, container).map_err(is_other)?;
        let format = match contents {
            Contents::Xlsx => Format::Xlsx,
            Contents::Ods => Format::Ods,
            Contents::Text(text) => return open_packed(request, text, skipped),
        };
        let opened = open_sheet(request, file, format, &meter).map_err(fault)?;
        // Without a header there are no columns; there is nothing in any of them.
        let format = if opened.columns.is_empty() { Format::Jsonl } else { format };
        let source = Source {
            name,
            format,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: opened.columns,
            header_line: opened.header_line,
        };
        let (rows, passed) = (Box::new(opened.rows), opened.passed);
        return Ok(Opened { source, rows, meter: None, passed });
    }
    let (text, encoding) =
        decode::open(bytes, request.stated.encoding).map_err(failed)?.map_err(fault)?;
    let mut window = Window::new(text);
    sniff::begin(&mut window).map_err(failed)?.map_err(fault)?;
    let TextRows { format, delimiter, columns, header_line, rows, above } =
        open_text(request, window, skipped)?;
    let source = Source { name, format, encoding, delimiter, columns, header_line };
    Ok(Opened {
        source,
        rows,
        meter: (compression.is_some() || encoding != Encoding::Utf8).then_some(meter),
        passed: Passed { above, ..Passed::default() },
    })
}

/// The rows of a text, and what is known of them.
struct TextRows {
    format: Format,
    delimiter: Option<Delimiter>,
    columns: Vec<String>,
    header_line: u64,
    rows: Box<dyn RowReader>,
    /// How many rows stand above the header.
    above: u64,
}

impl TextRows {
    /// Rows that have no header.
    fn without_header(format: Format, rows: Box<dyn RowReader>) -> Self {
        Self { format, delimiter: None, columns: Vec::new(), header_line: 0, rows, above: 0 }
    }
}

/// Tells the format of a text, and reads its header.
fn open_text(
    request: &InputRequest,
    mut window: Window<Bytes>,
    skipped: &Skipped,
) -> Result<TextRows, Unreadable> {
    let name = request.name();
    let fault = |reason: String| Unreadable::Fault(format!("{name}: {reason}"));
    let failed = |error: io::Error| fault(format!("cannot be read: {error}"));
    let stated = &request.stated;
    // Without a header there are no columns; there is nothing in any of them.
    let is_empty = stated.may_be_empty && window.bytes().trim_ascii().is_empty();
    let format = if is_empty {
        Format::Jsonl
    } else {
        format(request, &mut window).map_err(failed)?.map_err(fault)?
    };
    match format {
        Format::Json => return Ok(TextRows::without_header(format, Box::new(Json::new(window)))),
        Format::Csv | Format::Tsv => {}
        _ => return Ok(TextRows::without_header(format, Box::new(Jsonl::new(window)))),
    }
    let known = stated.delimiter.or((format == Format::Tsv).then_some(Delimiter::Tab));
    let above = header_row::seek(&mut window, &stated.header, known).map_err(failed)?;
    let AboveHeader { lines, rows: above, delimiter } = above.map_err(fault)?;
    let delimiter = match known.or(delimiter) {
        Some(delimiter) => delimiter,
        None => sniff::delimiter(window.bytes()).map_err(fault)?,
    };
    let rows = Delimited::new(window, delimiter, stated, (lines, skipped.clone()))
        .map_err(|fault| fault.at(&name))?;
    Ok(TextRows {
        format: delimiter.format(),
        delimiter: Some(delimiter),
        columns: rows.columns().to_vec(),
        header_line: rows.header_line(),
        rows: Box::new(rows),
        above,
    })
}

/// Opens the only file of an archive as if it were there itself.
fn open_packed(
    request: &InputRequest,
    text: PackedText,
    skipped: &Skipped,
) -> Result<Opened, Unreadable> {
    let (mut bytes, meter) = unpack::zipped(text.bytes, text.deflated);
    let within = |what: &str| {
        Unreadable::Fault(format!(
            "{}: is a zip archive of {what}; unpack it first",
            request.name()
        ))
    };
    match sniff::container(&mut bytes) {
        Ok(None) => {}
        Ok(Some(_)) => return Err(within("a workbook or an archive")),
        Err(_) => return Err(within("what cannot be read")),
    }
    let inner =
        InputRequest { path: text.name.into(), known_as: Some(request.name()), ..request.clone() };
    let opened = open_rows(&inner, bytes, skipped)?;
    Ok(Opened { meter: Some(meter), ..opened })
}

fn is_a_book(stated: Format) -> String {
    let format = stated.extension();
    format!("is a workbook or a zip archive, but --format is {format}; omit --format")
}

fn open_sheet(
    request: &InputRequest,
    file: Vec<u8>,
    format: Format,
    meter: &Meter,
) -> Result<sheet::OpenedSheet, String> {
    match request.stated.format {
        Some(stated) if !stated.is_spreadsheet() => Err(is_a_book(stated)),
        Some(stated) if stated != format => Err(format!(
            "is .{}, but --format is {}; omit --format",
            format.extension(),
            stated.extension()
        )),
        _ => sheet::open((file, format), &request.stated, meter),
    }
}

/// The format of a text; csv is text with cells, whatever separates them.
fn format(
    request: &InputRequest,
    window: &mut Window<Bytes>,
) -> io::Result<Result<Format, String>> {
    if let Some(what) = sniff::markup(window.bytes()).filter(|_| request.stated.format.is_none()) {
        return Ok(Err(format!(
            "is {what}; open it in a spreadsheet and save it as .xlsx or CSV (UTF-8)"
        )));
    }
    let wrapper = match window.bytes().trim_ascii_start().first() {
        Some(b'{') => wrapper::find_in(window)?,
        _ => Wrapper::None,
    };
    let format = match (request.stated.format, sniff::by_name(&request.key())) {
        (Some(format), _) if format.is_spreadsheet() => {
            return Ok(Err(format!(
                "is not a workbook, but --format is {}; omit --format",
                format.extension()
            )));
        }
        (Some(format), _) | (None, Some(Named::Format(format))) => format,
        (None, Some(Named::Cells)) => Format::Csv,
        (None, None | Some(Named::AnyJson)) if matches!(wrapper, Wrapper::List(..)) => Format::Json,
        (None, named) => match sniff::by_content(window.bytes(), named) {
            Ok(format) => format,
            Err(reason) => return Ok(Err(reason.to_owned())),
        },
    };
    Ok(match (format, wrapper) {
        (Format::Json | Format::Jsonl, Wrapper::List(_, keys)) => wrapped(format, &keys),
        _ => Ok(format),
    })
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
