//! Sending at some hours of the day only.

use std::io::{BufRead, BufReader};

use crate::support::{Run, Simulator, program, signal};

/// Hours that it is not for hours to come, and hours that it is, by the clock of UTC.
fn hours() -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hour = now.as_secs() / 3600 % 24;
    let at = |plus: u64| format!("{:02}:30", (hour + plus) % 24);
    (format!("{}-{}", at(3), at(6)), format!("{}-{}", at(21), at(3)))
}

const ROWS: &str = "loginId,name\na@x.com,A\nb@x.com,B\n";

#[test]
fn within_its_hours_a_run_sends() {
    let simulator = Simulator::start(&[]);
    let (closed, open) = hours();
    let run = Run::against(&simulator).file("in.csv", ROWS);
    // One of several is enough.
    run.args(&["--between", &closed, "--between", &open, "--tz", "UTC"]).go().code(0);
    assert_eq!(simulator.stop().len(), 2);
}

#[test]
fn outside_its_hours_a_run_waits_and_can_be_stopped() {
    let simulator = Simulator::start(&[]);
    let (closed, _) = hours();
    let run = Run::against(&simulator).file("in.csv", ROWS);
    let mut running = run.args(&["--between", &closed, "--tz", "UTC"]).spawn();
    let mut screen = BufReader::new(running.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("outside the hours of --between, which begin in ") {
        line.clear();
        assert_ne!(screen.read_line(&mut line).unwrap(), 0, "it ended");
    }
    signal(&running.child, "INT");
    let ran = running.end().code(130);
    assert_eq!(ran.tally("not_attempted"), ran.tally("read"));
    assert!(ran.summary()["waited"]["heldMs"].as_u64().is_some(), "{}", ran.summary());
    assert_eq!(simulator.stop(), Vec::<serde_json::Value>::new());
}

/// Before users are deleted they are read, and that waits as well.
#[test]
fn a_run_that_deletes_says_that_it_waits() {
    let simulator = Simulator::start(&[]);
    let (closed, _) = hours();
    let run = Run::reading_from(&simulator).file("in.csv", "loginId\na@x.com\n");
    let run = run.args(&["--operation", "delete", "--allow-destructive"]);
    let mut running = run.args(&["--between", &closed, "--tz", "UTC"]).spawn();
    let mut screen = BufReader::new(running.child.stderr.take().unwrap());
    let mut line = String::new();
    screen.read_line(&mut line).unwrap();
    assert!(line.starts_with("outside the hours of --between, which begin in "), "{line}");
    signal(&running.child, "INT");
    running.end().code(130);
    assert_eq!(simulator.stop(), Vec::<serde_json::Value>::new());
}

#[test]
fn a_run_that_is_not_to_wait_sends_nothing_and_says_when_to_resume() {
    let (closed, _) = hours();
    let run = Run::rehearsed().file("in.csv", ROWS);
    let ran = run.args(&["--between", &closed, "--tz", "UTC", "--outside", "stop"]).go().code(3);
    let ran = ran.says("outside the hours of --between before the first request");
    let opens = format!("{} UTC", &closed[..5]);
    assert!(ran.stderr.contains("resume the run when they begin: "), "{}", ran.stderr);
    assert!(ran.stderr.contains(&opens), "{}", ran.stderr);
    assert!(!ran.path("out").exists());
}

#[test]
fn hours_and_zones_that_are_none_are_refused() {
    for (word, told) in [
        ("--between=22-06", "write it as HH:MM-HH:MM, such as 22:00-06:00"),
        ("--between=22:00-22:00", "the two times must differ"),
    ] {
        Run::rehearsed().file("in.csv", ROWS).arg(word).go().code(2).says(told);
    }
    let run = Run::rehearsed().file("in.csv", ROWS).args(&["--between", "01:00-02:00"]);
    run.args(&["--tz", "Mars/Olympus"])
        .go()
        .code(2)
        .says("there is no such time zone on this machine");
}

#[test]
fn hours_may_stand_in_a_job_file() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("job.toml");
    std::fs::write(
        &job,
        "[limits]\nbetween = [\"22:00-06:00\"]\ntz = \"UTC\"\noutside = \"stop\"\n",
    )
    .unwrap();
    let mut command = program();
    command.args(["run", "--show-settings", "--simulate", "--job"]).arg(&job);
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for (name, value) in [("between", "22:00-06:00"), ("tz", "UTC"), ("outside", "stop")] {
        let mut lines = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(
            lines.any(|words| words.starts_with(&[name, value]) && words[2].contains("job.toml")),
            "{shown}"
        );
    }
}
