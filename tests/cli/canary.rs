//! The canary: a few rows go first, and the others only if all is well.

use serde_json::{Value, json};

use crate::support::{Desk, text};

fn desk(arguments: &[&str]) -> Desk {
    let user =
        |n: usize| json!({"userId": format!("U2{n:0>26}"), "loginIds": [format!("u{n}@x.com")]});
    let users: Vec<Value> = (0..60).map(user).collect();
    let desk = Desk::new(&users, arguments);
    // Names first, and one status at the end; the first user has a second row.
    let mut rows = String::from("operation,loginId,givenName,status\n");
    rows += &(0..50).fold(String::new(), |rows, n| rows + &format!("name,u{n}@x.com,New,\n"));
    rows += "status,u0@x.com,,disabled\nstatus,u55@x.com,,disabled\n";
    desk.write("in.csv", &rows);
    desk
}

/// The paths of the requests, in their order of arrival.
fn paths(desk: &Desk) -> Vec<String> {
    let tail = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    desk.simulator.arrivals().iter().map(|arrival| tail(text(arrival, "path"))).collect()
}

#[test]
fn rows_of_every_operation_go_first_and_are_read_again() {
    let desk = desk(&[]);
    let words = ["run", "in.csv", "--out", "out", "--canary", "4", "--no-keep-before"];
    let (_, said) = desk.go(&words, 0);
    assert!(said.contains("canary: 4 rows sent, and their users show what was written"), "{said}");
    let paths = paths(&desk);
    let mut first = paths[..4].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["name", "name", "name", "status"], "one of each operation at least");
    assert_eq!(paths[4..8], ["user"; 4], "then they are read, one by one");
    assert_eq!(paths.len(), 4 + 4 + 48);
    let rows: Vec<u64> =
        desk.results("out").iter().map(|row| row["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, (1..=52).collect::<Vec<_>>(), "each row once");
    // The status that goes first is not the one of the user who has an earlier row.
    let early = desk.simulator.arrivals();
    let status = early.iter().find(|own| text(own, "path").ends_with("status")).unwrap();
    assert_eq!(status["loginId"], "u55@x.com");
    // It reads users before it writes, too, where before-images are kept.
    let kept = self::desk(&[]);
    kept.go(&["run", "in.csv", "--out", "out", "--canary", "4"], 0);
    assert_eq!(kept.simulator.updates().len(), 52);
}

#[test]
fn where_one_fails_or_does_not_hold_nothing_else_is_sent() {
    for (fault, expected) in [
        ("400:path=status", "rejected (refused)"),
        ("meddle=name:path=name,login-id=u1@x.com", "the user shows otherwise"),
    ] {
        let desk = desk(&["--fault", fault]);
        // What somebody else changes must be what the row has written.
        let rows = "operation,loginId,name,status\nname,u1@x.com,New,\nstatus,u2@x.com,,disabled\n\
                    name,u3@x.com,New,\nname,u4@x.com,New,\n";
        desk.write("in.csv", rows);
        let words = ["run", "in.csv", "--out", "out", "--canary", "2"];
        let (shown, said) = desk.go(&words, 3);
        assert!(said.contains(expected) && said.contains("not as they should be"), "{said}");
        assert!(shown.contains("rows of the canary are not as they should be"), "{shown}");
        assert!(shown.contains("--resume"), "{shown}");
        assert_eq!(desk.simulator.updates().len(), 2, "{fault}");
        // Whoever resumes it has looked.
        let again = [&words[..], &["--resume"]].concat();
        let code = i32::from(fault.starts_with("400"));
        desk.go(&again, code);
        assert_eq!(desk.results("out").len(), 4);
        assert_eq!(desk.simulator.updates().len(), 4);
    }
}

#[test]
fn a_canary_of_more_rows_than_there_are_is_all_of_them() {
    let desk = desk(&[]);
    let (shown, _) = desk.go(&["run", "in.csv", "--out", "out", "--canary", "1000"], 0);
    assert!(shown.contains("total: 52 rows read = 52 updated"), "{shown}");
}
