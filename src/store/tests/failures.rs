//! The failures files: what goes in can be fed back.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::input::record::ADDED_COLUMNS;
use crate::input::{InputRequest, Stated};

/// The rows of a file as the csv crate reads them, header first.
fn read(fixture: &Fixture, name: &str, delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_path(fixture.folder.path().join(name))
        .unwrap();
    let cells = |row: ByteRecord| row.iter().map(<[u8]>::to_vec).collect();
    reader.byte_records().map(|row| cells(row.unwrap())).collect()
}

/// The one line of a JSONL source's failures file.
fn line(content: Content) -> String {
    let fixture = Fixture::new();
    let source = jsonl();
    fixture.record(&[Arc::clone(&source)], &[rejected(&source, content)]);
    fixture.text("failures.jsonl")
}

const ADDED: &str = r#""_row":7,"_status":"rejected","_error":"E112102","_message":"no such user","_hint":"look, \"twice\""}"#;

#[test]
fn a_failed_row_keeps_its_columns_and_gets_ours() {
    let fixture = Fixture::new();
    let source = csv(&["Login ID", "Display, Name"]);
    let rows = [
        rejected(&source, cells(&["ada", "Ada \"the first\""])),
        finished(&source, cells(&["bob", ""]), Status::Updated),
        finished(&source, cells(&["cy", "two\nlines"]), Status::GaveUp),
    ];
    fixture.record(&[source], &rows);
    assert_eq!(
        fixture.text("failures.csv"),
        concat!(
            "Login ID,\"Display, Name\",_row,_status,_error,_message,_hint\n",
            "ada,\"Ada \"\"the first\"\"\",7,rejected,E112102,no such user,\"look, \"\"twice\"\"\"\n",
            "cy,\"two\nlines\",7,gave_up,E112102,no such user,\"look, \"\"twice\"\"\"\n",
        )
    );
}

#[test]
fn without_a_code_the_kind_is_the_error() {
    let fixture = Fixture::new();
    let source = source("u.tsv", Format::Tsv, &["loginId"]);
    let mut row = rejected(&source, cells(&["a\tb"]));
    let error = row.outcome.error.as_mut().unwrap();
    (error.server_code, error.hint) = (None, None);
    fixture.record(&[source], &[row]);
    assert_eq!(
        fixture.text("failures.tsv").lines().last(),
        Some("\"a\tb\"\t7\trejected\tnot_found\tno such user\t")
    );
}

#[test]
fn a_clean_run_has_no_failures_file() {
    let fixture = Fixture::new();
    let closed = fixture.record(&[csv(&["loginId"])], &[updated("{}")]);
    assert_eq!(fixture.files(), ["journal", "lock", "results.jsonl"]);
    assert!(closed.failures.is_empty());
}

#[test]
fn fed_back_columns_are_replaced() {
    let fixture = Fixture::new();
    let source = csv(&["a", "_row", "_status", "b", "_error", "_message", "_hint", "_mine"]);
    let content = cells(&["1", "x", "x", "2", "x", "x", "x", "3"]);
    fixture.record(&[Arc::clone(&source)], &[rejected(&source, content)]);
    let rows = read(&fixture, "failures.csv", b',');
    assert_eq!(rows[0].join(&b','), b"a,b,_mine,_row,_status,_error,_message,_hint");
    assert_eq!(rows[1][..4].join(&b','), b"1,2,3,7");
}

