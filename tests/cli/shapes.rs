//! JSON in the shapes that the API and others write: users within an object, all their login IDs.

use serde_json::json;

use crate::support::{Ran, Run, text};

fn run(content: &str, arguments: &[&str]) -> Ran {
    Run::rehearsed().file("in.json", content).args(arguments).go()
}

#[test]
fn users_within_an_object_are_rows() {
    let pretty = "{\n  \"total\": 2,\n  \"users\": [\n    {\"loginId\": \"a\", \"name\": \"A\"},\n    {\"loginId\": \"b\", \"name\": \"B\"}\n  ],\n  \"next\": {\"page\": [1]}\n}\n";
    let ran = run(pretty, &[]).code(0);
    assert_eq!(ran.statuses(), ["updated"; 2]);
    assert_eq!(ran.results()[1]["line"], json!(5));
    // Pages, one behind the other, whatever the file is called.
    let pages = "{\"users\":[{\"loginId\":\"a\",\"name\":\"A\"}],\"total\":1}\n{\"users\":[]}\n{\"users\":[{\"loginId\":\"b\",\"name\":\"B\"}]}";
    assert_eq!(run(pages, &[]).code(0).statuses(), ["updated"; 2]);
    let lines = Run::rehearsed().file("in.jsonl", pages).go().code(0);
    assert_eq!(lines.statuses(), ["updated"; 2]);
    run("{\"users\":[]}", &["--allow-empty"]).code(0);
    run("{\"users\":[]}", &[]).code(2).says("--allow-empty");
}

#[test]
fn what_is_wrong_around_the_users_is_told_and_ends_the_reading() {
    let row = "{\"loginId\":\"a\",\"name\":\"A\"}";
    for (text, said) in [
        (format!("{{\"users\":[{row}]"), "the object around the list does not end"),
        (format!("{{\"users\":[{row}], 7}}"), "the object around the list is not valid JSON"),
        (format!("{{\"users\":[{row}],\"users\":[{row}]}}"), "the key users appears twice"),
        (format!("{{\"users\":[{row}]}} {row}"), "does not begin with ["),
        (format!("{{\"users\":[{row}"), "the file ends within"),
    ] {
        let ran = run(&text, &["--no-preflight"]).code(3);
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn other_wrappers_are_named_with_the_line_that_unpacks_them() {
    let row = "{\"loginId\":\"a\",\"name\":\"A\"}";
    for (text, path) in [
        (format!("{{\"data\":[{row}]}}"), "jq -c '.data[]' FILE > rows.jsonl"),
        (
            format!("{{\n\"meta\":{{\"page\":1}},\n\"result\":{{\"items\":[\n{row}]}}}}"),
            ".result.items[]",
        ),
        (format!("{{\"page\":1,\"results\":[{row}]}}"), ".results[]"),
    ] {
        run(&text, &[]).code(2).says(path);
    }
    // A row is a row, whatever it holds besides.
    let mapped = "{\"loginId\":\"a\",\"items\":[{\"sku\":1}]}\n";
    let ran = run(mapped, &["--map", "items=customAttributes.items"]).code(0);
    assert_eq!(ran.results()[0]["user"]["customAttributes"], json!({"items": [{"sku": 1}]}));
}

#[test]
fn a_user_is_named_by_all_its_login_ids() {
    let user = |ids: &str| format!("{{\"loginIds\":{ids},\"userId\":\"U2abc\",\"name\":\"N\"}}");
    let ran = run(&format!("[{},{}]", user("[\"a\",\"+15550100\"]"), user("[\"b\"]")), &[]).code(0);
    assert_eq!(ran.results()[0]["loginId"], json!("a"));
    // Several may be several users' where nothing says that they are one's.
    let ran = run(
        "[{\"loginIds\":[\"a\",\"b\"],\"name\":\"N\"},{\"loginIds\":[\"c\"],\"name\":\"N\"}]",
        &[],
    );
    let ran = ran.code(1);
    assert_eq!(ran.statuses(), ["invalid", "updated"]);
    let error = &ran.results()[0]["error"];
    assert_eq!(text(error, "kind"), "ambiguous_user");
    assert_eq!(ran.results()[1]["loginId"], json!("c"));
    for rows in ["[{\"loginIds\":[],\"name\":\"N\"}]", "[{\"loginIds\":null,\"name\":\"N\"}]"] {
        assert_eq!(run(rows, &[]).code(1).kinds(), ["missing_value"]);
    }
    run("[{\"loginIds\":[\"a\"],\"loginId\":\"b\",\"name\":\"N\"}]", &[]).code(1);
    // As a column of a table, too.
    let table = "loginIds,userId,name\na;b,U2abc,N\nc,U2def,N\n";
    let ran = Run::rehearsed().file("in.csv", table).go().code(0);
    assert_eq!(ran.results()[0]["loginId"], json!("a"));
    // The ID alone names the user as well.
    let ran = run("[{\"userId\":\"U2abc\",\"name\":\"N\"}]", &[]).code(0);
    assert_eq!(ran.results()[0]["loginId"], json!("U2abc"));
}

#[test]
fn a_tenant_has_no_keys_of_its_own() {
    let tenant = |rest: &str| {
        format!(
            "{{\"operation\":\"patch\",\"loginId\":\"a\",\"userTenants\":[{{\"tenantId\":\"T1\"{rest}}}]}}\n"
        )
    };
    let lines = |text: String| Run::rehearsed().file("in.jsonl", text).go();
    let ran = lines(tenant(",\"roles\":[\"admin\"]")).code(1);
    assert_eq!(text(&ran.results()[0]["error"], "message"), "a tenant has no \"roles\"");
    // What the API shows of a tenant and does not take is left out.
    let shown = ",\"roleNames\":[\"admin\"],\"tenantName\":\"Acme\",\"permissions\":[]";
    let ran = lines(tenant(shown)).code(0);
    let tenants = &ran.results()[0]["user"]["userTenants"];
    assert_eq!(tenants[0]["roleNames"], json!(["admin"]));
}
