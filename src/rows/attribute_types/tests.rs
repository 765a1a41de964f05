use std::sync::Arc;

use csv::StringRecord;

use super::*;
use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
use crate::rows::{Blank, Builder, Call};

fn declared(name: &str, kind: AttributeType, options: &[&str]) -> DeclaredAttribute {
    let options = options.iter().map(ToString::to_string).collect();
    DeclaredAttribute { name: name.into(), kind: Some(kind), options }
}

fn project() -> Vec<DeclaredAttribute> {
    vec![
        declared("sku", AttributeType::Text, &[]),
        declared("price", AttributeType::Number, &[]),
        declared("vip", AttributeType::Boolean, &[]),
        declared("tier", AttributeType::SingleSelect, &["gold", "silver"]),
        declared("tags", AttributeType::MultiSelect, &["a", "b c"]),
        declared("since", AttributeType::Date, &[]),
        declared("birthday", AttributeType::MonthDay, &[]),
        DeclaredAttribute { name: "odd".into(), kind: None, options: Vec::new() },
    ]
}

fn mapping() -> Mapping {
    Mapping::default().declaring(BTreeSet::new(), Some(project())).unwrap()
}

fn source(columns: &[&str]) -> Arc<Source> {
    let format = if columns.is_empty() { Format::Jsonl } else { Format::Csv };
    Arc::new(Source {
        name: "in".into(),
        format,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: columns.iter().map(ToString::to_string).collect(),
        header_line: 1,
    })
}

/// What is sent for the attribute of a row, or the code and the message of what is wrong.
fn sent(mapping: &Mapping, columns: &[&str], content: Content) -> Result<String, (String, String)> {
    let source = source(columns);
    let mut builder = Builder::new(mapping.clone(), &[Arc::clone(&source)]).unwrap();
    let position = Position { row: 1, line: 2, byte: 0 };
    match builder.build(Record { source, position, content }) {
        Ok(instruction) => {
            let body = |call: Call<'_>| String::from_utf8(call.body().into()).unwrap();
            let body = instruction.calls().map(body).collect::<Vec<_>>().join("\n");
            let (_, value) = body.split_once("\"attributeValue\":").expect("an attribute is set");
            Ok(value.trim_end_matches('}').to_owned())
        }
        Err(invalid) => {
            assert!(invalid.issue.place.is_some(), "{:?}", invalid.issue);
            Err((invalid.issue.code.to_string(), invalid.issue.message.to_string()))
        }
    }
}

fn column(name: &str, cell: &str) -> Result<String, (String, String)> {
    let column = format!("customAttributes.{name}");
    sent(&mapping(), &["loginId", &column], Content::Cells(StringRecord::from(vec!["u", cell])))
}

fn json(row: &str) -> Result<String, (String, String)> {
    sent(&mapping(), &[], Content::Object(row.into()))
}

#[test]
fn cells_have_the_declared_type_or_are_refused() {
    for (name, cell, expected) in [
        ("sku", "5551234", Some("\"5551234\"")),
        ("sku", "TRUE", Some("\"TRUE\"")),
        ("price", "12.50", Some("12.5")),
        ("price", "TRUE", None),
        ("price", "1E5", None),
        ("vip", "TRUE", Some("true")),
        ("vip", "no", Some("false")),
        ("vip", "2", None),
        ("tier", "gold", Some("\"gold\"")),
        ("tier", "Gold", None),
        ("tier", "bronze", None),
        ("tags", "a; b c", Some("[\"a\",\"b c\"]")),
        ("tags", "[\"a\"]", Some("[\"a\"]")),
        ("tags", "a;;a", None),
        ("tags", "a;c", None),
        ("since", "2024-02-29", Some("\"2024-02-29\"")),
        ("since", "2024-13-01", None),
        ("since", "01/02/2024", None),
        ("birthday", "02-29", Some("\"02-29\"")),
        ("birthday", "02-30", None),
        ("odd", "7", Some("7")),
    ] {
        let read = column(name, cell);
        match expected {
            Some(expected) => assert_eq!(read.as_deref(), Ok(expected), "{name}: {cell}"),
            None => assert_eq!(read.unwrap_err().0, "bad_value", "{name}: {cell}"),
        }
    }
}

