//! Users come and go: created, upserted, deleted, and those whom a file no longer names; judged by
//! what arrived at the simulator, and by who is there in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Desk, lines, text, updates, wait_until};

/// bcrypt and Argon2, both of the word `password`, as other systems export them.
const BCRYPT: &str = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
const ARGON2: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$RdescudvJCsgt3ub+b27Cq8mV3mV2mZlVn3vQ8P1k0A";

fn user(name: &str) -> Value {
    json!({
        "userId": format!("U2{name:0>26}"),
        "loginIds": [format!("{name}@x.com")],
        "email": format!("{name}@x.com"),
        "verifiedEmail": true,
        "status": "enabled",
        "createdTime": 1_700_000_000,
        "modifiedTime": 1_700_000_000,
    })
}

/// A row for each of some numbers.
fn rows(numbers: Range<u64>, row: impl Fn(u64) -> String) -> String {
    numbers.map(row).collect::<Vec<_>>().concat()
}

fn users(names: impl IntoIterator<Item = u64>) -> Vec<Value> {
    names.into_iter().map(|number| user(&format!("u{number}"))).collect()
}

/// Users by their first login ID.
fn by_login_id(desk: &Desk) -> BTreeMap<String, Value> {
    let users = desk.simulator.users().into_values();
    users.map(|user| (user["loginIds"][0].as_str().unwrap().to_owned(), user)).collect()
}

/// The requests that change users, by path.
fn calls(desk: &Desk) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for arrival in desk.simulator.updates() {
        *calls.entry(text(&arrival, "path").to_owned()).or_default() += 1;
    }
    calls
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| text(result, "status")).collect()
}

#[test]
fn users_are_created_with_all_they_bring_and_nobody_is_invited() {
    let desk = Desk::new(&[user("old")], &["--log-bodies"]);
    desk.write(
        "in.jsonl",
        &[
            json!({
                "loginId": "ann@x.com", "email": "ann@x.com", "verifiedEmail": true,
                "phone": "+14155550100", "verifiedPhone": false, "name": "Ann", "givenName": "A",
                "status": "enabled", "roleNames": ["a"], "additionalIdentifiers": ["ann"],
                "userTenants": [{"tenantId": "T1", "roleNames": ["x"]}], "ssoAppIds": ["S1"],
                "customAttributes": {"tier": "gold"}, "test": false, "createdTime": 1_600_000_000,
                "hashedPassword": {"bcrypt": {"hash": BCRYPT}}, "recoveryEmail": "r@x.com",
                "verifiedRecoveryEmail": true, "seed": "JBSWY3DPEHPK3PXP",
            }),
            json!({"loginId": "bob@x.com"}),
            json!({"loginId": "old@x.com", "name": "New Name"}),
        ]
        .map(|row| row.to_string() + "\n")
        .concat(),
    );
    desk.go(&["run", "in.jsonl", "--operation", "create", "--yes", "--out", "out"], 1);
    let results = desk.results("out");
    assert_eq!(statuses(&results), ["created", "created", "rejected"]);
    assert_eq!(results[2]["error"]["kind"], "already_exists", "{}", results[2]);
    let users = by_login_id(&desk);
    let ann = &users["ann@x.com"];
    for (key, expected) in [
        ("loginIds", json!(["ann@x.com", "ann"])),
        ("phone", json!("+14155550100")),
        ("verifiedPhone", json!(false)),
        ("name", json!("Ann")),
        ("status", json!("enabled")),
        ("roleNames", json!(["a"])),
        ("ssoAppIds", json!(["S1"])),
        ("customAttributes", json!({"tier": "gold"})),
        ("createdTime", json!(1_600_000_000)),
        ("password", json!(true)),
        ("TOTP", json!(true)),
        ("recoveryEmail", json!("r@x.com")),
    ] {
        assert_eq!(ann[key], expected, "{key}");
    }
    assert_eq!(ann["userTenants"][0]["roleNames"], json!(["x"]));
    assert_eq!(
        (&users["bob@x.com"]["status"], &users["bob@x.com"]["password"]),
        (&json!("invited"), &json!(false))
    );
    assert_eq!(users["old@x.com"]["name"], "", "who was there is as before");
    let arrivals = desk.simulator.stop();
    let sent = arrivals.iter().find(|own| text(own, "path").ends_with("create/batch")).unwrap();
    let flags = ["invite", "sendMail", "sendSMS"].map(|key| sent["body"][key].clone());
    assert_eq!(flags, [json!(false), json!(false), json!(false)]);
    assert!(arrivals.iter().all(|own| own.get("invited").is_none()));
}

