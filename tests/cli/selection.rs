//! Choosing rows: which are taken, and that the books still close.

use serde_json::json;

use crate::support::{Ran, Run, Simulator, signal};

const ROWS: &str = "loginId,name,Group\na,A,x\nb,B,y\nc,C,x\nd,D, x \ne,E,y\nf,F,x\n";

fn run(arguments: &[&str]) -> Ran {
    Run::rehearsed().file("in.csv", ROWS).args(&["--ignore", "Group"]).args(arguments).go()
}

fn users(ran: &Ran) -> Vec<String> {
    let mut rows = ran.results();
    rows.sort_by_key(|row| row["row"].as_u64());
    rows.iter().map(|row| row["loginId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rows_are_chosen_and_the_others_are_counted() {
    for (arguments, expected) in [
        (&["--limit", "2"][..], &["a", "b"][..]),
        (&["--skip", "4"], &["e", "f"]),
        (&["--skip", "1", "--limit", "2"], &["b", "c"]),
        (&["--where", "group=x"], &["a", "c", "d", "f"]),
        (&["--where", "Group=x", "--skip", "1", "--limit", "2"], &["c", "d"]),
        (&["--where", "Group=x", "--where", "name=D"], &["d"]),
        (&["--limit", "100"], &["a", "b", "c", "d", "e", "f"]),
    ] {
        let ran = run(arguments).code(0);
        assert_eq!(users(&ran), expected, "{arguments:?}");
        let (summary, left_out) = (ran.summary(), 6 - expected.len() as u64);
        assert_eq!((ran.tally("read"), &summary["balanced"]), (6, &json!(true)), "{arguments:?}");
        let said = summary["tally"]["left_out"].as_u64().unwrap_or(0);
        assert_eq!(said, left_out, "{arguments:?}");
        assert_eq!(ran.stdout.contains("left out"), left_out > 0, "{}", ran.stdout);
    }
}

#[test]
fn rows_of_several_files_and_of_objects_are_chosen_together() {
    let objects =
        "{\"loginId\":\"a\",\"name\":\"A\",\"test\":true}\n{\"loginId\":\"b\",\"name\":\"B\"}\n";
    let chosen = |arguments: &[&str]| {
        let run =
            Run::rehearsed().file("1.csv", "loginId,name\nx,X\ny,Y\n").file("2.jsonl", objects);
        users(&run.args(&["--ignore", "test"]).args(arguments).go().code(0))
    };
    assert_eq!(chosen(&["--skip", "1", "--limit", "2"]), ["y", "a"]);
    assert_eq!(chosen(&["--where", "test=true"]), ["a"]);
    assert_eq!(chosen(&["--where", "name=B"]), ["b"]);
}

#[test]
fn a_choice_that_leaves_nothing_or_cannot_be_made_is_refused() {
    run(&["--where", "Group=z"]).code(2).says("no row is chosen by --where, --skip and --limit");
    run(&["--where", "Group=z", "--allow-empty"]).code(0);
    run(&["--where", "team=x"])
        .code(2)
        .says("no file has a column team; there are loginId, name, Group");
    run(&["--limit", "0"]).code(2);
    // A row that cannot be read may be one that is meant.
    let broken = Run::rehearsed().file("in.csv", "loginId,name\na\nb,B\nc,C\n");
    let ran = broken.args(&["--where", "name=B"]).go().code(1);
    assert_eq!(ran.statuses(), ["invalid", "updated"]);
}

#[test]
fn check_looks_at_the_rows_that_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("in.csv"),
        "loginId,phone,verified\na,1,true\nb,+447911123456,true\n",
    )
    .unwrap();
    let mut check = crate::support::program();
    let ended =
        check.current_dir(folder.path()).args(["check", "in.csv", "--skip", "1"]).output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(said.contains("checked 1 row of in.csv: no problem"), "{said}");
    assert!(said.contains("1  left out: not chosen"), "{said}");
}

#[test]
fn the_next_command_leaves_out_what_concerns_the_input_alone() {
    let rows = "x\nloginId;name\na;\nb;B\nc;\nd;D\n";
    let ran = Run::reading()
        .arg("--simulate")
        .file("in.csv", rows)
        .args(&["--header-row", "2", "--limit=3", "--skip", "0", "--encoding", "utf-8"])
        .go()
        .code(1);
    let next = ran.summary()["next"].as_str().unwrap().to_owned();
    assert!(next.ends_with("run out/failures.csv --simulate"), "{next}");
}

#[test]
fn the_next_command_says_otherwise_what_a_job_says_of_its_input() {
    let run = Run::rehearsed();
    std::fs::write(run.path("in.csv"), "x\nloginId,name\na,A\nb,\nc,\nd,\n").unwrap();
    let job = "[input]\nfiles = [\"in.csv\"]\nskip = 1\nlimit = 2\nheader-row = 2\n";
    std::fs::write(run.path("job.toml"), job).unwrap();
    let ran = run.args(&["--job", "job.toml"]).go().code(1);
    let next = ran.summary()["next"].as_str().unwrap().to_owned();
    assert!(next.ends_with("--job job.toml --skip 0 --limit 2 --header-row 1"), "{next}");
    let mut words: Vec<&str> = next.split(' ').skip(1).collect();
    words.extend(["--out", "again"]);
    let mut command = crate::support::program();
    let again = command.current_dir(ran.folder()).args(words).output().unwrap();
    let said = String::from_utf8(again.stdout).unwrap();
    // The rows that have failed, and no other.
    assert!(said.contains("total: 2 rows read = 2 invalid"), "{said}");
}

#[test]
fn a_run_is_resumed_with_the_same_rows_only() {
    let simulator = Simulator::start(&["--latency", "50ms"]);
    let rows = (0..500).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n},N\n"));
    let chosen = ["--skip", "100", "--limit", "100"];
    let run = Run::against(&simulator).file("in.csv", rows).args(&chosen);
    let running = run.args(&["--concurrency", "2", "--rate", "off"]).spawn();
    simulator.wait_for_arrivals(20);
    signal(&running.child, "TERM");
    let ran = running.end().code(143);
    assert_eq!(ran.summary()["balanced"], json!(true));
    let again = |arguments: &[&str]| {
        let mut command = crate::support::program_against(&simulator, ran.folder());
        command.args(["run", "in.csv", "--out", "out", "--resume", "--rate", "off"]);
        command.args(arguments).output().unwrap()
    };
    assert_eq!(again(&["--skip", "100"]).status.code(), Some(2));
    assert_eq!(again(&chosen).status.code(), Some(0));
    let summary = ran.summary();
    assert_eq!(summary["tally"]["updated"], json!(100), "{summary}");
    assert_eq!(
        (&summary["tally"]["left_out"], &summary["tally"]["read"]),
        (&json!(400), &json!(500))
    );
    let arrivals = simulator.stop();
    let sent =
        arrivals.iter().filter(|arrival| arrival["path"].as_str().unwrap().ends_with("name"));
    assert_eq!(sent.count(), 100);
}
