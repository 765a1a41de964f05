//! Columns and rows as people leave them: without a name, twice, unknown, empty, too short.

use serde_json::{Value, json};

use crate::support::{Ran, Run, text};

fn run(content: &str, arguments: &[&str]) -> Ran {
    Run::rehearsed().file("in.csv", content).args(arguments).go()
}

#[test]
fn columns_without_a_name_may_be_empty_and_hold_nothing() {
    let rows = "loginId,name,,\na,A,,\nb,B, ,\t\nc,C,x,\nd,D\n";
    let ran = run(rows, &["--short-rows", "blank"]).code(1);
    assert_eq!(ran.statuses(), ["updated", "updated", "invalid", "updated"]);
    let message = text(&ran.results()[2]["error"], "message").to_owned();
    assert_eq!(message, "column 3 holds something, but the header has no name for it");
    assert!(text(&ran.results()[2]["error"], "hint").contains("--ignore \"\""));
    for omitted in [&["--ignore", ""][..], &["--ignore-unknown"]] {
        let ran = run(rows, &[omitted, &["--short-rows", "blank"]].concat()).code(0);
        assert_eq!(ran.statuses().len(), 4);
    }
    // Cells beyond the header, which hold nothing.
    run("loginId,name\na,A,,\nb,B,\n", &[]).code(0);
    assert_eq!(run("loginId,name\na,A,,x\n", &[]).code(1).kinds(), ["wrong_field_count"]);
}

#[test]
fn rows_of_nothing_and_repeated_headers_are_passed_over_and_counted() {
    let rows = "loginId,name\na,A\n,\n , \nLoginId,name\nloginId,name\nb,B\n";
    let ran = run(rows, &[]).code(0);
    // `LoginId` is not what the header says: it may be a user.
    assert_eq!(ran.statuses().len(), 3);
    assert_eq!(
        ran.summary()["skipped"],
        json!({"blank": 2, "repeatedHeaders": 1, "hidden": 0, "aboveHeader": 0})
    );
    assert!(ran.stdout.contains("skipped: 2 blank rows and 1 repeated header"), "{}", ran.stdout);
    let clean = run("loginId,name\na,A\n\n\nb,B\n", &[]).code(0);
    assert_eq!(clean.summary()["skipped"], json!(null));
    assert!(!clean.stdout.contains("skipped"), "{}", clean.stdout);
}

#[test]
fn short_rows_are_refused_with_a_hint_that_fits_or_filled_up() {
    let rows = "loginId,name,givenName\na,A,B\nb,B\n";
    let ran = run(rows, &[]).code(1);
    assert_eq!(ran.statuses(), ["updated", "invalid"]);
    assert!(text(&ran.results()[1]["error"], "hint").contains("--short-rows blank"));
    run(rows, &["--short-rows", "blank"]).code(0);
    // Too many cells stay wrong, and are told so.
    let long = run("loginId,name\na,A,B\n", &["--short-rows", "blank"]).code(1);
    assert!(text(&long.results()[0]["error"], "hint").contains("quote"));
}

