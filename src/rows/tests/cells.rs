//! Regions, custom attributes in columns of their own, blanks by field, and what is noted.

use proptest::prelude::*;

use super::*;
use crate::catalog::Kind;

const BCRYPT: &str = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

fn built(mapping: &Mapping, columns: &[&str], cells: &[&str]) -> Result<Instruction, Box<Invalid>> {
    let source = csv_source(columns);
    let mut builder = Builder::new(mapping.clone(), &[Arc::clone(&source)]).unwrap();
    builder.build(record(&source, Content::Cells(StringRecord::from(cells))))
}

#[test]
fn a_phone_number_is_completed_by_the_region_of_its_row_or_of_all_rows() {
    let columns = ["loginId", "phone", "verified", "region"];
    let gb = Mapping { region: Some("GB".parse().unwrap()), ..Mapping::default() };
    let sent = |number: &str| {
        ok(&format!(
            r#"{{"loginId":"a","phone":"{number}","verified":true,"failOnConflict":true}}"#
        ))
    };
    let british = "020 7946 0018";
    assert_eq!(row(&gb, &columns, &["a", british, "1", ""]), sent("+442079460018"));
    assert_eq!(row(&gb, &columns, &["a", "06 12345678", "1", "nl"]), sent("+31612345678"));
    assert_eq!(row(&gb, &columns[..3], &["a", british, "1"]), sent("+442079460018"));
    let none = Mapping::default();
    assert_eq!(row(&none, &columns, &["a", british, "1", "GB"]), sent("+442079460018"));
    assert_eq!(row(&none, &columns, &["a", british, "1", " "]), problem("bad_value"));
    // A region that there is not is no region for all rows instead.
    assert_eq!(row(&gb, &columns, &["a", british, "1", "England"]), problem("unknown_region"));
    assert_eq!(row(&gb, &columns, &["a", "+442079460018", "1", "England"]), sent("+442079460018"));
    let map = Mapping { map: vec![("Country".into(), "region".into())], ..Mapping::default() };
    let mapped = ["loginId", "phone", "verified", "Country"];
    assert_eq!(row(&map, &mapped, &["a", british, "1", "GB"]), sent("+442079460018"));
    assert_eq!(
        json(&none, r#"{"loginId":"a","phone":"020 7946 0018","verified":true,"region":"gb"}"#),
        sent("+442079460018")
    );
    let ignore = Mapping { ignore: vec!["region".into()], ..gb };
    assert_eq!(row(&ignore, &columns, &["a", british, "1", "US"]), sent("+442079460018"));
    // The login ID stays as it is, whatever it looks like.
    let login = row(&none, &columns[..3], &["+44 20 7946 0018", "+442079460018", "1"]).unwrap();
    assert!(login.starts_with(r#"{"loginId":"+44 20 7946 0018""#), "{login}");
}

#[test]
fn a_region_without_a_phone_number_is_a_column_that_nobody_asked_for() {
    let none = Mapping::default();
    for columns in
        [&["loginId", "name", "region"][..], &["loginId", "customAttributes.a", "Region"]]
    {
        let refused = row(&none, columns, &["a", "b", "c"]).unwrap_err();
        assert!(refused.contains("--ignore"), "{refused}");
    }
    let refused = row(
        &Mapping { map: vec![("Country".into(), "region".into())], ..mapping("phone") },
        &["loginId", "phone", "verified", "region", "Country"],
        &["a", "b", "1", "GB", "GB"],
    );
    assert!(refused.unwrap_err().contains("both set the region"));
    // Rows that name their own operation may mix.
    let columns = ["operation", "loginId", "phone", "verified", "name", "region"];
    assert!(row(&none, &columns, &["name", "a", "", "", "A", "GB"]).is_ok());
}

#[test]
fn custom_attributes_have_columns_of_their_own() {
    let none = Mapping { batching: Batching::All, ..Mapping::default() };
    assert_eq!(
        row(&none, &["loginId", "customAttributes.Tier"], &["a", "gold"]),
        ok(r#"{"loginId":"a","attributeKey":"Tier","attributeValue":"gold"}"#)
    );
    assert_eq!(
        row(
            &none,
            &["loginId", "custom_attributes.tier", "customAttributes.age"],
            &["a", "x", "7"]
        ),
        ok(r#"{"loginId":"a","customAttributes":{"tier":"x","age":7}}"#)
    );
    assert_eq!(
        row(&none, &["loginId", "name", "customAttributes.a b.c"], &["a", "A", "007"]),
        ok(r#"{"loginId":"a","name":"A","customAttributes":{"a b.c":"007"}}"#)
    );
    assert_eq!(
        row(&none, &["loginId", "customAttributes.a", "customAttributes.b"], &["a", "", "1"]),
        ok(r#"{"loginId":"a","customAttributes":{"b":1}}"#)
    );
    assert_eq!(
        row(&none, &["loginId", "customAttributes.a", "customAttributes.b"], &["a", "", " "]),
        problem("nothing_to_set")
    );
    assert_eq!(
        row(&none, &["loginId", "customAttributes.a"], &["a", ""]),
        problem("missing_value")
    );
    assert_eq!(
        json(
            &Mapping { batching: Batching::All, ..mapping("patch") },
            r#"{"loginId":"a","customAttributes.a":[1, 2],"customAttributes.b":null}"#
        ),
        ok(r#"{"loginId":"a","customAttributes":{"a":[1, 2]}}"#)
    );
    let map =
        Mapping { map: vec![("Tier".into(), "customAttributes.tier".into())], ..none.clone() };
    assert_eq!(
        row(&map, &["loginId", "Tier"], &["a", "x"]),
        ok(r#"{"loginId":"a","attributeKey":"tier","attributeValue":"x"}"#)
    );
    let name = row(&mapping("name"), &["loginId", "name", "customAttributes.a"], &["a", "A", "x"]);
    assert!(name.unwrap_err().contains("not a field of name"));
}

#[test]
fn custom_attributes_go_one_by_one_unless_a_patch_is_said_to_keep_the_others() {
    let columns = ["loginId", "name", "customAttributes.tier", "customAttributes.age"];
    let cells = ["a", "A", "x", "7"];
    let one_by_one = [
        r#"{"loginId":"a","name":"A"}"#,
        r#"{"loginId":"a","attributeKey":"tier","attributeValue":"x"}"#,
        r#"{"loginId":"a","attributeKey":"age","attributeValue":7}"#,
    ];
    let together = r#"{"loginId":"a","name":"A","customAttributes":{"tier":"x","age":7}}"#;
    for batching in [Batching::Off, Batching::Patches, Batching::Values] {
        let mapping = Mapping { batching, ..Mapping::default() };
        assert_eq!(row(&mapping, &columns, &cells), ok(&one_by_one.join("\n")), "{batching:?}");
        let row = built(&mapping, &columns, &cells).unwrap();
        let operations: Vec<_> = row.calls().map(|call| call.operation().name).collect();
        assert_eq!(operations, ["patch", "customAttribute", "customAttribute"]);
        // A full replace replaces them, as it is asked to; and all of them are removed together.
        let update = Mapping { allow_destructive: true, ..super::mapping("update") };
        let update = Mapping { batching, ..update };
        assert_eq!(super::row(&update, &columns, &cells), ok(together), "{batching:?}");
        let clear = r#"{"operation":"patch","loginId":"a","customAttributes":{}}"#;
        assert_eq!(json(&mapping, clear), ok(r#"{"loginId":"a","customAttributes":{}}"#));
    }
    let all = Mapping { batching: Batching::All, ..Mapping::default() };
    assert_eq!(row(&all, &columns, &cells), ok(together));
}

#[test]
fn an_attribute_is_given_once() {
    let none = Mapping::default();
    let both = ["loginId", "customAttributes", "customAttributes.a"];
    let patch = Mapping { batching: Batching::All, ..mapping("patch") };
    assert_eq!(
        row(&patch, &both, &["a", r#"{"b":1.50}"#, "x"]),
        ok(r#"{"loginId":"a","customAttributes":{"b":1.50,"a":"x"}}"#)
    );
    assert_eq!(
        row(&patch, &both, &["a", " { } ", "x"]),
        ok(r#"{"loginId":"a","customAttributes":{"a":"x"}}"#)
    );
    assert_eq!(row(&patch, &both, &["a", r#"{"\u0061":1}"#, "x"]), problem("duplicate_field"));
    assert_eq!(
        row(&patch, &both, &["a", r#"{"a":1}"#, ""]),
        ok(r#"{"loginId":"a","customAttributes":{"a":1}}"#)
    );
    let twice = ["loginId", "customAttributes.a", "custom attributes.a"];
    assert!(row(&none, &twice, &["a", "x", "y"]).unwrap_err().contains("given twice"));
    let one = mapping("customAttribute");
    let two = ["loginId", "customAttributes.a", "customAttributes.b"];
    assert_eq!(row(&one, &two, &["a", "x", "y"]), problem("duplicate_field"));
    assert_eq!(
        row(&one, &two, &["a", "", "y"]),
        ok(r#"{"loginId":"a","attributeKey":"b","attributeValue":"y"}"#)
    );
    let key = ["loginId", "attributeKey", "attributeValue", "customAttributes.a"];
    assert_eq!(row(&one, &key, &["a", "k", "v", "x"]), problem("duplicate_field"));
}

#[test]
fn blanks_may_differ_by_field() {
    let blank_of = |names: &[(&str, Blank)]| Mapping {
        blank_of: names.iter().map(|(name, blank)| ((*name).to_owned(), *blank)).collect(),
        ..Mapping::default()
    };
    let columns = ["loginId", "givenName", "family_name"];
    let mapping = blank_of(&[("familyName", Blank::Clear), ("Given Name", Blank::Error)]);
    assert_eq!(
        row(&mapping, &columns, &["a", "A", ""]),
        ok(r#"{"loginId":"a","givenName":"A","familyName":""}"#)
    );
    assert_eq!(row(&mapping, &columns, &["a", "", "B"]), problem("blank_value"));
    let attributes = ["loginId", "customAttributes.a", "customAttributes.b", "customAttributes.c"];
    let mapping = blank_of(&[("customAttributes.a", Blank::Clear)]);
    let mapping = Mapping { batching: Batching::All, ..mapping };
    assert_eq!(
        row(&mapping, &attributes, &["a", "", "", "1"]),
        ok(r#"{"loginId":"a","customAttributes":{"a":"","c":1}}"#)
    );
    let mapping =
        blank_of(&[("customAttributes.a", Blank::Skip), ("customAttributes", Blank::Error)]);
    assert!(row(&mapping, &attributes, &["a", "", "x", "1"]).is_ok());
    assert_eq!(row(&mapping, &attributes, &["a", "x", "", "1"]), problem("blank_value"));
    let unknown = row(&blank_of(&[("fone", Blank::Skip)]), &columns, &["a", "b", "c"]);
    assert!(unknown.unwrap_err().contains("no operation has a field fone"));
}

#[test]
fn what_was_mended_is_noted_with_its_column() {
    let columns = ["Login ID", "Cell phone", "verified", "region"];
    let mapping =
        Mapping { map: vec![("Cell phone".into(), "phone".into())], ..Mapping::default() };
    let instruction = built(&mapping, &columns, &[" a ", "'447911123456", "1", "GB"]).unwrap();
    let notes = instruction.notes.unwrap();
    let repairs: Vec<_> = notes
        .repairs
        .iter()
        .map(|r| (&*r.kind, r.column.as_str(), r.from.as_str(), r.to.as_str()))
        .collect();
    assert_eq!(
        repairs,
        [
            ("blanks_trimmed", "Login ID", " a ", "a"),
            ("apostrophe_removed", "Cell phone", "'447911123456", "+447911123456"),
            ("plus_restored", "Cell phone", "'447911123456", "+447911123456"),
        ]
    );
    let clean = built(&mapping, &columns, &["a", "+447911123456", "1", "GB"]).unwrap();
    assert_eq!(clean.notes, None);
    let warned = built(&mapping, &columns, &["a", "+15555550123", "1", ""]).unwrap();
    assert_eq!(warned.notes.unwrap().issues[0].code, "phone_not_in_use");
    let invalid = built(&mapping, &columns, &["a\u{200b}", "x", "1", ""]).unwrap_err();
    assert_eq!(invalid.notes.unwrap().repairs[0].kind, "invisible_removed");
    let long = "x".repeat(500);
    let named =
        built(&Mapping::default(), &["loginId", "name"], &["a", &format!(" {long}")]).unwrap();
    assert!(named.notes.unwrap().repairs[0].from.chars().count() <= 201);
    let set = Mapping {
        set: vec![("phone".into(), "07911 123456".into())],
        region: "GB".parse().ok(),
        ..self::mapping("phone")
    };
    let filled = built(&set, &["loginId", "verified"], &["a", "1"]).unwrap();
    assert_eq!(filled.notes.unwrap().repairs[0].column, "--set phone");
    let secret = built(
        &self::mapping("password-set-active"),
        &["loginId", "password"],
        &["a", " p\u{200b} "],
    );
    assert_eq!(secret.unwrap().notes, None);
}

/// Cells that have broken programs before.
fn evil() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[+0-9 ()/.e'\u{a0}\u{200b}-]{0,20}",
        prop::sample::select(vec![
            "",
            " ",
            "null",
            "N/A",
            "true",
            "[]",
            "{}",
            "[null]",
            "{\"a\":null}",
            "{\"a\":1}",
            "\"",
            "\"\\ud800\"",
            "a;b",
            ";",
            "\u{0}",
            "\u{feff}",
            "a@b.co",
            "+14155550123",
            "GB",
            "patch",
            "customAttribute",
            "name",
            "-0",
            "1e999",
            "[1,",
            "{\"a\":1,\"a\":2}",
            "\r\n",
            "=1+1",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        evil().prop_map(Into::into),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::hash_map("[a-c]", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn holds_null(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Array(items) => items.iter().any(holds_null),
        serde_json::Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}

fn check(built: Result<Instruction, Box<Invalid>>) -> Result<(), TestCaseError> {
    let Ok(instruction) = built else { return Ok(()) };
    prop_assert!(instruction.calls().len() > 0);
    for call in instruction.calls() {
        let body: serde_json::Value = serde_json::from_slice(&call.body())
            .map_err(|error| TestCaseError::fail(format!("{error}: {:?}", call.body())))?;
        prop_assert!(body.is_object() && !holds_null(&body), "{body}");
        prop_assert!(!call.body().contains(&b'\n'));
    }
    prop_assert!(!instruction.login_id.is_empty() && !instruction.lanes.is_empty());
    Ok(())
}

/// A value that a field takes.
fn good(kind: Kind) -> serde_json::Value {
    match kind {
        Kind::Phone => "+442079460018".into(),
        Kind::Email => "a@b.co".into(),
        Kind::OneOf(words) => words[0].into(),
        Kind::Boolean => true.into(),
        Kind::List | Kind::Tenants => serde_json::json!(["a", "b"]),
        Kind::JsonObject => serde_json::json!({"b": [1]}),
        Kind::Text | Kind::Secret | Kind::Json => "x".into(),
        Kind::Integer | Kind::Time => 42.into(),
        Kind::Objects(key) => serde_json::json!([{ key: "F1" }]),
        Kind::PasswordHash => serde_json::json!({"bcrypt": {"hash": BCRYPT}}),
    }
}

/// What stands in a row: a good value, a bad one, or no column at all.
fn fields<T: Clone>(
    operation: &'static Operation,
    bad: &[(u8, T)],
    of: impl Fn(serde_json::Value) -> T,
) -> Vec<(&'static str, T)> {
    let own = operation.fields.iter().map(|field| (field.name, field.kind, field.need));
    // In rows of other operations these are refused, and nothing else would be looked at.
    let others = match operation.name {
        "phone" | "recovery-phone" => &["region"][..],
        "patch" | "update" => &["region", "customAttributes.a", "customAttributes.c"],
        _ => &[],
    };
    let others = others.iter().map(|name| (*name, Kind::Json, crate::catalog::Need::Optional));
    let chosen =
        own.chain(others).zip(bad).filter_map(|((name, kind, need), (chance, bad))| match chance {
            0 => Some((name, bad.clone())),
            1..3 if need == crate::catalog::Need::Optional => None,
            _ => Some((name, of(good(kind)))),
        });
    chosen.collect()
}

fn operations() -> impl Strategy<Value = &'static Operation> {
    prop::sample::select(OPERATIONS.iter().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_row_makes_a_sound_body_or_is_invalid(
        operation in operations(),
        bad in prop::collection::vec((0..20u8, evil()), 32),
        blank in prop::sample::select(vec![Blank::Skip, Blank::Clear, Blank::Error]),
    ) {
        let mapping = Mapping { blank, allow_destructive: true, ..mapping(operation.name) };
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let (columns, cells): (Vec<_>, Vec<_>) = fields(operation, &bad, text).into_iter().unzip();
        let source = csv_source(&columns);
        if let Ok(mut builder) = Builder::new(mapping, &[Arc::clone(&source)]) {
            check(builder.build(record(&source, Content::Cells(StringRecord::from(cells)))))?;
        }
    }

    #[test]
    fn any_object_makes_a_sound_body_or_is_invalid(
        operation in operations(),
        bad in prop::collection::vec((0..20u8, any_json()), 32),
    ) {
        let members = fields(operation, &bad, |value| value).into_iter();
        let named = [("operation", operation.name.into())];
        let object = members.chain(named).map(|(key, value)| (key.to_owned(), value)).collect();
        let text = serde_json::Value::Object(object).to_string();
        let source = Arc::new(Source { name: "in".into(), format: Format::Jsonl, delimiter: None, encoding: crate::input::record::Encoding::Utf8, columns: vec![], header_line: 1 });
        let mapping = Mapping { allow_destructive: true, ..Mapping::default() };
        let mut builder = Builder::new(mapping, &[Arc::clone(&source)]).unwrap();
        check(builder.build(record(&source, Content::Object(text.into()))))?;
    }
}