#[test]
fn an_invitation_is_said_counted_and_must_be_allowed_in_a_plan() {
    let desk = Desk::new(&[], &[]);
    desk.write("in.csv", "loginId,name\na@x.com,A\nb@x.com,B\n");
    let create = ["in.csv", "--operation", "create", "--invite"];
    desk.go(&[&["plan"], &create[..], &["-o", "plan.jsonl"]].concat(), 0);
    let (_, refused) = desk.go(&["run", "plan.jsonl", "--yes"], 2);
    assert!(refused.contains("--allow invitation"), "{refused}");
    desk.go(&["run", "plan.jsonl", "--allow", "invitation", "--yes", "--out", "out"], 0);
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(desk.path("out/summary.json")).unwrap()).unwrap();
    assert_eq!(summary["invited"], 2);
    let arrivals = desk.simulator.stop();
    let invited: u64 = arrivals.iter().filter_map(|own| own["invited"].as_u64()).sum();
    assert_eq!(invited, 2);
}

#[test]
fn secrets_of_new_users_are_nowhere_but_in_the_request() {
    let desk = Desk::new(&[], &[]);
    let row = |login_id: &str, hash: &str| format!("{login_id},{hash},pa55-in-plain\n");
    desk.write(
        "in.csv",
        &format!("loginId,hash,note\n{}{}", row("a@x.com", BCRYPT), row("b@x.com", ARGON2)),
    );
    desk.write("plain.csv", "loginId,password,seed\na2@x.com,pa55-in-plain,JBSWY3DPEHPK3PXP\n");
    let of = |file: &str, map: &'static str| {
        let words = [file, "--operation", "create", "--ignore", "note", "-vv", "--yes"];
        let map: &[&str] = if map.is_empty() { &[] } else { &["--map", map] };
        [&words[..], map].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    desk.write("one.csv", &format!("loginId,hash,note\n{}", row("c@x.com", BCRYPT)));
    let mut told = String::new();
    for (words, out, code) in
        [(of("one.csv", "hash=hashedPassword.bcrypt"), "out1", 0), (of("plain.csv", ""), "out2", 0)]
    {
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        words.insert(0, "run");
        if out == "out2" {
            words.retain(|word| *word != "--ignore" && *word != "note");
        }
        words.extend(["--out", out]);
        let (stdout, stderr) = desk.go(&words, code);
        told += &(stdout + &stderr);
        for entry in fs::read_dir(desk.path(out)).unwrap() {
            told += &String::from_utf8_lossy(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
    let plan = ["plan", "one.csv", "--operation", "create", "--ignore", "note"];
    let (stdout, stderr) = desk
        .go(&[&plan[..], &["--map", "hash=hashedPassword.bcrypt", "-o", "p.jsonl"]].concat(), 1);
    told += &(stdout + &stderr + &fs::read_to_string(desk.path("p.jsonl")).unwrap());
    for secret in [&BCRYPT[8..], "pa55-in-plain", "JBSWY3DPEHPK3PXP"] {
        assert!(!told.contains(secret), "{secret}");
    }
    assert!(by_login_id(&desk).values().all(|user| user["password"] == true));
}

#[test]
fn an_upsert_creates_who_is_missing_and_patches_what_differs() {
    let desk = Desk::new(&users(0..60), &[]);
    let row = |number: u64| match number {
        // As they are.
        0..20 => format!("u{number}@x.com,,enabled\n"),
        20..60 => format!("u{number}@x.com,New {number},\n"),
        _ => format!("n{number}@x.com,New {number},enabled\n"),
    };
    let rows: String = (0..100).map(row).collect();
    desk.write("in.csv", &format!("loginId,name,status\n{rows}"));
    let upsert = ["in.csv", "--operation", "upsert"];
    let plan = desk.json(&[&["plan"], &upsert[..]].concat(), 0);
    assert_eq!(plan["operations"], json!({"create": 40, "patch": 40}));
    assert_eq!(plan["others"], json!({"unchanged": 20}));
    let before = desk.simulator.updates().len();
    assert_eq!(before, 0, "a plan only reads");
    desk.go(&[&["run"], &upsert[..], &["--yes", "--out", "out"]].concat(), 0);
    let results = desk.results("out");
    let count = |status: &str| statuses(&results).iter().filter(|own| **own == status).count();
    assert_eq!([count("created"), count("updated"), count("unchanged")], [40, 40, 20]);
    assert_eq!(
        calls(&desk),
        [("/v1/mgmt/user/create/batch".to_owned(), 1), ("/v1/mgmt/user/patch/batch".to_owned(), 1)]
            .into()
    );
    let users = by_login_id(&desk);
    assert_eq!(users.len(), 100);
    assert!((20..60).all(|n| users[&format!("u{n}@x.com")]["name"] == format!("New {n}")));
    // Once more: there is nothing to do.
    desk.go(&[&["run"], &upsert[..], &["--yes", "--out", "again"]].concat(), 0);
    assert!(statuses(&desk.results("again")).iter().all(|status| *status == "unchanged"));
    // Taken back, those who came go, and the others are as before.
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 0);
    let back = ["run", "undo.jsonl", "--allow-destructive", "--max-deletes", "40", "--yes"];
    desk.go(&back, 0);
    let users = by_login_id(&desk);
    assert_eq!(users.len(), 60);
    assert!(users.values().all(|user| user["name"] == ""));
}

#[test]
fn a_race_to_create_a_user_ends_as_a_conflict_that_is_told() {
    // Search shows nobody yet: as if somebody else had just made the user.
    let desk = Desk::new(&[], &["--search-lag", "1h"]);
    desk.write("first.csv", "loginId,name\na@x.com,First\n");
    desk.write("in.csv", "loginId,name\na@x.com,Second\nb@x.com,B\n");
    desk.go(&["run", "first.csv", "--operation", "create", "--yes"], 0);
    desk.go(&["run", "in.csv", "--operation", "upsert", "--yes", "--out", "out"], 1);
    let results = desk.results("out");
    assert_eq!(statuses(&results), ["rejected", "created"]);
    assert_eq!(results[0]["error"]["kind"], "already_exists");
    let patches = calls(&desk).into_keys().filter(|path| path.contains("patch")).count();
    assert_eq!(patches, 0, "who is there is not written to");
}

#[test]
fn a_lost_answer_makes_nobody_twice_and_loses_nobody() {
    for fault in [
        "apply-drop:times=2,path=/v1/mgmt/user/create/batch",
        "drop:times=2,path=/v1/mgmt/user/create/batch",
        "half:times=1,path=/v1/mgmt/user/create/batch",
        "500:times=2,path=/v1/mgmt/user/create/batch",
        "503:times=2,path=/v1/mgmt/user/create/batch",
    ] {
        let desk = Desk::new(&[user("old")], &["--fault", fault]);
        let rows = rows(0..30, |n| format!("n{n}@x.com,N {n}\n"));
        desk.write("in.csv", &format!("loginId,name\n{rows}old@x.com,O\n"));
        let words = ["run", "in.csv", "--operation", "create", "--batch-size", "10", "--yes"];
        desk.go(&[&words[..], &["--out", "out"]].concat(), 1);
        let results = desk.results("out");
        let told = statuses(&results);
        assert!(told[..30].iter().all(|status| *status == "created"), "{fault}: {told:?}");
        assert_eq!(told[30], "rejected", "{fault}: who was there before is told");
        let users = by_login_id(&desk);
        assert_eq!(users.len(), 31, "{fault}");
        assert!((0..30).all(|n| users[&format!("n{n}@x.com")]["name"] == format!("N {n}")));
    }
}

/// Kills a run at random moments while it makes users, and resumes it.
#[test]
fn kill_9_makes_nobody_twice_and_loses_nobody() {
    const USERS: u64 = 600;
    for seed in 0..6 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let seed_word = seed.to_string();
        let faults = [
            "--fault",
            "apply-drop:rate=0.2,path=/v1/mgmt/user/create/batch",
            "--fault",
            "503:rate=0.1,path=/v1/mgmt/user/create/batch",
        ];
        let arguments = [&["--latency", "0ms..6ms", "--seed", &seed_word][..], &faults].concat();
        let desk = Desk::new(&[], &arguments);
        let hash = |number: u64| if number.is_multiple_of(2) { BCRYPT } else { "" };
        let rows = rows(0..USERS, |n| format!("n{n}@x.com,{}\n", hash(n)));
        desk.write("in.csv", &format!("loginId,hash\n{rows}"));
        let words = [
            ["run", "in.csv", "--operation", "create", "--map", "hash=hashedPassword.bcrypt"],
            ["--batch-size", "20", "--resume", "--out=out", "--quiet", "--json"],
            ["--max-attempts", "20", "--max-same-failures", "0", "--concurrency", "4"],
        ]
        .concat();
        let mut crashes = 0;
        for _ in 0..rng.usize(2..5) {
            let mut command = desk.command(&words);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let until = desk.simulator.arrivals().len() + rng.usize(1..14);
            let mut ended = false;
            wait_until("the run ends or has sent enough", || {
                ended = child.try_wait().unwrap().is_some();
                ended || desk.simulator.arrivals().len() >= until
            });
            if !ended {
                child.kill().unwrap();
                crashes += 1;
            }
            child.wait().unwrap();
        }
        let code = desk.command(&words).output().unwrap().status.code();
        let results = desk.results("out");
        let context = format!("seed {seed}, {crashes} crashes");
        let failed: Vec<_> =
            results.iter().filter(|own| text(own, "status") != "created").collect();
        assert_eq!((code, failed.len()), (Some(0), 0), "{context}: {failed:#?}");
        let rows: BTreeSet<u64> = results.iter().map(|own| own["row"].as_u64().unwrap()).collect();
        assert_eq!((rows.len() as u64, results.len() as u64), (USERS, USERS), "{context}");
        let users = by_login_id(&desk);
        assert_eq!(users.len() as u64, USERS, "{context}");
        for number in 0..USERS {
            let has = users[&format!("n{number}@x.com")]["password"] == true;
            assert_eq!(has, number.is_multiple_of(2), "{context}: {number}");
        }
    }
}

#[test]
fn deletions_are_looked_at_before_the_first_row() {
    let desk = Desk::new(&users(0..100), &[]);
    let write = |name: &str, rows: &[&str]| {
        desk.write(name, &format!("loginId\n{}\n", rows.join("\n")));
    };
    write("one.csv", &["u1@x.com"]);
    write("twice.csv", &["u1@x.com", "u2@x.com", "U1@x.com"]);
    let by_id = format!("U2{:0>26}", "u1");
    write("both.csv", &["u1@x.com", &by_id]);
    let six: Vec<String> = (0..6).map(|n| format!("u{n}@x.com")).collect();
    write("six.csv", &six.iter().map(String::as_str).collect::<Vec<_>>());
    desk.write("keep.txt", &format!("# the owner\n{by_id}\n"));
    let delete = |file: &'static str, more: &[&'static str], code: i32| {
        let words = ["run", file, "--operation", "delete", "--yes"];
        let told = desk.go(&[&words[..], more].concat(), code).1;
        (told, desk.simulator.updates().len())
    };
    let allowed = "--allow-destructive";
    for (file, more, why) in [
        ("one.csv", &[][..], "--allow-destructive"),
        ("twice.csv", &[allowed], "twice.csv:4 (row 3): U1@x.com is the user of row 1"),
        ("both.csv", &[allowed], "both.csv:3 (row 2)"),
        (
            "one.csv",
            &[allowed, "--protect", "keep.txt"],
            "one.csv:2 (row 1): u1@x.com is protected",
        ),
        ("one.csv", &[allowed, "--no-keep-before"], "--no-keep-before"),
        ("one.csv", &[allowed, "--max-deletes", "0"], "1 user of 100 would be deleted"),
        ("six.csv", &[allowed], "6 users of 100 would be deleted, more than --max-deletes 5%"),
    ] {
        let (told, sent) = delete(file, more, 2);
        assert!(told.contains(why), "{file}: {told}");
        assert_eq!(sent, 0, "{file}");
    }
    delete("six.csv", &[allowed, "--max-deletes", "6%", "--out", "out"], 0);
    let results = desk.results("out");
    assert!(statuses(&results).iter().all(|status| *status == "deleted"));
    assert_eq!(lines(&desk.path("out/before.jsonl")).len(), 6, "how they were is kept");
    assert_eq!(calls(&desk), [("/v1/mgmt/user/delete/batch".to_owned(), 1)].into());
    let left = by_login_id(&desk);
    assert!(left.len() == 94 && six.iter().all(|gone| !left.contains_key(gone)));
    desk.go(&["verify", "out"], 0);
}