#[test]
fn all_unknown_columns_are_told_at_once_with_the_line_that_settles_them() {
    let rows = "loginId,name,Department,Manager,Cost Centre,phne,-1,Notes\na,A,x,y,1,2,3,4\n";
    let ran = run(rows, &["--ignore", "Notes"]).code(2);
    for said in [
        "in.csv:1: no operation has these fields: \"Department\", \"Manager\", \"Cost Centre\", \"phne\"",
        "did you mean phone?",
        "--ignore \"Department\" --ignore \"Manager\" --ignore \"Cost Centre\"",
        "--ignore=\"-1\"",
        "--ignore-unknown",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    run(rows, &["--ignore-unknown"]).code(0);
    run(rows, &["--only", "loginId,name"]).code(0);
    // A region of something else than phone numbers.
    let sales = "loginId,name,Region\na,A,North\n";
    run(sales, &[]).code(2).says("no column has any");
    run(sales, &["--ignore-unknown"]).code(0);
    // What is known is not left out, and what the operation lacks is still told.
    run("loginId,name,phone,Office\na,A,1,x\n", &["--ignore-unknown", "--operation", "name"])
        .code(2)
        .says("phone is not a field of name");
}

#[test]
fn a_doubled_column_matters_only_if_it_is_read() {
    let rows = "loginId,name,Notes,Notes\na,A,p,q\n";
    let unknown = run(rows, &[]).code(2).says("no operation has a field Notes");
    assert_eq!(unknown.stderr.matches("--ignore \"Notes\"").count(), 1, "{}", unknown.stderr);
    run("loginId,name,Name,givenName,givenName\na,A,A,p,q\n", &[])
        .code(2)
        .says("more than once in the header: \"givenName\"")
        .says("--ignore \"givenName\"");
    run(rows, &["--ignore", "notes"]).code(0);
    run(rows, &["--only", "loginId,name"]).code(0);
}

#[test]
fn the_header_is_named_by_its_line() {
    run("\n\n\nloginId,name,dept\na,A,x\n", &[]).code(2).says("in.csv:4: column dept");
}

#[test]
fn a_flag_beside_one_contact_and_a_name_is_that_contacts() {
    let rows = "loginId,phone,verified,name\na,+14155552671,true,Ann\nb,+14155552672,false,Ben\n";
    let verified = |ran: Ran, key: &str| -> Vec<bool> {
        ran.results().iter().map(|result| result["user"][key] == true).collect()
    };
    for arguments in [&[][..], &["--operation", "patch"], &["--map", "verified=verifiedPhone"]] {
        assert_eq!(verified(run(rows, arguments).code(0), "verifiedPhone"), [true, false]);
    }
    let email = "loginId,email,Verified,name\na,a@x.com,true,Ann\nb,b@x.com,false,Ben\n";
    assert_eq!(verified(run(email, &[]).code(0), "verifiedEmail"), [true, false]);
    // Of two contacts it could be either's.
    let both = "loginId,phone,email,verified,name\na,+14155552671,a@x.com,true,Ann\n";
    run(both, &["--operation", "patch"]).code(2).says("--map \"verified\"=verifiedPhone");
    // No hint leads to a flag that is the same for everybody.
    let ignored = run(rows, &["--ignore", "verified"]).code(2);
    let said = ignored.says("--map \"verified\"=verifiedPhone").stderr;
    assert!(!said.contains("--set"), "{said}");
}

#[test]
fn a_column_may_hold_an_equals_sign() {
    let rows = "loginId,A=B\na,Ann\n";
    run(rows, &["--map", "A=B=name"]).code(0);
    run(rows, &["--map=A=B=nome"]).code(2).says("no operation has a field nome");
}

#[test]
fn files_without_rows_are_refused_unless_they_may_be_empty() {
    for content in ["loginId,name\n", "loginId,name", "", "\n \n", "\u{feff}"] {
        let refused = run(content, &[]).code(2);
        assert!(!refused.path("").exists(), "nothing is left");
        assert_eq!(run(content, &["--allow-empty"]).code(0).tally("read"), 0);
        run(content, &["--strict"]).code(2);
    }
    run("loginId,name\n", &[]).code(2).says("in.csv: there are no rows").says("--allow-empty");
    run("", &[]).code(2).says("--allow-empty");
}

/// The custom attributes that users have after a run.
fn attributes(ran: &Ran) -> Vec<Value> {
    ran.results().iter().map(|result| result["user"]["customAttributes"].clone()).collect()
}

#[test]
fn a_column_of_an_attribute_has_one_type_in_csv_as_in_a_workbook() {
    let csv = "loginId,customAttributes.vip,customAttributes.price,customAttributes.zip\n\
               a,TRUE,12.50,02139\nb,true,12.5,10001\nc,False,7,20500\n";
    let expected = [
        json!({"vip": true, "price": 12.5, "zip": "02139"}),
        json!({"vip": true, "price": 12.5, "zip": "10001"}),
        json!({"vip": false, "price": 7, "zip": "20500"}),
    ];
    assert_eq!(attributes(&run(csv, &["--strict"]).code(0)), expected);
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(csv.lines().next().unwrap().split(',')) {
        sheet.write(0, column, name).unwrap();
    }
    for (row, (login, vip, price, zip)) in (1..).zip([
        ("a", true, 12.5, "02139"),
        ("b", true, 12.5, "10001"),
        ("c", false, 7.0, "20500"),
    ]) {
        sheet.write(row, 0, login).unwrap();
        sheet.write(row, 1, vip).unwrap();
        sheet.write(row, 2, price).unwrap();
        sheet.write(row, 3, zip).unwrap();
    }
    let workbook = book.save_to_buffer().unwrap();
    let ran = Run::rehearsed().file("in.xlsx", workbook).arg("--strict").go().code(0);
    assert_eq!(attributes(&ran), expected);
}

#[test]
fn a_mixed_column_of_an_attribute_is_a_warning_until_its_type_is_stated() {
    let rows = "loginId,customAttributes.sku\na,5551234\nb,1E5\nc,0042\n";
    let ran = run(rows, &[]).code(0);
    assert_eq!(ran.summary()["warnings"], json!({"mixed_types": 3}));
    let refused = run(rows, &["--strict"]).code(2);
    assert!(refused.stdout.contains("--attribute NAME=text"), "{}", refused.stdout);
    run(rows, &["--strict", "--allow", "mixed_types"]).code(0);
    let stated = run(rows, &["--strict", "--attribute", "sku=text"]).code(0);
    let texts = [json!({"sku": "5551234"}), json!({"sku": "1E5"}), json!({"sku": "0042"})];
    assert_eq!(attributes(&stated), texts);
    // A value that is not of the stated type is no value.
    let number = run(rows, &["--attribute", "sku=number"]).code(1);
    assert_eq!(number.statuses(), ["updated", "invalid", "invalid"]);
    run(rows, &["--attribute", "sku=day"]).code(2).says("multiselect, date, monthday, json");
    let dated = run(rows, &["--attribute", "sku=date"]).code(1);
    assert_eq!(dated.statuses(), ["invalid"; 3]);
}

#[test]
fn what_separates_items_elsewhere_is_told_in_an_item() {
    let roles =
        "operation,loginId,roleNames\nrole-add,a,\"Admin, Editor\"\nrole-add,b,Admin|Editor\n";
    let ran = run(roles, &[]).code(1);
    assert_eq!(ran.statuses(), ["invalid", "invalid"]);
    assert!(text(&ran.results()[0]["error"], "hint").contains("--list-separator comma"));
    for rows in [
        "operation,loginId,userTenants\npatch,b,\"t1,t2\"\n",
        "operation,loginId,additionalIdentifiers\npatch,c,\"c2@x.com, c3@x.com\"\n",
    ] {
        run(rows, &[]).code(1);
        let ran = run(rows, &["--list-separator", "comma"]).code(0);
        let user = &ran.results()[0]["user"];
        let many = |key: &str| user[key].as_array().map_or(0, Vec::len);
        assert!(many("userTenants") == 2 || many("loginIds") == 3, "{user}");
    }
    let apps = "operation,loginId,ssoAppIds\nssoapp-add,a,\"x,y\"\n";
    let ran = run(apps, &[]).code(0);
    assert_eq!(ran.summary()["warnings"], json!({"list_separator": 1}));
    // A JSON list says where its items end.
    let list = "operation,loginId,roleNames\nrole-add,a,\"[\"\"Admin, Editor\"\"]\"\n";
    assert_eq!(
        run(list, &["--strict"]).code(0).results()[0]["user"]["roleNames"],
        json!(["Admin, Editor"])
    );
}

#[test]
fn a_header_below_titles_is_found_where_it_is_plain() {
    let rows = "Phone,Login ID,name\n+447911123456,a,A\n";
    for (titles, count) in [
        ("Customer export\n", 1),
        ("\n Customer export;2026 \n\nfor: the team\n\n", 2),
        ("\"Report, of \"\"users\"\"\",\r\n,,\r\n", 1),
    ] {
        let text = format!("{titles}{rows}");
        let ran = run(&text, &["--set", "verifiedPhone=true"]).code(0);
        assert_eq!(ran.statuses(), ["updated"], "{titles}");
        let above = if count == 1 { "1 row" } else { "2 rows" };
        assert!(
            ran.stdout.contains(&format!("skipped: {above} above the header")),
            "{}",
            ran.stdout
        );
        let line = titles.lines().count() + 2;
        assert_eq!(ran.results()[0]["line"], json!(line), "{titles}");
    }
    // Its own delimiter counts, not that of the titles.
    let ran = run("Users, all of them\nid;loginId;name\n7;a,b;A\n", &["--ignore", "id"]).code(0);
    assert_eq!(ran.results()[0]["loginId"], json!("a,b"));
    // A column that is mapped to the user is as plain.
    let mapped = "Export\nMember,name\na,A\n";
    run(mapped, &["--map", "Member=loginId"]).code(0);
    run(mapped, &[]).code(2);
}

#[test]
fn what_may_be_a_row_is_not_taken_for_the_header() {
    // The second row has no more cells than the first, which may be the header.
    run("field,about\nloginId,the user\n", &[]).code(2).says("in.csv:1:");
    // The first names the user itself.
    let ran = run("loginId,name\nuserId,x\na,b\n", &[]).code(0);
    assert_eq!(ran.statuses().len(), 2);
    // Nothing names the user.
    run("Export\nPhone,name\n1,A\n", &[]).code(2).says("in.csv:1:");
}

#[test]
fn the_line_of_the_header_can_be_said() {
    let rows = "a,b\n1,2\nloginId,name\nx,X\n";
    run(rows, &[]).code(2);
    for ends in ["\n", "\r\n", "\r"] {
        let ran = run(&rows.replace('\n', ends), &["--header-row", "3"]).code(0);
        assert_eq!((ran.statuses().len(), &ran.results()[0]["line"]), (1, &json!(4)), "{ends:?}");
        assert_eq!(ran.summary()["skipped"]["aboveHeader"], json!(2));
    }
    run(rows, &["--header-row", "9"]).code(2).says("has only 5 lines, but --header-row is 9");
    run(rows, &["--header-row", "0"]).code(2);
    Run::rehearsed()
        .file("in.jsonl", "{\"loginId\":\"a\",\"name\":\"A\"}\n")
        .args(&["--header-row", "2"])
        .go()
        .code(2)
        .says("--header-row is given, but no input is a table");
}

#[test]
fn a_warning_points_at_the_column_that_a_flag_was_taken_from() {
    let rows = "loginId,phone,verified,name\na,+14155552671,false,A\n";
    let mut check = crate::support::program();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), rows).unwrap();
    let said = check.current_dir(folder.path()).args(["check", "in.csv"]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("^^^^^ column verified, row 1"), "{said}");
}
