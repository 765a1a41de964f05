//! A JSON array: positions, bad elements, where it ends.

use super::*;
use crate::input::rows::KEPT_BYTES;

fn object(text: &str) -> Is {
    Is::Object(text.to_owned())
}

#[test]
fn elements_have_their_positions() {
    let a = || object("{\"a\":1}");
    let cases: &[(&str, Vec<Placed>)] = &[
        ("[]", vec![]),
        ("\u{feff} \n[ \r\n ]\n", vec![]),
        ("[{\"a\":1}]", vec![(1, 1, a())]),
        ("[{\"a\":1},{\"a\":1}]\n", vec![(1, 1, a()), (1, 9, a())]),
        ("[\n  {\"a\":1} ,\r\n\r\n  {\"a\":1}\n]", vec![(2, 4, a()), (4, 19, a())]),
        ("[{\n\"a\":[1,\n2]},{\"a\":1}]", vec![(1, 1, object("{\n\"a\":[1,\n2]}")), (3, 15, a())]),
        (
            "[{\"a\":\"]},{\\\"[\\\\\"},{\"a\":1}]",
            vec![(1, 1, object("{\"a\":\"]},{\\\"[\\\\\"}")), (1, 19, a())],
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(&rows("u.json", bytes), expected, "{bytes:?}");
    }
}

#[test]
fn reading_goes_on_behind_a_bad_element() {
    let table: &[(&[u8], &str)] = &[
        (b"1", "not_an_object - JSON, but not an object"),
        (b"[1,{}]", "not_an_object - JSON, but not an object"),
        (b"\"a,b\"", "not_an_object - JSON, but not an object"),
        (b"{\"a\" 1}", "invalid_json - not valid JSON: expected `:` at line 2"),
        (b"{\"a\":\n\n1 2}", "invalid_json - not valid JSON: expected `,` or `}` at line 4"),
        (b"{} {}", "invalid_json - not valid JSON: trailing characters at line 2"),
        (b"nul", "invalid_json - not valid JSON: EOF"),
        (b"{\"a\":\n\"\xff\"}", "invalid_utf8 - not valid UTF-8 at line 3"),
        (b"{\"a\":1,\"a\":2}", "duplicate_key a the key \"a\" appears twice"),
    ];
    for (element, expected) in table {
        let bytes = [b"[{},\n", *element, b" , {}]"].concat();
        let rows = rows("u.json", &bytes);
        let Is::Broken(raw, problem) = &rows[1].2 else { panic!("not broken: {:?}", rows[1]) };
        let column = problem.place.as_deref().unwrap_or("-");
        let said = format!("{} {column} {}", problem.code, problem.message);
        assert!(said.starts_with(expected), "{said}");
        assert!(problem.hint.is_some());
        assert_eq!(raw, &[element.to_vec()]);
        assert_eq!((rows.len(), &rows[2].2), (3, &object("{}")));
    }
}

#[test]
fn a_broken_array_ends_reading_and_keeps_what_is_before() {
    // Behind a good element; how many bad rows come of it; the line; what is said.
    let table = [
        ("", 0, 1, "the file ends within the array"),
        (",", 0, 1, "the file ends within the array"),
        (",]", 0, 1, "a comma is not followed by an element"),
        (",,{}]", 0, 1, "a comma is not followed by an element"),
        ("] {}", 0, 1, "there is more text after the end of the array"),
        ("]]", 0, 1, "there is more text after the end of the array"),
        (",{} ", 0, 1, "the file ends within the array"),
        (",\n{\"a\":1", 1, 2, "the file ends within an element"),
        (",{\"a\":\"b},\n{}]", 1, 1, "a string is not closed on its line"),
        (",{\"a\":1],{}]", 1, 1, "a closing bracket has no opening bracket"),
        (",}", 1, 1, "a closing bracket has no opening bracket"),
    ];
    for (rest, bad, line, expected) in table {
        let said = read("u.json", format!("[{{}}{rest}")).unwrap();
        let broken = said.rows.iter().filter(|(_, is)| matches!(is, Is::Broken(..))).count();
        assert_eq!(
            (said.rows.len() - usize::from(rest == ",{} "), broken),
            (1 + bad, bad),
            "{rest:?}"
        );
        let unreadable = said.unreadable.unwrap();
        assert!(unreadable.starts_with(&format!("u.json:{line}: {expected}")), "{unreadable}");
    }
    let stated = Stated { format: Some(Format::Json), ..Stated::default() };
    let said = drain(input_of("u", stated, io::Cursor::new("{}")).unwrap());
    assert!(said.unreadable.unwrap().contains("is not a JSON array"));
    let deep = format!("[{{}},{}", "[".repeat(5000));
    assert!(read("u.json", deep).unwrap().unreadable.unwrap().contains("too deep"));
}

#[test]
fn an_element_too_long_is_passed_over() {
    let fits = format!("{{\"a\":\"{}\"}}", "b".repeat(MAX_RECORD_BYTES - 8));
    let long = fits.replace("\"a\"", "\"a,]\"");
    let bytes = format!("[{long},\n{fits},{long}]");
    for piece in [1000, usize::MAX] {
        let said = read_in("u.json", bytes.as_bytes(), piece).unwrap();
        assert_eq!(said.unreadable, None);
        assert_eq!(said.rows[1].1, object(&fits));
        for row in [0, 2] {
            let Is::Broken(raw, problem) = &said.rows[row].1 else { panic!("not broken") };
            assert_eq!(problem.code, "record_too_long");
            assert_eq!(raw, &[long.as_bytes()[..KEPT_BYTES].to_vec()]);
        }
    }
    let cut = format!("[{}", &long[..long.len() - 1]);
    let said = read_in("u.json", cut.as_bytes(), 5000).unwrap();
    assert_eq!(said.rows.len(), 1);
    assert!(said.unreadable.unwrap().contains("ends within an element"));
}
