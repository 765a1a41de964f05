//! What past runs leave behind: listed, and purged by hand and by age.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::Desk;

pub(crate) const PHONES: &str = "loginId,phone,verified\nann@x.com,+442079460010,true\n\
                      ben@x.com,+442079460011,true\nnobody@x.com,+442079460012,true\n";

/// Two users, rows for them, and one for who is not there.
pub(crate) fn desk() -> Desk {
    let user = |name: &str| json!({"loginIds": [name], "phone": "+442079460000", "name": "Old"});
    let desk = Desk::new(&[user("ann@x.com"), user("ben@x.com")], &[]);
    desk.write("in.csv", PHONES);
    desk
}

/// The names of the files in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What `runs` tells, by the name of the folder.
pub(crate) fn listed(desk: &Desk, more: &[&str]) -> Vec<Value> {
    let (stdout, _) = desk.go(&[&["runs", "--json"], more].concat(), 0);
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn of<'v>(runs: &'v [Value], name: &str) -> &'v Value {
    let is_it = |run: &&Value| run["folder"].as_str().unwrap().ends_with(name);
    runs.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {runs:#?}"))
}

/// Makes a run as old as it would be after so many days.
fn age(folder: &Path, days: u64) {
    let path = folder.join("summary.json");
    let time = SystemTime::now() - Duration::from_secs(days * 86_400);
    if let Ok(text) = fs::read_to_string(&path) {
        let mut summary: Value = serde_json::from_str(&text).unwrap();
        let time = humantime_of(time);
        (summary["startedAt"], summary["finishedAt"]) = (json!(time), json!(time));
        fs::write(path, summary.to_string()).unwrap();
    }
    let journal = File::options().append(true).open(folder.join("journal"));
    journal.unwrap().set_modified(time).unwrap();
}

