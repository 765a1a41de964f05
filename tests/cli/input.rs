//! Files as people have them: formats, columns, blanks, broken rows.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::support::{Run, Simulator, text};

#[test]
fn csv_tsv_and_json_lines_of_one_run_are_worked_on_in_order() {
    let simulator = Simulator::start(&[]);
    let ran = Run::against(&simulator)
        .file("a.csv", "loginId,name\r\na,A\r\n\r\nb,\"B\r\nB\"\r\nc,C\r\n")
        .file("b.tsv", "Login ID\tDisplay Name\nd\tD\n")
        .file(
            "c.jsonl",
            "\u{feff}{\"loginId\":\"e\",\"name\":\"E\"}\n\n{\"loginId\":\"f\",\"name\":\"F\"}",
        )
        .go()
        .code(0);
    let places: Vec<_> = ran
        .results()
        .iter()
        .map(|r| format!("{} {}:{} {}", r["row"], text(r, "file"), r["line"], text(r, "loginId")))
        .collect();
    let expected = [
        "1 a.csv:2 a",
        "2 a.csv:4 b",
        "3 a.csv:6 c",
        "4 b.tsv:2 d",
        "5 c.jsonl:1 e",
        "6 c.jsonl:3 f",
    ];
    assert_eq!(places, expected);
    assert_eq!(ran.results()[1]["user"]["name"], "B\r\nB");
}

#[test]
fn standard_input_is_a_file_too() {
    let simulator = Simulator::start(&[]);
    let mut running = Run::against(&simulator).args(&["-"]).stdin(Stdio::piped()).spawn();
    let mut stdin = running.child.stdin.take().unwrap();
    stdin.write_all(b"{\"loginId\":\"a\",\"name\":\"A\"}\n").unwrap();
    drop(stdin);
    let ran = running.end().code(0);
    assert_eq!(ran.results()[0]["file"], "-");
}

#[test]
fn columns_are_mapped_ignored_and_filled_in() {
    let simulator = Simulator::start(&["--log-bodies"]);
    Run::against(&simulator)
        .file("in.csv", "Mail,Cell phone,Notes\na@x.com,+14155550123,hi\n")
        .args(&["--map", "Mail=loginId", "--map", "cell_phone=phone"])
        .args(&["--ignore", "notes", "--set", "verified=yes"])
        .go()
        .code(0);
    let arrivals = simulator.stop();
    let body = serde_json::json!({
        "loginId": "a@x.com", "phone": "+14155550123", "verified": true, "failOnConflict": true,
    });
    assert_eq!(arrivals[0]["body"], body);
}

#[test]
fn what_cannot_be_told_is_refused_before_anything_is_sent() {
    let simulator = Simulator::start(&[]);
    let refuses = |content: &str, arguments: &[&str], what: &str| {
        let ran = Run::against(&simulator).file("in.csv", content).args(arguments).go();
        let ran = ran.code(2).says(what);
        assert!(!ran.path("").exists(), "a refused run leaves no run folder");
    };
    refuses("loginId,phone\na,+14155550123\n", &[], "--set verified=true");
    refuses("loginId,roleNames\na,x\n", &[], "role-add, role-set, role-remove");
    refuses("loginId,fone\na,x\n", &[], "in.csv:1: column fone");
    refuses("loginId,name\na,x\n", &["--operation", "fly"], "no such operation");
    refuses("loginId,name\na,x\n", &["--operation", "phone"], "name is not a field of phone");
    refuses("loginId,name\na,x\n", &["--map", "nome=name"], "no file has a column nome");
    refuses("loginId,name\na,x\n", &["--set", "nome=x"], "no operation has a field nome");
    let twice = &["--blank-of", "name=skip", "--blank-of", "displayName=clear"];
    refuses("loginId,name\na,x\n", twice, "given twice");
    refuses("loginId,name\na,x\n", &["--blank-of", "nome=skip"], "there is no such field");
    refuses("loginId,name\na,x\n", &["--blank-of", "name=no"], "skip, clear or error");
    let secret = &["--operation", "password-set-active", "--set", "password=hush-hush"];
    refuses("loginId\na\n", secret, "--set password: secrets do not belong");
    refuses("loginId,name,name\na,x,y\n", &[], "name");
    refuses("name\nx\n", &["--operation", "name"], "no column gives loginId");
    refuses("loginId,name\na,x\n", &["--operation", "update"], "--allow-destructive");
    refuses("", &[], "in.csv");
    refuses("\u{1f}\u{8b}", &["--simulate"], "in.csv");
    assert!(simulator.stop().is_empty());
}

