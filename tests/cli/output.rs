//! The run folder, what is on the screen, and how failures come back.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Run, Simulator, text};

const MIXED: &str = "Login ID,Phone,Verified,Note\n\
    a@x.com,+14155550101,true,first\n\
    b@x.com,4155550102,true,\"two, three\"\n\
    c@x.com,+14155550103,maybe,\n";

fn mixed(run: Run) -> crate::support::Ran {
    run.file("in.csv", MIXED).args(&["--ignore", "note"]).go().code(1)
}

#[test]
fn results_hold_the_user_as_the_server_sent_it() {
    let ran = mixed(Run::against(&Simulator::start(&[])));
    let results = ran.results();
    let result = &results[0];
    assert_eq!(
        (text(result, "file"), &result["row"], &result["line"], text(result, "operation")),
        ("in.csv", &1.into(), &2.into(), "phone")
    );
    assert_eq!(
        (text(result, "status"), &result["attempts"], &result["httpStatus"]),
        ("updated", &1.into(), &200.into())
    );
    assert!(result["durationMs"].is_u64());
    assert!(text(result, "finishedAt").ends_with('Z'));
    assert_eq!(result["user"]["phone"], "+14155550101");
    assert_eq!(result["user"]["editable"], true, "fields that we do not know are kept");
    let error = &results[1]["error"];
    assert_eq!((text(error, "kind"), text(error, "column")), ("bad_value", "Phone"));
    assert!(text(error, "message").contains('+') && text(error, "hint").contains("+1"));
}

#[test]
fn failures_are_in_the_columns_of_the_input_and_feed_back() {
    let simulator = Simulator::start(&[]);
    let ran = mixed(Run::against(&simulator));
    let failures = ran.read("failures.csv");
    let mut lines = failures.lines();
    assert_eq!(
        lines.next().unwrap(),
        "Login ID,Phone,Verified,Note,_row,_status,_error,_message,_hint"
    );
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("b@x.com,4155550102,true,\"two, three\",2,invalid,bad_value,")
    );
    let corrected =
        failures.replace("4155550102", "+14155550102").replace("maybe", "no").replace("++", "+");
    let ran = Run::against(&simulator)
        .file("failures.csv", corrected)
        .args(&["--ignore", "note"])
        .go()
        .code(0);
    assert_eq!(ran.tally("updated"), 2);
    assert!(!ran.path("failures.csv").exists(), "nothing failed");
}

#[test]
fn the_summary_on_the_screen_says_what_happened_and_what_to_do() {
    let ran = mixed(Run::against(&Simulator::start(&[])));
    for part in [
        "SIMULATED",
        "1  updated",
        "2  invalid",
        "total: 3 rows read = 1 updated + 2 invalid",
        "in.csv:3 (row 2)",
        "run out/failures.csv",
    ] {
        assert!(ran.stdout.contains(part), "no {part:?} in\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\u{1b}'), "no colours without a terminal");
    assert!(
        !ran.stdout.contains("x.com") && !ran.stderr.contains("x.com"),
        "no user on the screen"
    );
}

#[test]
fn the_summary_is_one_json_object_when_asked() {
    let ran = mixed(Run::against(&Simulator::start(&[])).arg("--json"));
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.stdout.lines().count(), 1);
    assert_eq!(shown, ran.summary());
    assert_eq!(shown["exitCode"], 1);
    assert_eq!(shown["calls"], 1);
    assert_eq!(shown["inputs"][0]["name"], "in.csv");
}

#[test]
#[cfg(unix)]
fn the_run_folder_is_for_its_owner_only_and_holds_no_key() {
    let ran = mixed(Run::against(&Simulator::start(&[])));
    let mode = |name: &str| fs::metadata(ran.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for file in ["results.jsonl", "failures.csv", "summary.json"] {
        assert_eq!(mode(file), 0o600, "{file}");
        assert!(!ran.read(file).contains(crate::support::KEY), "{file}");
    }
}

#[test]
fn each_run_has_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("people.csv"), "loginId,name\na,A\n").unwrap();
    for _ in 0..2 {
        let status = crate::support::program()
            .current_dir(folder.path())
            .args(["run", "--simulate", "--quiet", "people.csv"])
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
    let runs: Vec<_> = fs::read_dir(folder.path().join("runs")).unwrap().collect();
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert!(run.unwrap().file_name().to_str().unwrap().starts_with("people-20"));
    }
}

#[test]
fn quiet_is_quiet_and_logs_hold_no_user() {
    let simulator = Simulator::start(&["--fault", "status=503:every=2"]);
    let run =
        || Run::against(&simulator).file("in.csv", "loginId,name\nann@x.com,Ann\nann@x.com,Anna\n");
    assert_eq!(run().arg("--quiet").go().code(0).stderr, "");
    let ran = run().args(&["-vv", "--log-format", "json"]).go().code(0);
    for line in ran.stderr.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(event["level"].is_string() && event["message"].is_string(), "{line}");
    }
    assert!(ran.stderr.contains("sending again"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("ann@x.com") && !ran.stderr.contains("Ann"), "{}", ran.stderr);
}

#[test]
fn a_closed_stdout_is_no_failure() {
    let simulator = Simulator::start(&[]);
    let running = Run::against(&simulator).file("in.csv", "loginId,name\na,A\n");
    let mut running = running.spawn();
    drop(running.child.stdout.take());
    let ran = running.end().code(0);
    assert_eq!(ran.tally("updated"), 1);
}

#[test]
fn the_next_command_has_all_options_and_does_what_it_says() {
    let rows = "loginId,Cell phone,verified,Note\na,020 7946 0018,true,x\nb,12,true,y\n";
    let ran = Run::reading()
        .file("in.csv", rows)
        .args(&["--simulate", "--ignore", "Note", "--map", "Cell phone=phone", "--region=GB"])
        .go()
        .code(1);
    let next = text(&ran.summary(), "next").to_owned();
    let expected =
        "run out/failures.csv --simulate --ignore Note --map 'Cell phone=phone' --region=GB";
    assert!(next.ends_with(expected), "{next}");
    assert!(ran.stdout.contains(&next), "{}", ran.stdout);
    let corrected = ran.read("failures.csv").replace(",12,", ",020 7946 0019,");
    fs::write(ran.path("failures.csv"), corrected).unwrap();
    let program = env!("CARGO_BIN_EXE_descope-bulk");
    let shell = std::process::Command::new("sh")
        .current_dir(ran.folder())
        .args(["-c", &next.replacen("descope-bulk", program, 1)])
        .output()
        .unwrap();
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
}

#[test]
fn a_log_for_machines_ends_with_the_totals() {
    let ran = mixed(Run::new().arg("--simulate").args(&["--log-format", "json"]));
    let last: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(text(&last, "message"), "finished");
    assert_eq!(
        (&last["read"], &last["updated"], &last["invalid"]),
        (&3.into(), &1.into(), &2.into())
    );
    assert_eq!(last["complete"], true);
}

#[test]
fn a_short_timeout_needs_no_other() {
    mixed(Run::new().arg("--simulate").args(&["--timeout", "2s"]));
}
