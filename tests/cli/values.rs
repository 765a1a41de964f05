//! Values as spreadsheets leave them: what is repaired, what is refused, and how it is told.

use serde_json::{Value, json};

use crate::support::{Run, Simulator, text};

const DAMAGED: &str = "loginId,phone,verified,region\n\
    a,447911123456,yes,GB\n\
    \u{a0}b ,+15555550123,yes,\n\
    c,4915123456789,yes,DE\n\
    d,+442079460018,yes,\n\
    e,4.47911E+11,yes,GB\n";

#[test]
fn repairs_and_warnings_are_in_results_and_summary_and_on_the_screen() {
    let simulator = Simulator::start(&["--log-bodies"]);
    let ran = Run::against(&simulator).file("in.csv", DAMAGED).go().code(1);
    assert_eq!(ran.statuses(), ["updated", "updated", "invalid", "updated", "invalid"]);
    let results = ran.results();
    assert_eq!(
        results[0]["repairs"],
        json!([{"kind": "plus_restored", "column": "phone", "from": "447911123456", "to": "+447911123456"}])
    );
    assert_eq!(results[0]["warnings"], json!(null));
    assert_eq!(text(&results[1], "loginId"), "b");
    let kinds = results[1]["repairs"].as_array().unwrap().iter().map(|r| text(r, "kind"));
    assert_eq!(kinds.collect::<Vec<_>>(), ["blanks_trimmed", "invisible_removed"]);
    let warning = &results[1]["warnings"][0];
    assert_eq!((text(warning, "kind"), text(warning, "column")), ("phone_not_in_use", "phone"));
    assert!(text(warning, "message").contains("in use") && !text(warning, "hint").is_empty());
    let candidates = json!(["+494915123456789", "+4915123456789"]);
    assert_eq!(results[2]["error"]["candidates"], candidates);
    assert_eq!(results[3]["repairs"], json!(null));
    let summary = ran.summary();
    assert_eq!(
        summary["repairs"],
        json!({"blanks_trimmed": 1, "invisible_removed": 1, "plus_restored": 1})
    );
    assert_eq!(summary["warnings"], json!({"phone_not_in_use": 1}));
    for line in ["1  plus_restored", "1  phone_not_in_use"] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let hint = ran.read("failures.csv");
    assert!(hint.contains("+494915123456789 or +4915123456789"), "{hint}");
    // What people read on a screen, or in a mail, names no user's number.
    for shown in [&ran.stdout, &ran.stderr, &ran.read("summary.json")] {
        assert!(!shown.contains("4915123456789") && !shown.contains("447911123456"), "{shown}");
    }
    let phones: Vec<_> = simulator.stop().iter().map(|a| a["body"]["phone"].clone()).collect();
    assert_eq!(phones.len(), 3);
    assert!(phones.contains(&json!("+447911123456")) && phones.contains(&json!("+442079460018")));
}

#[test]
fn the_region_and_the_mode_are_flags_and_bind_a_run() {
    let simulator = Simulator::start(&[]);
    let rows = "loginId,phone,verified\na,020 7946 0018,1\nb,+15555550123,1\nc,12,1\n";
    let run = |arguments: &[&str]| Run::against(&simulator).file("in.csv", rows).args(arguments);
    let statuses = |arguments: &[&str], code| run(arguments).go().code(code).statuses();
    assert_eq!(statuses(&["--region", "gb"], 1), ["updated", "updated", "invalid"]);
    assert_eq!(statuses(&[], 1), ["invalid", "updated", "invalid"]);
    assert_eq!(
        statuses(&["--region", "GB", "--phones", "strict"], 1),
        ["updated", "invalid", "invalid"]
    );
    // As they stand they go out, and it is the server who refuses them.
    assert_eq!(statuses(&["--phones", "as-is"], 1), ["rejected", "updated", "rejected"]);
    run(&["--region", "UK"]).go().code(2).says("GB");
    let settings = run(&["--region", "gb"]).go().code(1).summary()["settings"].clone();
    assert_eq!((text(&settings, "region"), text(&settings, "phones")), ("GB", "check"));
    let first = run(&["--region", "GB"]).go().code(1);
    let again = crate::support::program_against(&simulator, first.folder())
        .args(["run", "--resume", "--out", "out", "in.csv", "--region", "IE"])
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("region"), "{said}");
}