fn humantime_of(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// The folder of the only run whose name begins so.
fn folder_of(desk: &Desk, begins: &str) -> String {
    let mut found: Vec<_> = names(&desk.path("runs")).into_iter().collect();
    found.retain(|name| name.starts_with(begins));
    assert_eq!(found.len(), 1, "{found:?}");
    format!("runs/{}", found[0])
}

#[test]
fn runs_are_listed_whatever_is_among_them() {
    let desk = desk();
    let other = "loginId,name\nann@x.com,New\n";
    desk.write("other.csv", other);
    desk.go(&["run", "in.csv", "--out", "runs/one", "--operation", "phone"], 1);
    desk.go(&["run", "other.csv", "--out", "runs/two", "--no-keep-before"], 0);
    desk.go(&["run", "other.csv", "--out", "runs/three", "--simulate"], 0);
    desk.go(&["run", "other.csv", "--out", "runs/killed"], 0);
    // As a killed run leaves it.
    fs::remove_file(desk.path("runs/killed/summary.json")).unwrap();
    cut_last_line(&desk.path("runs/killed/journal"));
    desk.go(&["run", "other.csv", "--out", "runs/broken"], 0);
    fs::write(desk.path("runs/broken/journal"), "{\"begin\":1}\tffffffffffffffff\n").unwrap();
    desk.go(&["run", "other.csv", "--out", "runs/torn"], 0);
    fs::write(desk.path("runs/torn/summary.json"), "{").unwrap();
    fs::create_dir(desk.path("runs/photos")).unwrap();
    desk.write("runs/note.txt", "no folder");
    let runs = listed(&desk, &[]);
    assert_eq!(runs.len(), 7, "a file is no run: {runs:#?}");
    for (name, state, operation, undoable, exit) in [
        ("one", "complete", json!("phone"), true, json!(1)),
        ("two", "complete", json!("name"), false, json!(0)),
        ("three", "complete", json!("name"), false, json!(0)),
        ("killed", "stopped", json!("name"), true, Value::Null),
        ("broken", "damaged", Value::Null, false, Value::Null),
        ("torn", "damaged", json!("name"), false, Value::Null),
        ("photos", "no_run", Value::Null, false, Value::Null),
    ] {
        let run = of(&runs, name);
        assert_eq!(run["state"], state, "{run}");
        assert_eq!((&run["operation"], &run["exitCode"]), (&operation, &exit), "{run}");
        assert_eq!(run["undoable"], undoable, "{run}");
        assert_eq!(run["notUndoable"].is_null(), undoable, "{run}");
        let wrong = matches!(state, "damaged" | "no_run");
        assert_eq!(run["reason"].is_string(), wrong, "{run}");
    }
    let one = of(&runs, "one");
    assert_eq!((&one["tally"]["updated"], &one["inputs"]), (&json!(2), &json!(["in.csv"])));
    assert!(one["bytes"].as_u64().unwrap() > 1000 && one["files"] == 6, "{one}");
    assert_eq!(of(&runs, "three")["notUndoable"], "it was a rehearsal");
    assert_eq!(of(&runs, "killed")["tally"]["updated"], 1, "from the journal");
    let times: Vec<_> = runs.iter().map(|run| run["startedAt"].as_str()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "the latest first: {times:?}");
    let (table, _) = desk.go(&["runs"], 0);
    assert!(table.contains("complete, simulated") && table.contains("(in.csv)"), "{table}");
    assert!(table.contains("\nphotos: it is not the folder of a run"), "{table}");
    desk.go(&["runs", "--runs-dir", "nowhere"], 2);
}

fn cut_last_line(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let end = text.trim_end().rfind('\n').unwrap();
    fs::write(path, &text[..=end]).unwrap();
}

#[test]
fn a_run_in_progress_is_listed_as_such_and_never_purged() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "runs/one"], 1);
    // As it is while a process holds it.
    fs::remove_file(desk.path("runs/one/summary.json")).unwrap();
    cut_last_line(&desk.path("runs/one/journal"));
    let lock = File::options().write(true).open(desk.path("runs/one/lock")).unwrap();
    lock.lock().unwrap();
    let run = &listed(&desk, &[])[0];
    assert_eq!((&run["state"], &run["undoable"]), (&json!("in_progress"), &json!(false)));
    let (_, stderr) = desk.go(&["purge", "runs/one", "--unfinished", "--yes"], 4);
    assert!(stderr.contains("in progress"), "{stderr}");
    assert!(desk.path("runs/one/results.jsonl").exists());
    drop(lock);
    assert_eq!(listed(&desk, &[])[0]["state"], "stopped");
    // A run that is complete may still be held, while its page is made.
    desk.go(&["run", "in.csv", "--out", "runs/two"], 1);
    let lock = File::options().write(true).open(desk.path("runs/two/lock")).unwrap();
    lock.lock().unwrap();
    desk.go(&["purge", "runs/two", "--yes"], 4);
    assert!(desk.path("runs/two/results.jsonl").exists());
}

