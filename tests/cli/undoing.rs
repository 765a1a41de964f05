//! Taking runs back, and seeing whether they still stand.

use std::collections::BTreeMap;
use std::fs;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{Desk, lines, text};

fn user(name: &str) -> Value {
    json!({
        "userId": format!("U2{name:0>26}"),
        "loginIds": [format!("{name}@x.com"), name],
        "email": format!("{name}@x.com"),
        "verifiedEmail": true,
        "phone": "+442079460000",
        "verifiedPhone": false,
        "name": "Old Name",
        "givenName": "Old",
        "roleNames": ["a", "b"],
        "userTenants": [{"tenantId": "T1", "roleNames": ["x"]}, {"tenantId": "T2", "roleNames": []}],
        "customAttributes": {"tier": "gold", "age": 7, "tags": ["p", "q"]},
        "ssoAppIds": ["S1"],
        "status": "enabled",
        "recoveryEmail": "back@x.com",
        "verifiedRecoveryEmail": true,
    })
}

/// Users without what does not count: the order of lists, and attributes that are empty.
fn plain(users: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let sort = |value: &mut Value| {
        if let Some(list) = value.as_array_mut() {
            list.sort_by_key(Value::to_string);
        }
    };
    users
        .into_iter()
        .map(|(id, mut user)| {
            for key in ["loginIds", "externalIds", "roleNames", "ssoAppIds", "userTenants"] {
                sort(&mut user[key]);
            }
            for tenant in user["userTenants"].as_array_mut().unwrap() {
                sort(&mut tenant["roleNames"]);
            }
            let attributes = user["customAttributes"].as_object_mut().unwrap();
            attributes.retain(|_, value| *value != "" && !value.is_null());
            (id, user)
        })
        .collect()
}

/// What users show otherwise than they should.
fn differing(is: &BTreeMap<String, Value>, should: &BTreeMap<String, Value>) -> Vec<String> {
    assert!(is.keys().eq(should.keys()));
    let mut differing = Vec::new();
    for (id, user) in is {
        for (key, value) in user.as_object().unwrap() {
            if *value != should[id][key] {
                differing.push(format!("{id} {key}: {value}, not {}", should[id][key]));
            }
        }
    }
    differing
}

const NAMES: [&str; 4] = ["ann", "ben", "cat", "dan"];

#[expect(clippy::too_many_lines, reason = "a line for each operation")]
/// A row of an operation that can be undone. `names` is what users are called by the rows before.
fn row(random: &mut Rng, number: usize, names: &mut [Vec<String>]) -> Value {
    let who = random.usize(..names.len());
    let which = random.usize(..names[who].len());
    let login_id = names[who][which].clone();
    let pick = |random: &mut Rng, of: &[&str]| (*random.choice(of).unwrap()).to_owned();
    let some = |random: &mut Rng, of: &[&str]| -> Vec<String> {
        let chosen: Vec<_> = of.iter().filter(|_| random.bool()).map(ToString::to_string).collect();
        if chosen.is_empty() { vec![of[0].to_owned()] } else { chosen }
    };
    let (roles, tenants, apps) = (["a", "b", "c"], ["T1", "T2", "T3"], ["S1", "S2"]);
    let mut row = match random.usize(..20) {
        0 => {
            json!({"operation": "phone", "phone": format!("+44207946{number:04}"), "verified": random.bool()})
        }
        1 => json!({"operation": "phone", "phone": "", "verified": false}),
        2 => {
            json!({"operation": "email", "email": format!("n{number}@x.com"), "verified": random.bool()})
        }
        3 => {
            json!({"operation": "name", "name": format!("N {number}"), "familyName": pick(random, &["", "F"])})
        }
        4 => json!({"operation": "picture", "picture": format!("https://x.com/{number}.png")}),
        5 => json!({"operation": "status", "status": pick(random, &["enabled", "disabled"])}),
        6 => {
            json!({"operation": "customAttribute", "attributeKey": pick(random, &["tier", "new"]), "attributeValue": format!("v{number}")})
        }
        7 => {
            json!({"operation": "customAttribute", "attributeKey": "age", "attributeValue": number})
        }
        8 => {
            json!({"operation": "recovery-email", "recoveryEmail": format!("r{number}@x.com"), "verified": random.bool()})
        }
        9 => {
            json!({"operation": "recovery-phone", "recoveryPhone": format!("+44207947{number:04}"), "verified": true})
        }
        10 => {
            json!({"operation": pick(random, &["role-add", "role-set", "role-remove"]), "roleNames": some(random, &roles)})
        }
        11 => {
            json!({"operation": pick(random, &["role-add", "role-set", "role-remove"]), "roleNames": some(random, &["x", "y"]), "tenantId": pick(random, &tenants)})
        }
        12 => {
            json!({"operation": pick(random, &["tenant-add", "tenant-remove"]), "tenantId": pick(random, &tenants)})
        }
        13 => {
            json!({"operation": pick(random, &["ssoapp-add", "ssoapp-set", "ssoapp-remove"]), "ssoAppIds": some(random, &apps)})
        }
        14 | 15 => {
            let new = format!("{}-{number}", NAMES[who]);
            names[who][which].clone_from(&new);
            json!({"operation": "loginid", "newLoginId": new})
        }
        16 => {
            json!({"operation": "patch", "givenName": format!("G{number}"), "roleNames": some(random, &roles), "customAttributes": {"tier": "iron", "more": [1, 2]}})
        }
        17 => {
            json!({"operation": "patch", "phone": format!("+44207948{number:04}"), "verifiedPhone": true, "status": "disabled"})
        }
        18 => {
            json!({"operation": "patch", "userTenants": [{"tenantId": "T3", "roleNames": ["z"]}], "ssoAppIds": some(random, &apps)})
        }
        _ => {
            json!({"operation": "update", "name": format!("U {number}"), "email": format!("u{number}@x.com"), "verifiedEmail": true, "additionalIdentifiers": names[who].clone()})
        }
    };
    row["loginId"] = json!(login_id);
    row
}