#[test]
fn attributes_have_columns_and_tenants_are_ids() {
    let simulator = Simulator::start(&["--log-bodies"]);
    Run::against(&simulator)
        .arg("--batch=off")
        .file("one.csv", "loginId,customAttributes.tier\na,gold\n")
        .file("many.csv", "loginId,customAttributes.tier,customAttributes.age\nb,gold,7\n")
        .file("tenants.csv", "loginId,name,tenants\nc,C,T1;T2\n")
        .go()
        .code(0);
    let sent = crate::support::updates(simulator.stop());
    let mut bodies: Vec<_> = sent.iter().map(|a| a["body"].clone()).collect();
    bodies.sort_by_key(|body| body["loginId"].to_string());
    assert_eq!(
        bodies,
        [
            json!({"loginId": "a", "attributeKey": "tier", "attributeValue": "gold"}),
            json!({"loginId": "b", "attributeKey": "tier", "attributeValue": "gold"}),
            json!({"loginId": "b", "attributeKey": "age", "attributeValue": 7}),
            json!({"loginId": "c", "name": "C", "userTenants": [{"tenantId": "T1"}, {"tenantId": "T2"}]}),
        ]
    );
}

/// Rows of these phone numbers.
fn numbers(numbers: &[&str]) -> String {
    let row = |(index, number): (usize, &&str)| format!("u{index}@example.com,{number},true\n");
    let rows: String = numbers.iter().enumerate().map(row).collect();
    format!("loginId,phone,verified\n{rows}")
}

#[test]
fn a_lost_zero_is_restored_only_where_the_column_shows_it_and_never_in_silence() {
    let lost = ["7911123456", "07400 123456", "2079460018", "7911123457"];
    let run = |rows: &[&str], arguments: &[&str]| {
        Run::rehearsed()
            .file("in.csv", numbers(rows))
            .args(&["--region", "GB"])
            .args(arguments)
            .go()
    };
    let ran = run(&lost, &[]).code(0);
    assert_eq!(ran.summary()["warnings"], json!({"zero_restored": 3}));
    assert_eq!(text(&ran.results()[0]["repairs"][0], "kind"), "zero_restored");
    assert_eq!(ran.results()[0]["repairs"][0]["to"], "+447911123456");
    let refused = run(&lost, &["--strict"]).code(2).says("nothing was sent");
    assert!(refused.stdout.contains("zero_restored"), "{}", refused.stdout);
    run(&lost, &["--strict", "--allow", "zero_restored"]).code(0);
    let strict = run(&lost, &["--phones", "strict"]).code(1);
    assert_eq!(strict.statuses(), ["invalid", "updated", "invalid", "invalid"]);
    run(&lost, &["--phones", "strict", "--allow", "zero_restored"]).code(0);
    // One cell shows nothing.
    let alone = run(&lost[..1], &[]).code(1);
    assert_eq!(alone.results()[0]["error"]["candidates"], json!(["+447911123456"]));
    run(&lost[..1], &["--allow", "zero_restored"]).code(0);
}

#[test]
fn a_column_of_another_country_is_sent_to_nobody() {
    let american = [
        "2125550123",
        "6175550123",
        "5125550123",
        "4155552671",
        "3105550123",
        "7135550123",
        "3055550123",
        "4045550123",
        "7025550123",
        "9175550123",
        "8185550123",
        "2025550123",
    ];
    for region in ["GB", "DE", "IN", "MX", "FR", "AU"] {
        let run = |arguments: &[&str]| {
            let region = ["--region", region, "--max-invalid", "100%"];
            Run::rehearsed().file("in.csv", numbers(&american)).args(&region).args(arguments).go()
        };
        let ran = run(&[]).code(1);
        assert!(ran.statuses().iter().all(|status| status == "invalid"), "{region}");
        assert!(!run(&["--no-preflight"]).code(1).statuses().contains(&"updated".to_owned()));
    }
    let us = Run::rehearsed().file("in.csv", numbers(&american)).args(&["--region", "US"]).go();
    assert_eq!(us.code(0).summary()["warnings"], json!({}));
}

#[test]
fn a_column_that_mixes_countries_is_told_first_and_can_be_allowed() {
    let mixed =
        ["07911 123456", "020 7946 0018", "617 555 0123", "512 555 0123", "+14155552671", "n/a"];
    let run = |arguments: &[&str]| {
        let region = ["--region", "GB"];
        Run::rehearsed().file("in.csv", numbers(&mixed)).args(&region).args(arguments).go()
    };
    let ran = run(&[]).code(1);
    let kinds = ["region_mismatch"; 4].into_iter().chain(["bad_value"]).collect::<Vec<_>>();
    assert_eq!(ran.kinds(), kinds);
    let told = text(&ran.results()[0]["error"], "message").to_owned();
    assert!(told.starts_with("2 of the 4 numbers without +"), "{told}");
    let allowed = run(&["--allow", "region_mismatch"]).code(1);
    let statuses = ["updated", "updated", "invalid", "invalid", "updated", "invalid"];
    assert_eq!(allowed.statuses(), statuses);
}

