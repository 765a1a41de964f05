//! CSV and TSV: positions, bad rows, quotes, headers.

use super::*;
use crate::input::rows::KEPT_BYTES;

#[test]
fn positions_are_exact_whatever_ends_the_lines() {
    let ab = || cells(&["a", "b"]);
    let cases: &[(&str, Vec<Placed>)] = &[
        ("x,y\na,b\na,b\n", vec![(2, 4, ab()), (3, 8, ab())]),
        ("x,y\r\na,b\r\na,b\r\n", vec![(2, 5, ab()), (3, 10, ab())]),
        ("x,y\ra,b\ra,b\r", vec![(2, 4, ab()), (3, 8, ab())]),
        ("x,y\na,b\na,b", vec![(2, 4, ab()), (3, 8, ab())]),
        ("x,y\n\n\na,b\n\r\n\ra,b\n\n", vec![(4, 6, ab()), (7, 13, ab())]),
        ("\n\r\nx,y\r\n\r\na,b", vec![(5, 10, ab())]),
        ("\u{feff}x,y\na,b", vec![(2, 7, ab())]),
        ("\u{feff}\r\nx,y\na,b", vec![(3, 9, ab())]),
        ("sep=,\r\nx,y\r\na,b", vec![(3, 12, ab())]),
        ("\"SEP=,\"\nx,y\na,b", vec![(3, 12, ab())]),
        ("x,y\n\t\na,b", vec![(3, 6, ab())]),
        ("  \nx,y\n   \na,b\n ", vec![(4, 11, ab())]),
        ("x,y\n,\n , \t\na,b\n", vec![(4, 11, ab())]),
        ("x\n\"\"\n \n", vec![]),
        ("x,y\na,b\nx , y\na,b\n", vec![(2, 4, ab()), (4, 14, ab())]),
        ("x,y\na,b,,\n,,,\na,b, \n", vec![(2, 4, ab()), (4, 14, ab())]),
        ("x,y,\na,b,\n", vec![(2, 5, cells(&["a", "b", ""]))]),
        ("x,y\n", vec![]),
        ("x,y", vec![]),
        (
            "x,y\n\"a\nb\r\nc\",\"d\re\"\r\na,b\n",
            vec![(2, 4, cells(&["a\nb\r\nc", "d\re"])), (6, 20, ab())],
        ),
        ("x,y\n\"a\"\"\n\",\"\"\"\"\na,b\n", vec![(2, 4, cells(&["a\"\n", "\""])), (4, 16, ab())]),
        ("x,y\n5\" pipe,b\n", vec![(2, 4, cells(&["5\" pipe", "b"]))]),
        ("x,y\na\0,b\n", vec![(2, 4, cells(&["a\0", "b"]))]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(&rows("u.csv", bytes), expected, "{bytes:?}");
    }
}

#[test]
fn tabs_separate_in_tsv() {
    assert_eq!(rows("u.tsv", "x\ty\na,1\t\"b\t2\"\n\t\n"), vec![(2, 4, cells(&["a,1", "b\t2"]))]);
    assert_eq!(rows("u.tsv", "sep=\t\nx\ty\na\tb\n")[0].0, 3);
}

#[test]
fn header_names_are_trimmed() {
    let bytes = io::Cursor::new(" loginId ,\" display name\"\n".to_owned());
    let input = input("u.csv", bytes).unwrap();
    assert_eq!(input.sources()[0].columns, ["loginId", "display name"]);
}

#[test]
fn one_byte_order_mark_is_skipped_and_no_more() {
    let bytes = io::Cursor::new("\u{feff}\u{feff}x,y\n".to_owned());
    let input = input("u.csv", bytes).unwrap();
    assert_eq!(input.sources()[0].columns, ["\u{feff}x", "y"]);
}

/// The code, column and message of a row that cannot be read, and its raw cells.
#[track_caller]
fn broken(is: &Is) -> (String, &[Vec<u8>]) {
    let Is::Broken(raw, problem) = is else {
        panic!("not broken: {is:?}");
    };
    assert!(problem.hint.is_some());
    let column = problem.place.as_deref().unwrap_or("-");
    (format!("{} {column} {}", problem.code, problem.message), raw)
}

/// A bad row below the header `x,y`, what is said of it, and the number of its cells.
const BAD_ROWS: &[(&[u8], &str, usize)] = &[
    (b"1", "wrong_field_count - the row has 1 cell, but the header has 2", 1),
    (b"1,2,3", "wrong_field_count - the row has 3 cells, but the header has 2", 3),
    (
        b"1,\"2\n3\r\n4\",5",
        "wrong_field_count - the row has 3 cells (lines 2 to 4), but the header has 2",
        3,
    ),
    (b"1,ab\xff", "invalid_utf8 y the cell of \"y\" is not UTF-8 at its byte 3", 2),
    (b"\xe4,2", "invalid_utf8 x the cell of \"x\" is not UTF-8 at its byte 1", 2),
    (b"1,\"2\n3,\"4\"", "stray_quote - a quote closes in the middle of a cell on line 3", 2),
    (b"\"1\" ,2", "stray_quote - a quote closes in the middle of a cell on line 2", 2),
    (b"\"1\"\"\"\"2\"3,2", "stray_quote - a quote closes in the middle of a cell on line 2", 2),
];

#[test]
fn reading_goes_on_behind_a_bad_row() {
    for (row, expected, count) in BAD_ROWS {
        let bytes = [b"x,y\n", *row, b"\na,b\n"].concat();
        let rows = rows("u.csv", &bytes);
        let (said, raw) = broken(&rows[0].2);
        assert_eq!((&*said, raw.len()), (*expected, *count));
        assert_eq!((rows[0].0, rows[0].1), (2, 4));
        assert_eq!(rows[1].1, 5 + row.len() as u64);
        assert_eq!(rows[1].2, cells(&["a", "b"]));
        assert_eq!(rows.len(), 2);
    }
}

/// Reads bytes whose second row, from line 3 and byte 8, is where reading ends.
#[track_caller]
fn lost(bytes: &str, pieces: &[usize]) -> (String, Vec<u8>, String) {
    let said = read_in("u.csv", bytes.as_bytes(), usize::MAX).unwrap();
    for piece in pieces {
        assert_eq!(read_in("u.csv", bytes.as_bytes(), *piece).as_ref(), Ok(&said));
    }
    assert_eq!(said.rows.len(), 2, "the row before and the bad one");
    let (position, is) = &said.rows[1];
    assert_eq!((position.line, position.byte), (3, 8));
    let (message, raw) = broken(is);
    (message, raw.concat(), said.unreadable.expect("reading ends"))
}

#[test]
fn a_quote_open_at_the_end_ends_reading() {
    let cases = [
        ("c,\"d", 3, "c,\"d"),
        ("\"c\nd\",\"e\nf\n", 4, "\"c"),
        ("\"", 3, "\""),
        ("\"c\"\"\n", 3, "\"c\"\""),
        ("\"c\r\n\"\"\r\n", 3, "\"c"),
        ("\"c\"d,\"e\n", 3, "\"c\"d,\"e"),
    ];
    for (row, line, first) in cases {
        let (message, raw, unreadable) = lost(&format!("x,y\na,b\n{row}"), &[1, 2, 7]);
        assert_eq!(
            message,
            format!(
                "unterminated_quote - the quote opened on line {line} is not closed before the \
                 end of the file"
            )
        );
        assert_eq!(raw, first.as_bytes());
        assert!(unreadable.starts_with(&format!("u.csv:{line}: the quote")), "{unreadable}");
    }
}

#[test]
fn a_row_beyond_the_bounds_ends_reading() {
    let wide = "d".repeat(MAX_RECORD_BYTES);
    let open = "unterminated_quote - the quote opened on line 3 is not closed within 1,000 lines \
                or 1 MiB";
    let long = "record_too_long - the row is longer than 1 MiB";
    let cases = [
        (format!("c,\"{}", "d\n".repeat(2000)), open),
        (format!("c,\"{}\"\nd,e\n", "d\r\n".repeat(1000)), open),
        (format!("c,\"{wide}\"\nd,e\n"), open),
        (format!("{wide},c\nd,e\n"), long),
        (format!("\"c\",{wide}"), long),
    ];
    for (row, expected) in cases {
        let (message, raw, unreadable) = lost(&format!("x,y\na,b\n{row}"), &[999, 70_000]);
        assert_eq!(message, expected);
        let first = row.lines().next().unwrap_or_default();
        assert_eq!(raw, first.as_bytes()[..first.len().min(KEPT_BYTES)]);
        assert!(unreadable.starts_with("u.csv:3: the "), "{unreadable}");
    }
}

#[test]
fn rows_up_to_the_bounds_are_read() {
    let lines = format!("x,y\na,\"{}\"\nc,d", "\n".repeat(999));
    assert_eq!(rows("u.csv", lines)[1], (1002, 1008, cells(&["c", "d"])));
    let wide = format!("x,y\na,{}\r\nc,d", "b".repeat(MAX_RECORD_BYTES - 2));
    let said = read_in("u.csv", wide.as_bytes(), 5000).unwrap();
    assert_eq!(said.unreadable, None);
    assert_eq!(said.rows[1].0.line, 3);
    let cells = format!("x\n{}a\n", ",".repeat(200_000));
    let (_, is) = read_in("u.csv", cells.as_bytes(), usize::MAX).unwrap().rows.remove(0);
    assert_eq!(broken(&is).1.len(), 200_001);
}

#[test]
fn headers_that_say_nothing_are_refused() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "u.csv:1: there is no header row"),
        (b"\n\r\n", "u.csv:3: there is no header row"),
        (b"x,y;z\n", "u.csv: the header holds more than one delimiter (comma, semicolon); say"),
        (
            b"\"x;y\"\n",
            "u.csv:1: the header is one column, \"x;y\": are its cells separated by ';'?",
        ),
        (
            b"x,\"y\na,b\n",
            "u.csv:1: the header row cannot be read: the quote opened on line 1 is not closed",
        ),
        (b"x,\xff\n", "u.csv:1: the header row cannot be read: cell 2 is not UTF-8 at its byte 1"),
    ];
    for (bytes, expected) in cases {
        let refusal = read("u.csv", bytes).unwrap_err();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let refusal = read("u.tsv", "x,y\n").unwrap_err();
    assert!(refusal.contains("are its cells separated by ','? '\\t' is read"), "{refusal}");
    let refusal = read("u.tsv", "sep=;\nx;y\n").unwrap_err();
    assert!(refusal.starts_with("u.tsv:1: the first line asks for ';'"), "{refusal}");
    let many = (0..16_385).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let refusal = read_in("u.csv", many.as_bytes(), 5000).unwrap_err();
    assert!(refusal.contains("has 16385 columns, more than the 16384"), "{refusal}");
    let blank = read_in("u.csv", ",".repeat(1_000_000).as_bytes(), usize::MAX).unwrap_err();
    assert!(blank.contains("there is no header row"), "{blank}");
}

