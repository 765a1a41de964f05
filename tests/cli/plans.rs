//! Planning: what would change is shown without being done, and a run does exactly that.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Desk, lines, signal, text, updates};

fn user(name: &str) -> Value {
    json!({
        "userId": format!("U2{name:0>26}"),
        "loginIds": [format!("{name}@x.com")],
        "givenName": "Old",
        "phone": "+442079460000",
        "verifiedPhone": true,
    })
}

fn names(rows: &[(&str, &str)]) -> String {
    rows.iter().fold("loginId,givenName\n".to_owned(), |text, (name, value)| {
        text + &format!("{name}@x.com,{value}\n")
    })
}

#[test]
fn a_plan_shows_what_would_change_and_sends_no_update() {
    let desk = Desk::new(&[user("ann"), user("ben"), user("cat")], &[]);
    desk.write("in.csv", &names(&[("ann", "New"), ("ben", "Old"), ("dan", "New")]));
    let (shown, _) = desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 1);
    assert!(shown.contains("ann@x.com") && shown.contains("givenName: Old → New"), "{shown}");
    assert!(shown.contains("1  unchanged") && shown.contains("1  not found"), "{shown}");
    assert!(shown.contains("next: descope-bulk run plan.jsonl\n"), "{shown}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path("plan.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a plan holds personal data");
    }
    let plan = lines(&desk.path("plan.jsonl"));
    assert_eq!(plan[0]["_plan"]["projectId"], crate::support::PROJECT);
    assert_eq!(plan[1]["loginId"], "ann@x.com");
    assert_eq!(
        plan[1]["_changes"],
        json!([{"field": "givenName", "before": "Old", "after": "New"}])
    );
    assert_eq!(plan[2]["_status"], "unchanged");
    assert_eq!(plan[3]["_status"], "not_found");
    let arrivals = desk.simulator.stop();
    assert!(updates(arrivals.clone()).is_empty(), "a plan only reads");
    assert_eq!(arrivals.len(), 2, "a search, and a load of the one who was not found");
}

