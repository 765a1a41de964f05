//! On a terminal a run says what is about to happen, and asks.

#![cfg(unix)]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::support::Desk;

/// A terminal: the end that a person has, and the other, as often as it is wanted.
pub(crate) fn terminal() -> (File, impl Fn() -> Stdio) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let program = move || {
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Stdio::from(OwnedFd::from(file))
    };
    (File::from(person), program)
}

/// Runs a command on a terminal, whose person types an answer each time they are asked; what they
/// saw, and the exit code.
fn typed<'a>(
    desk: &Desk,
    words: &[&str],
    answers: impl IntoIterator<Item = &'a str>,
) -> (String, Option<i32>) {
    let (mut person, program) = terminal();
    let mut command = desk.command(words);
    command.stdin(program()).stderr(program()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut seen = String::new();
    let mut piece = [0; 512];
    let (mut answers, mut answered) = (answers.into_iter(), 0);
    // The terminal is gone once nobody has its other end.
    while let Ok(read @ 1..) = person.read(&mut piece) {
        seen += &String::from_utf8_lossy(&piece[..read]);
        if seen.matches("Type yes").count() > answered
            && let Some(answer) = answers.next()
        {
            answered += 1;
            person.write_all(answer.as_bytes()).unwrap();
        }
    }
    (seen, child.wait().unwrap().code())
}

fn desk() -> Desk {
    let user = |name: &str| json!({"loginIds": [name], "givenName": "Old"});
    let desk = Desk::new(&[user("ann"), user("ben")], &[]);
    desk.write(
        "in.csv",
        "operation,loginId,givenName,status\nname,ann,New,\nstatus,ben,,disabled\n",
    );
    desk
}

#[test]
fn a_person_is_asked_and_only_yes_is_yes() {
    let desk = desk();
    for answer in ["no\n", "\n", "y\n", "YES please\n"] {
        let (seen, code) = typed(&desk, &["run", "in.csv", "--out", "out"], Some(answer));
        assert_eq!(code, Some(2), "{answer:?}: {seen}");
        assert!(seen.contains("nothing was sent"), "{seen}");
        assert!(!desk.path("out").exists(), "nothing stays behind");
    }
    assert!(desk.simulator.updates().is_empty());
    let (seen, code) = typed(&desk, &["run", "in.csv", "--out", "out"], Some("yes\n"));
    assert_eq!(code, Some(0), "{seen}");
    for expected in
        ["(simulated users)", "2 rows of in.csv", "to send: name 1, status 1", "about 3 calls"]
    {
        assert!(seen.contains(expected), "no {expected:?}: {seen}");
    }
    assert_eq!(desk.simulator.updates().len(), 2);
}

#[test]
fn nothing_is_purged_without_a_yes() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "out"], 0);
    let (seen, code) = typed(&desk, &["purge", "out"], Some("no\n"));
    assert_eq!(code, Some(2), "{seen}");
    assert!(seen.contains("users' data of 1 run will be removed for good: 3 files"), "{seen}");
    assert!(desk.path("out/results.jsonl").exists());
    let (seen, code) = typed(&desk, &["purge", "out"], Some("yes\n"));
    assert_eq!(code, Some(0), "{seen}");
    assert!(!desk.path("out/results.jsonl").exists());
}

#[test]
fn nobody_is_asked_with_yes_in_a_rehearsal_or_without_a_terminal() {
    let desk = desk();
    let (seen, code) = typed(&desk, &["run", "in.csv", "--out", "a", "--yes"], None);
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("Type yes"), "{seen}");
    let (seen, code) = typed(&desk, &["run", "in.csv", "--out", "b", "--simulate"], None);
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("Type yes"), "{seen}");
    desk.go(&["run", "in.csv", "--out", "c"], 0);
}

#[test]
fn a_plan_says_what_its_changes_can_do() {
    let desk = desk();
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    let words = ["run", "plan.jsonl", "--out", "out", "--allow", "lock_out"];
    let (seen, code) = typed(&desk, &words, Some("no\n"));
    assert_eq!(code, Some(2), "{seen}");
    assert!(seen.contains("classes: lock_out 1, plain 1"), "{seen}");
}

#[test]
fn nothing_but_a_plan_is_run_for_a_project_that_is_protected() {
    let desk = desk();
    let job = "[input]\nfiles = [\"in.csv\"]\n[project]\nprotected = true\n";
    desk.write("job.toml", job);
    let (_, said) = desk.go(&["run", "--job", "job.toml"], 2);
    assert!(said.contains("the project is protected"), "{said}");
    desk.go(&["run", "--job", "job.toml", "--simulate", "--out", "rehearsed"], 0);
    desk.go(&["plan", "--job", "job.toml", "-o", "plan.jsonl"], 0);
    let words = ["run", "--job", "job.toml", "plan.jsonl", "--out", "out", "--allow", "all"];
    desk.go(&words, 0);
    let summary: Value =
        serde_json::from_str(&std::fs::read_to_string(desk.path("out/summary.json")).unwrap())
            .unwrap();
    assert_eq!(summary["settings"]["protected"], true);
}

#[test]
fn after_the_canary_a_person_is_asked_again() {
    for (answers, code, sent) in [(["yes\n", "yes\n"], 0, 2), (["yes\n", "no\n"], 3, 1)] {
        let desk = desk();
        let (seen, ended) =
            typed(&desk, &["run", "in.csv", "--out", "out", "--canary", "1"], answers);
        assert_eq!(ended, Some(code), "{seen}");
        assert!(
            seen.contains("canary: 1 row sent, and their users show what was written"),
            "{seen}"
        );
        assert!(seen.contains("Type yes to send the rest"), "{seen}");
        assert_eq!(desk.simulator.updates().len(), sent);
    }
}

#[test]
fn attributes_are_created_when_the_person_says_yes() {
    let desk = desk();
    desk.write("new.csv", "name,type\nvip,boolean\n");
    let words = ["attributes", "create", "new.csv"];
    let (seen, code) = typed(&desk, &words, Some("no\n"));
    assert_eq!(code, Some(2), "{seen}");
    assert!(seen.contains("1 attribute will be created"), "{seen}");
    assert!(seen.contains("nothing was created"), "{seen}");
    assert!(desk.simulator.updates().is_empty());
    let (seen, code) = typed(&desk, &words, Some("yes\n"));
    assert_eq!(code, Some(0), "{seen}");
    let (seen, code) = typed(&desk, &words, None);
    assert_eq!((seen.as_str(), code), ("", Some(0)), "nothing is new, so nobody is asked");
    desk.write("more.csv", "name,type\nage,number\n");
    let (seen, code) = typed(&desk, &["attributes", "create", "more.csv", "--yes"], None);
    assert_eq!((seen.as_str(), code), ("", Some(0)));
    assert_eq!(desk.simulator.updates().len(), 2);
}