#[test]
fn a_region_that_is_no_code_is_an_error_at_its_column() {
    let rows =
        "loginId,phone,verified,Country\na,030 123456,true,Germany\nb,+4930123456,true,Germany\n";
    let run = Run::rehearsed().file("in.csv", rows).args(&["--map", "Country=region"]);
    let ran = run.go().code(1);
    assert_eq!(ran.statuses(), ["invalid", "updated"]);
    let error = &ran.results()[0]["error"];
    assert_eq!((text(error, "kind"), text(error, "column")), ("unknown_region", "Country"));
}

/// The paths of the updates that arrived, in order, with the attribute that each names.
fn updates(arrivals: &[Value]) -> Vec<String> {
    let told = |arrival: &Value| {
        let path = text(arrival, "path").rsplit('/').next().unwrap().to_owned();
        match arrival["body"]["attributeKey"].as_str() {
            Some(key) => format!("{path} {key}"),
            None => path,
        }
    };
    let is_update = |arrival: &&Value| text(arrival, "method") != "GET";
    arrivals.iter().filter(is_update).map(told).collect()
}

const ATTRIBUTES: &str = "loginId,name,customAttributes.tier,customAttributes.age\n\
                          user1@example.com,Ada,gold,7\n";

#[test]
fn custom_attributes_that_a_row_does_not_name_stay() {
    let users = "{\"loginId\":\"user1@example.com\",\"customAttributes\":{\"seats\":4}}\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.jsonl");
    std::fs::write(&path, users).unwrap();
    let attributes = |arguments: &[&str]| {
        // The simulator declares the attributes that users have, and no others.
        let undeclared = "404:path=customattributes";
        let users = path.to_str().unwrap();
        let simulator =
            Simulator::start(&["--log-bodies", "--users", users, "--fault", undeclared]);
        let run = Run::against(&simulator).file("in.csv", ATTRIBUTES).args(arguments);
        let ran = run.go().code(0);
        let user = ran.results()[0]["user"].clone();
        (user["customAttributes"].clone(), updates(&simulator.stop()))
    };
    let (kept, sent) = attributes(&[]);
    assert_eq!(kept, json!({"seats": 4, "tier": "gold", "age": 7}));
    assert_eq!(sent, ["patch", "customAttribute tier", "customAttribute age"]);
    // Nobody knows what a patch does to the others; a rehearsal shows what may happen.
    let (kept, sent) = attributes(&["--batch=all"]);
    assert_eq!((kept, sent.len()), (json!({"tier": "gold", "age": 7}), 1));
}

#[test]
fn a_row_of_several_calls_that_fails_says_how_many_were_applied() {
    let run = |fault: &str| {
        let simulator = Simulator::start(&["--log-bodies", "--fault", fault, "--users", "9"]);
        let ran = Run::against(&simulator).file("in.csv", ATTRIBUTES).go();
        (ran, updates(&simulator.stop()))
    };
    let (ran, sent) = run("400:path=customAttribute,after=1");
    let ran = ran.code(1);
    assert_eq!(ran.statuses(), ["rejected"]);
    let message = text(&ran.results()[0]["error"], "message").to_owned();
    assert!(message.ends_with("2 of the row's 3 calls were applied before"), "{message}");
    assert_eq!(sent.len(), 3);
    // Each call has its own attempts.
    let (ran, sent) = run("503:path=customAttribute,every=2");
    assert_eq!(ran.code(0).results()[0]["attempts"], sent.len());
    let (ran, sent) = run("400:path=patch");
    let message = text(&ran.code(1).results()[0]["error"], "message").to_owned();
    assert!(!message.contains("calls were applied"), "{message}");
    assert_eq!(sent, ["patch"]);
}

#[test]
fn a_contact_beside_custom_attributes_is_looked_up_before_anything_is_sent() {
    let rows = "loginId,email,verifiedEmail,customAttributes.tier\n\
                user1@example.com,user2@example.com,true,gold\n";
    let simulator = Simulator::start(&["--log-bodies", "--users", "9"]);
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(1);
    assert_eq!((ran.statuses(), ran.kinds()), (vec!["rejected".into()], vec!["conflict".into()]));
    assert_eq!(updates(&simulator.stop()), Vec::<String>::new());
}