#[test]
fn a_ragged_row_never_becomes_a_valid_one() {
    let added: &[&str] = &["7", "rejected", "x", "x", "x"];
    let row = |own: &[&'static str], added: &[&'static str]| [own, added].concat();
    // The row as read; whether from a file fed back; the own cells that must be left.
    let table: Vec<(Vec<&str>, bool, Vec<&str>)> = vec![
        (vec!["a"], false, vec!["a"]),
        (vec!["a", "b", "c"], false, vec!["a", "b", "c"]),
        (vec![""], false, vec![""]),
        (row(&["a"], added), true, vec!["a"]),
        (row(&["a", "b", "c"], added), true, vec!["a", "b", "c"]),
        (vec!["a", "b"], true, vec!["a", "b"]),
        (vec!["a", "b", "7"], true, vec!["a", "b", "7"]),
    ];
    for (cells, fed_back, own) in table {
        let mut columns = vec!["x", "y"];
        if fed_back {
            columns.extend(ADDED_COLUMNS);
        }
        let fixture = Fixture::new();
        let source = csv(&columns);
        let bytes: Vec<_> = cells.iter().map(|cell| cell.as_bytes()).collect();
        fixture.record(&[Arc::clone(&source)], &[rejected(&source, ragged(&bytes))]);
        let rows = read(&fixture, "failures.csv", b',');
        let own: Vec<_> = own.iter().map(|cell| cell.as_bytes().to_vec()).collect();
        assert_eq!(rows[1][..own.len()], own, "{cells:?}");
        assert_eq!(rows[1][own.len()..][..2], [b"7".to_vec(), b"rejected".to_vec()]);
        assert_ne!(rows[0].len(), rows[1].len(), "{cells:?} stays ragged");
    }
}

#[test]
fn bytes_that_are_no_text_stay() {
    let fixture = Fixture::new();
    let source = csv(&["a", "b"]);
    let rows = [
        rejected(&source, ragged(&[b"\xff\xfe,", b"x", b"y"])),
        rejected(&source, broken(Raw::Line((*b"\xc3( \"").into()))),
    ];
    fixture.record(&[source], &rows);
    let rows = read(&fixture, "failures.csv", b',');
    assert_eq!(rows[1][0], b"\xff\xfe,");
    assert_eq!(rows[2][0], b"\xc3( \"");
}

#[test]
fn a_row_of_the_right_count_is_good_once_its_bytes_are_mended() {
    let fixture = Fixture::new();
    let source = csv(&["a", "b"]);
    let row = rejected(&source, ragged(&[b"\xff", b"x"]));
    fixture.record(&[source], &[row]);
    let rows = read(&fixture, "failures.csv", b',');
    assert_eq!(rows[0].len(), rows[1].len());
}