fn round(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let users: Vec<Value> = NAMES.iter().map(|name| user(name)).collect();
    let desk = Desk::new(&users, &[]);
    let mut names: Vec<Vec<String>> =
        NAMES.iter().map(|name| vec![format!("{name}@x.com"), (*name).to_owned()]).collect();
    let rows: Vec<String> =
        (1..=random.usize(1..40)).map(|n| row(&mut random, n, &mut names).to_string()).collect();
    desk.write("in.jsonl", &rows.join("\n"));
    let before = plain(desk.simulator.users());
    let run = |file: &str, out: &str| {
        // IDs are enough, since it is known how users were before.
        let keep = if seed.is_multiple_of(3) { "ids" } else { "full" };
        let words = ["run", file, "--out", out, "--allow-destructive", "--max-invalid", "100%"];
        let words = [&words[..], &["--keep-users", keep]].concat();
        let output = desk.command(&words).output().unwrap();
        assert!(
            output.status.code() < Some(2),
            "seed {seed}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut failed = desk.results(out);
        failed.retain(|row| row["error"].is_object());
        failed
    };
    run("in.jsonl", "out");
    let after = plain(desk.simulator.users());
    desk.go(&["verify", "out"], 0);
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 0);
    assert_eq!(run("undo.jsonl", "back"), [] as [Value; 0], "seed {seed}: {rows:#?}");
    let differing = differing(&plain(desk.simulator.users()), &before);
    assert!(differing.is_empty(), "seed {seed}: {differing:#?} {rows:#?}");
    // What was taken back can be done again.
    desk.go(&["undo", "back", "-o", "redo.jsonl"], 0);
    assert_eq!(run("redo.jsonl", "again"), [] as [Value; 0], "seed {seed}: {rows:#?}");
    let differing = self::differing(&plain(desk.simulator.users()), &after);
    assert!(differing.is_empty(), "seed {seed}: {differing:#?} {rows:#?}");
}

#[test]
fn a_run_and_its_undo_leave_everybody_as_they_were() {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || (0..60).filter(|seed| seed % 2 == half).for_each(round));
        }
    });
}

#[test]
fn what_somebody_else_changed_since_is_left_alone_unless_it_is_forced() {
    let desk = Desk::new(&[user("ann"), user("ben")], &[]);
    desk.write("in.csv", "loginId,givenName\nann@x.com,New\nben@x.com,New\n");
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    // In the field that the run changed, and in another.
    desk.write("else.csv", "loginId,givenName,familyName\nann@x.com,Else,\nben@x.com,,Else\n");
    desk.go(&["run", "else.csv", "--out", "else"], 0);
    let verified = desk.json(&["verify", "out"], 1);
    assert_eq!((&verified["asWritten"], &verified["changedSince"]), (&json!(1), &json!(1)));
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("1  can be restored"), "{shown}");
    assert!(shown.contains("1  changed by somebody else since"), "{shown}");
    assert!(shown.contains("ann@x.com: givenName"), "{shown}");
    desk.go(&["run", "undo.jsonl", "--out", "back"], 0);
    let given = |name: &str| desk.simulator.users()[&format!("U2{name:0>26}")]["givenName"].clone();
    assert_eq!((given("ann"), given("ben")), (json!("Else"), json!("Old")));
    desk.go(&["undo", "out", "-o", "forced.jsonl", "--force"], 0);
    desk.go(&["run", "forced.jsonl", "--out", "forced"], 0);
    assert_eq!(given("ann"), "Old");
}