#[test]
fn the_delimiter_is_the_one_that_stands_in_the_header() {
    let table: &[(&str, &str, Delimiter, &[&str])] = &[
        ("u.csv", "x;y\n1,2;3\n", Delimiter::Semicolon, &["1,2", "3"]),
        ("u.csv", "x|y\n1|2\n", Delimiter::Bar, &["1", "2"]),
        ("u.csv", "x\ty\n1\t2\n", Delimiter::Tab, &["1", "2"]),
        ("u", "\n \nx;y\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u.csv", "\"a,b|c\";\"d\te\"\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u.csv", "\"a\nb,c\";d\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u.csv", "\"a\"\",\";d\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u.csv", "sep=;\nx,y;z\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u", "sep=|\r\nx;a|y\r\n1|2\r\n", Delimiter::Bar, &["1", "2"]),
        ("u.csv", "\u{feff}sep=;\nx;y\n1;2\n", Delimiter::Semicolon, &["1", "2"]),
        ("u.csv", "x\n1;2\n", Delimiter::Comma, &["1;2"]),
    ];
    for (name, bytes, delimiter, row) in table {
        assert_eq!(rows(name, bytes)[0].2, cells(row), "{bytes:?}");
        let input = input(name, io::Cursor::new(bytes.to_string())).unwrap();
        assert_eq!(input.sources()[0].delimiter, Some(*delimiter), "{bytes:?}");
        assert_eq!(input.sources()[0].format, delimiter.format());
    }
}

