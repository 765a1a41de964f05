//! Values other than phone numbers.

use proptest::prelude::*;

use super::*;

fn cell(kind: Kind, text: &str) -> Option<String> {
    from_cell(kind, text, CellReading::default()).ok().map(|cleaned| json(&cleaned.value))
}

fn key(kind: Kind, text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).unwrap();
    from_json(kind, raw, CellReading::default()).ok().map(|cleaned| json(&cleaned.value))
}

fn json(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    value.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

/// The value of a text, the repairs and the warning.
fn noticed(kind: Kind, text: &str) -> (String, Vec<&'static str>, Option<String>) {
    let cleaned = from_cell(kind, text, CellReading::default()).unwrap();
    let repairs = cleaned.repairs.iter().map(RepairKind::word).collect();
    (json(&cleaned.value), repairs, cleaned.warning.map(|warning| warning.code.into_owned()))
}

#[test]
fn email_addresses_are_plain_and_have_a_domain() {
    for good in [
        "a@b.co",
        "first.last+tag@mail.example.com",
        "o'neil@example.org",
        "ü@bücher.de",
        "a@1.co",
        "a@b.c1",
    ] {
        assert_eq!(cell(Kind::Email, good), Some(format!("{good:?}")), "{good}");
    }
    for bad in [
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c.de",
        "a@b",
        "A <a@b.com>",
        "a@[127.0.0.1]",
        "a@1.2.3.4",
        "a@b.123",
        "a@b.com,c@d.com",
        "a@b.com;c@d.com",
        "a..b@c.de",
        "a@-b.de",
        "n/a",
        "NULL",
        "-",
        "#N/A",
        "a@b.c\td",
    ] {
        assert_eq!(cell(Kind::Email, bad), None, "{bad}");
    }
}

#[test]
fn booleans_have_the_usual_spellings_in_cells_only() {
    for (text, value) in [
        ("TRUE", "true"),
        ("yes", "true"),
        ("1", "true"),
        ("n", "false"),
        ("on", "true"),
        ("Off", "false"),
        ("\u{a0}y ", "true"),
    ] {
        assert_eq!(cell(Kind::Boolean, text).as_deref(), Some(value), "{text}");
    }
    for bad in ["maybe", "x", "ja", "10", "2"] {
        assert_eq!(cell(Kind::Boolean, bad), None, "{bad}");
    }
    assert_eq!(key(Kind::Boolean, "true").as_deref(), Some("true"));
    assert_eq!(key(Kind::Boolean, "1"), None);
    assert_eq!(key(Kind::Boolean, "\"yes\""), None);
}

#[test]
fn lists_are_split_at_semicolons_or_written_as_json() {
    assert_eq!(cell(Kind::List, "a; b").as_deref(), Some(r#"["a","b"]"#));
    assert_eq!(cell(Kind::List, r#"["a;b"]"#).as_deref(), Some(r#"["a;b"]"#));
    assert_eq!(cell(Kind::List, "[]").as_deref(), Some("[]"));
    assert_eq!(cell(Kind::List, "a;;b"), None);
    assert_eq!(cell(Kind::List, "a;\u{200b};b"), None);
    assert_eq!(cell(Kind::List, "[1]"), None);
    assert_eq!(key(Kind::List, r#""a""#), None);
    let (value, repairs, _) = noticed(Kind::List, "a; \u{200b}b");
    assert_eq!((value.as_str(), &repairs[..]), (r#"["a","b"]"#, &["invisible_removed"][..]));
}

#[test]
fn tenants_are_ids_or_objects() {
    let both = Some(r#"[{"tenantId":"T1"},{"tenantId":"T2"}]"#);
    assert_eq!(cell(Kind::Tenants, "T1;T2").as_deref(), both);
    assert_eq!(cell(Kind::Tenants, r#"["T1","T2"]"#).as_deref(), both);
    assert_eq!(key(Kind::Tenants, r#"["T1","T2"]"#).as_deref(), both);
    assert_eq!(cell(Kind::Tenants, "[]").as_deref(), Some("[]"));
    assert_eq!(cell(Kind::Tenants, "T1;"), None);
    assert_eq!(key(Kind::Tenants, r#"["T1",{"tenantId":"T2"}]"#), None);
    let roles = r#"[{"tenantId":"T","roleNames":["a"]}]"#;
    assert_eq!(key(Kind::Tenants, roles).as_deref(), Some(roles));
    assert_eq!(cell(Kind::Tenants, roles).as_deref(), Some(roles));
    assert_eq!(cell(Kind::Tenants, "{\"tenantId\":\"T\"}"), None);
    assert_eq!(key(Kind::Tenants, "[1]"), None);
}

#[test]
fn any_json_keeps_what_a_number_would_lose() {
    for (text, expected) in [
        ("42", "42"),
        ("4.5", "4.5"),
        ("-1", "-1"),
        ("true", "true"),
        (r#"["a",1]"#, r#"["a",1]"#),
        ("007", "\"007\""),
        ("1e5", "\"1e5\""),
        ("+44", "\"+44\""),
        ("1.50", "\"1.50\""),
        ("99999999999999999", "\"99999999999999999\""),
        ("\"42\"", "\"42\""),
        ("gold", "\"gold\""),
        ("[broken", "\"[broken\""),
        ("True", "\"True\""),
    ] {
        assert_eq!(cell(Kind::Json, text).as_deref(), Some(expected), "{text}");
    }
    assert_eq!(cell(Kind::Json, r#"{"a":null}"#), None);
}

#[test]
fn json_keys_are_taken_by_their_type() {
    assert_eq!(key(Kind::Text, "\"x\"").as_deref(), Some("\"x\""));
    assert_eq!(key(Kind::Text, "14155550123"), None);
    assert_eq!(key(Kind::Text, "\"  \""), None);
    assert_eq!(key(Kind::Text, "\"\u{feff}\""), None);
    assert_eq!(key(Kind::Text, "\"\\ud800\""), None);
    assert_eq!(key(Kind::Phone, "\"\"").as_deref(), Some("\"\""));
    assert_eq!(key(Kind::JsonObject, "{\"a\": 1}").as_deref(), Some("{\"a\": 1}"));
    assert_eq!(key(Kind::JsonObject, "[]"), None);
    assert_eq!(key(Kind::JsonObject, "{\"a\":{\"b\":[null]}}"), None);
    assert_eq!(key(Kind::OneOf(&["enabled"]), "\"Enabled\"").as_deref(), Some("\"enabled\""));
    assert_eq!(key(Kind::Secret, "\" p \"").as_deref(), Some("\" p \""));
}

#[test]
fn an_explicit_nothing_is_recognised() {
    for empty in ["[]", "[ ]", "{}", "\"\""] {
        assert!(Value::Json(empty.into()).is_empty());
    }
    assert!(Value::Text("".into()).is_empty());
    assert!(!Value::Boolean(false).is_empty());
    assert!(!Value::Json("0".into()).is_empty());
    assert!(!Value::Json("[{}]".into()).is_empty());
}

#[test]
fn what_nobody_sees_is_removed_and_told() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let persian = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
    for (text, value, repairs) in [
        ("Ada", "Ada", &[][..]),
        (" Ada\t", "Ada", &["blanks_trimmed"]),
        ("Ada  Byron", "Ada  Byron", &[]),
        ("\u{feff}Ada", "Ada", &["invisible_removed"]),
        ("Ada\u{a0}", "Ada", &["invisible_removed"]),
        (" \u{200b}Ada ", "Ada", &["blanks_trimmed", "invisible_removed"]),
        ("A\u{200b}da\u{ad}", "Ada", &["invisible_removed"]),
        ("\u{202a}Ada\u{202c}", "Ada", &["invisible_removed"]),
        ("A\u{a0}B", "A\u{a0}B", &[]),
        ("B\r\nB", "B\r\nB", &[]),
        (family, family, &[]),
        ("Ada\u{200d}", "Ada", &["invisible_removed"]),
        (persian, persian, &[]),
    ] {
        let (sent, told, _) = noticed(Kind::Text, text);
        assert_eq!(sent, serde_json::to_string(value).unwrap(), "{text:?}");
        assert_eq!(told, repairs, "{text:?}");
    }
    assert_eq!(noticed(Kind::Email, "a@b\u{200b}.com ").0, "\"a@b.com\"");
    assert_eq!(noticed(Kind::Secret, " p\u{200b} ").1, [""; 0]);
    for control in ["A\u{0}", "A\u{7}b", "A\u{7f}", "A\u{85}b"] {
        assert_eq!(cell(Kind::Text, control), None, "{control:?}");
    }
}

#[test]
fn placeholders_are_told_in_texts_and_are_not_blank() {
    for word in ["N/A", "null", "None", "#REF!", "NaN", "undefined"] {
        assert_eq!(noticed(Kind::Text, word).2.as_deref(), Some("placeholder_value"), "{word}");
        assert!(!is_blank(word));
    }
    assert_eq!(noticed(Kind::Json, "null").2.as_deref(), Some("placeholder_value"));
    for word in ["Nana", "-", "none of it", ""] {
        let cleaned = from_cell(Kind::Text, word, CellReading::default());
        assert!(cleaned.is_ok_and(|cleaned| cleaned.warning.is_none()) || word.is_empty());
    }
    for kind in [Kind::Phone, Kind::Email] {
        for word in ["N/A", "-", "?", "--", "#N/A", "nan"] {
            let hint = from_cell(kind, word, CellReading::default()).unwrap_err().hint.unwrap();
            assert!(
                hint.contains("--blank") && hint.contains("--ignore"),
                "{kind:?} {word}: {hint}"
            );
        }
    }
}

#[test]
fn a_blank_is_what_shows_nothing() {
    for blank in ["", " ", "\t", "\u{a0}", "\u{200b}\u{feff}", " \u{2003}"] {
        assert!(is_blank(blank), "{blank:?}");
    }
    for shown in ["-", " a", "\u{200b}x", "\u{2764}\u{fe0f}"] {
        assert!(!is_blank(shown), "{shown:?}");
    }
}

proptest! {
    #[test]
    fn a_cleaned_text_is_clean(text in "[ a\u{200b}\u{200d}\u{a0}\u{202e}é\u{1f468}\t]{0,12}") {
        if let Ok(cleaned) = from_cell(Kind::Text, &text, CellReading::default()) {
            let Value::Text(value) = cleaned.value else { panic!("no text") };
            let again = from_cell(Kind::Text, &value, CellReading::default()).unwrap();
            prop_assert_eq!(&again.value, &Value::Text(value.clone()));
            prop_assert!(again.repairs.is_empty(), "{:?}", again.repairs);
            prop_assert_eq!(cleaned.repairs.is_empty(), value == text);
        }
    }
}

/// The type that a column of these cells has.
fn column(cells: &[&str]) -> AttributeType {
    let mut counts = TypeCounts::default();
    for cell in cells {
        counts.count(cell);
    }
    counts.shown()
}

#[test]
fn a_column_of_an_attribute_has_the_type_of_all_its_cells() {
    for (cells, expected) in [
        (&["TRUE", "false", "False"][..], AttributeType::Boolean),
        (&["12.50", "7", "-7.0", "0"], AttributeType::Number),
        (&["02139", "10001"], AttributeType::Text),
        (&["9007199254740993", "12"], AttributeType::Text),
        (&["gold", "1e5x", "+44"], AttributeType::Text),
        (&["[1]", "{\"a\":1}"], AttributeType::AsWritten),
        (&[], AttributeType::AsWritten),
        (&["true", "1"], AttributeType::Mixed),
        (&["7", "n/a"], AttributeType::Mixed),
        (&["true", "yes"], AttributeType::Mixed),
        (&["5551234", "1E5", "0042"], AttributeType::Mixed),
        (&["[1]", "x"], AttributeType::Mixed),
        (&["007", "gold"], AttributeType::Mixed),
    ] {
        assert_eq!(column(cells), expected, "{cells:?}");
    }
}

#[test]
fn an_attribute_of_a_type_is_read_as_one() {
    for (wanted, text, expected) in [
        (AttributeType::Boolean, "TRUE", Some("true")),
        (AttributeType::Boolean, "No", Some("false")),
        (AttributeType::Boolean, "maybe", None),
        (AttributeType::Number, "12.50", Some("12.5")),
        (AttributeType::Number, "7.0", Some("7")),
        (AttributeType::Number, "-0.10", Some("-0.1")),
        (AttributeType::Number, "100", Some("100")),
        (AttributeType::Number, "1,5", None),
        (AttributeType::Number, "007", None),
        (AttributeType::Number, "1234567890123456", None),
        (AttributeType::Text, "12.50", Some("\"12.50\"")),
        (AttributeType::Text, "true", Some("\"true\"")),
        (AttributeType::Text, "[1]", Some("\"[1]\"")),
        (AttributeType::Text, "\"007\"", Some("\"007\"")),
        (AttributeType::Text, "\"half", Some("\"\\\"half\"")),
        (AttributeType::SingleSelect, "\"true\"", Some("\"true\"")),
        (AttributeType::Date, "\"2026-05-31\"", Some("\"2026-05-31\"")),
        (AttributeType::Date, "\"2026-05-32\"", None),
        (AttributeType::MultiSelect, "a; b", Some("[\"a\",\"b\"]")),
        (AttributeType::MultiSelect, "[]", Some("[]")),
        (AttributeType::MultiSelect, "[1]", None),
        (AttributeType::Json, "[1]", Some("[1]")),
        (AttributeType::Json, "x", None),
        (AttributeType::Json, "[null]", None),
        (AttributeType::AsWritten, "12.50", Some("\"12.50\"")),
    ] {
        let reading = CellReading { attribute: wanted, ..CellReading::default() };
        let read = from_cell(Kind::Json, text, reading);
        let value = read.ok().map(|cleaned| json(&cleaned.value));
        assert_eq!(value.as_deref(), expected, "{wanted:?} {text}");
    }
}
