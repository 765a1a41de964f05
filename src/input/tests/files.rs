//! Files, their kinds, and several of them.

use std::fs;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;

fn request(path: impl Into<PathBuf>) -> InputRequest {
    InputRequest { path: path.into(), stated: Stated::default(), known_as: None, promise: None }
}

#[track_caller]
fn refusal(requests: &[InputRequest]) -> String {
    match open(requests) {
        Err(exit::Error::Refused(reason)) => reason,
        Err(other) => panic!("not refused: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn the_name_tells_the_format_else_the_content_does() {
    let cases: &[(&str, &str, Format)] = &[
        ("a.csv", "{\"x\"\n", Format::Csv),
        ("a.CSV", "x\n", Format::Csv),
        ("a.tsv", "x\n", Format::Tsv),
        ("a.Tab", "x\n", Format::Tsv),
        ("a.jsonl", "x,y\n", Format::Jsonl),
        ("a.ndjson", "", Format::Jsonl),
        ("a", "\n\r\n {}\n", Format::Jsonl),
        ("a", "\u{feff}\n {}\n", Format::Jsonl),
        ("a.txt", "x\ty\na,b\tc\n", Format::Tsv),
        ("a.txt", "x;y\n", Format::Csv),
        ("a", "[{\"x\":1}]", Format::Json),
        ("a", " \n[\n {}]", Format::Json),
        ("a", "[]", Format::Json),
        ("a.json", "[1]", Format::Json),
        ("a.json", "{}\n{}\n", Format::Jsonl),
        ("a.json", "", Format::Jsonl),
        ("a.jsonl", "[{}]\n", Format::Jsonl),
        ("a.tsv.gz", "x\n", Format::Tsv),
        ("a.jsonl.zst", "x\n", Format::Jsonl),
        ("a", "x,y\n", Format::Csv),
        ("a", "x\n", Format::Csv),
    ];
    for (name, bytes, format) in cases {
        for piece in [1, usize::MAX] {
            let bytes = io::Cursor::new(bytes.as_bytes().to_vec());
            let input = input(name, Trickle { bytes, piece }).unwrap();
            assert_eq!(input.sources()[0].format, *format, "{name}");
        }
    }
}

#[test]
fn what_is_not_text_is_refused_by_name() {
    let cases: &[(&[u8], &str)] = &[
        (b"PK\x03\x04\0\0", "damaged or cut off"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "a zip archive of 0 files"),
        (b"\xd0\xcf\x11\xe0\0", "old Excel"),
        (b"\xd0\xcf\x11\xe0\0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", "password"),
        (b"x\0,\0\n\0", "--encoding utf-16le"),
        (b"\0x\0,\0\n", "--encoding utf-16be"),
        (b"\xff\xfe\0\0x\0\0\0\n\0\0\0", "NUL"),
        (b"{\n  \"names\": []\n}", "spans several lines"),
        (b"{\n  \"data\": []\n}", "jq -c '.data[]'"),
        (b"[1]", "JSON array that is not one of objects"),
        (b"x\0,\0\n", "NUL"),
    ];
    for (bytes, expected) in cases {
        let refusal = read("a", bytes).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(refusal.starts_with("a: "), "{refusal}");
    }
    for (name, expected) in [("a.xlsx", "name of a workbook"), ("a.json", "name of a JSON file")] {
        let refusal = read(name, "x,y\n").unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn what_is_stated_for_no_input_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, jsonl) = (dir.path().join("a.csv"), dir.path().join("b.jsonl"));
    fs::write(&csv, "x\n").unwrap();
    fs::write(&jsonl, "").unwrap();
    let with = |path: &PathBuf, stated: &Stated| InputRequest {
        path: path.clone(),
        stated: stated.clone(),
        known_as: None,
        promise: None,
    };
    let delimiter = Stated { delimiter: Some(Delimiter::Comma), ..Stated::default() };
    let sheet = Stated { sheet: Some("One".to_owned()), ..Stated::default() };
    assert!(refusal(&[with(&csv, &sheet)]).starts_with("--sheet is given, but no input is a"));
    assert!(refusal(&[with(&jsonl, &delimiter)]).starts_with("--delimiter is given, but no"));
    assert!(open(&[with(&jsonl, &delimiter), with(&csv, &delimiter)]).is_ok());
}

#[test]
fn rows_are_counted_over_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b, c) = (dir.path().join("a.csv"), dir.path().join("b"), dir.path().join("c.tsv"));
    fs::write(&a, "x,y\n1,2\n3\n").unwrap();
    fs::write(&b, "{\"x\":4}\n").unwrap();
    fs::write(&c, "x\ty\n5\t6\n").unwrap();
    let input = open(&[request(&a), request(&b), request(&c)]).unwrap();
    assert_eq!(input.total_bytes(), Some(10 + 8 + 8));
    let names: Vec<_> = input.sources().iter().map(|source| source.name.clone()).collect();
    assert_eq!(names, [&a, &b, &c].map(|path| path.display().to_string()));
    let mut input = input;
    let records: Vec<Record> = input.by_ref().map(Result::unwrap).collect();
    assert_eq!(input.bytes_read(), 26);
    let places: Vec<_> = records.iter().map(Record::place).collect();
    assert_eq!(
        places,
        [
            format!("{}:2 (row 1)", a.display()),
            format!("{}:3 (row 2)", a.display()),
            format!("{}:1 (row 3)", b.display()),
            format!("{}:2 (row 4)", c.display()),
        ]
    );
    assert_eq!(records[3].position.byte, 4);
}

