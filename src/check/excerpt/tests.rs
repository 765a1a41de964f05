//! Excerpts point at the value, whatever stands around it.

use std::sync::Arc;

use csv::StringRecord;

use super::*;
use crate::input::record::{Delimiter, Encoding, Format, Position, Source};
use crate::issue::Issue;

fn record(columns: &[&str], content: Content) -> Record {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let source = Source {
        name: "u.csv".to_owned(),
        format: Format::Csv,
        delimiter: Some(Delimiter::Comma),
        header_line: 1,
        encoding: Encoding::Utf8,
        columns,
    };
    Record { source: Arc::new(source), position: Position { row: 1, line: 2, byte: 0 }, content }
}

fn marked(record: &Record, column: &str) -> (String, String, Option<String>) {
    let is_secret = |name: &str| name == "password";
    let (excerpt, value) = excerpt(record, Some(column), &is_secret);
    let excerpt = excerpt.unwrap();
    let marked = excerpt.text[excerpt.span].to_owned();
    (excerpt.text, marked, value)
}

#[test]
fn a_cell_is_marked_in_its_line() {
    let cells = StringRecord::from(vec!["a@x.com", "say \"hi\", you", "", "end\nline"]);
    let record = record(&["loginId", "name", "phone", "note"], Content::Cells(cells));
    let (line, name, value) = marked(&record, "name");
    assert_eq!(line, "a@x.com,\"say \"\"hi\"\", you\",,\"end⏎line\"");
    assert_eq!((name.as_str(), value.as_deref()), ("\"say \"\"hi\"\", you\"", Some(name.as_str())));
    assert_eq!(marked(&record, "phone").1, "");
    assert_eq!(marked(&record, "note").1, "\"end⏎line\"");
    assert_eq!(marked(&record, "no such").1, line, "all of it");
}

#[test]
fn a_key_is_marked_in_its_object() {
    let text = r#"{"loginId": "é", "a" : [1, {"b":2}], "password":"hunter2", "z":null}"#;
    let record = record(&[], Content::Object(text.into()));
    let (line, a, _) = marked(&record, "a");
    assert_eq!(a, "[1, {\"b\":2}]");
    assert_eq!(line, text.replace("\"hunter2\"", "***"));
    assert_eq!(marked(&record, "z").1, "null");
}

#[test]
fn secrets_are_never_shown() {
    let cells = StringRecord::from(vec!["a", "hunter2"]);
    let record = record(&["loginId", "password"], Content::Cells(cells));
    let (line, password, value) = marked(&record, "password");
    assert_eq!((line.as_str(), password.as_str(), value), ("a,***", "***", None));
    let problem = Issue::error("wrong_field_count", "one cell");
    let raw = Raw::Line(b"a,hunter2,c".as_slice().into());
    let broken = Record { content: Content::Broken { raw, issue: Box::new(problem) }, ..record };
    assert_eq!(excerpt(&broken, None, &|name| name == "password"), (None, None));
}

#[test]
fn a_broken_line_that_names_a_secret_is_not_shown() {
    let problem = || Issue::error("invalid_json", "bad");
    let shown = |line: &str| {
        let raw = Raw::Line(line.as_bytes().into());
        let broken = record(&[], Content::Broken { raw, issue: Box::new(problem()) });
        excerpt(&broken, None, &|name| name == "password").0.is_some()
    };
    assert!(!shown(r#"{"loginId":"u","password":"a","password":"b"}"#));
    assert!(!shown(r#"{"password":5SECRET}"#));
    assert!(!shown("{password: x"));
    assert!(shown(r#"{"loginId":"u",}"#));
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let long = "x".repeat(5000);
    let cells = StringRecord::from(vec![long.as_str(), "here", long.as_str()]);
    let record = record(&["a", "b", "c"], Content::Cells(cells));
    let (line, here, value) = marked(&record, "b");
    assert_eq!((here.as_str(), value.as_deref()), ("here", Some("here")));
    assert!(line.chars().count() < 200, "{line}");
    let (line, shown, value) = marked(&record, "a");
    assert!(line.chars().count() < 250 && shown.ends_with('…'), "{line}");
    assert_eq!(value.unwrap().chars().count(), VALUE + 1);
}