#[test]
fn a_run_of_a_plan_does_exactly_what_was_shown() {
    let desk = Desk::new(&[user("ann"), user("ben"), user("cat")], &[]);
    let rows = "operation,loginId,givenName,roleNames,status\n\
                name,ann@x.com,New,,\nrole-add,ben@x.com,,admin;editor,\nstatus,cat@x.com,,,disabled\n";
    desk.write("in.csv", rows);
    let plan = desk.json(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    assert_eq!(plan["classes"], json!({"plain": 1, "access": 1, "lock_out": 1}));
    assert_eq!(plan["next"], "descope-bulk run plan.jsonl --allow access --allow lock_out");
    let (_, refused) = desk.go(&["run", "plan.jsonl", "--allow", "access"], 2);
    assert!(
        refused.contains("--allow lock_out") && refused.contains("nothing was sent"),
        "{refused}"
    );
    assert!(!desk.path("runs").exists());
    let (shown, _) = desk.go(&["run", "plan.jsonl", "--out", "out", "--allow", "all"], 0);
    assert!(shown.contains("undo:     descope-bulk undo out -o undo.jsonl\n"), "{shown}");
    let users = desk.simulator.users();
    let of = |name: &str| &users[&format!("U2{name:0>26}")];
    assert_eq!(of("ann")["givenName"], "New");
    assert_eq!(of("ben")["roleNames"], json!(["admin", "editor"]));
    assert_eq!(of("cat")["status"], "disabled");
    // Once it is done, nothing is left of it.
    let again = desk.json(&["plan", "in.csv", "--detailed-exitcode"], 0);
    assert_eq!(again["others"], json!({"unchanged": 3}));
    desk.go(&["run", "plan.jsonl", "--out", "again", "--allow", "all"], 0);
    assert!(desk.results("again").iter().all(|row| row["status"] == "unchanged"));
    assert_eq!(desk.simulator.updates().len(), 3);
}

#[test]
fn scripts_are_told_whether_something_would_change() {
    let desk = Desk::new(&[user("ann")], &[]);
    desk.write("in.csv", &names(&[("ann", "New")]));
    desk.go(&["plan", "in.csv"], 0);
    desk.go(&["plan", "in.csv", "--detailed-exitcode"], 5);
}

#[test]
fn users_whom_somebody_else_changed_are_set_aside_one_by_one() {
    let users = [user("ann"), user("ben"), user("cat")];
    for (policy, statuses, code) in [
        ("skip", ["updated", "drifted", "updated"], 1),
        ("apply", ["updated", "updated", "updated"], 0),
    ] {
        let desk = Desk::new(&users, &[]);
        desk.write("in.csv", &names(&[("ann", "New"), ("ben", "New"), ("cat", "New")]));
        desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
        // One in a field that the rows touch, one in another.
        desk.write("else.csv", "loginId,givenName,familyName\nben@x.com,Else,\ncat@x.com,,Else\n");
        desk.go(&["run", "else.csv", "--out", "else"], 0);
        desk.go(&["run", "plan.jsonl", "--out", "out", "--on-drift", policy], code);
        let results = desk.results("out");
        let told: Vec<_> = results.iter().map(|row| text(row, "status")).collect();
        assert_eq!(told, statuses, "--on-drift {policy}");
        if policy == "skip" {
            assert!(text(&results[1]["error"], "message").contains("givenName"));
            let failures = lines(&desk.path("out/failures.jsonl"));
            assert_eq!(failures[0]["loginId"], "ben@x.com", "each is named");
        }
    }
    let desk = Desk::new(&users, &[]);
    desk.write("in.csv", &names(&[("ann", "New"), ("ben", "New"), ("cat", "New")]));
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    desk.write("else.csv", &names(&[("ann", "Else")]));
    desk.go(&["run", "else.csv", "--out", "else"], 0);
    let words = ["run", "plan.jsonl", "--out", "out", "--on-drift", "halt", "--concurrency", "1"];
    let (stdout, said) = desk.go(&words, 3);
    assert!(stdout.contains("a user was changed by somebody else"), "{stdout}");
    assert!(!said.contains("ann@x.com"), "{said}");
}

#[test]
fn a_user_who_is_changed_right_after_the_plan_was_made_is_set_aside() {
    let faults = ["--search-lag", "1h", "--fault", "meddle=phone:path=search,login-id=ann@x.com"];
    let desk = Desk::new(&[user("ann"), user("ben")], &faults);
    let rows =
        "loginId,phone,verified\nann@x.com,+442079460018,true\nben@x.com,+442079460019,true\n";
    desk.write("in.csv", rows);
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    desk.go(&["run", "plan.jsonl", "--out", "out"], 1);
    let results = desk.results("out");
    assert_eq!((text(&results[0], "status"), text(&results[1], "status")), ("drifted", "updated"));
    assert_eq!(desk.simulator.users()[&format!("U2{:0>26}", "ann")]["phone"], "+15005550006");
}

#[test]
fn a_plan_that_was_changed_or_is_not_whole_is_refused() {
    let desk = Desk::new(&[user("ann"), user("ben")], &[]);
    desk.write("in.csv", &names(&[("ann", "New"), ("ben", "New")]));
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    let plan = fs::read_to_string(desk.path("plan.jsonl")).unwrap();
    for (name, text, expected) in [
        ("changed", plan.replace("\"New\"", "\"Other\""), "was changed since it was made"),
        ("shorter", plan.lines().take(2).collect::<Vec<_>>().join("\n"), "breaks off"),
        ("torn", plan[..plan.len() - 20].to_owned(), "breaks off"),
        (
            "without",
            plan.lines()
                .enumerate()
                .filter(|(n, _)| *n != 1)
                .fold(String::new(), |t, (_, l)| t + l + "\n"),
            "was changed since it was made",
        ),
        ("later", plan.replace("{\"version\":1", "{\"version\":9"), "of version 9"),
    ] {
        desk.write(name, &text);
        let (_, said) = desk.go(&["run", name], 2);
        assert!(said.contains(expected), "{name}: {said}");
    }
    desk.write("more.csv", &names(&[("ann", "New")]));
    let (_, said) = desk.go(&["run", "plan.jsonl", "more.csv"], 2);
    assert!(said.contains("run by itself"), "{said}");
    let (_, said) = desk.go(&["run", "plan.jsonl", "--simulate"], 2);
    assert!(said.contains("rehearse the file that was planned"), "{said}");
    let other = desk.command(&["run", "plan.jsonl", "--project-id", "P2other"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8(other.stderr).unwrap().contains("plan for this project"));
    let piped = desk
        .command(&["run", "-"])
        .stdin(fs::File::open(desk.path("plan.jsonl")).unwrap())
        .output()
        .unwrap();
    assert_eq!(piped.status.code(), Some(2));
    assert!(String::from_utf8(piped.stderr).unwrap().contains("from its file"));
    // A plan is not overwritten.
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 2);
    assert_eq!(fs::read_to_string(desk.path("plan.jsonl")).unwrap(), plan);
    assert!(desk.simulator.updates().is_empty());
}

#[test]
fn conflicts_are_told_before_anything_is_sent() {
    let mut holder = user("ben");
    holder["loginIds"] = json!(["ben@x.com", "+442079460018"]);
    let desk = Desk::new(&[user("ann"), holder, user("cat")], &[]);
    let rows = "loginId,phone,verified\nann@x.com,+44 20 7946 0018,true\n\
                ben@x.com,+442079460018,true\ncat@x.com,+442079460000,true\n";
    desk.write("in.csv", rows);
    let plan = desk.json(&["plan", "in.csv"], 1);
    // That two users have one number is no conflict; that it is a login ID of another is.
    assert_eq!(plan["others"], json!({"conflict": 1, "unchanged": 1}));
    let (shown, _) = desk.go(&["plan", "in.csv"], 1);
    assert!(shown.contains("is the login ID of ben@x.com"), "{shown}");
    let merging = desk.json(&["plan", "in.csv", "--on-conflict", "merge"], 0);
    assert_eq!(merging["classes"]["merge"], 1);
}

#[test]
fn rows_of_one_user_are_folded_in_the_order_of_the_file() {
    let mut ann = user("ann");
    ann["loginIds"] = json!(["ann@x.com", "annie"]);
    let desk = Desk::new(&[ann, user("ben")], &[]);
    // The second row is named by another login ID, the third undoes both, the last uses a new name.
    let rows = "operation,loginId,givenName,newLoginId\nname,ann@x.com,A,\nname,annie,B,\n\
                name,ann@x.com,Old,\nloginid,ben@x.com,,ben2@x.com\nname,ben2@x.com,New,\n\
                name,ben@x.com,Lost,\nloginid,annie,,ben@x.com\nname,ben@x.com,Found,\n";
    desk.write("in.csv", rows);
    let (_, _) = desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 1);
    let plan = lines(&desk.path("plan.jsonl"));
    let row = |number: usize| &plan[number];
    assert_eq!(row(2)["_changes"][0], json!({"field": "givenName", "before": "A", "after": "B"}));
    assert_eq!(row(3)["_changes"][0]["before"], "B");
    assert_eq!(
        row(5)["_changes"][0],
        json!({"field": "givenName", "before": "Old", "after": "New"})
    );
    assert_eq!(row(6)["_status"], "not_found", "ben@x.com is nobody's then");
    assert_eq!(
        row(8)["_changes"][0],
        json!({"field": "givenName", "before": "Old", "after": "Found"})
    );
    desk.go(&["run", "plan.jsonl", "--out", "out", "--allow", "rename"], 0);
    let statuses: Vec<_> =
        desk.results("out").iter().map(|row| text(row, "status").to_owned()).collect();
    assert_eq!(statuses, ["updated"; 7]);
    let users = desk.simulator.users();
    assert_eq!(users[&format!("U2{:0>26}", "ann")]["givenName"], "Found");
    assert_eq!(users[&format!("U2{:0>26}", "ben")]["givenName"], "New");
}