#[test]
fn what_cannot_be_opened_is_refused_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("a.csv");
    fs::write(&good, "x\n1\n").unwrap();
    let empty = dir.path().join("empty.csv");
    fs::write(&empty, "").unwrap();
    let again = dir.path().join(".").join("a.csv");
    let cases = [
        (request(dir.path().join("none.csv")), "none.csv: cannot be opened: "),
        (request(dir.path()), "is a directory; name the files in it"),
        (request(&again), "named twice"),
        (request(&empty), "empty.csv:1: there is no header row"),
    ];
    for (bad, expected) in cases {
        let refusal = refusal(&[request(&good), bad]);
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(refusal(&[]).contains("no input"));
    assert!(refusal(&[request("-"), request("-")]).contains("-: named twice"));
}

#[test]
fn a_forced_format_wins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "{}\n").unwrap();
    let stated = Stated { format: Some(Format::Jsonl), ..Stated::default() };
    let input = open(&[InputRequest { path, stated, known_as: None, promise: None }]).unwrap();
    assert_eq!(drain(input).rows[0].1, Is::Object("{}".to_owned()));
}

#[test]
fn hundreds_of_files_are_read_and_a_changed_one_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let requests: Vec<InputRequest> = (0..200)
        .map(|number| {
            let path = dir.path().join(format!("{number}.csv"));
            fs::write(&path, format!("x\n{number}\n")).unwrap();
            request(path)
        })
        .collect();
    let said = drain(open(&requests).unwrap());
    let expected: Vec<Is> = (0..200).map(|n: u8| cells(&[&n.to_string()])).collect();
    assert!(said.rows.iter().map(|(_, is)| is).eq(&expected));
    assert_eq!(said.unreadable, None);

    let input = open(&requests).unwrap();
    fs::write(&requests[100].path, "y\n0\n").unwrap();
    let said = drain(input);
    assert_eq!(said.rows.len(), 100);
    assert!(
        said.unreadable
            .unwrap()
            .contains("100.csv: the file has changed since the run began: its header")
    );

    fs::write(&requests[100].path, "x\n0\n").unwrap();
    let input = open(&requests).unwrap();
    fs::remove_file(&requests[100].path).unwrap();
    assert!(drain(input).unreadable.unwrap().contains("100.csv: cannot be opened: "));
}

#[test]
fn nothing_behind_an_open_quote_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
    fs::write(&a, "x\n\"1\n").unwrap();
    fs::write(&b, "x\n1\n").unwrap();
    let said = drain(open(&[request(&a), request(&b)]).unwrap());
    assert_eq!(said.rows.len(), 1);
    assert!(said.unreadable.unwrap().contains("a.csv:2: "));
}

/// Fails after its bytes.
struct Failing(io::Cursor<&'static [u8]>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the device is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_failing_device_ends_reading() {
    for (name, bytes) in [("a.csv", &b"x\n1\n2"[..]), ("a.jsonl", &b"\n{}\n{"[..])] {
        let said = drain(input(name, Failing(io::Cursor::new(bytes))).unwrap());
        assert_eq!(said.rows.len(), 1);
        let unreadable = said.unreadable.unwrap();
        let expected = format!("{name}:3: cannot be read beyond this point: the device is gone");
        assert!(unreadable.starts_with(&expected), "{unreadable}");
    }
}

/// A pipe: each read waits for the next piece, after asking for it.
struct Pipe {
    asked: SyncSender<()>,
    pieces: Receiver<&'static [u8]>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.asked.send(()).map_err(io::Error::other)?;
        let piece = self.pieces.recv().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

#[test]
fn a_row_is_there_as_soon_as_its_bytes_are() {
    let cases: [(&str, [&[u8]; 3]); 3] = [
        ("a.csv", [b"x\r\n", b"1\r", b"\n2\n"]),
        ("a.csv", [b"x\n", b"1\n", b"2\n3"]),
        ("a.jsonl", [b"{}\n", b"{}\r\n", b"{}\n{"]),
    ];
    for (name, pieces) in cases {
        let (asked, asks) = sync_channel(16);
        let (send, receive) = sync_channel(16);
        send.send(pieces[0]).unwrap();
        let mut input = input(name, Pipe { asked, pieces: receive }).unwrap();
        let mut reads = asks.try_iter().count();
        for (number, piece) in (1..).zip(&pieces[1..]) {
            if name == "a.jsonl" && number == 1 {
                assert!(input.next().is_some());
            }
            send.send(piece).unwrap();
            assert!(input.next().unwrap().is_ok());
            reads += asks.try_iter().count();
            assert_eq!(reads, number + 1, "no read beyond the one that completes the row");
        }
    }
}

#[test]
fn an_input_can_go_to_its_thread() {
    fn sendable<T: Send>() {}
    sendable::<Input>();
    sendable::<Unreadable>();
}