#[test]
fn what_is_not_known_to_be_harmless_is_purged() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "out", "--set", "verified=true"], 1);
    fs::create_dir_all(desk.path("out/more/below")).unwrap();
    for name in ["results.csv", "report.html", "input-1", "more/below/x", "journal.old"] {
        desk.write(&format!("out/{name}"), "ann@x.com");
    }
    let before = names(&desk.path("out"));
    let (dry, _) = desk.go(&["purge", "out", "--dry-run"], 0);
    assert!(dry.contains("out/results.csv") && dry.contains("nothing was removed"), "{dry}");
    assert_eq!(names(&desk.path("out")), before);
    let (done, _) = desk.go(&["purge", "out", "--yes"], 0);
    assert!(done.contains("purged out: 9 files, "), "{done}");
    assert_eq!(names(&desk.path("out")), set(&["lock", "purged.json", "summary.json"]));
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(desk.path("out/summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["tally"]["updated"], &summary["exitCode"]), (&json!(2), &json!(1)));
    assert_eq!((&summary["settings"], &summary["reasons"]), (&json!({}), &json!([])));
    let (again, _) = desk.go(&["purge", "out", "--yes"], 0);
    assert!(again.contains("was purged at") && again.contains("nothing to purge"), "{again}");
}

#[test]
fn a_kept_summary_holds_causes_and_names_of_files_but_no_value() {
    let desk = desk();
    desk.go(
        &["run", "in.csv", "--out", "out", "--where", "verified=true", "--max-share", "50%"],
        1,
    );
    desk.go(&["purge", "out", "--yes", "--keep-summary"], 0);
    let text = fs::read_to_string(desk.path("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&text).unwrap();
    let cause = &summary["reasons"][0];
    assert_eq!((&cause["kind"], &cause["code"]), (&json!("user_not_found"), &json!("E112102")));
    assert_eq!((&cause["first"], &cause["count"]), (&json!("in.csv:4 (row 3)"), &json!(1)));
    assert!(cause["message"].is_null() && cause["hint"].is_null(), "{cause}");
    let settings = &summary["settings"];
    assert_eq!((&settings["maxShare"], &settings["where"]), (&json!(50), &Value::Null));
    let run = &listed(&desk, &["--runs-dir", "."])[0];
    assert_eq!((&run["inputs"], &run["exitCode"]), (&json!(["in.csv"]), &json!(1)));
    // Purged once more with less to keep, less is kept.
    desk.go(&["purge", "out", "--yes"], 0);
    let run = &listed(&desk, &["--runs-dir", "."])[0];
    assert_eq!((&run["inputs"], &run["tally"]["updated"]), (&json!([]), &json!(2)));
}

#[test]
fn a_kept_summary_holds_every_setting_that_is_one_of_our_words() {
    let desk = desk();
    let run = ["run", "in.csv", "--out", "out", "--shard", "0/1", "--results", "csv"];
    desk.go(&[&run[..], &["--keep-users", "ids"]].concat(), 1);
    desk.go(&["purge", "out", "--yes", "--keep-summary"], 0);
    let text = fs::read_to_string(desk.path("out/summary.json")).unwrap();
    let settings = &serde_json::from_str::<Value>(&text).unwrap()["settings"];
    let kept = ["shard", "results", "keepUsers"].map(|name| &settings[name]);
    assert_eq!(kept, [&json!("0/1"), &json!(["csv"]), &json!("ids")], "{settings}");
}

#[test]
fn every_command_says_that_a_run_was_purged() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "out"], 1);
    desk.go(&["purge", "out", "--yes"], 0);
    for words in [
        &["undo", "out", "-o", "undo.jsonl"][..],
        &["verify", "out"],
        &["explain", "out", "1"],
        &["report", "out", "-o", "page.html"],
        &["redact", "out", "-o", "copy"],
        &["absent", "out"],
        &["verify-files", "out"],
    ] {
        let (_, stderr) = desk.go(words, 2);
        assert!(stderr.contains("the run in out was purged at 20"), "{words:?}: {stderr}");
    }
    assert!(!desk.path("copy").exists() && !desk.path("undo.jsonl").exists());
    let run = &listed(&desk, &["--runs-dir", "."])[0];
    assert!(run["purgedAt"].is_string() && run["notUndoable"] == "it was purged", "{run}");
}

