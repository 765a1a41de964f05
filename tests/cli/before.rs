//! Users are read before anything is sent for them: how they were is kept, and what changes nothing
//! need not be sent.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Ran, Run, Simulator, lines, text, updates};

/// Names for so many users; those of the first users are what they have already.
fn rows(users: usize, settled: usize) -> String {
    (1..=users).fold("loginId,givenName\n".to_owned(), |rows, n| {
        let name = if n <= settled { "Old" } else { "New" };
        rows + &format!("u{n}@x.com,{name}\n")
    })
}

/// A file of so many users, all of the given name `Old`.
fn users(folder: &Path, number: usize) -> String {
    let user = |n: usize| {
        let user = json!({"loginIds": [format!("u{n}@x.com")], "givenName": "Old"});
        user.to_string() + "\n"
    };
    let path = folder.join("users.jsonl");
    fs::write(&path, (1..=number).map(user).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn images(ran: &Ran) -> Vec<Value> {
    lines(&ran.path("before.jsonl"))
}

#[test]
fn a_run_keeps_users_as_they_were_for_one_call_in_a_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), 300);
    let simulator = Simulator::bare(&["--users", &file, "--rate-limit", "off"]);
    let ran = Run::reading_from(&simulator).file("in.csv", rows(300, 0)).go().code(0);
    let images = images(&ran);
    assert_eq!(images.len(), 300, "each user once");
    assert!(images.iter().all(|image| image["user"]["givenName"] == "Old"));
    assert!(images.iter().all(|image| image["source"] == "search"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(ran.path("before.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let arrivals = simulator.stop();
    assert_eq!(updates(arrivals.clone()).len(), 300);
    assert_eq!(arrivals.len(), 303, "three searches");
    // A user is read before it is written to.
    let first = |wanted: &dyn Fn(&Value) -> bool| arrivals.iter().position(wanted).unwrap();
    let read = first(&|a| a["loginIds"].to_string().contains("\"u250@x.com\""));
    assert!(read < first(&|a| text(a, "loginId") == "u250@x.com"));
}

#[test]
fn of_several_rows_of_a_user_the_state_before_the_first_is_kept() {
    let simulator = Simulator::start(&[]);
    let rows = "loginId,givenName\na,A\na,B\nb,X\na,C\n";
    let ran = Run::reading_from(&simulator).file("in.csv", rows).go().code(0);
    let images = images(&ran);
    let mut first: HashMap<String, Value> = HashMap::new();
    for image in images {
        let user = image["user"]["loginIds"][0].to_string();
        first.entry(user).or_insert(image);
    }
    assert_eq!(first.len(), 2);
    assert!(first.values().all(|image| image["user"]["givenName"] == ""));
    assert_eq!(updates(simulator.stop()).len(), 4);
}

#[test]
fn a_search_that_fails_does_not_hold_up_the_run() {
    let simulator = Simulator::start(&["--fault", "400:path=search"]);
    let ran = Run::reading_from(&simulator).file("in.csv", rows(3, 0)).go().code(0);
    assert_eq!(ran.tally("updated"), 3);
    assert_eq!(ran.summary()["notKept"], 3);
    assert!(ran.stdout.contains("3 users could not be read before"), "{}", ran.stdout);
    assert!(!ran.path("before.jsonl").exists());
    // A key that may not search may still update.
    let simulator = Simulator::start(&["--fault", "403:path=search"]);
    let ran = Run::reading_from(&simulator).file("in.csv", rows(3, 0)).go().code(0);
    assert_eq!(ran.tally("updated"), 3);
}

#[test]
fn nothing_is_sent_where_nothing_would_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), 300);
    for (batch, expected) in [("off", 90), ("patches", 1)] {
        let simulator = Simulator::bare(&["--users", &file, "--rate-limit", "off"]);
        let ran = Run::reading_from(&simulator)
            .file("in.csv", rows(300, 210))
            .args(&["--skip-unchanged", "--operation", "patch", &format!("--batch={batch}")])
            .go()
            .code(0);
        assert_eq!((ran.tally("updated"), ran.tally("unchanged")), (90, 210));
        let results = ran.results();
        assert!(results[..210].iter().all(|row| row["attempts"] == 0 && row["user"].is_object()));
        let arrivals = simulator.stop();
        assert_eq!(updates(arrivals.clone()).len(), expected, "--batch={batch}");
        assert_eq!(arrivals.len(), expected + 3, "three searches");
        assert!(ran.stdout.contains("210  unchanged"), "{}", ran.stdout);
    }
}

#[test]
fn what_an_earlier_row_did_counts_and_a_search_that_lags_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), 200);
    let simulator =
        Simulator::bare(&["--users", &file, "--rate-limit", "off", "--search-lag", "30s"]);
    // To another name, and back; and the same twice; the second rows stand next to the first, or
    // far behind them.
    let mut rows = String::from("loginId,givenName\n");
    rows += "u1@x.com,New\nu1@x.com,Old\nu2@x.com,New\nu2@x.com,New\nu3@x.com,New\n";
    rows += &(10..=150).fold(String::new(), |rows, n| rows + &format!("u{n}@x.com,Old\n"));
    rows += "u3@x.com,Old\nu2@x.com,New\n";
    let ran = Run::reading_from(&simulator)
        .file("in.csv", rows)
        .args(&["--skip-unchanged", "--concurrency", "1"])
        .go()
        .code(0);
    let of = |user: &str| -> Vec<String> {
        let results = ran.results();
        let rows = results.iter().filter(|row| row["loginId"] == user);
        rows.map(|row| text(row, "status").to_owned()).collect()
    };
    assert_eq!(of("u1@x.com"), ["updated", "updated"]);
    assert_eq!(of("u2@x.com"), ["updated", "unchanged", "unchanged"]);
    assert_eq!(of("u3@x.com"), ["updated", "updated"]);
    assert_eq!(ran.tally("unchanged"), 143);
}

#[test]
fn what_cannot_be_seen_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = users(folder.path(), 1);
    let simulator = Simulator::bare(&["--users", &file, "--rate-limit", "off"]);
    let ran = Run::reading_from(&simulator)
        .file("in.csv", "loginId,password,operation\nu1@x.com,Secret-1,password-set-active\nu1@x.com,,password-expire\nnobody@x.com,Secret-1,password-set-active\n")
        .arg("--skip-unchanged")
        .go()
        .code(1);
    assert_eq!(ran.statuses(), ["updated", "updated", "rejected"]);
    let results = ran.read("results.jsonl");
    assert!(!results.contains("Secret-1") && results.contains(r#"{"field":"password"}"#));
}