#[test]
fn files_that_cannot_be_opened_are_named() {
    Run::new().args(&["--simulate", "nowhere.csv"]).go().code(2).says("nowhere.csv");
    let run = Run::new().args(&["--simulate", "folder.csv"]);
    fs::create_dir(run.path("folder.csv")).unwrap();
    run.go().code(2).says("folder.csv");
    Run::new().args(&["--simulate"]).file("a.csv", "loginId,name\n").arg("a.csv").go().code(2);
    Run::new().args(&["--simulate", "/dev/zero"]).go().code(2).says("is a device");
    Run::new().args(&["--simulate"]).go().code(2).says("<FILE>");
}

#[test]
fn broken_rows_are_invalid_and_the_others_go_on() {
    let simulator = Simulator::start(&[]);
    let mut rows = b"loginId,phone,verified\na,+14155550123,true\nb,+14155550124\n".to_vec();
    rows.extend(b"c,+1415555\xff0123,true\nd,4155550123,true\ne,,true\n,+14155550125,true\n");
    rows.extend(b"f,+14155550126,true\n");
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(1);
    assert_eq!(
        ran.statuses(),
        ["updated", "invalid", "invalid", "invalid", "invalid", "invalid", "updated"]
    );
    let kinds =
        ["wrong_field_count", "invalid_utf8", "bad_value", "missing_value", "missing_value"];
    assert_eq!(ran.kinds(), kinds);
    let blank = &ran.results()[4]["error"];
    assert!(text(blank, "hint").contains("--blank clear"), "{blank}");
    assert_eq!(simulator.stop().len(), 2, "nothing is sent for an invalid row");

    let simulator = Simulator::start(&[]);
    let lines = "{\"loginId\":\"a\",\"name\":\"A\"}\n[1]\n{\"loginId\":\"b\",\n\
                 {\"loginId\":\"c\",\"nom\":\"C\"}\n{\"loginId\":\"d\",\"name\":1}\n\
                 {\"loginId\":\"e\",\"loginId\":\"f\",\"name\":\"E\"}\n";
    let ran = Run::against(&simulator).file("in.jsonl", lines).go().code(1);
    assert_eq!(
        ran.kinds(),
        ["not_an_object", "invalid_json", "unknown_field", "bad_value", "duplicate_key"]
    );
}

#[test]
fn a_blank_cell_clears_only_when_that_is_said() {
    let simulator = Simulator::start(&[]);
    let rows = "loginId,givenName,familyName\na,Ada,Berg\n";
    Run::against(&simulator).file("in.csv", rows).go().code(0);
    let blank = "loginId,givenName,familyName\na,,Wu\n";
    let ran = Run::against(&simulator).file("in.csv", blank).go().code(0);
    assert_eq!(ran.results()[0]["user"]["givenName"], "Ada");
    let ran =
        Run::against(&simulator).file("in.csv", blank).args(&["--blank", "clear"]).go().code(0);
    assert_eq!(ran.results()[0]["user"]["givenName"], "");
    let ran =
        Run::against(&simulator).file("in.csv", blank).args(&["--blank", "error"]).go().code(1);
    assert_eq!(ran.kinds(), ["blank_value"]);
}