#[test]
fn an_object_keeps_its_text() {
    let table = [
        ("{}", "{"),
        ("{ }", "{"),
        (
            r#" { "b": 1.10, "a":[ 1E400, {"c":null} ] } "#,
            r#"{ "b": 1.10, "a":[ 1E400, {"c":null} ],"#,
        ),
        (r#"{"n":123456789012345678901234567890}"#, r#"{"n":123456789012345678901234567890,"#),
        (r#"{"k\u00e9y":"\ud83d\ude00}"}"#, r#"{"k\u00e9y":"\ud83d\ude00}","#),
        (r#"{"_row":3,"_status":"x","_error":"","_message":null,"_hint":{}}"#, "{"),
        (r#"{"_row":3, "a": 1.0, "\u005fhint":"x", "_rows":[ 2 ]}"#, r#"{"a":1.0,"_rows":[ 2 ],"#),
        (r#"{"a":{"_row":1}}"#, r#"{"a":{"_row":1},"#),
        ("{\n \"a\": {\n \"b\": \"c d\" }\n}", r#"{"a":{"b":"c d"},"#),
    ];
    for (text, own) in table {
        assert_eq!(line(object(text)), format!("{own}{ADDED}\n"), "{text}");
    }
}

#[test]
fn a_line_that_is_no_object_is_kept_as_text() {
    let table: [(&[u8], &str); 3] =
        [(b"{\"a\":", r#"{\"a\":"#), (b"\xff\"", "\u{fffd}\\\""), (b"[1]", "[1]")];
    for (raw, text) in table {
        let content = broken(Raw::Line(raw.into()));
        let line = line(content);
        assert_eq!(line, format!("{{\"_raw\":\"{text}\",{ADDED}\n"));
        // Fed back and failed again, it is the same.
        assert_eq!(self::line(object(line.trim_end())), line);
    }
}

#[test]
fn the_added_keys_are_the_added_columns() {
    let line: serde_json::Map<_, _> = serde_json::from_str(&line(object("{}"))).unwrap();
    assert!(line.keys().eq(ADDED_COLUMNS));
    assert!(ADDED_COLUMNS.iter().all(|name| name.starts_with('_')));
}

#[test]
fn inputs_alike_share_a_file() {
    let fixture = Fixture::new();
    let fed_back: Vec<_> = ["x"].into_iter().chain(ADDED_COLUMNS).collect();
    let sources = [
        csv(&["x"]),
        jsonl(),
        csv(&["x"]),
        csv(&["y"]),
        source("t", Format::Tsv, &["x"]),
        csv(&fed_back),
        jsonl(),
    ];
    let content = |source: &Source| match source.columns.len() {
        0 => object("{}"),
        columns => cells(&vec!["c"; columns]),
    };
    let rows: Vec<_> =
        [6, 5, 4, 2, 1, 0].map(|i| rejected(&sources[i], content(&sources[i]))).into();
    let closed = fixture.record(&sources, &rows);
    // The third layout had no failures.
    let names =
        ["failures-2.jsonl", "failures-4.tsv", "failures.csv", "journal", "lock", "results.jsonl"];
    assert_eq!(fixture.files(), names);
    assert_eq!(fixture.text("failures.csv").lines().count(), 1 + 3);
    assert_eq!(fixture.text("failures-2.jsonl").lines().count(), 2);
    assert_eq!(closed.failures.len(), 3);
}

#[test]
fn a_source_not_announced_gets_a_file() {
    let fixture = Fixture::new();
    fixture.record(&[], &[rejected(&csv(&["x"]), cells(&["1"]))]);
    assert_eq!(fixture.files(), ["failures.csv", "journal", "lock", "results.jsonl"]);
}

/// Some of what gives trouble to files of cells, to spreadsheets and to us, or anything.
fn trouble() -> impl Strategy<Value = String> {
    prop_oneof!["(?s)[,;|\"\t\r\n '+=a;é#\\\\\u{feff}\\[{-]{0,6}", "[^\0]*"]
}

/// What is in a file, by the reader of inputs.
fn read_back(path: &Path) -> (Arc<Source>, Vec<Content>) {
    let request = InputRequest {
        path: path.into(),
        stated: Stated::default(),
        known_as: None,
        promise: None,
    };
    let input = crate::input::open(&[request]).unwrap();
    let source = Arc::clone(&input.sources()[0]);
    (source, input.map(|record| record.unwrap().content).collect())
}

/// The cells of a row without those that were added to it.
fn own(source: &Source, content: &Content) -> Vec<String> {
    let Content::Cells(cells) = content else { panic!("{content:?}") };
    let names = source.columns.iter().zip(cells);
    names
        .filter(|(name, _)| !ADDED_COLUMNS.contains(&name.as_str()))
        .map(|(_, cell)| cell.to_owned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a row holds and its columns are called: what is fed back is the same, once and
    /// again, and the file of the second round is that of the first.
    #[test]
    fn any_cells_come_back(
        (names, rows) in (1_usize..4).prop_flat_map(|width| (
            prop::collection::hash_set(trouble().prop_filter_map("a name", |name| {
                Some(name.trim().to_owned()).filter(|name| !name.is_empty())
            }), width),
            prop::collection::vec(prop::collection::vec(trouble(), width), 1..4),
        )),
        delimiter in prop::sample::select(Delimiter::ALL.to_vec()),
        through_a_pipe: bool,
    ) {
        let names: Vec<_> = names.into_iter().collect();
        let format = delimiter.format();
        let mut source = Arc::new(Source {
            name: "u".to_owned(), format, encoding: Encoding::Utf8, delimiter: Some(delimiter), columns: names.clone(), header_line: 1,
        });
        let mut contents: Vec<_> =
            rows.iter().map(|row| Content::Cells(StringRecord::from(row.as_slice()))).collect();
        let mut texts = Vec::new();
        for _ in 0..3 {
            let fixture = Fixture::new();
            let finished: Vec<_> =
                contents.into_iter().map(|content| rejected(&source, content)).collect();
            fixture.record(&[source], &finished);
            let name = format!("failures.{}", format.extension());
            texts.push(fixture.text(&name));
            let mut path = fixture.folder.path().join(&name);
            if through_a_pipe {
                // Without a name to tell by.
                path = fixture.folder.path().join("kept");
                fs::write(&path, texts.last().unwrap()).unwrap();
            }
            (source, contents) = read_back(&path);
            prop_assert_eq!(source.delimiter, Some(delimiter));
            prop_assert_eq!(&source.columns[..names.len()], &names);
            let read: Vec<_> = contents.iter().map(|content| own(&source, content)).collect();
            prop_assert_eq!(&read, &rows);
        }
        prop_assert!(texts.iter().all(|text| *text == texts[0]));
    }

    /// A row that cannot be read stays one, and does not grow.
    #[test]
    fn broken_cells_stay_broken(
        cells in prop::collection::vec(prop_oneof![
            trouble().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>().prop_filter("no NUL", |b| *b != 0), 0..6),
        ], 1..5),
        delimiter in prop::sample::select(Delimiter::ALL.to_vec()),
    ) {
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let format = delimiter.format();
        let mut source = Arc::new(Source {
            name: "u".to_owned(), format, encoding: Encoding::Utf8, delimiter: Some(delimiter), columns,
            header_line: 1,
        });
        let raw = Raw::Cells(ByteRecord::from(cells.clone()));
        let mut content = broken(raw);
        let mut texts = Vec::new();
        for _ in 0..3 {
            let fixture = Fixture::new();
            fixture.record(&[Arc::clone(&source)], &[rejected(&source, content)]);
            let path = fixture.folder.path().join(format!("failures.{}", format.extension()));
            texts.push(fs::read(&path).unwrap());
            let mut read;
            (source, read) = read_back(&path);
            prop_assert_eq!(read.len(), 1);
            content = read.remove(0);
            let is_broken = matches!(&content, Content::Broken { raw: Raw::Cells(_), .. });
            prop_assert!(is_broken);
        }
        prop_assert!(texts.iter().all(|text| *text == texts[0]));
    }
}

#[test]
fn workbooks_and_arrays_have_failures_of_text() {
    let fixture = Fixture::new();
    let sources = [
        source("u.xlsx", Format::Xlsx, &["phone"]),
        source("u.ods", Format::Ods, &["phone"]),
        csv(&["phone"]),
        source("u.json", Format::Json, &[]),
        jsonl(),
    ];
    let rows: Vec<_> = sources
        .iter()
        .map(|source| {
            if source.format.has_columns() {
                rejected(source, cells(&["+447911123456"]))
            } else {
                rejected(source, object("{\n\"phone\":\"+44\"\n}"))
            }
        })
        .collect();
    fixture.record(&sources, &rows);
    let names = ["failures-2.jsonl", "failures.csv", "journal", "lock", "results.jsonl"];
    assert_eq!(fixture.files(), names);
    let csv = fixture.text("failures.csv");
    let guarded = csv.lines().skip(1).all(|line| line.starts_with("'+447911123456,7,rejected,"));
    assert!(csv.lines().count() == 4 && guarded, "{csv}");
    let jsonl = fixture.text("failures-2.jsonl");
    assert!(
        jsonl.lines().all(|line| line.starts_with("{\"phone\":\"+44\",\"_row\":7,")),
        "{jsonl}"
    );
}
