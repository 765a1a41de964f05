//! The same dirty list of phone numbers in every kind of file, for tests and for `samples/`.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;

use rust_xlsxwriter::{Formula, Workbook};
use zip::write::SimpleFileOptions;

/// Login ID, phone number and whether it is verified. One phone number is none.
const ROWS: [[&str; 3]; 12] = [
    ["daan.varga@example.com", "+14155550200", "yes"],
    ["  emeka.moreau@example.com ", "+1 (415) 555-0201", "yes"],
    ["jörg.müller@example.com", " +49 30 901820", "yes"],
    ["ines.nakamura@example.com", "+14155550203", "TRUE"],
    ["noor.castillo@example.com", "n/a", "yes"],
    ["10006", "+14155550205", "no"],
    ["daan.yilmaz@example.com", "+14155550206", "yes"],
    ["hana.fischer@example.com", "+14155550207", "false"],
    ["farid.abara@example.com", "+14155550208", "1"],
    ["greta.santos@example.com", "+14155550209", "yes"],
    ["vera.usman@example.com", "+14155550210", "yes"],
    ["o'neill, greta@example.com", "+14155550211", "yes"],
];

const HEADER: [&str; 3] = ["Login ID", "Phone number", "Verified"];

/// The row, from 0, that a workbook has a number of in place of a phone number.
const NUMBER: usize = 6;

/// The row, from 0, whose phone number is none.
const BAD: usize = 4;

/// A file of one kind: its name, what to say about it, its bytes.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) bytes: Vec<u8>,
    /// The failures file that it makes.
    pub(crate) failures: &'static str,
    /// Its rows, from 1, that are wrong.
    pub(crate) wrong: &'static [usize],
}

/// One of each kind.
pub(crate) fn all() -> Vec<Sample> {
    let of = |name, bytes, failures| Sample { name, arguments: &[], bytes, failures, wrong: &[5] };
    let utf16 = format!("\u{feff}{}", cells(';', "\r\n"));
    let utf16 = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let plain = cells(';', "\r\n");
    let latin = encoding_rs::WINDOWS_1252.encode(&plain).0.into_owned();
    vec![
        of("phones.tsv", cells('\t', "\n").into_bytes(), "failures.tsv"),
        of("phones-semicolon.csv", cells(';', "\r\n").into_bytes(), "failures.csv"),
        of("phones.json", json().into_bytes(), "failures.jsonl"),
        of("phones.csv.gz", gzip(cells(',', "\n").as_bytes()), "failures.csv"),
        of("phones.jsonl.zst", zstd::encode_all(jsonl().as_bytes(), 19).unwrap(), "failures.jsonl"),
        of("phones-utf16.csv", utf16, "failures.csv"),
        Sample {
            arguments: &["--encoding", "windows-1252"],
            ..of("phones-windows-1252.csv", latin, "failures.csv")
        },
        Sample { wrong: &[5, 7], ..of("phones.xlsx", xlsx(), "failures.csv") },
        Sample { wrong: &[5, 7], ..of("phones.ods", ods(), "failures.csv") },
    ]
}

fn cells(delimiter: char, line_end: &str) -> String {
    let quoted = |cell: &str| {
        let telling = cell.contains([delimiter, ',', '"']);
        if telling { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
    };
    let row = |row: &[&str; 3]| row.map(quoted).join(&delimiter.to_string()) + line_end;
    std::iter::once(&HEADER).chain(&ROWS).map(row).collect()
}

fn object([login, phone, verified]: &[&str; 3]) -> String {
    let verified = matches!(*verified, "yes" | "TRUE" | "1");
    let text = |text: &str| serde_json::to_string(text).unwrap();
    format!("{{\"loginId\":{},\"phone\":{},\"verified\":{verified}}}", text(login), text(phone))
}

fn jsonl() -> String {
    ROWS.iter().map(|row| object(row) + "\n").collect()
}

fn json() -> String {
    let objects: Vec<_> = ROWS.iter().map(|row| format!("  {}", object(row))).collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With numbers as numbers, booleans as booleans, a blank row and a failed formula.
fn xlsx() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Phones").unwrap();
    for (column, name) in (0..).zip(HEADER) {
        sheet.write(0, column, name).unwrap();
    }
    for (row, [login, phone, verified]) in ROWS.into_iter().enumerate() {
        let line = u32::try_from(row + 2).unwrap();
        match login.parse::<f64>() {
            Ok(number) => sheet.write(line, 0, number),
            Err(_) => sheet.write(line, 0, login),
        }
        .unwrap();
        match row {
            NUMBER => sheet.write(line, 1, phone.trim_start_matches('+').parse::<f64>().unwrap()),
            BAD => sheet.write(line, 1, Formula::new("=NA()").set_result("#N/A")),
            _ => sheet.write(line, 1, phone),
        }
        .unwrap();
        sheet.write(line, 2, matches!(verified, "yes" | "TRUE" | "1")).unwrap();
    }
    book.add_worksheet().set_name("Notes").unwrap();
    book.save_to_buffer().unwrap()
}

fn ods() -> Vec<u8> {
    let text = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let number = |number: &str| {
        format!("<table:table-cell office:value-type=\"float\" office:value=\"{number}\"/>")
    };
    let mut rows = String::new();
    let mut row = |cells: &str| write!(rows, "<table:table-row>{cells}</table:table-row>").unwrap();
    row(&HEADER.map(text).concat());
    row("<table:table-cell table:number-columns-repeated=\"3\"/>");
    for (index, [login, phone, verified]) in ROWS.into_iter().enumerate() {
        let login = if login == "10006" { number(login) } else { text(login) };
        let phone = match index {
            NUMBER => number(phone.trim_start_matches('+')),
            BAD => text("#N/A").replacen(
                "office:value-type=\"string\"",
                "office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"",
                1,
            ),
            _ => text(phone),
        };
        let verified = matches!(verified, "yes" | "TRUE" | "1");
        row(&format!(
            "{login}{phone}<table:table-cell office:value-type=\"boolean\" \
             office:boolean-value=\"{verified}\"/>"
        ));
    }
    let spaces = ["office", "table", "text"]
        .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""));
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content{} \
         xmlns:calcext=\"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0\" \
         office:version=\"1.2\"><office:body><office:spreadsheet><table:table \
         table:name=\"Phones\">{rows}</table:table></office:spreadsheet></office:body>\
         </office:document-content>",
        spaces.concat()
    );
    let manifest = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest:manifest \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" \
         manifest:version=\"1.2\"><manifest:file-entry manifest:full-path=\"/\" \
         manifest:media-type=\"application/vnd.oasis.opendocument.spreadsheet\"/>\
         <manifest:file-entry manifest:full-path=\"content.xml\" \
         manifest:media-type=\"text/xml\"/></manifest:manifest>";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let packed = SimpleFileOptions::default();
    for (name, text, options) in [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet", stored),
        ("content.xml", &content, packed),
        ("META-INF/manifest.xml", manifest, packed),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Writes the samples anew: `cargo test --test cli make_samples -- --ignored`.
#[test]
#[ignore = "it changes samples/"]
fn make_samples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for sample in all() {
        std::fs::write(folder.join(sample.name), sample.bytes).unwrap();
    }
}