#[test]
fn a_plan_holds_no_password_and_its_tables_no_formula() {
    let mut ann = user("ann");
    ann["givenName"] = json!("=1+1");
    let desk = Desk::new(&[ann, user("ben")], &[]);
    let rows = "operation,loginId,givenName,password\nname,ann@x.com,+New,\n\
                password-set-active,ben@x.com,,Secret-1\n";
    desk.write("in.csv", rows);
    let words =
        ["plan", "in.csv", "-o", "plan.jsonl", "--csv", "plan.csv", "--markdown", "plan.md"];
    let (shown, _) = desk.go(&words, 1);
    let read = |name: &str| fs::read_to_string(desk.path(name)).unwrap();
    for text in [&shown, &read("plan.jsonl"), &read("plan.csv"), &read("plan.md")] {
        assert!(!text.contains("Secret-1"), "{text}");
    }
    assert!(read("plan.csv").contains("'=1+1,'+New"), "{}", read("plan.csv"));
    assert!(!read("plan.md").contains("ann@x.com"), "no values without --with-values");
    let words = ["plan", "in.csv", "--markdown", "values.md", "--with-values"];
    desk.go(&words, 1);
    assert!(read("values.md").contains("ann@x.com"));
}

#[test]
fn a_plan_that_cannot_read_users_is_not_made() {
    let desk = Desk::new(&[user("ann")], &["--fault", "400:path=search"]);
    desk.write("in.csv", &names(&[("ann", "New")]));
    let (_, said) = desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 3);
    assert!(said.contains("cannot be read"), "{said}");
    assert!(!desk.path("plan.jsonl").exists());
}