#[test]
fn a_purged_run_is_still_known_to_be_finished() {
    let desk = desk();
    let run = ["run", "in.csv", "--resume"];
    desk.go(&run, 1);
    let folder = folder_of(&desk, "in-");
    desk.go(&["purge", &folder, "--yes"], 0);
    let sent = desk.simulator.updates().len();
    let (_, stderr) = desk.go(&run, 1);
    assert!(stderr.contains("is finished: nothing to do; it was purged at 20"), "{stderr}");
    let (_, stderr) = desk.go(&["run", "in.csv", "--resume", "--out", &folder], 1);
    assert!(stderr.contains("nothing to do"), "{stderr}");
    assert_eq!(desk.simulator.updates().len(), sent, "nothing was sent again");
    let (_, stderr) =
        desk.go(&["run", "in.csv", "--resume", "--out", &folder, "--on-conflict", "merge"], 2);
    assert!(stderr.contains("was purged at") && stderr.contains("differs"), "{stderr}");
    // Another content is another run, also where the old one comes back later.
    desk.write("in.csv", &PHONES.replace("0010", "0020"));
    desk.go(&run, 1);
    assert_eq!(names(&desk.path("runs")).len(), 3, "two runs and the lock");
    for name in names(&desk.path("runs")) {
        if name != ".lock" {
            desk.go(&["purge", &format!("runs/{name}"), "--yes"], 0);
        }
    }
    desk.write("in.csv", PHONES);
    let sent = desk.simulator.updates().len();
    desk.go(&run, 1);
    assert!(desk.simulator.updates().len() > sent, "what the old run did was out of date");
}

#[test]
fn a_run_that_could_be_resumed_is_purged_only_if_that_is_said() {
    let desk = desk();
    let run = ["run", "in.csv", "--resume"];
    desk.go(&run, 1);
    let folder = folder_of(&desk, "in-");
    fs::remove_file(desk.path(&folder).join("summary.json")).unwrap();
    cut_last_line(&desk.path(&folder).join("journal"));
    let (_, stderr) = desk.go(&["purge", &folder, "--yes"], 2);
    assert!(stderr.contains("neither resumed nor undone"), "{stderr}");
    assert!(desk.path(&folder).join("results.jsonl").exists());
    desk.go(&["purge", &folder, "--yes", "--unfinished"], 0);
    assert_eq!(names(&desk.path(&folder)), set(&["lock", "purged.json"]));
    assert_eq!(listed(&desk, &[])[0]["tally"]["updated"], 2, "from the journal");
    let (_, stderr) = desk.go(&run, 2);
    assert!(stderr.contains("was purged at") && stderr.contains("cannot be resumed"), "{stderr}");
    desk.go(&["run", "in.csv"], 1);
    desk.go(&run, 1);
    // What is damaged is not purged by accident either, and what is no run is never touched.
    desk.go(&["run", "in.csv", "--out", "broken"], 1);
    fs::write(desk.path("broken/journal"), "x\n").unwrap();
    let (_, stderr) = desk.go(&["purge", "broken", "--yes"], 2);
    assert!(stderr.contains("damaged or gone") && stderr.contains("--unfinished"), "{stderr}");
    desk.go(&["purge", "broken", "--yes", "--unfinished"], 0);
    assert_eq!(names(&desk.path("broken")), set(&["lock", "purged.json", "summary.json"]));
    let (_, stderr) = desk.go(&["purge", ".", "--yes", "--unfinished"], 2);
    assert!(stderr.contains("not the folder of a run"), "{stderr}");
    desk.go(&["purge", "nowhere", "--yes"], 2);
    assert!(desk.path("in.csv").exists());
}

#[test]
fn a_summary_that_cannot_be_read_does_not_outlive_a_purge() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "torn"], 1);
    desk.write("torn/summary.json", "{\"inputs\":[{\"name\":\"ann@x.com");
    desk.go(&["purge", "torn", "--yes"], 2);
    desk.go(&["purge", "torn", "--yes", "--unfinished"], 0);
    assert_eq!(names(&desk.path("torn")), set(&["lock", "purged.json"]));
    let (again, _) = desk.go(&["purge", "torn", "--yes", "--unfinished"], 0);
    assert!(again.contains("was purged at"), "{again}");
}

