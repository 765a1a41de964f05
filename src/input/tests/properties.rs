//! What holds for any input.

use csv::{ByteRecord, ReaderBuilder, Terminator, WriterBuilder};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Bytes that matter to the formats, and some that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(b"\"\"\",,\t\r\n\n{}[]:1a \xff\xef\xbb\xbf\0".to_vec());
    vec(prop_oneof![9 => telling, 1 => any::<u8>()], 0..120)
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "a.csv", "a.tsv", "a.jsonl"])
}

/// The terminator, the rows' cells, and the number of columns.
fn tables() -> impl Strategy<Value = (bool, Vec<Vec<String>>)> {
    (any::<bool>(), 1..5_usize).prop_flat_map(|(crlf, columns)| {
        let cell = prop_oneof![".{0,6}", "[a\",\r\n]{0,6}"];
        (Just(crlf), vec(vec(cell, columns), 0..12))
    })
}

proptest! {
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
        prop_assert_eq!(said.rows.len(), table.len());
        for (((position, is), row), start) in said.rows.iter().zip(&table).zip(&starts[1..]) {
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

    /// Whoever parses an object that is passed on finds it to be one.
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
                record.unwrap().iter().map(<[u8]>::to_vec).collect()
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