#[test]
fn json_has_the_declared_type_or_is_refused() {
    for (name, value, expected) in [
        ("sku", "\"7\"", Some("\"7\"")),
        ("sku", "7", None),
        ("sku", "true", None),
        ("sku", "\"\"", Some("\"\"")),
        ("price", "7", Some("7")),
        ("price", "1e5", Some("1e5")),
        ("price", "\"12.50\"", Some("12.5")),
        ("price", "\"x\"", None),
        ("price", "\"\"", Some("\"\"")),
        ("price", "[1]", None),
        ("vip", "true", Some("true")),
        ("vip", "\"FALSE\"", Some("false")),
        ("vip", "\"yes\"", None),
        ("vip", "1", None),
        ("tier", "\"gold\"", Some("\"gold\"")),
        ("tier", "\"gald\"", None),
        ("tags", "[\"b c\"]", Some("[\"b c\"]")),
        ("tags", "\"a\"", Some("[\"a\"]")),
        ("tags", "[1]", None),
        ("tags", "{}", None),
        ("since", "\"2024-05-31T10:00:00Z\"", Some("\"2024-05-31T10:00:00Z\"")),
        ("since", "\"31.05.2024\"", None),
        ("since", "1717142400", None),
        ("odd", "[1]", Some("[1]")),
    ] {
        for row in [
            format!(r#"{{"loginId":"u","customAttributes.{name}":{value}}}"#),
            format!(r#"{{"loginId":"u","attributeKey":"{name}","attributeValue":{value}}}"#),
            format!(r#"{{"loginId":"u","attributeValue":{value},"attributeKey":"{name}"}}"#),
            format!(
                r#"{{"operation":"patch","loginId":"u","customAttributes":{{"{name}":{value}}}}}"#
            ),
        ] {
            let read = json(&row);
            match expected {
                Some(expected) => assert_eq!(read.as_deref(), Ok(expected), "{row}"),
                None => assert_eq!(read.unwrap_err().0, "bad_value", "{row}"),
            }
        }
    }
}

#[test]
fn a_value_beside_its_key_has_the_type_of_the_key() {
    let cells = |key: &str, value: &str| {
        let cells = Content::Cells(StringRecord::from(vec!["u", value, key]));
        sent(&mapping(), &["loginId", "attributeValue", "attributeKey"], cells)
    };
    assert_eq!(cells("sku", "7").as_deref(), Ok("\"7\""));
    assert_eq!(cells("price", "7").as_deref(), Ok("7"));
    assert_eq!(cells("tier", "bronze").unwrap_err().0, "bad_value");
    assert_eq!(cells("prize", "7").unwrap_err().0, UNKNOWN_ATTRIBUTE);
    let set = Mapping { set: vec![("attributeKey".into(), "sku".into())], ..mapping() };
    let row = Content::Cells(StringRecord::from(vec!["u", "7"]));
    assert_eq!(sent(&set, &["loginId", "attributeValue"], row).as_deref(), Ok("\"7\""));
}

#[test]
fn names_that_the_project_lacks_are_told_with_the_nearest() {
    let told = "the project declares no custom attribute prise; did you mean price?".to_owned();
    let expected = Err((UNKNOWN_ATTRIBUTE.to_owned(), told));
    assert_eq!(column("prise", "7"), expected);
    assert_eq!(json(r#"{"loginId":"u","customAttributes.prise":7}"#), expected);
    assert_eq!(json(r#"{"loginId":"u","attributeKey":"prise","attributeValue":7}"#), expected);
    let object = r#"{"operation":"patch","loginId":"u","customAttributes":{"prise":7}}"#;
    assert_eq!(json(object), expected);
    // Letter case counts: it is the machine name.
    assert!(column("Price", "7").unwrap_err().1.ends_with("; did you mean price?"));
    assert!(!column("zzz", "7").unwrap_err().1.contains("did you mean"));
    // A project that declares nothing may take anything, and so may one that does not say.
    for known in [None, Some(Vec::new())] {
        let mapping = Mapping::default().declaring(BTreeSet::new(), known).unwrap();
        let row = r#"{"loginId":"u","customAttributes.prise":7}"#;
        assert_eq!(sent(&mapping, &[], Content::Object(row.into())).as_deref(), Ok("7"));
    }
}

#[test]
fn a_blank_cell_of_an_unknown_attribute_sends_nothing() {
    let columns = ["loginId", "customAttributes.nope", "customAttributes.sku"];
    let cells = Content::Cells(StringRecord::from(vec!["u", " ", "7"]));
    assert_eq!(sent(&mapping(), &columns, cells).as_deref(), Ok("\"7\""));
    let cells = Content::Cells(StringRecord::from(vec!["u", "", "7"]));
    let clear = Mapping { blank: Blank::Clear, ..mapping() };
    assert_eq!(sent(&clear, &columns, cells).unwrap_err().0, UNKNOWN_ATTRIBUTE);
}

#[test]
fn rows_that_say_what_they_expect_are_sent_as_they_are() {
    let row = r#"{"loginId":"u","customAttributes.price":"7","_expect":{"userId":"U1"}}"#;
    assert_eq!(json(row).as_deref(), Ok("\"7\""), "as the user was read");
}

#[test]
fn what_is_stated_wins_where_it_does_not_contradict() {
    use AttributeType as T;
    for (stated, kind, agrees) in [
        (T::Text, T::Text, true),
        (T::Json, T::Number, true),
        (T::Text, T::SingleSelect, true),
        (T::Text, T::Date, true),
        (T::Date, T::Text, true),
        (T::MonthDay, T::Text, true),
        (T::Date, T::MonthDay, false),
        (T::Text, T::Number, false),
        (T::Number, T::Text, false),
        (T::Number, T::Boolean, false),
        (T::SingleSelect, T::MultiSelect, false),
        (T::Text, T::MultiSelect, false),
    ] {
        let attributes = vec![("a".to_owned(), stated)];
        let mapping = Mapping { attributes, ..Mapping::default() };
        let declaring = mapping.declaring(BTreeSet::new(), Some(vec![declared("a", kind, &[])]));
        match declaring {
            Ok(mapping) => {
                assert!(agrees, "{stated:?} and {kind:?}");
                assert_eq!(mapping.attribute_type("a"), Some(stated));
            }
            Err(error) => {
                assert!(!agrees, "{stated:?} and {kind:?}");
                let said = error.to_string();
                let expected = format!(
                    "--attribute a={}: the project declares a as {}",
                    stated.word(),
                    kind.word()
                );
                assert!(said.starts_with(&expected), "{said}");
            }
        }
    }
    // Text says that any text is meant, whatever the options.
    let attributes = vec![("tier".to_owned(), T::Text)];
    let mapping = Mapping { attributes, ..Mapping::default() };
    let mapping = mapping.declaring(BTreeSet::new(), Some(project())).unwrap();
    let row = r#"{"loginId":"u","customAttributes.tier":"bronze"}"#;
    assert_eq!(sent(&mapping, &[], Content::Object(row.into())).as_deref(), Ok("\"bronze\""));
}

#[test]
fn a_set_key_that_the_project_lacks_is_refused() {
    let set = vec![("attributeKey".to_owned(), "prise".to_owned())];
    let mapping = Mapping { set, ..Mapping::default() };
    let said = mapping.declaring(BTreeSet::new(), Some(project())).unwrap_err().to_string();
    assert!(said.contains("--set attributeKey=prise") && said.contains("did you mean price?"));
}

#[test]
fn where_types_come_from_is_told_and_is_part_of_what_a_run_is() {
    let used = || ["sku", "price", "odd"].map(str::to_owned).into();
    let attributes = vec![("sku".to_owned(), AttributeType::Text)];
    let mapping = Mapping { attributes, ..Mapping::default() };
    let all = mapping.clone().declaring(used(), Some(project())).unwrap();
    assert_eq!(all.types_from(), [TypesFrom::Stated, TypesFrom::Project, TypesFrom::Values]);
    let identity = all.declared_identity();
    let expected = [
        ("customAttributes.odd", "of an unknown type"),
        ("customAttributes.price", "number"),
        ("customAttributes.sku", "text"),
    ];
    let expected = expected.map(|(name, told)| (name.to_owned(), told.to_owned()));
    assert_eq!(identity, expected);
    let unread = mapping.declaring(used(), None).unwrap();
    assert_eq!(unread.types_from(), [TypesFrom::Stated, TypesFrom::Values]);
    assert!(unread.declared_identity().is_empty());
    assert!(Mapping::default().types_from().is_empty());
    let options = ["tier".to_owned(), "nope".to_owned()].into();
    let mapping = Mapping::default().declaring(options, Some(project())).unwrap();
    let told: Vec<_> = mapping.declared_identity().into_iter().map(|(_, told)| told).collect();
    assert_eq!(told, ["not declared", "singleselect: gold, silver"]);
}

#[test]
fn the_attributes_that_rows_set_are_found() {
    let names = |mapping: Mapping, columns: &[&str], rows: &[&str]| {
        let source = source(columns);
        let mut builder = Builder::new(mapping, &[Arc::clone(&source)]).unwrap();
        let mut records = rows.iter().map(|row| Record {
            source: Arc::clone(&source),
            position: Position { row: 1, line: 2, byte: 0 },
            content: if columns.is_empty() {
                Content::Object((*row).into())
            } else {
                Content::Cells(StringRecord::from(row.split('|').collect::<Vec<_>>()))
            },
        });
        let found = builder.attribute_names(&mut records);
        found.into_iter().collect::<Vec<_>>().join(" ")
    };
    let none = Mapping::default;
    assert_eq!(names(none(), &["loginId", "customAttributes.a", "name"], &[]), "a");
    assert_eq!(names(none(), &["loginId", "name"], &["u|attribute"]), "");
    let keyed = ["loginId", "attribute_key", "attributeValue"];
    assert_eq!(names(none(), &keyed, &["u| a |1", "u|b|2", "u||"]), "a b");
    let objects = ["operation", "loginId", "customAttributes"];
    assert_eq!(names(none(), &objects, &[r#"patch|u|{"a":1,"b":2}"#, "patch|u|x"]), "a b");
    let map = vec![("Tier".to_owned(), "customAttributes.tier".to_owned())];
    let mapped = Mapping { map, ..none() };
    assert_eq!(names(mapped.clone(), &["loginId", "Tier"], &[]), "tier");
    assert_eq!(names(mapped, &[], &[r#"{"loginId":"u","Tier":"x"}"#]), "tier");
    let ignore = Mapping { ignore: vec!["customAttributes.a".into()], ..none() };
    assert_eq!(names(ignore, &["loginId", "customAttributes.a", "name"], &[]), "");
    for (row, expected) in [
        (r#"{"loginId":"u","name":"attribute"}"#, ""),
        (r#"{"loginId":"u","customAttributes.a":1}"#, "a"),
        (r#"{"loginId":"u","CUSTOM_ATTRIBUTES":{"a":1}}"#, "a"),
        (r#"{"loginId":"u","attributeKey":"a","attributeValue":1}"#, "a"),
        (r#"{"loginId":"u","customAttributes.a":1,"_expect":{}}"#, ""),
        (r#"{"loginId":"u","customAttributes":null}"#, ""),
    ] {
        assert_eq!(names(none(), &[], &[row]), expected, "{row}");
    }
}
