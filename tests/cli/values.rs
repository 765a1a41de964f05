//! Values as spreadsheets leave them: what is repaired, what is refused, and how it is told.

use serde_json::json;

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
    let mut bodies: Vec<_> = simulator.stop().iter().map(|a| a["body"].clone()).collect();
    bodies.sort_by_key(|body| body["loginId"].to_string());
    assert_eq!(
        bodies,
        [
            json!({"loginId": "a", "attributeKey": "tier", "attributeValue": "gold"}),
            json!({"loginId": "b", "customAttributes": {"tier": "gold", "age": 7}}),
            json!({"loginId": "c", "name": "C", "userTenants": [{"tenantId": "T1"}, {"tenantId": "T2"}]}),
        ]
    );
}
