//! `results.jsonl`.

use super::*;
use crate::issue::Issue;
use crate::store::journal::Recovered;

#[test]
fn a_line_says_everything_in_order() {
    let fixture = Fixture::new();
    fixture.record(&[], &[updated(r#"{"userIds":[],"n":1.10}"#)]);
    let operation = catalog::OPERATIONS[0].name;
    assert_eq!(
        fixture.text("results.jsonl"),
        format!(
            concat!(
                r#"{{"version":1,"file":"users.jsonl","row":7,"line":9,"operation":"{}","loginId":"ada","#,
                r#""status":"updated","attempts":2,"httpStatus":200,"durationMs":12,"#,
                r#""finishedAt":"2026-11-24T03:00:00.123Z","user":{{"userIds":[],"n":1.10}}}}"#,
                "\n"
            ),
            operation
        )
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let fixture = Fixture::new();
    let source = csv(&["loginId"]);
    let mut row = finished(&source, cells(&["a"]), Status::Invalid);
    let problem = Issue::error("missing_value", "no phone").at("Phone");
    row.outcome = Outcome::invalid(Box::new(problem), "2026-11-24T03:00:00Z".parse().unwrap());
    fixture.record(&[source], &[row]);
    assert_eq!(
        fixture.text("results.jsonl"),
        concat!(
            r#"{"version":1,"file":"users.csv","row":7,"line":9,"status":"invalid","attempts":0,"#,
            r#""durationMs":0,"finishedAt":"2026-11-24T03:00:00.000Z","#,
            r#""error":{"kind":"missing_value","column":"Phone","message":"no phone"}}"#,
            "\n"
        )
    );
}

#[test]
fn a_user_is_passed_through() {
    let as_sent = |user| (user, user);
    let table = [
        as_sent(r#"{ "a" : 1.0e3, "z": 12345678901234567890, "é":"\u00e9" }"#),
        as_sent(r#""a string with \n in it""#),
        as_sent("null"),
        (
            "{\n  \"a\": [1,\r\n 2.50],\n \"b c\": \"d \\\" e\\\\\"\n}",
            r#"{"a":[1,2.50],"b c":"d \" e\\"}"#,
        ),
    ];
    for (user, expected) in table {
        let fixture = Fixture::new();
        fixture.record(&[], &[updated(user)]);
        let text = fixture.text("results.jsonl");
        assert_eq!(text.lines().count(), 1, "{user}");
        let end = format!(",\"user\":{expected}}}\n");
        assert!(text.ends_with(&end), "{text} ends with {end}");
    }
}

#[test]
fn lengths_are_those_of_the_files_after_every_batch() {
    let fixture = Fixture::new();
    let (one, two) = (csv(&["loginId"]), jsonl());
    let sources = [Arc::clone(&one), Arc::clone(&two)];
    let mut recorder =
        Recorder::new(&fixture.folder, (&sources, &OutputRules::default()), &identity()).unwrap();
    let batches = [
        vec![updated("{}")],
        vec![rejected(&two, object("{}")), updated("{}")],
        vec![rejected(&one, cells(&["a"])), rejected(&two, object("{}"))],
        vec![updated(&format!("\"{}\"", "x".repeat(200_000))), updated("{}")],
        vec![],
    ];
    let length =
        |name: &str| fs::metadata(fixture.folder.path().join(name)).map_or(0, |data| data.len());
    for batch in batches {
        for row in &batch {
            recorder.record(row).unwrap();
        }
        recorder.commit().unwrap();
        let Some(Recovered { lengths, .. }) = fixture.folder.recover().unwrap() else {
            panic!("no journal");
        };
        for name in ["results.jsonl", "failures.csv", "failures-2.jsonl"] {
            assert_eq!(lengths.of(name), length(name), "{name}");
        }
    }
}