#[test]
fn what_a_run_that_never_began_left_is_purged_too() {
    let desk = desk();
    // As a run leaves it that is killed while it keeps what comes on standard input.
    for name in ["killed", "empty"] {
        fs::create_dir_all(desk.path("runs").join(name)).unwrap();
        desk.write(&format!("runs/{name}/lock"), "");
    }
    desk.write("runs/killed/input-1", PHONES);
    for run in listed(&desk, &[]) {
        assert_eq!((&run["state"], &run["undoable"]), (&json!("never_began"), &json!(false)));
    }
    desk.go(&["purge", "runs/killed", "runs/killed", "--yes"], 0);
    assert_eq!(names(&desk.path("runs/killed")), set(&["lock", "purged.json"]));
    let (_, stderr) = desk.go(&["purge", "runs/empty", "--yes"], 2);
    assert!(stderr.contains("left nothing behind"), "{stderr}");
}

/// Copies the files of a folder into another.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[test]
fn a_purge_that_was_killed_is_seen_and_finished_by_the_next() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "whole"], 1);
    copy(&desk.path("whole"), &desk.path("done"));
    desk.go(&["purge", "done", "--yes"], 0);
    let kept = names(&desk.path("done"));
    let mark = desk.path("done/purged.json");
    // Killed before the mark was whole: nothing has happened.
    copy(&desk.path("whole"), &desk.path("early"));
    desk.write("early/purged.json.part", "{\"version\":1,\"to");
    desk.go(&["explain", "early", "1"], 0);
    // Killed at each point after it: before the summary, and after each file that was removed.
    let doomed = ["before.jsonl", "failures.csv", "journal", "results.jsonl"];
    for gone in 0..=doomed.len() {
        let folder = format!("killed-{gone}");
        copy(&desk.path("whole"), &desk.path(&folder));
        fs::copy(&mark, desk.path(&folder).join("purged.json")).unwrap();
        for name in &doomed[..gone] {
            fs::remove_file(desk.path(&folder).join(name)).unwrap();
        }
        let (_, stderr) = desk.go(&["explain", &folder, "1"], 2);
        assert!(stderr.contains("was purged at"), "{stderr}");
        let runs = listed(&desk, &["--runs-dir", "."]);
        let run = of(&runs, &folder);
        assert_eq!(run["purgeUnfinished"], gone < doomed.len(), "{run}");
    }
    for folder in ["early", "killed-0", "killed-1", "killed-2", "killed-3"] {
        desk.go(&["purge", folder, "--yes"], 0);
        assert_eq!(names(&desk.path(folder)), kept, "{folder}");
        let summary = fs::read_to_string(desk.path(folder).join("summary.json")).unwrap();
        assert!(!summary.contains("in.csv"), "{folder}: {summary}");
    }
}

