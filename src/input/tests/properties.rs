//! What holds for any input.

use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Bytes that matter to the formats, and some that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(
        b"\"\"\",,;|\t\r\n\n{}[]:1a \xff\xfe\xef\xbb\xbf\0\x1f\x8b(\xb5/\xfdPK".to_vec(),
    );
    vec(prop_oneof![9 => telling, 1 => any::<u8>()], 0..120)
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "a.csv", "a.tsv", "a.jsonl", "a.json", "a.xlsx", "a.csv.gz"])
}

/// The terminator, the rows' cells, and the number of columns.
fn tables() -> impl Strategy<Value = (bool, Vec<Vec<String>>)> {
    (any::<bool>(), 1..5_usize).prop_flat_map(|(crlf, columns)| {
        let cell = prop_oneof![".{0,6}", "[a\",\r\n]{0,6}"];
        (Just(crlf), vec(vec(cell, columns), 0..12))
    })
}

/// What may be stated about a file, and mostly is not.
fn stated() -> impl Strategy<Value = Stated> {
    let format = prop::sample::select(vec![
        Format::Csv,
        Format::Tsv,
        Format::Jsonl,
        Format::Json,
        Format::Xlsx,
        Format::Ods,
    ]);
    let encoding = prop::sample::select(vec![
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::Windows1252,
    ]);
    let delimiter = prop::sample::select(Delimiter::ALL.to_vec());
    let named = HeaderRow::Named(["x".to_owned(), "b".to_owned()].into());
    let header = prop::sample::select(vec![HeaderRow::default(), named, HeaderRow::At(2)]);
    let stated = (option::of(format), option::of(encoding), option::of(delimiter), header);
    stated.prop_map(|(format, encoding, delimiter, header)| Stated {
        format,
        encoding,
        delimiter,
        header,
        ..Stated::default()
    })
}

/// Files as they should be, one of each kind.
fn whole() -> Vec<Vec<u8>> {
    let text = "x,y\n1,\"2\n3\"\n\n4,5\n";
    let json = "[{\"a\":1}, {\"b\":[\"]\"]},\n{\"c\":{}}]";
    let users =
        "{\"total\":2, \"users\":[{\"a\":1},\n{\"b\":{}}], \"next\":[1]}\n{\"users\":[{\"c\":2}]}";
    vec![
        text.into(),
        json.into(),
        users.into(),
        packed::gzip(text.as_bytes()),
        packed::zstd(json.as_bytes()),
        packed::utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        sheets::xlsx(&[("S", &|sheet| {
            sheet.write(0, 0, "x").unwrap();
            sheet.write(1, 0, 5).unwrap();
        })]),
        sheets::ods(
            "<table:table table:name=\"S\"><table:table-row><table:table-cell \
             office:value-type=\"string\"><text:p>x</text:p></table:table-cell>\
             </table:table-row></table:table>",
        ),
    ]
}

/// Whether packed data turned out to be damaged.
fn is_damaged(read: &Result<Said, String>) -> bool {
    let said = match read {
        Ok(said) => said.unreadable.as_deref().unwrap_or_default(),
        Err(said) => said,
    };
    said.contains("data is damaged")
}

