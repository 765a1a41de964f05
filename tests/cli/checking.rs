//! `check`, and runs that are strict: problems are told before anything is sent.

use std::io::{Seek, Write};

use std::fs;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, Simulator, program, text};

const ROWS: &str = "loginId,phone,verified
a@x.com,+14155550101,true
b@x.com,4155550102,true
c@x.com,+14155550103,false
a@x.com,+14155550104,true
d@x.com,+14155550101,true
";

fn check(files: &[(&str, &str)], arguments: &[&str]) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(folder.path()).arg("check").args(arguments);
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
        command.arg(name);
    }
    let output = command.output().unwrap();
    (folder, output)
}

#[track_caller]
fn out(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn problems_are_pointed_at_in_their_lines() {
    let (folder, output) = check(&[("in.csv", ROWS)], &[]);
    let page = out(&output, 1);
    for expected in [
        "error[bad_value]",
        " --> in.csv:3:9",
        "3 | b@x.com,4155550102,true",
        "  |         ^^^^^^^^^^ column phone, row 2",
        "warning[lock_out]",
        "warning[contradicting_values]: in.csv:2 (row 1) sets this user's phone to another value",
        "warning[shared_value]: in.csv:2 (row 1) gives another user the same phone",
        "checked 5 rows of in.csv: 1 error, 3 warnings",
        "forecast: 4 calls, all within one window of the limit",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in:\n{page}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_file_without_problems_and_one_that_cannot_be_understood() {
    let fine = "loginId,phone,verified\na@x.com,+14155550101,true\n";
    let (_, output) = check(&[("in.csv", fine)], &[]);
    assert!(out(&output, 0).contains("no problem"));
    for (name, content, why) in [
        ("in.csv", "loginId,fone\na,1\n", "fone"),
        ("in.csv", "", "no header"),
        ("in.csv", "loginId,phone,verified\na,\"+1", "not closed"),
    ] {
        let (_, output) = check(&[(name, content)], &[]);
        let said = format!("{}{}", out(&output, 2), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(why), "{content:?}: {said}");
    }
}

#[test]
fn programs_get_json() {
    let (_, output) = check(&[("in.csv", ROWS)], &["--json"]);
    let report: Value = serde_json::from_str(&out(&output, 1)).unwrap();
    assert_eq!(
        (&report["rows"], &report["valid"], &report["errors"]),
        (&5.into(), &4.into(), &1.into())
    );
    let first = &report["problems"][0]["examples"][0];
    assert_eq!((text(first, "code"), text(first, "value")), ("bad_value", "4155550102"));
    assert_eq!(
        (&first["line"], &first["row"], text(first, "column")),
        (&3.into(), &2.into(), "phone")
    );
    let (_, output) = check(&[("in.csv", ROWS)], &["--json", "--all"]);
    let lines = out(&output, 1);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5, "four problems and the report");
    assert_eq!(lines[4]["warnings"], 3);
}

#[test]
fn warnings_that_are_meant_are_allowed_by_name() {
    let rows = "loginId,phone,verified\na@x.com,+14155550101,false\n";
    let (_, output) = check(&[("in.csv", rows)], &["--allow", "lock_out"]);
    assert!(out(&output, 0).contains("allowed: lock_out"));
    let (_, output) = check(&[("in.csv", rows)], &["--allow", "lockout"]);
    out(&output, 2);
    assert!(String::from_utf8_lossy(&output.stderr).contains("lock_out"));
}

#[test]
fn several_files_are_one_run() {
    let one = "loginId,name\na@x.com,Ann\n";
    let two = "loginId,name\na@x.com,Anna\n";
    let (_, output) = check(&[("1.csv", one), ("2.csv", two)], &[]);
    let page = out(&output, 1);
    assert!(page.contains("1.csv:2 (row 1) sets this user's name to another value"), "{page}");
    assert!(page.contains(" --> 2.csv:2:9"), "{page}");
}

#[test]
fn standard_input_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), ROWS).unwrap();
    let stdin = fs::File::open(folder.path().join("in.csv")).unwrap();
    let output = program().args(["check", "-"]).stdin(Stdio::from(stdin)).output().unwrap();
    assert!(out(&output, 1).contains("-:2 (row 1) sets this user's phone"));
}

