//! JSONL: positions, bad lines.

use super::*;
use crate::input::rows::KEPT_BYTES;

fn object(text: &str) -> Is {
    Is::Object(text.to_owned())
}

#[test]
fn positions_are_exact() {
    let a = || object("{\"a\":1}");
    let cases: &[(&str, Vec<Placed>)] = &[
        ("", vec![]),
        ("\n \r\n\t", vec![]),
        ("{\"a\":1}\n{\"a\":1}\n", vec![(1, 0, a()), (2, 8, a())]),
        ("{\"a\":1}\r\n{\"a\":1}", vec![(1, 0, a()), (2, 9, a())]),
        ("\n  \n {\"a\":1} \r\n\n{\"a\":1}\n", vec![(3, 5, a()), (5, 16, a())]),
        ("\u{feff}{\"a\":1}\n", vec![(1, 3, a())]),
        ("{}\n", vec![(1, 0, object("{}"))]),
        (
            "{\"a\":{\"b\":1,\"b\":[1e3,null,true,\"\\u00e4\",-1]}}",
            vec![(1, 0, object("{\"a\":{\"b\":1,\"b\":[1e3,null,true,\"\\u00e4\",-1]}}"))],
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(&rows("u.jsonl", bytes), expected, "{bytes:?}");
    }
}

/// A bad line and how what is said of it begins: code, key, message.
const BAD_LINES: &[(&[u8], &str)] = &[
    (b"{\"a\":1", "invalid_json - not valid JSON: EOF while parsing an object at column 6"),
    (b"  {\"a\" 1}", "invalid_json - not valid JSON: expected `:` at column 8"),
    (b"{\"a\":1} {}", "invalid_json - not valid JSON: trailing characters at column 9"),
    (b"{\"a\":NaN}", "invalid_json - not valid JSON: expected value at column 6"),
    (b"{\"a\":1e999}", "invalid_json - not valid JSON: number out of range at column 10"),
    (b"{\"a\":\"\\ud800\"}", "invalid_json - not valid JSON: unexpected end of hex escape"),
    (b"a,b", "invalid_json - not valid JSON: expected value at column 1"),
    (b"[1]", "not_an_object - JSON, but not an object"),
    (b"null", "not_an_object - JSON, but not an object"),
    (b"\"{}\"", "not_an_object - JSON, but not an object"),
    (b"{\"a\":\"\xff\"}", "invalid_utf8 - not valid UTF-8 at column 7"),
    (b"{\"a\":1,\"\\u0061\":2}", "duplicate_key a the key \"a\" appears twice"),
    (b"{\"b\":1,\"a\":2,\"b\":2}", "duplicate_key b the key \"b\" appears twice"),
];

#[track_caller]
fn assert_bad(line: &[u8], expected: &str) {
    let bytes = [line, b"\n{}\n"].concat();
    let rows = rows("u.jsonl", &bytes);
    let Is::Broken(raw, problem) = &rows[0].2 else {
        panic!("not broken: {:?}", rows[0]);
    };
    let column = problem.place.as_deref().unwrap_or("-");
    let said = format!("{} {column} {}", problem.code, problem.message);
    assert!(said.starts_with(expected), "{said}");
    assert!(problem.hint.is_some());
    assert_eq!(raw, &[line.trim_ascii().to_vec()]);
    assert_eq!(rows[1], (2, line.len() as u64 + 1, object("{}")));
}

#[test]
fn reading_goes_on_behind_a_bad_line() {
    for (line, expected) in BAD_LINES {
        assert_bad(line, expected);
    }
}

#[test]
fn deep_nesting_is_a_bad_line() {
    let expected = "invalid_json - not valid JSON: recursion limit exceeded";
    assert_bad(format!("{{\"a\":{}", "[".repeat(20_000)).as_bytes(), expected);
    assert_bad("[".repeat(20_000).as_bytes(), expected);
    assert_bad(format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500)).as_bytes(), expected);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(126), "]".repeat(126));
    assert_eq!(rows("u.jsonl", &deep)[0].2, object(&deep));
    assert!(serde_json::from_str::<serde_json::Value>(&deep).is_ok());
}

#[test]
fn a_line_too_long_is_passed_over() {
    let fits = format!("{{\"a\":\"{}\"}}", "b".repeat(MAX_RECORD_BYTES - 8));
    assert_eq!(fits.len(), MAX_RECORD_BYTES);
    let long = fits.replace('}', " }");
    let bytes = format!("{{}}\n{long}\n{fits}\n{long}");
    for piece in [1000, usize::MAX] {
        let said = read_in("u.jsonl", bytes.as_bytes(), piece).unwrap();
        assert_eq!(said.unreadable, None);
        let lines: Vec<u64> = said.rows.iter().map(|(at, _)| at.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(said.rows[2].0.byte, 3 + long.len() as u64 + 1);
        assert_eq!(said.rows[2].1, object(&fits));
        for row in [1, 3] {
            let Is::Broken(raw, problem) = &said.rows[row].1 else {
                panic!("not broken");
            };
            assert_eq!(problem.code, "record_too_long");
            assert_eq!(raw, &[long.as_bytes()[..KEPT_BYTES].to_vec()]);
        }
    }
}