proptest! {
    /// Whatever is in a file and is said of it: it comes to an end, the same however it arrives.
    #[test]
    fn anything_stated_of_any_bytes_is_read_to_an_end(
        bytes in bytes(), stated in stated(), batching in 0..3_u8, piece in 1..9_usize,
    ) {
        let bytes = match batching {
            0 => bytes,
            1 => packed::gzip(&bytes),
            _ => packed::zstd(&bytes),
        };
        let read = |piece| {
            let bytes = io::Cursor::new(bytes.clone());
            input_of("a", stated.clone(), Trickle { bytes, piece }).map(drain)
        };
        prop_assert_eq!(read(piece), read(usize::MAX));
    }

    /// A file that is changed in a few places, or cut, is read to an end, too.
    #[test]
    fn changed_files_are_read_to_an_end(
        which in 0..7_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = whole().remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let (small, large) = (read_in("a", &bytes, 5), read_in("a", &bytes, usize::MAX));
        if is_damaged(&small) || is_damaged(&large) {
            // How much is unpacked before the damage is met depends on how much is asked for.
            let rows = |read: Result<Said, String>| read.map_or_else(|_| Vec::new(), |said| said.rows);
            let (small, large) = (rows(small), rows(large));
            prop_assert!(small.starts_with(&large) || large.starts_with(&small));
        } else {
            prop_assert_eq!(small, large);
        }
    }

    /// An array holds what a file with a line for each of its elements does.
    #[test]
    fn arrays_are_read_like_lines(
        elements in vec(r#"\{("(a|b|\\u0061)":([0-9e.-]{1,4}|\[[0-9]?\]|"[nx,\]}]*"),?){0,3}\}|[0-9]{1,3}|"[,\]]""#, 1..6),
        blanks in "[ \n]{0,2}",
        piece in 1..9_usize,
    ) {
        let array = format!("[{blanks}{}{blanks}]", elements.join(&format!("{blanks},{blanks}")));
        let parts = |said: Said| {
            assert_eq!(said.unreadable, None);
            let part = |(_, is)| match is {
                Is::Broken(raw, problem) => (raw, problem.code.into_owned()),
                Is::Object(text) => (vec![text.into_bytes()], String::new()),
                Is::Cells(_) => unreachable!(),
            };
            said.rows.into_iter().map(part).collect::<Vec<_>>()
        };
        let array = parts(read_in("a.json", array.as_bytes(), piece).unwrap());
        let lines = parts(read_in("a.jsonl", elements.join("\n").as_bytes(), piece).unwrap());
        prop_assert_eq!(array, lines);
    }

    /// Whatever separates the cells, and whatever else is in them, is told from the header.
    #[test]
    fn any_delimiter_is_found(
        delimiter in prop::sample::select(Delimiter::ALL.to_vec()),
        names in prop::collection::hash_set("[a-z][,;|\t\"\n a-z]{0,4}[a-z]", 2..5),
        piece in 1..9_usize,
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let mut file = Vec::new();
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter.byte())
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(&mut file);
        writer.write_record(&names).unwrap();
        let cells: Vec<String> = names.iter().map(|name| format!("{name}1")).collect();
        writer.write_record(&cells).unwrap();
        drop(writer);
        let said = read_in("a.csv", &file, piece).unwrap();
        prop_assert_eq!(&said.rows[0].1, &Is::Cells(cells));
    }

    /// Text comes out of every encoding as it went in.
    #[test]
    fn encodings_lose_nothing(cell in "[a-z][ -~äß€😀\u{feff}]*", big: bool, piece in 1..9_usize) {
        let text = format!("\u{feff}X1\n\"{}\"\n", cell.replace('"', "\"\""));
        let order = if big { u16::to_be_bytes } else { u16::to_le_bytes };
        let said = read_in("a.csv", &packed::utf16(&text, order), piece).unwrap();
        prop_assert_eq!(&said.rows[0].1, &Is::Cells(vec![cell]));
    }

    #[test]
    fn what_is_written_is_read_back((crlf, table) in tables()) {
        let columns = table.first().map_or(1, Vec::len);
        let terminator = if crlf { Terminator::CRLF } else { Terminator::Any(b'\n') };
        let mut file = Vec::new();
        let mut starts = Vec::new();
        let header: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
        for row in std::iter::once(&header).chain(&table) {
            starts.push(file.len());
            let mut writer = WriterBuilder::new().terminator(terminator).from_writer(&mut file);
            writer.write_record(row).unwrap();
        }
        let said = read("a.csv", &file).unwrap();
        prop_assert_eq!(said.unreadable, None);
        // Rows that hold nothing are passed over.
        let holds = |(row, _): &(&Vec<String>, &usize)| {
            row.iter().any(|cell| !cell.as_bytes().trim_ascii().is_empty())
        };
        let written: Vec<_> = table.iter().zip(&starts[1..]).filter(holds).collect();
        prop_assert_eq!(said.rows.len(), written.len());
        for ((position, is), (row, start)) in said.rows.iter().zip(written) {
            prop_assert_eq!(is, &Is::Cells(row.clone()));
            prop_assert_eq!(position.byte, *start as u64);
            let before = String::from_utf8_lossy(&file[..*start]).replace("\r\n", "\n");
            let lines = before.matches(['\r', '\n']).count();
            prop_assert_eq!(position.line, lines as u64 + 1);
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(name in name(), bytes in bytes(), piece in 1..9_usize) {
        let whole = read_in(name, &bytes, usize::MAX);
        prop_assert_eq!(read_in(name, &bytes, piece), whole);
    }

    /// An object that is passed on can be parsed as one.
    #[test]
    fn objects_can_be_parsed(
        text in r#"\{("(a|b|\\u006|\\ud8)?":([0-9e.-]{1,4}|\[\{?\}?\]|"\\?[nux]*"|null),?){0,3}\}"#,
    ) {
        let said = read_in("a.jsonl", text.as_bytes(), usize::MAX).unwrap();
        let parsed = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(&text);
        match &said.rows[0].1 {
            Is::Object(object) => {
                prop_assert_eq!(object, &text);
                prop_assert!(parsed.is_ok());
            }
            Is::Broken(_, problem) if problem.code == "duplicate_key" => {
                prop_assert!(parsed.is_ok());
            }
            _ => prop_assert!(parsed.is_err()),
        }
    }

    /// The `csv` crate, where it is right: the cells of all rows.
    #[test]
    fn rows_are_those_of_the_csv_crate(rest in "[a\",\r\n]{0,80}") {
        let file = format!("x,y\n{rest}");
        let said = read("a.csv", &file).unwrap();
        let records: Vec<Vec<Vec<u8>>> = ReaderBuilder::new()
            .flexible(true)
            .from_reader(file.as_bytes())
            .byte_records()
            .map(|record: csv::Result<ByteRecord>| {
                record.unwrap().iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
            .collect();
        // Rows that hold nothing are passed over, and so are cells beyond the header's; not so a
        // last row whose end is in doubt.
        let lost = records.len() - usize::from(said.unreadable.is_some());
        let holds = |(index, cells): &(usize, Vec<Vec<u8>>)| {
            *index == lost || cells.iter().any(|cell| !cell.trim_ascii().is_empty())
        };
        let records: Vec<Vec<Vec<u8>>> = records
            .into_iter()
            .enumerate()
            .filter(holds)
            .map(|(_, mut cells)| {
                if cells.iter().skip(2).all(|cell| cell.trim_ascii().is_empty()) {
                    cells.truncate(2);
                }
                cells
            })
            .collect();
        let sure = said.rows.len() - usize::from(said.unreadable.is_some());
        prop_assert_eq!(said.rows.len(), records.len());
        for ((_, is), record) in said.rows.iter().zip(&records).take(sure) {
            let cells: Vec<Vec<u8>> = match is {
                Is::Cells(cells) => cells.iter().map(|cell| cell.clone().into()).collect(),
                Is::Broken(cells, _) => cells.clone(),
                Is::Object(_) => unreachable!(),
            };
            prop_assert_eq!(&cells, record);
        }
        prop_assert_eq!(said.unreadable.is_some(), ends_within_quotes(&rest));
    }
}

/// Asks the `csv` crate: does a row put behind the text become part of a cell?
fn ends_within_quotes(text: &str) -> bool {
    let last = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(format!("{text}\n\u{1}").as_bytes())
        .into_records()
        .last();
    last.is_some_and(|record| record.unwrap().iter().next_back() != Some("\u{1}"))
}
