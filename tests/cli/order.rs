//! Rows of one user go out in file order and never overlap; others do not wait.

use std::collections::HashMap;

use serde_json::Value;

use crate::support::{Run, Simulator, text};

/// The arrivals of each user in order, with start and end, checked not to overlap.
fn per_user(arrivals: &[Value]) -> HashMap<String, Vec<&Value>> {
    let mut users: HashMap<String, Vec<&Value>> = HashMap::new();
    for arrival in arrivals {
        users.entry(text(arrival, "loginId").to_owned()).or_default().push(arrival);
    }
    for (user, arrivals) in &users {
        for pair in arrivals.windows(2) {
            let (end, begin) = (pair[0]["endAt"].as_f64(), pair[1]["at"].as_f64());
            assert!(end.unwrap() <= begin.unwrap(), "{user}: {pair:?}");
        }
    }
    users
}

#[test]
fn rows_of_one_user_keep_their_order_through_retries() {
    let simulator = Simulator::start(&[
        "--latency",
        "0ms..20ms",
        "--fault",
        "status=503:rate=0.2",
        "--log-bodies",
    ]);
    let header = "loginId,name\n".to_owned();
    let row = |n| format!("user{}@example.com,Name {n}\n", n % 10);
    let rows = (0..200).fold(header, |rows, n| rows + &row(n));
    let ran = Run::against(&simulator)
        .file("in.csv", rows)
        .args(&["--max-attempts", "20", "--operation", "name"])
        .go()
        .code(0);
    assert_eq!(ran.tally("updated"), 200);
    let arrivals = simulator.stop();
    for (user, arrivals) in per_user(&arrivals) {
        let applied: Vec<u32> = arrivals
            .iter()
            .filter(|arrival| arrival["applied"] == true)
            .map(|arrival| {
                let name = arrival["body"]["name"].as_str().unwrap();
                name.trim_start_matches("Name ").parse().unwrap()
            })
            .collect();
        assert_eq!(applied.len(), 20, "{user}");
        assert!(applied.is_sorted(), "{user}: {applied:?}");
    }
}

#[test]
fn a_rename_is_followed() {
    let simulator = Simulator::start(&["--latency", "30ms"]);
    let rows = r#"{"operation":"name","loginId":"old","name":"1"}
{"operation":"loginid","loginId":"old","newLoginId":"new"}
{"operation":"name","loginId":"new","name":"2"}
{"operation":"loginid","loginId":"new","newLoginId":"newer"}
{"operation":"name","loginId":"newer","name":"3"}
{"operation":"name","loginId":"old","name":"4"}
"#;
    let ran = Run::against(&simulator).file("in.jsonl", rows).go().code(1);
    assert_eq!(
        ran.statuses(),
        ["updated", "updated", "updated", "updated", "updated", "rejected"],
        "after the rename nobody has the old name"
    );
    assert_eq!(ran.kinds(), ["user_not_found"]);
    let results = ran.results();
    assert_eq!(results[4]["user"]["name"], "3");
    assert_eq!(results[4]["user"]["userId"], results[0]["user"]["userId"]);
}

#[test]
fn others_do_not_wait_for_a_row_that_sleeps() {
    let simulator =
        Simulator::start(&["--fault", "503:retry-after=2,login-id=slow@example.com,first=1"]);
    let slow = "loginId,name\nslow@example.com,A\nslow@example.com,B\n".to_owned();
    let rows = (0..50).fold(slow, |rows, n| rows + &format!("user{n}@example.com,N\n"));
    let ran = Run::against(&simulator)
        .args(&["--concurrency", "1", "--operation", "name"])
        .file("in.csv", rows)
        .go()
        .code(0);
    let order: Vec<String> = crate::support::lines(&ran.path("results.jsonl"))
        .iter()
        .map(|result| text(result, "loginId").to_owned())
        .collect();
    assert_eq!(order[50..], ["slow@example.com", "slow@example.com"]);
    let results = ran.results();
    assert_eq!(results[0]["attempts"], 2);
    assert_eq!(results[1]["user"]["name"], "B");
}