#[test]
fn a_delimiter_that_is_stated_is_not_doubted() {
    let stated = Stated { delimiter: Some(Delimiter::Comma), ..Stated::default() };
    for (name, bytes, columns) in [
        ("u.csv", "x;a,y|b\n1,2\n", &["x;a", "y|b"][..]),
        ("u.csv", "x;a\n1\n", &["x;a"]),
        ("u.tsv", "x,y\n1,2\n", &["x", "y"]),
    ] {
        let input = input_of(name, stated.clone(), io::Cursor::new(bytes)).unwrap();
        assert_eq!(input.sources()[0].columns, columns);
        assert_eq!(input.sources()[0].format, Format::Csv);
    }
    let other = input_of("u.csv", stated, io::Cursor::new("sep=;\nx;y\n"));
    assert!(other.err().unwrap().contains("the first line asks for ';'"));
}

#[test]
fn guards_are_taken_off_in_files_of_ours_only() {
    let ours = "'+x,y,_row,_status,_error,_message,_hint\n'+44,''=,,,,,\n'-1,'a,,,,\n";
    let said = rows("failures.csv", ours);
    assert_eq!(said[0].2, cells(&["+44", "'=", "", "", "", "", ""]));
    let Is::Broken(raw, _) = &said[1].2 else { panic!("{:?}", said[1]) };
    assert_eq!(raw[..2], [b"-1".to_vec(), b"'a".to_vec()]);
    let input = input("failures.csv", io::Cursor::new(ours)).unwrap();
    assert_eq!(input.sources()[0].columns[0], "+x");
    // One of our columns is enough: people remove the wide ones.
    assert_eq!(rows("u.csv", "x,_row\n'+44,7\n")[0].2, cells(&["+44", "7"]));
    assert_eq!(rows("u.csv", "x,row\n'+44,7\n")[0].2, cells(&["'+44", "7"]));
}