#[test]
fn secrets_are_not_shown() {
    let rows = "loginId,password,operation\na,hunter2,password-set-active\na,hunter3,password-set-active\nb,hunter4,fly\n";
    for arguments in [&[][..], &["--json"], &["--all"]] {
        let (_, output) = check(&[("in.csv", rows)], arguments);
        let page = out(&output, 1);
        assert!(page.contains("contradicting_values") && !page.contains("hunter"), "{page}");
    }
}

#[test]
fn a_strict_run_sends_nothing_if_there_is_a_problem() {
    let simulator = Simulator::start(&[]);
    let ran = Run::against(&simulator).file("in.csv", ROWS).arg("--strict").go().code(2);
    assert!(ran.stdout.contains("1 error, 3 warnings"), "{}", ran.stdout);
    assert!(ran.stderr.contains("nothing was sent"), "{}", ran.stderr);
    assert!(!ran.path("").exists(), "no run folder is left");
    let fine = "loginId,phone,verified\na@x.com,+14155550101,false\n";
    let strict = ["--strict", "--allow", "lock_out"];
    Run::against(&simulator).file("in.csv", fine).args(&strict).go().code(0);
    assert_eq!(simulator.stop().len(), 1);
}

#[test]
fn everything_that_is_wrong_with_a_row_is_told_at_once() {
    let rows = "loginId,phone,verified,email,verifiedEmail\n,12,perhaps,nobody,true\n";
    let (_, output) = check(
        &[("in.csv", rows)],
        &["--operation", "patch", "--map", "verified=verifiedPhone", "--json"],
    );
    let report: Value = serde_json::from_str(&out(&output, 1)).unwrap();
    let told: Vec<(&str, &str)> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (text(problem, "code"), text(problem, "column")))
        .collect();
    let bad = |column| ("bad_value", column);
    assert_eq!(told, [bad("email"), bad("phone"), bad("verified"), ("missing_value", "loginId")]);
    let ran = Run::new()
        .file("in.csv", rows)
        .args(&["--simulate", "--operation", "patch", "--map", "verified=verifiedPhone"])
        .go()
        .code(1);
    assert_eq!(ran.results()[0]["problems"].as_array().unwrap().len(), 3);
    assert!(ran.read("failures.csv").contains("; also email: "), "{}", ran.read("failures.csv"));
}

/// `rows` rows, of which the last `wrong` are invalid.
fn partly_wrong(rows: usize, wrong: usize) -> String {
    let phone = |row| if row < rows - wrong { "+14155550123" } else { "n/a" };
    let row = |row| format!("u{row}@example.com,{},true\n", phone(row));
    format!("loginId,phone,verified\n{}", (0..rows).map(row).collect::<String>())
}

#[test]
fn half_a_file_is_not_sent() {
    let simulator = Simulator::start(&["--rate-limit", "off"]);
    let too_many = Run::against(&simulator).file("in.csv", partly_wrong(3_000, 301)).go().code(2);
    let too_many = too_many
        .says("301 of 3,000 rows are invalid, more than --max-invalid 10% allows; nothing was sent")
        .says("the first is at in.csv:2701 (row 2700)");
    assert!(!too_many.path("").exists(), "no run was begun");
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(partly_wrong(200, 21).as_bytes()).unwrap();
    input.rewind().unwrap();
    let piped = Run::against(&simulator).args(&["-", "--format", "csv"]).stdin(input.into());
    piped.go().code(2).says("21 of 200 rows are invalid");
    assert!(simulator.stop().is_empty(), "nothing was sent");

    // The nearest files that are sent, and ways to send the others.
    let few = |rows, wrong, more: &[&str]| {
        let run = Run::new().arg("--simulate").args(more);
        let ran = run.file("in.csv", partly_wrong(rows, wrong)).go().code(1);
        assert_eq!(ran.tally("invalid"), wrong as u64);
        assert_eq!(ran.tally("updated"), (rows - wrong) as u64);
    };
    few(3_000, 300, &[]);
    few(12, 10, &[]);
    few(200, 21, &["--max-invalid", "21"]);
    few(200, 21, &["--no-preflight"]);
}

