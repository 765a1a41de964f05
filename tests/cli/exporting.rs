//! Exporting users: what comes out goes in.

use std::fs;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{Desk, lines, text};

/// Texts that are easily taken for something else.
const ODD: &[&str] = &[
    "O'Brien",
    "=1+1",
    "+44 x",
    "-",
    "@ada",
    "007",
    "1/2",
    "1.50",
    "true",
    "null",
    "a;b",
    "a,b",
    "\"quoted\"",
    "{\"a\":1}",
    "[1,2]",
    "Zoë",
    "北京",
    "a|b",
    "'x",
    "2026-11-27",
    "2026-11-27T10:00:00Z",
    "12345678901234567890",
    "plain",
];

/// A project that does not say which types its attributes have: those of these users have several.
const UNDECLARED: [&str; 2] = ["--fault", "404:path=customattributes"];

/// Users with whatever may stand in a field.
fn odd_users(random: &mut Rng, number: usize) -> Vec<Value> {
    let odd = |random: &mut Rng| -> String { (*random.choice(ODD).unwrap()).to_owned() };
    let value = |random: &mut Rng| match random.usize(..7) {
        0 => json!(random.u32(..)),
        1 => json!(random.bool()),
        2 => json!([odd(random), odd(random)]),
        3 => json!(1.5),
        4 => json!(""),
        _ => json!(odd(random)),
    };
    (0..number)
        .map(|n| {
            let mut user = json!({
                "userId": format!("U2{n:0>26}"),
                "loginIds": [format!("u{n}@x.com"), format!("+4420794{n:05}")],
                "name": odd(random),
                "givenName": odd(random),
                "status": random.choice(["enabled", "disabled", "invited", "expired"]).unwrap(),
                "roleNames": if random.bool() { vec![odd(random), "b".to_owned()] } else { vec![] },
                "customAttributes": {"one": value(random), "two": value(random)},
                "ssoAppIds": if random.bool() { vec!["S1"] } else { vec![] },
            });
            if random.bool() {
                user["phone"] = json!(format!("+4420795{n:05}"));
                user["verifiedPhone"] = json!(random.bool());
            }
            if random.bool() {
                user["userTenants"] = json!([{"tenantId": "T1", "roleNames": [odd(random)]}]);
            }
            if random.bool() {
                user["recoveryEmail"] = json!("back@x.com");
                user["verifiedRecoveryEmail"] = json!(random.bool());
            }
            user
        })
        .collect()
}

#[test]
fn what_comes_out_goes_in_and_changes_nothing() {
    for seed in 0..4 {
        let mut random = Rng::with_seed(seed);
        let users = odd_users(&mut random, 150);
        let desk = Desk::new(&users, &UNDECLARED);
        for file in ["users.jsonl", "users.csv", "users.xlsx"] {
            let out = format!("out-{file}");
            desk.go(&["export", "-o", &out], 0);
            let plan = desk.json(&["plan", &out], 0);
            assert_eq!(plan["others"], json!({"unchanged": 150}), "seed {seed}, {file}");
        }
        assert!(desk.simulator.updates().is_empty());
    }
}

#[test]
fn a_plan_of_an_edited_export_shows_exactly_the_edit() {
    let desk = Desk::new(&odd_users(&mut Rng::with_seed(1), 120), &UNDECLARED);
    desk.go(&["export", "-o", "users.csv"], 0);
    let table = fs::read_to_string(desk.path("users.csv")).unwrap();
    let mut reader = csv_rows(&table);
    let column = |name: &str| reader[0].iter().position(|own| own == name).unwrap();
    let (given, user) = (column("givenName"), column("userId"));
    reader[7][given] = "Edited".to_owned();
    let edited = reader[7][user].clone();
    desk.write("edited.csv", &csv_text(&reader));
    let plan = desk.json(&["plan", "edited.csv", "-o", "plan.jsonl"], 0);
    assert_eq!((&plan["changes"], &plan["others"]), (&json!(1), &json!({"unchanged": 119})));
    let plan = lines(&desk.path("plan.jsonl"));
    let change = plan.iter().find(|row| row["_changes"].is_array()).unwrap();
    assert_eq!(change["_expect"]["userId"], edited);
    assert_eq!(change["_changes"][0]["field"], "givenName");
    assert_eq!(change["_changes"][0]["after"], "Edited");
}

/// A table of ours, whose cells hold no line breaks.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    cell.push('"');
                    chars.next();
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    };
    text.lines().map(cells).collect()
}

fn csv_text(rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n").collect()
}

#[test]
fn users_and_columns_are_chosen() {
    let mut users = odd_users(&mut Rng::with_seed(2), 30);
    for (n, user) in users.iter_mut().enumerate() {
        user["status"] = json!(if n % 3 == 0 { "disabled" } else { "enabled" });
        user["roleNames"] = json!(if n % 2 == 0 { vec!["admin"] } else { vec![] });
        user["customAttributes"] = json!({"tier": if n < 5 { "gold" } else { "iron" }, "n": n});
        user["test"] = json!(n == 29);
    }
    let desk = Desk::new(&users, &[]);
    for (number, (words, expected)) in [
        (&[][..], 29),
        (&["--test-users"], 30),
        (&["--status", "disabled"], 10),
        (&["--role", "admin"], 15),
        (&["--attribute", "tier=gold"], 5),
        (&["--attribute", "n=7"], 1),
        (&["--created-from", "2100-01-01T00:00:00Z"], 0),
        (&["--status", "disabled", "--role", "admin"], 5),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("{number}.jsonl");
        let told = desk.json(&[&["export", "-o", &file], words].concat(), 0);
        assert_eq!(told["users"], expected, "{words:?}");
        assert_eq!(lines(&desk.path(&file)).len(), expected);
    }
    let words = ["export", "-o", "few.csv", "--columns", "userId,customAttributes.tier"];
    desk.go(&words, 0);
    let table = fs::read_to_string(desk.path("few.csv")).unwrap();
    assert!(table.starts_with("_row,userId,customAttributes.tier\n1,U2"), "{table}");
    let (_, said) = desk.go(&["export", "-o", "x.csv", "--columns", "createdTime"], 2);
    assert!(said.contains("there is no column createdTime"), "{said}");
    let (_, said) = desk.go(&["export", "-o", "x.txt"], 2);
    assert!(said.contains("does not say its format"), "{said}");
    let (_, said) = desk.go(&["export", "-o", "few.csv"], 2);
    assert!(said.contains("nothing is overwritten"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path("few.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_export_that_stopped_goes_on() {
    let faults = ["--fault", "400:path=search,after=2,times=1"];
    let desk = Desk::new(&odd_users(&mut Rng::with_seed(3), 450), &faults);
    let (_, said) = desk.go(&["export", "-o", "all.jsonl"], 3);
    assert!(said.contains("--resume goes on"), "{said}");
    assert!(!desk.path("all.jsonl").exists());
    let (_, said) = desk.go(&["export", "-o", "all.jsonl"], 2);
    assert!(said.contains("go on with --resume"), "{said}");
    let (_, said) = desk.go(&["export", "-o", "all.jsonl", "--resume", "--role", "b"], 2);
    assert!(said.contains("of other users"), "{said}");
    let before = desk.simulator.arrivals().len();
    desk.go(&["export", "-o", "all.jsonl", "--resume"], 0);
    assert_eq!(desk.simulator.arrivals().len() - before, 3, "the pages that were missing");
    let mut ids: Vec<String> =
        lines(&desk.path("all.jsonl")).iter().map(|user| text(user, "userId").to_owned()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 450);
    assert!(!desk.path("all.jsonl.part").exists());
}
