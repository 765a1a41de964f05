mod batching;
mod cells;
mod shown;

use super::*;
use crate::catalog::OPERATIONS;
use crate::input::record::{Encoding, Format, Position};
use csv::StringRecord;

fn mapping(operation: &str) -> Mapping {
    Mapping { operation: Operation::named(operation), ..Mapping::default() }
}

fn csv_source(columns: &[&str]) -> Arc<Source> {
    Arc::new(Source {
        name: "in.csv".into(),
        format: Format::Csv,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: columns.iter().map(ToString::to_string).collect(),
        header_line: 1,
    })
}

fn record(source: &Arc<Source>, content: Content) -> Record {
    Record { source: Arc::clone(source), position: Position { row: 1, line: 2, byte: 20 }, content }
}

/// The body, or the code of the problem, of one CSV row.
fn row(mapping: &Mapping, columns: &[&str], cells: &[&str]) -> Result<String, String> {
    let source = csv_source(columns);
    let mut builder = Builder::new(mapping.clone(), &[Arc::clone(&source)])
        .map_err(|error| format!("refused: {error}"))?;
    body(&mut builder, record(&source, Content::Cells(StringRecord::from(cells))))
}

/// The same of one JSON row.
fn json(mapping: &Mapping, text: &str) -> Result<String, String> {
    let source = Arc::new(Source {
        name: "in.jsonl".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let mut builder = Builder::new(mapping.clone(), &[Arc::clone(&source)]).unwrap();
    body(&mut builder, record(&source, Content::Object(text.into())))
}

fn body(builder: &mut Builder, record: Record) -> Result<String, String> {
    match builder.build(record) {
        Ok(instruction) => {
            let body = |call: Call<'_>| String::from_utf8(call.body().into()).unwrap();
            Ok(instruction.calls().map(body).collect::<Vec<_>>().join("\n"))
        }
        Err(invalid) => Err(invalid.issue.code.into_owned()),
    }
}

/// The instruction of one JSON row.
pub(crate) fn instruction(row: &str) -> Instruction {
    let source = Arc::new(Source {
        name: "in.jsonl".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let mut builder = Builder::new(Mapping::default(), &[Arc::clone(&source)]).unwrap();
    let built = builder.build(record(&source, Content::Object(row.into())));
    built.unwrap_or_else(|invalid| panic!("{row}: {}", invalid.issue.message))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside `problem` in tables")]
fn ok(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn problem(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

#[test]
fn every_field_has_room() {
    assert!(OPERATIONS.iter().all(|operation| operation.fields.len() <= assemble::MAX_FIELDS));
}

#[test]
fn bodies_hold_what_the_row_says_in_the_order_of_the_catalogue() {
    let none = Mapping::default();
    for (columns, cells, expected) in [
        (
            &["Phone", "verified", "Login ID"][..],
            &[" +14155550123 ", "yes", "jane"][..],
            r#"{"loginId":"jane","phone":"+14155550123","verified":true,"failOnConflict":true}"#,
        ),
        (&["loginId", "newLoginId"], &["a", "b"], r#"{"loginId":"a","newLoginId":"b"}"#),
        (&["loginId", "display_name"], &["a", "A \"Q\""], r#"{"loginId":"a","name":"A \"Q\""}"#),
        (
            &["loginId", "givenName", "familyName"],
            &["a", "", "B"],
            r#"{"loginId":"a","familyName":"B"}"#,
        ),
        (&["userId", "status"], &["U1", "Disabled"], r#"{"loginId":"U1","status":"disabled"}"#),
        (
            &["loginId", "phone", "verifiedPhone", "givenName"],
            &["a", "+14155550123", "false", "A"],
            r#"{"loginId":"a","phone":"+14155550123","verifiedPhone":false,"givenName":"A"}"#,
        ),
        (
            &["loginId", "attributeKey", "attributeValue"],
            &["a", "zip", "01234"],
            r#"{"loginId":"a","attributeKey":"zip","attributeValue":"01234"}"#,
        ),
    ] {
        assert_eq!(row(&none, columns, cells), ok(expected), "{columns:?}");
    }
}

#[test]
fn a_blank_cell_sends_nothing_and_an_explicit_one_clears() {
    let skip = Mapping::default();
    let clear = Mapping { blank: Blank::Clear, ..Mapping::default() };
    let error = Mapping { blank: Blank::Error, ..Mapping::default() };
    let columns = ["loginId", "phone", "verified"];
    assert_eq!(row(&skip, &columns, &["a", " ", "true"]), problem("missing_value"));
    assert_eq!(
        row(&clear, &columns, &["a", "", "true"]),
        ok(r#"{"loginId":"a","phone":"","verified":true,"failOnConflict":true}"#)
    );
    assert_eq!(
        row(&clear, &columns, &["a", "", ""]),
        ok(r#"{"loginId":"a","phone":"","verified":false,"failOnConflict":true}"#)
    );
    assert_eq!(row(&clear, &columns, &["", "", ""]), problem("missing_value"));
    assert_eq!(row(&error, &columns, &["a", "", "true"]), problem("blank_value"));
    assert_eq!(row(&skip, &["loginId", "name"], &["a", ""]), problem("nothing_to_set"));
    assert_eq!(
        json(&skip, r#"{"loginId":"a","phone":"","verified":null}"#),
        ok(r#"{"loginId":"a","phone":"","verified":false,"failOnConflict":true}"#)
    );
    assert_eq!(
        json(&skip, r#"{"loginId":"a","phone":null,"verified":true}"#),
        problem("missing_value")
    );
    assert_eq!(json(&skip, r#"{"loginId":"","name":"A"}"#), problem("empty_value"));
}

#[test]
fn verified_is_stated_by_the_row_or_for_all_rows() {
    let cells = &["a", "+14155550123"];
    let refused = row(&Mapping::default(), &["loginId", "phone"], cells).unwrap_err();
    assert!(refused.contains("--set verified=true"), "{refused}");
    let set = Mapping { set: vec![("verified".into(), "no".into())], ..Mapping::default() };
    assert_eq!(
        row(&set, &["loginId", "phone"], cells),
        ok(r#"{"loginId":"a","phone":"+14155550123","verified":false,"failOnConflict":true}"#)
    );
    assert_eq!(
        json(&mapping("patch"), r#"{"loginId":"a","email":"a@b.c"}"#),
        problem("verified_not_stated")
    );
}

#[test]
fn operations_come_from_the_row_the_flag_or_the_columns() {
    let cells = ["a", "role-add", "editor;viewer", ""];
    let columns = ["loginId", "operation", "roles", "phone"];
    assert_eq!(
        row(&mapping("phone"), &columns, &cells),
        ok(r#"{"loginId":"a","roleNames":["editor","viewer"]}"#)
    );
    assert_eq!(row(&Mapping::default(), &columns, &["a", "", "x", ""]), problem("no_operation"));
    assert_eq!(
        row(&Mapping::default(), &columns, &["a", "fly", "x", ""]),
        problem("unknown_operation")
    );
    assert_eq!(
        row(&Mapping::default(), &columns, &["a", "role-add", "x", "+14155550123"]),
        problem("unknown_field")
    );
    let ambiguous = row(&Mapping::default(), &["loginId", "roleNames"], &["a", "x"]).unwrap_err();
    assert!(ambiguous.contains("role-add, role-set, role-remove"), "{ambiguous}");
    let nothing = row(&Mapping::default(), &["loginId"], &["a"]).unwrap_err();
    assert!(nothing.contains("no column says what to change"), "{nothing}");
}

#[test]
fn columns_that_nobody_knows_are_refused_with_the_nearest_name() {
    let refused = row(&Mapping::default(), &["loginId", "fone"], &["a", "x"]).unwrap_err();
    assert!(refused.contains("in.csv:1"), "{refused}");
    let refused = row(&Mapping::default(), &["loginId", "phonenr"], &["a", "x"]).unwrap_err();
    assert!(refused.contains("did you mean phone?"), "{refused}");
    let ignore = Mapping { ignore: vec!["fone".into()], ..mapping("name") };
    assert_eq!(
        row(&ignore, &["loginId", "fone", "name", "_status"], &["a", "x", "A", "rejected"]),
        ok(r#"{"loginId":"a","name":"A"}"#)
    );
    assert_eq!(json(&mapping("name"), r#"{"loginId":"a","nom":"A"}"#), problem("unknown_field"));
}

#[test]
fn columns_are_renamed_and_never_count_twice() {
    let map = Mapping { map: vec![("Cell".into(), "phone".into())], ..Mapping::default() };
    assert_eq!(
        row(&map, &["loginId", "cell", "verified"], &["a", "+14155550123", "1"]),
        ok(r#"{"loginId":"a","phone":"+14155550123","verified":true,"failOnConflict":true}"#)
    );
    let twice =
        row(&mapping("name"), &["loginId", "userId", "name"], &["a", "U", "A"]).unwrap_err();
    assert!(twice.contains("both set loginId"), "{twice}");
    let missing = row(&map, &["loginId", "phone", "verified"], &["a", "b", "1"]).unwrap_err();
    assert!(missing.contains("no file has a column Cell"), "{missing}");
}

#[test]
fn harm_must_be_asked_for() {
    let allowed = Mapping { allow_destructive: true, ..Mapping::default() };
    let update = r#"{"operation":"update","loginId":"a","name":"A"}"#;
    let apps = r#"{"operation":"ssoapp-set","loginId":"a","ssoAppIds":[]}"#;
    assert_eq!(json(&Mapping::default(), update), problem("destructive"));
    assert_eq!(json(&allowed, update), ok(r#"{"loginId":"a","name":"A"}"#));
    assert_eq!(json(&Mapping::default(), apps), problem("destructive"));
    assert_eq!(json(&allowed, apps), ok(r#"{"loginId":"a","ssoAppIds":[]}"#));
    let merge = Mapping { on_conflict: OnConflict::Merge, ..Mapping::default() };
    assert_eq!(
        json(&merge, r#"{"loginId":"a","email":"a@b.c","verified":true}"#),
        ok(r#"{"loginId":"a","email":"a@b.c","verified":true,"failOnConflict":false}"#)
    );
}

#[test]
fn an_empty_list_clears_roles_and_is_refused_where_it_means_nothing() {
    let set = r#"{"operation":"role-set","loginId":"a","roleNames":[]}"#;
    assert_eq!(json(&Mapping::default(), set), ok(r#"{"loginId":"a","roleNames":[]}"#));
    let add = r#"{"operation":"role-add","loginId":"a","roleNames":[]}"#;
    assert_eq!(json(&Mapping::default(), add), problem("empty_value"));
}

#[test]
fn passwords_are_taken_to_the_letter() {
    assert_eq!(
        row(&mapping("password-set-active"), &["loginId", "password"], &["a", " p "]),
        ok(r#"{"loginId":"a","password":" p ","setActive":true}"#)
    );
    assert_eq!(row(&mapping("password-expire"), &["loginId"], &["a"]), ok(r#"{"loginId":"a"}"#));
}

#[test]
fn an_invalid_row_still_tells_its_user_and_operation() {
    let source = csv_source(&["loginId", "phone", "verified"]);
    let mut builder = Builder::new(Mapping::default(), &[Arc::clone(&source)]).unwrap();
    let cells = StringRecord::from(vec!["jane", "0123", "true"]);
    let invalid = builder.build(record(&source, Content::Cells(cells))).unwrap_err();
    assert_eq!(invalid.login_id.as_deref(), Some("jane"));
    assert_eq!(invalid.operation.map(|operation| operation.name), Some("phone"));
    assert_eq!(invalid.issue.place.as_deref(), Some("phone"));
}

#[test]
fn names_of_one_user_share_a_lane() {
    assert_eq!(lane("Jane@Example.com"), lane("jane@example.COM"));
    assert_eq!(lane("+1 (415) 555-0123"), lane("+14155550123"));
    assert_ne!(lane("a"), lane("b"));
    let source = csv_source(&["loginId", "newLoginId"]);
    let mut builder = Builder::new(Mapping::default(), &[Arc::clone(&source)]).unwrap();
    let cells = Content::Cells(StringRecord::from(vec!["a", "b"]));
    let rename = builder.build(record(&source, cells)).unwrap();
    assert!(rename.lanes.contains(&lane("a")) && rename.lanes.contains(&lane("b")));
}

#[test]
fn a_rename_knows_the_name_that_it_gives() {
    let source = Arc::new(Source {
        name: "in".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let mut builder = Builder::new(Mapping::default(), &[Arc::clone(&source)]).unwrap();
    for (row, expected) in [
        (r#"{"operation":"loginid","loginId":"a","newLoginId":" b "}"#, Some("b")),
        (r#"{"operation":"loginid","loginId":"a","newLoginId":""}"#, None),
        (r#"{"operation":"name","loginId":"a","name":"b"}"#, None),
    ] {
        let built = builder.build(record(&source, Content::Object(row.into()))).unwrap();
        assert_eq!(built.renames_to(), expected, "{row}");
        assert!(!built.ambiguous);
    }
}

#[test]
fn a_flag_goes_with_a_value_and_never_alone() {
    let columns = ["loginId", "name", "email", "verifiedEmail"];
    let name_only = || ok(r#"{"loginId":"a","name":"A"}"#);
    let with_email = ok(r#"{"loginId":"a","email":"a@b.c","verifiedEmail":true,"name":"A"}"#);
    let none = Mapping::default();
    assert_eq!(row(&none, &columns, &["a", "A", "", "true"]), name_only());
    assert_eq!(row(&none, &columns, &["a", "A", "a@b.c", "true"]), with_email);
    for flag in ["true", "false"] {
        let set =
            Mapping { set: vec![("verifiedEmail".into(), flag.into())], ..Mapping::default() };
        assert_eq!(row(&set, &columns[..3], &["a", "A", " "]), name_only(), "{flag}");
        let patch = Mapping { operation: Operation::named("patch"), ..set };
        assert_eq!(json(&patch, r#"{"loginId":"a","name":"A"}"#), name_only(), "{flag}");
        assert_eq!(json(&patch, r#"{"loginId":"a","name":"A","email":null}"#), name_only());
    }
    assert_eq!(
        json(&mapping("patch"), r#"{"loginId":"a","verifiedEmail":true}"#),
        ok(r#"{"loginId":"a","verifiedEmail":true}"#),
        "a row that states only the flag means it"
    );
    assert_eq!(
        row(&mapping("password-set-active"), &["loginId", "password"], &["a", "  "]),
        problem("missing_value")
    );
}

#[test]
fn a_setting_that_is_said_twice_is_refused() {
    let twice = |names: [&str; 2]| {
        let set = names.map(|name| (name.to_owned(), "true".to_owned())).to_vec();
        let mapping = Mapping { set, ..mapping("phone") };
        row(&mapping, &["loginId", "phone"], &["a", "+14155550123"]).unwrap_err()
    };
    assert!(twice(["verified", "Verified"]).contains("given twice"));
    assert!(twice(["verified", "verifiedPhone"]).contains("given twice"));
    let map = vec![("x".to_owned(), "phone".to_owned()), ("X".to_owned(), "email".to_owned())];
    let mapped = row(&Mapping { map, ..Mapping::default() }, &["loginId", "x"], &["a", "b"]);
    assert!(mapped.unwrap_err().contains("given twice"));
}
