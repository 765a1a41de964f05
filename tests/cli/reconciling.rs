//! Renames whose answer is lost: settled by reading the user, never by guessing.

use serde_json::Value;

use crate::support::{Ran, Run, Simulator, text};

const RENAME: &str =
    r#"{"operation":"loginid","loginId":"a@x.com","newLoginId":"+1 415-555-0123"}"#;

/// Rows against faults; what became of them, and what arrived.
fn against(faults: &[&str], rows: &str) -> (Ran, Vec<Value>) {
    let flags: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let simulator = Simulator::start(&flags);
    let ran = Run::against(&simulator)
        .args(&["--max-attempts", "3", "--timeout", "1s", "--connect-timeout", "500ms"])
        .file("in.jsonl", rows)
        .go();
    (ran, simulator.stop())
}

/// Renames that arrived, and how many of them had an effect.
fn renames(arrivals: &[Value]) -> (usize, usize) {
    let renames = || arrivals.iter().filter(|arrival| text(arrival, "path").ends_with("/loginid"));
    (renames().count(), renames().filter(|arrival| arrival["applied"] == true).count())
}

/// The login IDs that were read, in order.
fn reads(arrivals: &[Value]) -> Vec<&str> {
    let reads = arrivals.iter().filter(|arrival| arrival["method"] == "GET");
    reads.map(|arrival| text(arrival, "loginId")).collect()
}

#[test]
fn what_was_applied_is_updated_and_sent_once() {
    for fault in ["apply-drop", "hang:apply=true", "500:apply=true", "garbage", "empty", "huge"] {
        let fault = format!("{fault}{}path=loginid", if fault.contains(':') { "," } else { ":" });
        let (ran, arrivals) = against(&[&fault], RENAME);
        let ran = ran.code(0);
        let result = &ran.results()[0];
        assert_eq!(result["status"], "updated", "{fault}");
        assert_eq!((&result["attempts"], &result["httpStatus"]), (&1.into(), &200.into()));
        assert_eq!(result["user"]["loginIds"], serde_json::json!(["+14155550123"]));
        assert!(result.get("error").is_none());
        assert_eq!(renames(&arrivals), (1, 1), "{fault}");
        assert_eq!(reads(&arrivals), ["a@x.com", "+1 415-555-0123"], "{fault}");
    }
}

#[test]
fn what_was_not_applied_is_sent_again() {
    for kind in ["drop", "hang", "500", "html=502", "garbage:apply=false,"] {
        let fault =
            format!("{kind}{}path=loginid,first=1", if kind.ends_with(',') { "" } else { ":" });
        let (ran, arrivals) = against(&[&fault], RENAME);
        let ran = ran.code(0);
        assert_eq!(ran.results()[0]["attempts"], 2, "{fault}");
        assert_eq!(renames(&arrivals), (2, 1), "{fault}");
        assert_eq!(reads(&arrivals), ["a@x.com"], "the new name does not count, {fault}");
    }
}

#[test]
fn what_is_never_applied_is_given_up() {
    for (fault, kind) in [("drop", "connection_lost"), ("500", "server_error")] {
        let (ran, arrivals) = against(&[&format!("{fault}:path=loginid")], RENAME);
        let ran = ran.code(1);
        assert_eq!(ran.statuses(), ["gave_up"]);
        assert_eq!(ran.kinds(), [kind]);
        assert_eq!(renames(&arrivals), (3, 0));
        assert_eq!(reads(&arrivals).len(), 3, "each of them was settled");
    }
}

#[test]
fn a_rename_that_takes_effect_late_is_seen_all_the_same() {
    // The second request stands for the first that takes effect now: the old name is gone, and
    // the server says no.
    for fault in ["404:path=loginid,apply=true", "409:path=loginid,apply=true"] {
        let (ran, arrivals) = against(&["drop:path=loginid,first=1", fault], RENAME);
        let ran = ran.code(0);
        assert_eq!(ran.results()[0]["attempts"], 2, "{fault}");
        assert_eq!(renames(&arrivals), (2, 1));
        assert_eq!(reads(&arrivals), ["a@x.com", "a@x.com", "+1 415-555-0123"]);
    }
}

#[test]
fn what_the_server_refuses_after_a_lost_answer_is_rejected() {
    let (ran, arrivals) = against(&["drop:path=loginid,first=1", "400:path=loginid"], RENAME);
    let ran = ran.code(1);
    assert_eq!(ran.statuses(), ["rejected"]);
    assert_eq!(ran.results()[0]["httpStatus"], 400);
    assert_eq!(renames(&arrivals), (2, 0));
    assert_eq!(reads(&arrivals).len(), 2);
}