#[test]
fn who_was_deleted_comes_back_as_far_as_that_goes() {
    let mut full = user("ann");
    for (key, value) in [
        ("loginIds", json!(["ann@x.com", "ann"])),
        ("name", json!("Ann")),
        ("phone", json!("+14155550100")),
        ("roleNames", json!(["a"])),
        ("customAttributes", json!({"tier": "gold", "age": 7})),
        ("userTenants", json!([{"tenantId": "T1", "roleNames": ["x"]}])),
    ] {
        full[key] = value;
    }
    let desk = Desk::new(&[full], &[]);
    let before = by_login_id(&desk);
    // A change, and then the end.
    let rows = [
        json!({"operation": "name", "loginId": "ann", "name": "Anna"}),
        json!({"operation": "delete", "loginId": "ann@x.com"}),
    ];
    desk.write("in.jsonl", &rows.map(|row| row.to_string() + "\n").concat());
    let run = ["run", "in.jsonl", "--allow-destructive", "--max-deletes", "1", "--yes"];
    desk.go(&[&run[..], &["--out", "out"]].concat(), 0);
    assert!(by_login_id(&desk).is_empty());
    let (told, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(told.contains("can only be created anew"), "{told}");
    assert!(told.contains("another user ID, and without passwords, passkeys"), "{told}");
    desk.go(&["run", "undo.jsonl", "--yes", "--out", "back"], 0);
    let after = by_login_id(&desk);
    let (was, is) = (&before["ann@x.com"], &after["ann@x.com"]);
    assert_ne!(was["userId"], is["userId"]);
    for (key, value) in was.as_object().unwrap().iter().filter(|(key, _)| *key != "userId") {
        assert_eq!(is[key], *value, "{key}");
    }
}

#[test]
fn a_lost_answer_to_a_deletion_is_settled_by_reading() {
    for (fault, code, status) in [
        ("apply-drop:times=1,path=/v1/mgmt/user/delete/batch", 0, "deleted"),
        ("drop:times=1,path=/v1/mgmt/user/delete/batch", 0, "deleted"),
        ("empty:times=1,path=/v1/mgmt/user/delete/batch", 0, "deleted"),
    ] {
        let desk = Desk::new(&users(0..40), &["--fault", fault]);
        desk.write("in.csv", "loginId\nu1@x.com\nu2@x.com\n");
        let run = ["run", "in.csv", "--operation", "delete", "--allow-destructive", "--yes"];
        desk.go(&[&run[..], &["--out", "out"]].concat(), code);
        assert_eq!(statuses(&desk.results("out")), [status, status], "{fault}");
        let left = by_login_id(&desk).len();
        assert_eq!(left, 38, "{fault}");
    }
}

#[test]
fn who_is_absent_from_the_file_is_disabled_and_nobody_else() {
    let mut all = users(0..50);
    all[48]["status"] = json!("disabled");
    let desk = Desk::new(&all, &[]);
    // One is named by a user ID, and one by a row that fails.
    let rows = rows(0..46, |n| format!("u{n}@x.com,N\n"));
    let by_id = format!("U2{:0>26}", "u46");
    let nobody = format!("U2{:0>26}", "nobody");
    desk.write("in.csv", &format!("loginId,name\n{rows}{by_id},N\nnew@x.com,N\n{nobody},N\n"));
    let upsert = ["--operation", "upsert", "--yes"];
    desk.go(&[&["run", "in.csv"], &upsert[..], &["--out", "out"]].concat(), 1);
    desk.write("keep.txt", "u49@x.com\n");
    let absent = ["absent", "out", "--max-deletes", "10%", "--protect", "keep.txt"];
    let told = desk.json(&[&absent[..], &["--action", "disable", "-o", "gone.jsonl"]].concat(), 0);
    let of = |key: &str| told[key].as_u64().unwrap();
    assert_eq!([of("named"), of("absent"), of("protected"), of("disabled")], [48, 1, 1, 1]);
    let sent = desk.simulator.updates().len();
    desk.go(&["plan", "gone.jsonl", "-o", "plan.jsonl"], 0);
    assert_eq!(desk.simulator.updates().len(), sent, "up to here it only read");
    desk.go(&["run", "plan.jsonl", "--allow", "lock_out", "--yes"], 0);
    let disabled: Vec<String> = by_login_id(&desk)
        .into_iter()
        .filter(|(_, user)| user["status"] == "disabled")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(disabled, ["u47@x.com", "u48@x.com"]);
}

#[test]
fn a_wrong_file_is_stopped_before_anything_is_written() {
    let desk = Desk::new(&users(0..50), &[]);
    let upsert = ["--operation", "upsert", "--yes"];
    let run = |file: &str, more: &[&str]| {
        desk.go(&[&["run", file], &upsert[..], more].concat(), 0);
    };
    desk.write("empty.csv", "loginId,name\n");
    run("empty.csv", &["--allow-empty", "--out", "empty"]);
    let half = rows(0..25, |n| format!("u{n}@x.com,\n"));
    desk.write("half.csv", &format!("loginId,name\n{half}"));
    run("half.csv", &["--out", "half"]);
    for folder in ["empty", "half"] {
        for action in ["disable", "delete"] {
            let (_, told) = desk.go(&["absent", folder, "--action", action, "-o", "gone"], 2);
            assert!(told.contains("more than --max-deletes 5% allows"), "{told}");
            assert!(!desk.path("gone").exists());
        }
    }
    // What did not have its turn is not taken for absent.
    run("half.csv", &["--limit", "3", "--out", "part"]);
    let (_, told) = desk.go(&["absent", "part"], 2);
    assert!(told.contains("22 rows were left out"), "{told}");
    let changed = updates(desk.simulator.stop());
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn one_user_is_deleted_and_made_anew_in_the_order_of_the_file() {
    let desk = Desk::new(&users(0..20), &[]);
    let by_id = |n: u64| format!("U2{:0>26}", format!("u{n}"));
    let row = |n: u64| {
        let login_id = format!("u{n}@x.com");
        // By another name each: the order of one user is kept all the same.
        let named = if n.is_multiple_of(2) { by_id(n) } else { login_id.clone() };
        let anew = if n < 10 { "create" } else { "upsert" };
        let delete = json!({"operation": "delete", "loginId": named});
        let anew = json!({"operation": anew, "loginId": login_id, "name": "Anew"});
        format!("{delete}\n{anew}\n")
    };
    desk.write("in.jsonl", &rows(0..20, row));
    let all = ["--allow-destructive", "--max-deletes", "100%", "--yes"];
    desk.go(&[&["run", "in.jsonl", "--out", "out"], &all[..]].concat(), 0);
    let told: Vec<_> =
        desk.results("out").iter().map(|own| text(own, "status").to_owned()).collect();
    assert_eq!(told, ["deleted", "created"].repeat(20));
    let anew = by_login_id(&desk);
    assert!(anew.len() == 20 && anew.values().all(|user| user["name"] == "Anew"));
    // Taken back: those who came go, and those who went come.
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    desk.go(&[&["run", "undo.jsonl", "--out", "back"], &all[..]].concat(), 0);
    let back = by_login_id(&desk);
    assert!(back.len() == 20 && back.values().all(|user| user["name"] == ""));
}

#[test]
fn who_was_there_before_is_never_taken_for_made_by_the_run() {
    // The request never arrives, and the user who is there is exactly as the row wants.
    for fault in ["drop:path=create/batch,first=1", "empty:path=create/batch"] {
        let desk = Desk::new(&users(0..3), &["--fault", fault]);
        let row = |n: u64| {
            let login_id = format!("u{n}@x.com");
            json!({"loginId": login_id, "status": "enabled", "createdTime": 1_700_000_000})
                .to_string()
                + "\n"
        };
        desk.write("in.jsonl", &rows(0..3, row));
        desk.go(&["run", "in.jsonl", "--operation", "create", "--yes", "--out", "out"], 1);
        let results = desk.results("out");
        assert_eq!(statuses(&results), ["rejected"; 3], "{fault}");
        assert!(results.iter().all(|own| own["error"]["kind"] == "already_exists"));
        let told = desk.json(&["undo", "out", "-o", "undo.jsonl"], 0);
        assert_eq!(told["rowsWritten"], 0, "{fault}");
    }
}

#[test]
fn a_deletion_is_of_the_user_who_is_there_and_not_of_one_whom_search_still_shows() {
    let desk = Desk::new(&users(0..50), &["--search-lag", "1h"]);
    let rows = [
        json!({"operation": "delete", "loginId": "u1@x.com"}),
        json!({"operation": "create", "loginId": "u1@x.com", "name": "Anew"}),
    ];
    desk.write("anew.jsonl", &rows.map(|row| row.to_string() + "\n").concat());
    desk.write("gone.csv", "loginId\nu1@x.com\n");
    desk.go(&["run", "anew.jsonl", "--allow-destructive", "--yes"], 0);
    let anew = desk.simulator.user("u1@x.com");
    assert_eq!(anew["name"], "Anew");
    let delete = ["run", "gone.csv", "--operation", "delete", "--allow-destructive", "--yes"];
    desk.go(&delete, 0);
    assert!(desk.simulator.user("u1@x.com").is_null());
}

#[test]
fn names_that_differ_in_case_are_left_to_the_server() {
    let desk = Desk::new(&[user("ann")], &[]);
    desk.write("in.csv", "loginId,name\nCase@x.com,1\ncase@x.com,2\nCASE@x.com,3\n");
    desk.go(&["run", "in.csv", "--operation", "upsert", "--yes", "--out", "out"], 0);
    assert_eq!(statuses(&desk.results("out")), ["created"; 3]);
}

#[test]
fn what_only_a_new_user_gets_is_told_where_the_user_is_there() {
    let desk = Desk::new(&[user("ann")], &[]);
    desk.write("in.csv", "loginId,name,password\nann@x.com,A,pa55\nnew@x.com,N,pa55\n");
    let (shown, _) =
        desk.go(&["run", "in.csv", "--operation", "upsert", "--yes", "--out", "out"], 0);
    assert!(shown.contains("only_when_created"), "{shown}");
    let results = desk.results("out");
    assert_eq!(statuses(&results), ["updated", "created"]);
    assert_eq!(results[0]["warnings"][0]["column"], "password");
    assert!(results[1].get("warnings").is_none());
}

#[test]
fn a_file_of_protected_users_is_read_as_it_is_meant_or_refused() {
    let desk = Desk::new(&users(0..50), &[]);
    desk.write("in.csv", "loginId\nu1@x.com\n");
    for line in ["\"u1@x.com\"", "u1@x.com,owner", "u1@x.com;owner"] {
        desk.write("keep.txt", &format!("# us\n{line}\n"));
        let words = ["run", "in.csv", "--operation", "delete", "--allow-destructive", "--yes"];
        let (_, told) = desk.go(&[&words[..], &["--protect", "keep.txt"]].concat(), 2);
        assert!(told.contains("keep.txt:2: expected one login ID"), "{told}");
    }
    assert_eq!(desk.simulator.updates().len(), 0);
}

#[test]
fn a_canary_of_deletions_sees_that_they_are_gone() {
    let desk = Desk::new(&users(0..100), &[]);
    desk.write("in.csv", "loginId\nu1@x.com\nu2@x.com\nu3@x.com\n");
    let words = ["run", "in.csv", "--operation", "delete", "--allow-destructive", "--yes"];
    desk.go(&[&words[..], &["--canary", "1", "--out", "out"]].concat(), 0);
    assert_eq!(statuses(&desk.results("out")), ["deleted"; 3]);
}

#[test]
fn check_finds_who_comes_or_goes_twice() {
    let desk = Desk::new(&[], &[]);
    let rows = [
        json!({"operation": "create", "loginId": "a@x.com", "name": "A"}),
        json!({"operation": "create", "loginId": "a@x.com", "name": "B"}),
        json!({"operation": "delete", "loginId": "b@x.com"}),
        json!({"operation": "create", "loginId": "b@x.com"}),
        json!({"operation": "delete", "loginId": "b@x.com"}),
        json!({"operation": "delete", "loginId": "b@x.com"}),
    ];
    desk.write("in.jsonl", &rows.map(|row| row.to_string() + "\n").concat());
    let (told, _) = desk.go(&["check", "in.jsonl", "--allow-destructive", "--offline"], 1);
    for expected in [
        "warning[created_twice]: in.jsonl:1 (row 1) creates the same user",
        "warning[deleted_twice]: in.jsonl:5 (row 5) deletes the same user",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    assert_eq!(told.matches("warning[").count(), 4, "each once, and once in the counts: {told}");
}

#[test]
fn a_plan_follows_who_comes_and_goes_within_the_file() {
    let desk = Desk::new(&users(0..100), &[]);
    let rows = [
        json!({"operation": "create", "loginId": "n@x.com", "name": "N"}),
        json!({"operation": "name", "loginId": "n@x.com", "name": "M"}),
        json!({"operation": "delete", "loginId": "n@x.com"}),
        json!({"operation": "create", "loginId": "n@x.com", "name": "O"}),
        json!({"operation": "create", "loginId": "p@x.com", "additionalIdentifiers": ["u1@x.com"]}),
        json!({"operation": "delete", "loginId": "nobody@x.com"}),
    ];
    desk.write("in.jsonl", &rows.map(|row| row.to_string() + "\n").concat());
    let plan = ["plan", "in.jsonl", "--allow-destructive", "-o", "plan.jsonl"];
    let told = desk.json(&plan, 1);
    assert_eq!(told["others"], json!({"conflict": 1, "not_found": 1}));
    assert_eq!(told["operations"], json!({"create": 2, "name": 1, "delete": 1}));
    let run = ["run", "plan.jsonl", "--allow", "deletion", "--max-deletes", "1", "--yes"];
    desk.go(&[&run[..], &["--out", "out"]].concat(), 0);
    assert_eq!(desk.simulator.user("n@x.com")["name"], "O");
}

#[test]
fn a_deletion_by_a_plan_must_be_allowed_and_sets_aside_who_changed_since() {
    let desk = Desk::new(&users(0..100), &[]);
    desk.write("in.csv", "loginId\nu1@x.com\nu2@x.com\nnobody@x.com\n");
    let plan = ["plan", "in.csv", "--operation", "delete", "--allow-destructive"];
    desk.go(&[&plan[..], &["-o", "plan.jsonl"]].concat(), 1);
    let (_, told) = desk.go(&["run", "plan.jsonl", "--yes"], 2);
    assert!(told.contains("--allow deletion"), "{told}");
    desk.write("change.csv", "loginId,status\nu2@x.com,disabled\n");
    desk.go(&["run", "change.csv", "--operation", "status", "--yes"], 0);
    desk.go(&["run", "plan.jsonl", "--allow", "deletion", "--yes", "--out", "out"], 1);
    assert_eq!(statuses(&desk.results("out")), ["deleted", "drifted"]);
    assert!(by_login_id(&desk).contains_key("u2@x.com"));
}