#[test]
fn a_run_says_what_it_is_about_to_change() {
    let simulator = Simulator::start(&["--rate-limit", "off"]);
    let ran = Run::against(&simulator)
        .args(&["--operation", "phone"])
        .file("in.csv", partly_wrong(30, 2))
        .go()
        .code(1);
    ran.says("at http://127.0.0.1:").says(": phone, 30 rows (2 invalid) from in.csv");
}

#[test]
fn a_value_that_is_the_login_id_of_another_row_is_told_and_a_merge_told_louder() {
    let rows = "loginId,email,verified\na@x.com,b@x.com,true\nb@x.com,new@x.com,true\n";
    let (_folder, output) = check(&[("in.csv", rows)], &[]);
    let page = out(&output, 1);
    for told in [
        "warning[anothers_login_id]: in.csv:3 (row 2) names another user by this email as its login ID",
        "2 | a@x.com,b@x.com,true",
        "0 errors, 1 warning",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let merge = ["--on-conflict", "merge"];
    let (_folder, output) = check(&[("in.csv", rows)], &merge);
    let page = out(&output, 1);
    assert!(page.contains("warning[merges_user]"), "{page}");
    assert!(page.contains("the other user is deleted, without a way back"), "{page}");
    let allowed = [&merge[..], &["--allow", "merges_user"]].concat();
    let (_folder, output) = check(&[("in.csv", rows)], &allowed);
    out(&output, 0);
    let run = Run::rehearsed().file("in.csv", rows).args(&merge).arg("--strict").go().code(2);
    assert!(run.stdout.contains("merges_user"), "{}", run.stdout);
    // Phone numbers too, however they are written, and in whichever order; and what is their own.
    let phones =
        "loginId,phone,verified\n+44 20 7946 0018,+442079460018,true\nc,+442079460019,true\n";
    out(&check(&[("in.csv", phones)], &[]).1, 0);
    let names = "loginId,name\n+44 20 7946 0019,N\n";
    let (_folder, output) = check(&[("names.csv", names), ("in.csv", phones)], &[]);
    assert!(out(&output, 1).contains("warning[anothers_login_id]: names.csv:2 (row 1)"));
}

#[test]
fn a_swap_in_the_three_steps_that_are_advised_is_no_problem() {
    let swap = "loginId,newLoginId\na@x.com,tmp@x.com\nb@x.com,a@x.com\ntmp@x.com,b@x.com\n";
    out(&check(&[("in.csv", swap)], &[]).1, 0);
    Run::rehearsed().file("in.csv", swap).arg("--strict").go().code(0);
    // Two steps, or three in the wrong order, cannot go.
    let two = "loginId,newLoginId\na@x.com,b@x.com\nb@x.com,a@x.com\n";
    assert!(out(&check(&[("in.csv", two)], &[]).1, 1).contains("login_id_swap"));
    let wrong = "loginId,newLoginId\na@x.com,tmp@x.com\ntmp@x.com,b@x.com\nb@x.com,a@x.com\n";
    assert!(out(&check(&[("in.csv", wrong)], &[]).1, 1).contains("login_id_still_taken"));
}

/// What is added to find mistakes must not find any where there are none.
#[test]
fn clean_files_have_nothing_to_warn_about() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clean");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert_eq!(names.len(), 20);
    for name in names {
        let region = match &*name {
            "phones-gb-national.csv" => &["--region", "GB"][..],
            "phones-it-mobiles.csv" => &["--region", "IT"],
            "phones-de-written-in-full.csv" => &["--region", "DE"],
            "phones-in.csv" => &["--region", "IN"],
            _ => &[],
        };
        let mut check = program();
        let output =
            check.current_dir(&folder).args(["check", &name]).args(region).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains("checked 24 rows of") && said.contains(": no problem"),
            "{name}: {said}"
        );
        assert_eq!(output.status.code(), Some(0), "{name}");
    }
}