#[test]
fn a_read_that_fails_for_a_while_is_tried_again() {
    let faults =
        ["apply-drop:path=loginid", "503:path=mgmt/user,first=1", "half:path=mgmt/user,first=2"];
    let (ran, arrivals) = against(&faults, RENAME);
    assert_eq!(ran.code(0).results()[0]["attempts"], 1);
    assert_eq!(renames(&arrivals), (1, 1));
    assert_eq!(reads(&arrivals).len(), 4);
}

#[test]
fn a_read_that_is_limited_waits_and_costs_nothing() {
    let faults = ["apply-drop:path=loginid", "429:path=mgmt/user,first=4,retry-after=1"];
    let (ran, arrivals) = against(&faults, RENAME);
    let ran = ran.code(0);
    assert_eq!(ran.summary()["rateLimited"], 4, "{}", ran.summary());
    assert_eq!(reads(&arrivals).len(), 6, "more than there are attempts");
}

#[test]
fn what_cannot_be_read_is_unknown_with_the_reason() {
    for (fault, why) in [
        ("500:path=mgmt/user", "set to answer 500"),
        ("drop:path=mgmt/user", "the connection broke"),
        ("html=404:path=mgmt/user", "HTTP 404 with a body that is not the API's"),
    ] {
        let (ran, arrivals) = against(&["apply-drop:path=loginid", fault], RENAME);
        let ran = ran.code(1);
        assert_eq!(ran.statuses(), ["unknown"], "{fault}");
        assert_eq!(ran.kinds(), ["unsettled"]);
        let error = &ran.results()[0]["error"];
        assert!(text(error, "message").contains(why), "{error}");
        assert!(text(error, "message").contains("reading the user did not show"), "{error}");
        assert_eq!(renames(&arrivals), (1, 1));
        assert!(ran.read("failures.jsonl").contains("did not show"));
    }
}

#[test]
fn a_user_who_is_nowhere_is_unknown() {
    let rows = format!("{RENAME}\n");
    let simulator = Simulator::bare(&["--rate-limit", "off", "--fault", "drop:path=loginid"]);
    let ran = Run::against(&simulator).file("in.jsonl", rows).go().code(1);
    assert_eq!(ran.statuses(), ["unknown"]);
    assert!(text(&ran.results()[0]["error"], "message").contains("no user has the old login ID"));
    assert_eq!(renames(&simulator.stop()), (1, 0));
}

/// A second login ID, and its removal.
const REMOVAL: &str = r#"{"operation":"patch","loginId":"a@x.com","additionalIdentifiers":["b@x.com"]}
{"operation":"loginid","loginId":"b@x.com","newLoginId":""}
"#;

#[test]
fn a_removal_that_was_applied_cannot_be_told_from_a_name_that_was_never_there() {
    let (ran, arrivals) = against(&["apply-drop:path=loginid"], REMOVAL);
    let ran = ran.code(1);
    assert_eq!(ran.statuses(), ["updated", "unknown"]);
    let error = &ran.results()[1]["error"];
    assert!(text(error, "message").contains("removed by this row or never been there"), "{error}");
    assert_eq!(renames(&arrivals), (1, 1));
}

#[test]
fn a_removal_that_was_not_applied_is_sent_again() {
    let (ran, arrivals) = against(&["drop:path=loginid,first=1"], REMOVAL);
    assert_eq!(ran.code(0).statuses(), ["updated", "updated"]);
    assert_eq!(renames(&arrivals), (2, 1));
}

#[test]
fn a_chain_of_renames_holds_through_lost_answers() {
    let row = |old, new| {
        format!("{{\"operation\":\"loginid\",\"loginId\":\"{old}\",\"newLoginId\":\"{new}\"}}\n")
    };
    let rows = [row("a", "b"), row("b", "c"), row("c", "a"), row("a", "d")].concat();
    let (ran, arrivals) = against(&["apply-drop:path=loginid"], &rows);
    let ran = ran.code(0);
    assert_eq!(renames(&arrivals), (4, 4));
    let results = ran.results();
    for (result, login_id) in results.iter().zip(["b", "c", "a", "d"]) {
        assert_eq!(result["user"]["loginIds"], serde_json::json!([login_id]));
        assert_eq!(result["user"]["userId"], results[0]["user"]["userId"], "one and the same");
    }
}