/// Users in great number, of whom the first have what the file wants.
fn many(number: usize) -> Vec<Value> {
    let user = |n: usize| {
        json!({
            "userId": format!("U2{n:0>26}"),
            "loginIds": [format!("u{n}@x.com")],
            "phone": format!("+4420794{n:05}"),
            "verifiedPhone": true,
        })
    };
    (0..number).map(user).collect()
}

#[test]
fn most_of_a_large_file_changes_nothing_and_costs_a_read_in_a_hundred() {
    const USERS: usize = 2_000;
    let desk = Desk::new(&many(USERS), &["--search-lag", "5s"]);
    let rows = (0..USERS).fold("loginId,phone,verified\n".to_owned(), |rows, n| {
        let number = if n % 10 < 7 { n } else { 50_000 + n };
        rows + &format!("u{n}@x.com,+4420794{number:05},true\n")
    });
    desk.write("in.csv", &rows);
    let plan = desk.json(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    assert_eq!((&plan["changes"], &plan["others"]["unchanged"]), (&json!(600), &json!(1400)));
    let reads = desk.simulator.arrivals().len();
    assert!(reads <= 22, "{reads} reads");
    // Somebody else changes some users meanwhile.
    let meddled: Vec<usize> = (0..USERS).filter(|n| n % 10 == 9).take(50).collect();
    let rows = meddled.iter().fold("loginId,phone,verified\n".to_owned(), |rows, n| {
        rows + &format!("u{n}@x.com,+4420795{n:05},true\n")
    });
    desk.write("else.csv", &rows);
    desk.go(&["run", "else.csv", "--out", "else", "--no-keep-before"], 0);
    let before = desk.simulator.updates().len();
    desk.go(&["run", "plan.jsonl", "--out", "out"], 1);
    assert_eq!(desk.simulator.updates().len() - before, 550);
    let failures = lines(&desk.path("out/failures.jsonl"));
    let named: Vec<_> = failures.iter().map(|row| text(row, "loginId").to_owned()).collect();
    let expected: std::collections::BTreeSet<_> =
        meddled.iter().map(|n| format!("u{n}@x.com")).collect();
    assert_eq!(named.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
    desk.go(&["verify", "out"], 0);
    let undo = desk.json(&["undo", "out", "-o", "undo.jsonl"], 0);
    assert_eq!(undo["restored"], 550);
    desk.go(&["run", "undo.jsonl", "--out", "back"], 0);
    let users = desk.simulator.users();
    for (n, user) in users.values().enumerate() {
        let number = if meddled.contains(&n) { 500_000 + n } else { 400_000 + n };
        assert_eq!(user["phone"], format!("+442079{number:06}"), "{n}");
    }
    let verified = desk.json(&["verify", "out"], 1);
    assert_eq!(verified["changedSince"], 550);
}

#[test]
fn in_batches_a_run_of_a_plan_takes_few_calls() {
    const USERS: usize = 1_000;
    let desk = Desk::new(&many(USERS), &[]);
    let rows = (0..USERS).fold("loginId,phone,verified\n".to_owned(), |rows, n| {
        let number = if n % 10 < 7 { n } else { 50_000 + n };
        rows + &format!("u{n}@x.com,+4420794{number:05},true\n")
    });
    desk.write("in.csv", &rows);
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    let before = desk.simulator.arrivals().len();
    desk.go(&["run", "plan.jsonl", "--out", "out", "--batch"], 0);
    let arrivals = desk.simulator.stop();
    let sent = &arrivals[before..];
    assert_eq!(updates(sent.to_vec()).len(), 3, "a batch for 100 users");
    assert!(
        sent.len() <= 9,
        "a search of the users, and one of the numbers, for each: {}",
        sent.len()
    );
}

#[test]
fn a_plan_that_is_interrupted_says_so_and_leaves_nothing() {
    let desk = Desk::new(&many(2_000), &["--latency", "200ms"]);
    let rows = (0..2_000)
        .fold("loginId,givenName\n".to_owned(), |rows, n| rows + &format!("u{n}@x.com,New\n"));
    desk.write("in.csv", &rows);
    let mut command = desk.command(&["plan", "in.csv", "-o", "plan.jsonl"]);
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    desk.simulator.wait_for_arrivals(2);
    signal(&child, "INT");
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("no plan was written"), "{said}");
    let left: Vec<_> =
        fs::read_dir(desk.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
