//! Rows of many users in one call: how few calls they take, and that each row still has its own
//! outcome. Judged by what arrived at the simulator.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::support::{Ran, Run, Simulator, program_against, text, wait_until};

const BATCH: &str = "/patch/batch";
const SEARCH: &str = "/user/search";

/// A phone number for each of so many users.
fn phones(users: usize) -> String {
    let mut rows = "loginId,phone,verified\n".to_owned();
    for user in 0..users {
        let _ = writeln!(rows, "u{user}@x.com,+1415555{user:04},true");
    }
    rows
}

/// A packed run of a file; what became of the rows, and what arrived.
fn packed(simulator: &[&str], flags: &[&str], name: &str, rows: &str) -> (Ran, Vec<Value>) {
    let mut options = vec!["--log-bodies"];
    options.extend(simulator);
    let simulator = Simulator::start(&options);
    let ran = Run::against(&simulator)
        .args(&["--phones", "as-is", "--max-attempts", "3"])
        .args(if flags.iter().any(|flag| flag.starts_with("--batch=")) {
            &[]
        } else {
            &["--batch"]
        })
        .args(flags)
        .file(name, rows)
        .go();
    (ran, simulator.stop())
}

/// How many requests arrived on paths that end so.
fn on(arrivals: &[Value], tail: &str) -> usize {
    arrivals.iter().filter(|arrival| text(arrival, "path").ends_with(tail)).count()
}