#[test]
fn what_cannot_be_taken_back_is_named_with_the_reason() {
    let mut holder = user("ben");
    holder["loginIds"] = json!(["ben@x.com", "+442079460018"]);
    let desk = Desk::new(&[user("ann"), holder, user("cat")], &[]);
    let rows = "operation,loginId,phone,verified,password,name\n\
                phone,ann@x.com,+442079460018,true,,\npassword-set-active,cat@x.com,,,Secret-1,\n\
                name,cat@x.com,,,,New\n";
    desk.write("in.csv", rows);
    desk.go(&["run", "in.csv", "--out", "out", "--on-conflict", "merge"], 0);
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("another user was merged into this one and is gone"), "{shown}");
    assert!(shown.contains("1  can be restored"), "{shown}");
    assert!(shown.contains("cannot be read, such as a password"), "{shown}");
    let written = fs::read_to_string(desk.path("undo.jsonl")).unwrap();
    assert!(!written.contains("Secret-1"));
    // Without before-images nothing can be taken back.
    desk.write("name.csv", "loginId,name\ncat@x.com,Newer\n");
    desk.go(&["run", "name.csv", "--out", "bare", "--no-keep-before"], 0);
    let (shown, _) = desk.go(&["undo", "bare", "-o", "bare.jsonl"], 1);
    assert!(shown.contains("how the user was before was not kept"), "{shown}");
    // A user who is gone stays gone.
    let gone = Desk::new(&[user("ann")], &[]);
    gone.write("in.csv", "loginId,name\nann@x.com,New\n");
    gone.go(&["run", "in.csv", "--out", "out"], 0);
    gone.simulator.delete("ann@x.com");
    let (shown, _) = gone.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("the user is gone"), "{shown}");
    let (shown, _) = gone.go(&["verify", "out"], 1);
    assert!(shown.contains("1  gone"), "{shown}");
}

#[test]
fn rows_and_operations_are_chosen() {
    let desk = Desk::new(&[user("ann"), user("ben")], &[]);
    let rows = "operation,loginId,givenName,status\nname,ann@x.com,A,\nstatus,ann@x.com,,disabled\n\
                name,ben@x.com,B,\n";
    desk.write("in.csv", rows);
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    for (words, expected) in [
        (&["--rows", "1-2"][..], &[1, 2][..]),
        (&["--rows", "3"], &[3]),
        (&["--operation", "name"], &[1, 3]),
        (&["--operation", "status", "--rows", "1,3"], &[]),
        (&["--status", "updated"], &[1, 2, 3]),
        (&["--status", "unchanged"], &[]),
    ] {
        let file = format!("undo{}.jsonl", words.join(""));
        desk.go(&[&["undo", "out", "-o", &file], words].concat(), 0);
        let mut rows: Vec<_> =
            lines(&desk.path(&file)).iter().filter_map(|row| row["_undoOf"].as_u64()).collect();
        rows.sort_unstable();
        assert_eq!(rows, expected, "{words:?}");
    }
}

#[test]
fn a_folder_without_a_run_another_project_and_a_rehearsal_are_refused() {
    let desk = Desk::new(&[user("ann")], &[]);
    desk.write("in.csv", "loginId,name\nann@x.com,New\n");
    let (_, said) = desk.go(&["undo", ".", "-o", "undo.jsonl"], 2);
    assert!(said.contains("there is no run here"), "{said}");
    desk.go(&["run", "in.csv", "--simulate", "--out", "rehearsed"], 0);
    let (_, said) = desk.go(&["undo", "rehearsed", "-o", "undo.jsonl"], 2);
    assert!(said.contains("a rehearsal"), "{said}");
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    let (_, said) = desk.go(&["verify", "out", "--project-id", "P2other"], 2);
    assert!(said.contains("was for project"), "{said}");
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 0);
    let (_, said) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 2);
    assert!(said.contains("nothing is overwritten"), "{said}");
}

#[test]
fn a_stopped_run_can_be_taken_back_as_far_as_it_went() {
    let desk = Desk::new(&[user("ann"), user("ben"), user("cat")], &["--fault", "401:after=3"]);
    desk.write("in.csv", "loginId,name\nann@x.com,New\nben@x.com,New\ncat@x.com,New\n");
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1"];
    desk.go(&words, 3);
    let updated = desk.results("out").iter().filter(|row| text(row, "status") == "updated").count();
    assert_eq!(updated, 2, "the first request is the search");
    let kept = lines(&desk.path("out/before.jsonl"));
    assert_eq!(kept.len(), 3);
}

#[test]
fn a_sample_is_said_to_be_one() {
    let users: Vec<Value> = (0..30).map(|n| user(&format!("u{n}"))).collect();
    let desk = Desk::new(&users, &[]);
    let rows =
        (0..30).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n}@x.com,New\n"));
    desk.write("in.csv", &rows);
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    let before = desk.simulator.arrivals().len();
    let (shown, _) = desk.go(&["verify", "out", "--sample", "10%"], 0);
    assert!(shown.contains("a sample: 3 of 30 users"), "{shown}");
    assert_eq!(desk.simulator.arrivals().len() - before, 3);
    let whole = desk.json(&["verify", "out"], 0);
    assert_eq!((&whole["read"], &whole["asWritten"]), (&json!(30), &json!(30)));
}