#[test]
fn the_forecast_counts_each_call_of_a_row() {
    let run = Run::rehearsed().file("in.csv", ATTRIBUTES);
    let mut check = crate::support::program();
    let output = check.current_dir(run.path("")).args(["check", "in.csv"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("forecast: 3 calls"), "{said}");
}

#[test]
fn what_was_put_around_a_value_is_never_sent() {
    let rows = "loginId,name,customAttributes.code\n\
                '+447911123456,'=Anna,'007\n\
                \"=\"\"u2\"\"\",\"=\"\"007\"\"\",\"=\"\"0042\"\"\"\n\
                u3, \"Ann \"\"A\"\"\",0043\n";
    let ran = Run::rehearsed().file("in.csv", rows).go().code(0);
    let sent: Vec<_> = ran
        .results()
        .iter()
        .map(|result| {
            let user = &result["user"];
            let code = user["customAttributes"]["code"].clone();
            (text(result, "loginId").to_owned(), text(user, "name").to_owned(), code)
        })
        .collect();
    let expected =
        [("+447911123456", "=Anna", "007"), ("u2", "007", "0042"), ("u3", "Ann \"A\"", "0043")];
    assert_eq!(sent, expected.map(|(id, name, code)| (id.into(), name.into(), json!(code))));
    let warnings = json!({"apostrophe_removed": 3, "formula_unwrapped": 3, "quotes_removed": 1});
    assert_eq!(ran.summary()["warnings"], warnings);
    assert_eq!(ran.summary()["repairs"], warnings);
    Run::rehearsed().file("in.csv", rows).arg("--strict").go().code(2);
    let allow = ["apostrophe_removed", "formula_unwrapped", "quotes_removed"]
        .map(|code| ["--allow", code])
        .concat();
    Run::rehearsed().file("in.csv", rows).arg("--strict").args(&allow).go().code(0);
}

#[test]
fn what_only_looks_like_something_around_a_value_stays() {
    let rows =
        "loginId,name\na,'s-Gravenhage\nb,'\nc,\"\"\"Bob\"\"\"\nd,=\ne,O'Neil\nf,\"5\"\" pipe\"\n";
    let ran = Run::rehearsed().file("in.csv", rows).arg("--strict").go().code(0);
    let names: Vec<_> = ran.results().iter().map(|r| text(&r["user"], "name").to_owned()).collect();
    assert_eq!(names, ["'s-Gravenhage", "'", "\"Bob\"", "=", "O'Neil", "5\" pipe"]);
    // JSON says what it means.
    let json = "{\"loginId\":\"'+447911123456\",\"name\":\"=\\\"007\\\"\"}\n";
    let ran = Run::rehearsed().file("in.jsonl", json).arg("--strict").go().code(0);
    assert_eq!(text(&ran.results()[0], "loginId"), "'+447911123456");
    // A quote that opens behind a blank and is closed in another cell.
    let torn = "loginId,name,givenName\na, \"Doe,Jane\"\n";
    assert_eq!(Run::rehearsed().file("in.csv", torn).go().code(1).statuses(), ["invalid"]);
}

#[test]
fn spoilt_text_is_a_warning() {
    let rows = "loginId,name\na,M\u{c3}\u{bc}ller\nb,M\u{fffd}ller\nc,M\u{fc}ller\nd,\u{c3}ngela\ne,\u{1f600}\n";
    let ran = Run::rehearsed().file("in.csv", rows).go().code(0);
    let expected = json!({"decoded_twice": 1, "replacement_character": 1});
    assert_eq!(ran.summary()["warnings"], expected);
    assert_eq!(text(&ran.results()[0]["warnings"][0], "kind"), "decoded_twice");
}

#[test]
fn names_that_look_like_others_are_told() {
    let rows = "loginId,name\njose\u{301}@example.com,A\np\u{430}ypal@example.com,B\njosé@example.com,C\nиван@пример.рф,D\n";
    let ran = Run::rehearsed().file("in.csv", rows).go().code(0);
    assert_eq!(ran.summary()["warnings"], json!({"mixed_scripts": 1, "not_normalized": 1}));
    let allowed = ["--strict", "--allow", "mixed_scripts", "--allow", "not_normalized"];
    Run::rehearsed().file("in.csv", rows).args(&["--strict"]).go().code(2);
    Run::rehearsed().file("in.csv", rows).args(&allowed).go().code(0);
    let emails = "loginId,email,verified\na,\u{3b1}dmin@example.com,true\n";
    let ran = Run::rehearsed().file("in.csv", emails).go().code(0);
    assert_eq!(ran.summary()["warnings"], json!({"mixed_scripts": 1}));
    // A name may be written as one likes.
    let names = "loginId,name\na,jose\u{301} \u{3b1}nd\n";
    assert_eq!(
        Run::rehearsed().file("in.csv", names).go().code(0).summary()["warnings"],
        json!({})
    );
}