/// The patches that arrived, in the order of arrival.
fn patches(arrivals: &[Value]) -> Vec<Value> {
    let batches = arrivals.iter().filter(|arrival| text(arrival, "path").ends_with(BATCH));
    batches.flat_map(|batch| batch["body"]["users"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_thousand_rows_take_twenty_calls() {
    let (ran, arrivals) = packed(&[], &[], "in.csv", &phones(1000));
    let ran = ran.code(0);
    assert_eq!((on(&arrivals, BATCH), on(&arrivals, SEARCH), arrivals.len()), (10, 10, 20));
    for (index, result) in ran.results().iter().enumerate() {
        let phone = format!("+1415555{index:04}");
        assert_eq!(text(&result["user"], "phone"), phone, "each row has its own user");
        assert_eq!((&result["attempts"], &result["httpStatus"]), (&1.into(), &200.into()));
        assert_eq!(result["operation"], "phone");
    }
    let patch = json!({"loginId": "u0@x.com", "phone": "+14155550000", "verifiedPhone": true});
    assert!(patches(&arrivals).contains(&patch));
    let search = arrivals.iter().find(|arrival| text(arrival, "path").ends_with(SEARCH)).unwrap();
    assert_eq!(search["body"]["withTestUser"], true);
    assert_eq!(search["body"]["loginIds"].as_array().unwrap().len(), 100);
    let summary = ran.summary();
    assert_eq!((&summary["calls"], &summary["callsSaved"]), (&20.into(), &980.into()));
    assert!(ran.stdout.contains("20 calls (980 saved by batching)"), "{}", ran.stdout);
}

#[test]
fn only_patches_are_packed_unasked() {
    let rows = "loginId,name,picture\na,A,http://x/a\nb,B,http://x/b\n";
    for (flags, batches, calls) in [
        (&[][..], 1, 1),
        (&["--operation", "patch"], 1, 1),
        (&["--batch=off"], 0, 2),
        (&["--batch=patches", "--batch-size", "1"], 0, 2),
    ] {
        let simulator = Simulator::start(&[]);
        Run::against(&simulator).args(flags).file("in.csv", rows).go().code(0);
        let arrivals = simulator.stop();
        assert_eq!((on(&arrivals, BATCH), arrivals.len()), (batches, calls), "{flags:?}");
    }
    let simulator = Simulator::start(&[]);
    Run::against(&simulator).file("in.csv", phones(3)).go().code(0);
    assert_eq!(on(&simulator.stop(), "/update/phone"), 3, "phones are packed only if asked for");
}

#[test]
fn what_somebody_else_has_goes_by_its_own_endpoint() {
    // Were it patched, the server would merge the holder into the row's user.
    let simulator = Simulator::start(&[
        "--log-bodies",
        "--patch-conflict",
        "merge",
        "--verified-default",
        "true",
    ]);
    let rows = "operation,loginId,name\nname,+14155550001,Holder\n";
    Run::against(&simulator).file("holder.csv", rows).go().code(0);
    let ran = Run::against(&simulator).arg("--batch").file("in.csv", phones(3)).go().code(1);
    assert_eq!(ran.statuses(), ["updated", "rejected", "updated"]);
    assert_eq!(ran.kinds(), ["conflict"]);
    assert_eq!(ran.results()[1]["error"]["code"], "E111127");
    let again = Run::against(&simulator).file("again.csv", rows).go().code(0);
    assert_eq!(again.results()[0]["user"]["loginIds"], json!(["+14155550001"]), "still there");
    let arrivals = simulator.stop();
    let apart = arrivals.iter().find(|arrival| text(arrival, "path").ends_with("/update/phone"));
    assert_eq!(apart.unwrap()["body"]["failOnConflict"], true);
    assert_eq!(patches(&arrivals).len(), 2);
}

#[test]
fn a_user_may_be_given_its_own_login_id() {
    let rows = "loginId,phone,verified\n+1 415 555 0000,+14155550000,true\n";
    let (ran, arrivals) = packed(&[], &[], "in.csv", rows);
    ran.code(0);
    assert_eq!(on(&arrivals, "/update/phone"), 0);
}

#[test]
fn a_value_that_appears_again_goes_by_its_own_endpoint_after_the_first() {
    let rows = "loginId,phone,verified\na,+14155550000,true\nb,+14155550001,true\n\
                c,+1-415-555-0000,true\n";
    let (ran, arrivals) = packed(&[], &[], "in.csv", rows);
    ran.code(0);
    let paths: Vec<_> = arrivals.iter().map(|arrival| text(arrival, "path")).collect();
    let apart = paths.iter().position(|path| path.ends_with("/update/phone")).unwrap();
    let batch = paths.iter().position(|path| path.ends_with(BATCH)).unwrap();
    assert!(batch < apart, "{paths:?}");
    assert_eq!(text(&arrivals[apart], "loginId"), "c");
}

#[test]
fn a_patch_never_takes_what_somebody_else_has() {
    let simulator = Simulator::start(&["--log-bodies", "--patch-conflict", "merge"]);
    Run::against(&simulator).file("holder.csv", "loginId,name\nh@x.com,Holder\n").go().code(0);
    let rows = "loginId,name,email,verifiedEmail\na,A,h@x.com,true\nb,B,b@x.com,true\n\
                c,C,b@x.com,true\nd,D,d@x.com,true\n";
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(1);
    // c is given what b was given just before, which is nobody's login ID.
    assert_eq!(ran.statuses(), ["rejected", "updated", "updated", "updated"]);
    assert_eq!(ran.kinds(), ["conflict"]);
    let arrivals = simulator.stop();
    let of = |login_id: &str| {
        arrivals
            .iter()
            .filter(|a| {
                text(a, "path").ends_with("/user/patch") && a["body"]["loginId"] == login_id
            })
            .count()
    };
    assert_eq!((of("a"), of("c")), (0, 1), "nothing was sent for a");
    assert_eq!(patches(&arrivals).len(), 2);
}

/// Five users, two of them unknown.
fn with_unknown(reply: &str) -> (Ran, Vec<Value>) {
    let simulator =
        Simulator::bare(&["--users", "3", "--rate-limit", "off", "--batch-reply", reply]);
    let mut rows = "loginId,phone,verified\n".to_owned();
    for (index, user) in ["user1", "ghost1", "user2", "ghost2", "user3"].iter().enumerate() {
        let _ = writeln!(rows, "{user}@example.com,+1415555000{index},true");
    }
    let ran = Run::against(&simulator).arg("--batch").file("in.csv", rows).go();
    (ran, simulator.stop())
}

#[test]
fn each_row_has_its_own_outcome_however_little_the_answer_tells() {
    for (reply, reads, apart) in
        [("full", 0, 0), ("anonymous", 0, 0), ("silent", 2, 0), ("empty", 5, 0)]
    {
        let (ran, arrivals) = with_unknown(reply);
        let ran = ran.code(1);
        assert_eq!(
            ran.statuses(),
            ["updated", "rejected", "updated", "rejected", "updated"],
            "{reply}"
        );
        assert_eq!(ran.kinds(), ["user_not_found"; 2], "{reply}");
        for result in ran.results().iter().filter(|result| result["status"] == "updated") {
            assert_eq!(result["user"]["loginIds"][0], result["loginId"], "{reply}");
        }
        assert_eq!(on(&arrivals, "/mgmt/user"), reads, "reads, {reply}");
        assert_eq!(
            on(&arrivals, "/update/phone"),
            apart + if reads > 0 { 2 } else { 0 },
            "{reply}"
        );
        // What failed can be fed back.
        assert_eq!(ran.read("failures.csv").lines().count(), 3, "{reply}");
    }
}

#[test]
fn a_call_that_is_too_large_is_halved_and_so_are_later_ones() {
    let flags = ["--concurrency", "2"];
    let (ran, arrivals) = packed(&["--batch-maximum", "30"], &flags, "in.csv", &phones(3000));
    let ran = ran.code(0);
    assert_eq!(ran.tally("updated"), 3000);
    let sizes = |arrival: &Value| arrival["body"]["users"].as_array().map(Vec::len);
    let batches: Vec<usize> = arrivals.iter().filter_map(sizes).collect();
    let refused: Vec<usize> = batches.iter().copied().filter(|size| *size > 30).collect();
    assert!(refused.len() < 15, "of 3,000 users thirty calls of 100 would be refused: {refused:?}");
    assert_eq!(patches(&arrivals).len() - 3000, refused.iter().sum::<usize>());
}

#[test]
fn the_row_that_spoils_a_call_is_found() {
    for fault in ["400", "500"] {
        let fault = format!("{fault}:login-id=u37@x.com");
        let (ran, arrivals) = packed(&["--fault", &fault], &[], "in.csv", &phones(100));
        let ran = ran.code(1);
        let failed: Vec<u64> = ran
            .results()
            .iter()
            .filter(|result| result["status"] != "updated")
            .map(|result| result["row"].as_u64().unwrap())
            .collect();
        assert_eq!(failed, [38], "{fault}");
        assert_eq!(ran.tally("updated"), 99);
        assert_eq!(on(&arrivals, SEARCH), 1, "what was found out once is not asked again");
    }
}

#[test]
fn a_server_without_such_calls_gets_the_rows_one_by_one() {
    let (ran, arrivals) =
        packed(&["--fault", "html=404:path=patch/batch"], &[], "in.csv", &phones(300));
    let ran = ran.code(0);
    assert_eq!(on(&arrivals, "/update/phone"), 300);
    assert!(on(&arrivals, BATCH) <= 3, "those that were on their way before the first answer");
    assert_eq!(ran.summary()["callsSaved"], 0);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_a_dead_server_is_no_success() {
    let (ran, arrivals) =
        packed(&["--fault", "apply-drop:path=patch/batch,first=1"], &[], "in.csv", &phones(50));
    let ran = ran.code(0);
    assert_eq!(on(&arrivals, BATCH), 2);
    assert_eq!(ran.results()[0]["attempts"], 2);
    let (ran, _) = packed(
        &["--fault", "drop:path=patch/batch"],
        &["--max-same-failures", "0"],
        "in.csv",
        &phones(5),
    );
    assert_eq!(ran.code(1).statuses(), ["unknown"; 5]);
}

#[test]
fn a_search_that_fails_sends_rows_by_their_own_endpoint() {
    for fault in ["400:path=search", "503:path=search", "garbage:path=search"] {
        let (ran, arrivals) = packed(&["--fault", fault], &[], "in.csv", &phones(5));
        ran.code(0);
        assert_eq!((on(&arrivals, BATCH), on(&arrivals, "/update/phone")), (0, 5), "{fault}");
    }
}

#[test]
fn rows_of_one_user_become_one_patch_where_nothing_is_lost() {
    let rows = [
        json!({"operation": "phone", "loginId": "a", "phone": "+14155550000", "verified": true}),
        json!({"operation": "name", "loginId": "a", "name": "A", "givenName": "Al"}),
        json!({"operation": "status", "loginId": "b", "status": "disabled"}),
        json!({"operation": "picture", "loginId": "a", "picture": "http://x/a"}),
        json!({"operation": "recovery-email", "loginId": "a", "recoveryEmail": "r@x.com", "verified": false}),
        json!({"operation": "role-set", "loginId": "a", "roleNames": ["R"]}),
    ];
    let rows: String = rows.iter().map(|row| row.to_string() + "\n").collect();
    let (ran, arrivals) = packed(&[], &[], "in.jsonl", &rows);
    let ran = ran.code(0);
    assert_eq!(
        patches(&arrivals),
        [
            json!({
                "loginId": "a", "phone": "+14155550000", "verifiedPhone": true, "name": "A",
                "givenName": "Al", "picture": "http://x/a", "recoveryEmail": "r@x.com",
                "verifiedRecoveryEmail": false, "roleNames": ["R"]
            }),
            json!({"loginId": "b", "status": "disabled"}),
        ]
    );
    assert_eq!(ran.statuses(), ["updated"; 6], "each row has its outcome");
    assert_eq!(ran.results()[5]["user"]["phone"], "+14155550000");
}

#[test]
fn rows_that_would_overwrite_each_other_keep_their_order() {
    let mut rows = "operation,loginId,name,newLoginId\n".to_owned();
    for number in 0..20 {
        let _ = writeln!(rows, "name,a,N{number},\nname,b,N{number},");
    }
    rows.push_str("loginid,a,,z\nname,z,Last,\n");
    let (ran, arrivals) = packed(&[], &[], "in.csv", &rows);
    let ran = ran.code(0);
    let names = |user: &str| -> Vec<String> {
        let own = patches(&arrivals).into_iter().filter(|patch| patch["loginId"] == user);
        own.map(|patch| text(&patch, "name").to_owned()).collect()
    };
    let wanted: Vec<String> = (0..20).map(|number| format!("N{number}")).collect();
    assert_eq!((names("a"), names("b")), (wanted.clone(), wanted));
    assert_eq!(ran.results()[41]["user"]["name"], "Last");
}

#[test]
fn a_patch_of_several_rows_that_fails_shows_which_row_is_at_fault() {
    let rows = "operation,loginId,name,roleNames\nname,a,A,\nrole-set,a,,Nobody\nname,b,B,\n";
    let (ran, arrivals) = packed(&["--known-role", "R"], &[], "in.csv", rows);
    assert_eq!(ran.code(1).statuses(), ["updated", "rejected", "updated"]);
    assert_eq!((on(&arrivals, "/update/name"), on(&arrivals, "/role/set")), (1, 1));
}

#[test]
fn custom_attributes_are_packed_only_if_all_is_asked_for() {
    let rows = "loginId,attributeKey,attributeValue\na,tier,gold\na,age,7\nb,tier,silver\n";
    let (ran, arrivals) = packed(&[], &[], "in.csv", rows);
    ran.code(0);
    assert_eq!(on(&arrivals, "/customAttribute"), 3);
    let (ran, arrivals) = packed(&[], &["--batch=all"], "in.csv", rows);
    assert_eq!(ran.code(0).statuses(), ["updated"; 3]);
    assert_eq!(
        patches(&arrivals),
        [
            json!({"loginId": "a", "customAttributes": {"tier": "gold", "age": 7}}),
            json!({"loginId": "b", "customAttributes": {"tier": "silver"}}),
        ]
    );
}

#[test]
fn leave_to_merge_users_goes_by_the_endpoints_that_merge() {
    let simulator = Simulator::start(&[]);
    Run::against(&simulator)
        .args(&["--batch", "--on-conflict", "merge"])
        .file("in.csv", phones(3))
        .go()
        .code(0);
    assert_eq!(on(&simulator.stop(), "/update/phone"), 3);
}

#[test]
fn a_packed_run_that_is_killed_goes_on_and_every_row_is_done() {
    let simulator = Simulator::start(&["--log-bodies", "--latency", "1ms..9ms"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), phones(3000)).unwrap();
    let start = || {
        program_against(&simulator, folder.path())
            .args(["run", "--resume", "--out", "out", "--quiet", "--json", "--batch", "in.csv"])
            .args(["--phones", "as-is", "--concurrency", "3"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    for arrivals in [5, 17, 31] {
        let mut child = start();
        wait_until("the run ends or has sent enough", || {
            child.try_wait().unwrap().is_some() || simulator.arrivals().len() >= arrivals
        });
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(start().wait().unwrap().success());
    let results = crate::support::lines(&folder.path().join("out/results.jsonl"));
    let mut rows: Vec<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (1..=3000).collect::<Vec<_>>(), "each row once");
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for patch in patches(&simulator.stop()) {
        *sent.entry(text(&patch, "loginId").to_owned()).or_default() += 1;
    }
    assert_eq!(sent.len(), 3000);
    assert!(sent.values().all(|times| *times <= 4), "only what was on the wire is sent again");
}

#[test]
fn the_forecast_knows_packed_calls() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), phones(1000)).unwrap();
    let check = |flags: &[&str]| {
        let output = crate::support::program()
            .current_dir(folder.path())
            .args(["check", "--json", "--phones", "as-is", "in.csv"])
            .args(flags)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["forecast"][0]["calls"].as_u64().unwrap()
    };
    assert_eq!(check(&[]), 1000);
    assert_eq!(check(&["--batch"]), 20);
    assert_eq!(check(&["--batch", "--batch-size", "50"]), 40);
}
