//! Whole files through the check.

use std::sync::Arc;

use super::*;

use crate::input::record::{Content, Format, Position, Source};
use crate::rows::Mapping;

/// The records of JSONL lines; reading breaks off at a line `!`.
fn rows(source: &Arc<Source>, lines: &[String]) -> Vec<Result<Record, String>> {
    let row = |(row, line): (u64, &String)| match line.as_str() {
        "!" => Err("u.jsonl:9: broken".to_owned()),
        text => Ok(Record {
            source: Arc::clone(source),
            position: Position { row, line: row, byte: 0 },
            content: Content::Object(text.into()),
        }),
    };
    (1..).zip(lines).map(row).collect()
}

fn checked(lines: &[String], options: &Options) -> (Report, Vec<LocatedIssue>) {
    let source = Arc::new(Source {
        name: "u.jsonl".to_owned(),
        format: Format::Jsonl,
        delimiter: None,
        encoding: crate::input::record::Encoding::Utf8,
        columns: Vec::new(),
        header_line: 1,
    });
    let sources = [Arc::clone(&source)];
    let builder = Builder::new(Mapping::default(), &sources).unwrap();
    let subject = CheckInput { sources: &sources, builder: &builder };
    let again = || Ok::<_, String>(rows(&source, lines).into_iter());
    let mut told = Vec::new();
    let first = rows(&source, lines).into_iter();
    let report =
        check(&subject, first, again, options, &mut |finding| told.push(finding.clone())).unwrap();
    (report, told)
}

fn phones(rows: u64, number: impl Fn(u64) -> String) -> Vec<String> {
    let line =
        |row| format!("{{\"loginId\":\"u{row}\",\"phone\":\"{}\",\"verified\":true}}", number(row));
    (1..=rows).map(line).collect()
}

fn examples() -> Options {
    Options { examples: 3, ..Options::default() }
}

#[test]
fn the_first_of_each_kind_are_shown_in_the_order_of_the_rows_and_all_are_counted() {
    let lines = phones(5000, |row| {
        if row % 2 == 0 { "junk".to_owned() } else { format!("+1415555{:04}", row % 10_000) }
    });
    let (report, told) = checked(&lines, &examples());
    assert_eq!((report.rows, report.valid), (5000, 2500));
    let [group] = &report.groups[..] else { panic!("{:?}", report.groups) };
    assert_eq!((group.severity, group.count), (Severity::Error, 2500));
    let shown: Vec<_> = group.examples.iter().map(|finding| finding.row).collect();
    assert_eq!(shown, [2, 4, 6]);
    assert_eq!(report.forecast[0].calls, 2500);
    assert!(told.is_empty());
    let (report, told) = checked(&lines, &Options { all: true, ..Options::default() });
    let in_order: Vec<_> = told.iter().map(|finding| finding.row).collect();
    assert_eq!(in_order, (1..=2500).map(|n| 2 * n).collect::<Vec<_>>());
    assert!(report.groups[0].examples.is_empty());
}

#[test]
fn rows_that_contradict_each_other_are_found_wherever_they_are() {
    let mut lines = phones(3000, |row| format!("+1415555{row:04}"));
    lines.push(r#"{"loginId":"u7","phone":"+14155559999","verified":true}"#.to_owned());
    lines.push(r#"{"loginId":"other","phone":"+14155550008","verified":true}"#.to_owned());
    let (report, _) = checked(&lines, &examples());
    let told: Vec<_> = report
        .groups
        .iter()
        .flat_map(|group| &group.examples)
        .map(|f| {
            (
                &*f.issue.code,
                f.row,
                f.issue.place.as_deref(),
                f.issue.message.contains("u.jsonl:7 (row 7)"),
            )
        })
        .collect();
    assert!(told.contains(&("contradicting_values", 3001, Some("phone"), true)), "{told:?}");
    assert!(told.contains(&("shared_value", 3002, Some("phone"), false)), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn what_is_allowed_is_no_problem() {
    let lines = [r#"{"loginId":"a","phone":"+14155550101","verified":false}"#.to_owned()];
    let (report, _) = checked(&lines, &examples());
    assert!(report.has_problems());
    let allow = vec!["lock_out".to_owned()];
    let (report, told) = checked(&lines, &Options { allow, all: true, ..Options::default() });
    assert!(!report.has_problems() && told.is_empty());
    assert_eq!(report.allowed, [("lock_out".to_owned(), 1)]);
}

#[test]
fn reading_that_breaks_off_is_told_with_what_was_found_before() {
    let mut lines = phones(1000, |_| "junk".to_owned());
    lines.push("!".to_owned());
    let (report, _) = checked(&lines, &examples());
    assert_eq!(report.unreadable.as_deref(), Some("u.jsonl:9: broken"));
    assert_eq!((report.rows, report.count(Severity::Error)), (1000, 1000));
}

#[test]
fn whatever_takes_away_a_way_to_sign_in_is_told() {
    let told = |line: &str| {
        let (report, _) = checked(&[line.to_owned()], &examples());
        let group = report.groups.first();
        group.map(|group| {
            (group.code.clone(), group.examples[0].issue.place.clone().unwrap_or_default())
        })
    };
    for (line, column) in [
        (r#"{"loginId":"a","phone":"+14155550101","verified":false}"#, Some("verified")),
        (r#"{"loginId":"a","phone":""}"#, Some("phone")),
        (r#"{"loginId":"a","newLoginId":""}"#, Some("newLoginId")),
        (
            r#"{"loginId":"a","name":"x","email":"a@b.co","verifiedEmail":false}"#,
            Some("verifiedEmail"),
        ),
        (r#"{"loginId":"a","name":"x","email":""}"#, Some("email")),
        (r#"{"loginId":"a","phone":"+14155550101","verified":true}"#, None),
        (r#"{"loginId":"a","name":""}"#, None),
        (r#"{"loginId":"a","recoveryPhone":""}"#, None),
    ] {
        assert_eq!(
            told(line),
            column.map(|column| ("lock_out".to_owned(), column.to_owned())),
            "{line}"
        );
    }
}