#[test]
fn runs_are_purged_by_their_age() {
    let desk = desk();
    for (name, days) in [("old", 40), ("older", 50), ("new", 3), ("stopped", 60)] {
        let folder = format!("runs/{name}");
        desk.go(&["run", "in.csv", "--out", &folder], 1);
        if name == "stopped" {
            fs::remove_file(desk.path("runs/stopped/summary.json")).unwrap();
            cut_last_line(&desk.path("runs/stopped/journal"));
        }
        age(&desk.path(&folder), days);
    }
    fs::create_dir(desk.path("runs/photos")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(desk.path("runs/new"), desk.path("runs/latest")).unwrap();
    let (stdout, _) = desk.go(&["purge", "--older-than", "30d", "--yes"], 0);
    assert!(stdout.contains("runs/stopped: not finished"), "{stdout}");
    assert!(stdout.contains("purged runs/old: ") && stdout.contains("purged runs/older: "));
    let purged = |name: &str| desk.path(&format!("runs/{name}/purged.json")).exists();
    assert!(purged("old") && purged("older") && !purged("new") && !purged("stopped"));
    // Named runs are purged only if they are old enough, too.
    let (stdout, _) = desk.go(&["purge", "runs/new", "--older-than", "30d", "--yes"], 0);
    assert!(stdout.contains("nothing to purge"), "{stdout}");
    desk.go(&["purge", "--older-than", "30d", "--unfinished", "--yes"], 0);
    assert!(purged("stopped") && !purged("new"));
    assert_eq!(fs::read_dir(desk.path("runs/photos")).unwrap().count(), 0);
    desk.go(&["purge"], 2);
    desk.go(&["purge", "--older-than", "soon"], 2);
}

#[test]
fn a_run_purges_earlier_runs_of_its_job_and_no_others() {
    let desk = desk();
    desk.write("other.csv", "loginId,name\nann@x.com,New\n");
    let job = "[input]\nfiles = [\"in.csv\"]\n";
    desk.write("job.toml", job);
    let made = [
        ("typed", &["in.csv"][..], 40),
        ("other", &["other.csv"], 40),
        ("job", &["--job", "job.toml"], 40),
        ("recent", &["--job", "job.toml"], 20),
        ("rehearsed", &["--job", "job.toml", "--simulate"], 40),
    ];
    for (name, words, days) in made {
        let folder = format!("runs/{name}");
        let code = i32::from(name != "other" && name != "rehearsed");
        desk.go(&[&["run", "--out", &folder], words].concat(), code);
        age(&desk.path(&folder), days);
    }
    let purged = || {
        let is = |name: &&str| desk.path(&format!("runs/{name}/purged.json")).exists();
        made.iter().map(|made| made.0).filter(is).collect::<Vec<_>>()
    };
    desk.write("job.toml", &format!("{job}[output]\nretention = \"30d\"\n"));
    // A rehearsal purges nothing.
    desk.go(&["run", "--job", "job.toml", "--simulate"], 0);
    assert!(purged().is_empty());
    let (_, stderr) = desk.go(&["run", "--job", "job.toml", "-v"], 1);
    assert!(stderr.contains("--retention: 2 earlier runs purged"), "{stderr}");
    assert_eq!(purged(), ["job", "rehearsed"], "of the same job file, and old enough");
    let summary = fs::read_to_string(desk.path("runs/job/summary.json")).unwrap();
    assert!(summary.contains("in.csv") && summary.contains("user_not_found"), "it is kept");
    // Without a job file the inputs say which job it is.
    desk.go(&["run", "in.csv", "--retention", "30d"], 1);
    assert_eq!(purged(), ["typed", "job", "rehearsed"]);
    // Retention is no part of which run it is.
    let (_, stderr) = desk.go(&["run", "in.csv", "--resume"], 1);
    assert!(stderr.contains("nothing to do"), "{stderr}");
}

#[test]
fn a_retention_that_fails_is_said_and_fails_no_run() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "runs/old"], 1);
    age(&desk.path("runs/old"), 40);
    // Where the mark is to be written there is a folder already.
    fs::create_dir(desk.path("runs/old/purged.json.part")).unwrap();
    let (_, stderr) = desk.go(&["run", "in.csv", "--retention", "30d"], 1);
    assert!(stderr.contains("--retention: cannot write runs/old/purged.json"), "{stderr}");
    assert!(desk.path("runs/old/results.jsonl").exists(), "without a mark nothing goes");
}

#[test]
fn a_shard_purges_earlier_runs_of_its_own_and_leaves_those_that_are_to_be_merged() {
    let desk = desk();
    for (name, shard) in [("zero", "0/2"), ("one", "1/2")] {
        let folder = format!("runs/{name}");
        desk.command(&["run", "in.csv", "--shard", shard, "--out", &folder]).output().unwrap();
        age(&desk.path(&folder), 40);
    }
    desk.command(&["run", "in.csv", "--shard", "1/2", "--retention", "30d"]).output().unwrap();
    let is_purged = |name: &str| desk.path(&format!("runs/{name}/purged.json")).exists();
    assert_eq!((is_purged("zero"), is_purged("one")), (false, true));
}
