//! A folder whose files are taken, one run each: what is taken when, and what becomes of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::{Desk, KEY, PROJECT, Simulator, lines, signal, text, wait_until};
use crate::telling::listener;

/// A desk with an inbox, against a simulator that has every user.
fn desk(arguments: &[&str]) -> Desk {
    let desk = Desk::new(&[], &[&["--create-missing"], arguments].concat());
    fs::create_dir(desk.path("in")).unwrap();
    desk
}

/// Rows that give one user a name.
fn named(name: &str) -> String {
    format!("loginId,name\nu-secret@x.com,{name}\n")
}

/// The words that work on the inbox, and take files at once.
const RUN: [&str; 5] = ["run", "--inbox", "in", "--settle", "0s"];

/// What the inbox came to, for machines: the last line of stdout.
fn whole(desk: &Desk, words: &[&str], code: i32) -> Value {
    let (stdout, _) = desk.go(&[&RUN[..], words, &["--json"]].concat(), code);
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// The names and outcomes of files.
fn outcomes(whole: &Value) -> Vec<(&str, &str)> {
    let files = whole["files"].as_array().unwrap().iter();
    files.map(|file| (text(file, "name"), text(file, "outcome"))).collect()
}

/// The files below a folder of the inbox, without the folder that each was taken into.
fn files(desk: &Desk, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for taken in fs::read_dir(desk.path("in").join(folder)).unwrap() {
        let taken = taken.unwrap().path();
        if taken.is_dir() {
            let files = fs::read_dir(taken).unwrap();
            found.extend(files.map(|file| file.unwrap().file_name().into_string().unwrap()));
        }
    }
    found.sort();
    found
}

/// The names that were sent, in the order of arrival.
fn sent(desk: &Desk) -> Vec<String> {
    let updates = desk.simulator.updates();
    updates.iter().map(|update| text(&update["body"], "name").to_owned()).collect()
}

#[test]
fn complete_files_are_taken_in_order_of_name_and_put_away_as_they_are() {
    let desk = desk(&["--log-bodies"]);
    for name in ["b.csv", "a.csv", "c.csv"] {
        desk.write(&format!("in/{name}"), &named(name));
    }
    fs::set_permissions(desk.path("in/b.csv"), fs::Permissions::from_mode(0o640)).unwrap();
    // What is nobody's input, or not complete.
    let unfinished = ["d.csv.part", ".e.csv.x7", "f.csv~", "~$g.xlsx", "h.tmp", "i.crdownload"];
    for name in unfinished {
        desk.write(&format!("in/{name}"), &named(name));
    }
    fs::create_dir(desk.path("in/sub")).unwrap();
    symlink(desk.path("in/a.csv"), desk.path("in/link.csv")).unwrap();
    let (stdout, said) = desk.go(&RUN, 0);
    assert_eq!(sent(&desk), ["a.csv", "b.csv", "c.csv"]);
    assert!(stdout.contains("inbox") && stdout.contains("3 done"), "{stdout}");
    for told in ["sub is a folder", "link.csv is a symbolic link"] {
        assert_eq!(said.matches(told).count(), 1, "{told}: {said}");
    }
    for name in unfinished.iter().chain(&["sub", "link.csv"]) {
        assert!(desk.path("in").join(name).symlink_metadata().is_ok(), "{name}");
    }
    let done = files(&desk, "done");
    assert_eq!(
        done,
        ["a.csv", "a.csv.run.json", "b.csv", "b.csv.run.json", "c.csv", "c.csv.run.json"]
    );
    let inbox = whole(&desk, &[], 0);
    assert_eq!(outcomes(&inbox), [], "an empty inbox is a normal end");
    // Who may read a file stays the same, and nobody else gets at it.
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let taken = fs::read_dir(desk.path("in/done")).unwrap().map(|entry| entry.unwrap().path());
    let taken = taken.into_iter().find(|folder| folder.join("b.csv").exists()).unwrap();
    assert_eq!((mode(taken.join("b.csv")), mode(taken.clone())), (0o640, 0o700));
    // Other commands find the run by the note.
    let note = fs::read_to_string(taken.join("b.csv.run.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    let run = text(&note, "run");
    assert!(text(&note, "file").ends_with("/in/b.csv"), "{note}");
    for words in [
        &["explain", run, "1"][..],
        &["report", run, "-o", "page.html"],
        &["undo", run, "-o", "undo.jsonl"],
        &["verify", run],
    ] {
        let output = desk.command(words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{words:?}: {said}");
    }
}

#[test]
fn a_file_that_cannot_be_worked_on_fails_with_its_reason_and_holds_nobody_up() {
    let desk = desk(&["--log-bodies"]);
    desk.write("in/a.csv", "what,ever\nx-secret,y\n");
    desk.write("in/b.csv", "PK no archive-secret\n\u{1}\u{2}\n");
    desk.write(
        "in/c.csv",
        "loginId,phone,verified\nu-secret,12-secret,true\nv,+14155550101,true\n",
    );
    desk.write("in/d.jsonl", "{\"_plan\":{\"version\":1}}\n");
    desk.write("in/e.csv", &named("fine"));
    let inbox = whole(&desk, &["--strict"], 2);
    let failed = |name| (name, "failed");
    let expected = ["a.csv", "b.csv", "c.csv", "d.jsonl"].map(failed);
    assert_eq!(outcomes(&inbox)[..4], expected);
    assert_eq!(outcomes(&inbox)[4], ("e.csv", "done"));
    assert_eq!(sent(&desk), ["fine"]);
    for (file, why) in [
        ("a.csv", "no operation has these fields"),
        ("c.csv", "the check found problems"),
        ("d.jsonl", "exit code 2"),
    ] {
        let path = inbox["files"].as_array().unwrap().iter().find(|own| text(own, "name") == file);
        let path = text(path.unwrap(), "path");
        let reason = fs::read_to_string(format!("{path}.reason.txt")).unwrap();
        assert!(reason.contains(why) && !reason.contains("secret"), "{file}: {reason}");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o700, 0o600);
    }
    let runs = fs::read_dir(desk.path("runs")).unwrap().count();
    assert_eq!(runs, 1, "those that never began leave no run folder");
}

#[test]
fn a_file_whose_rows_the_server_refuses_fails_and_one_it_does_not_answer_waits() {
    let rows = |prefix: &str| {
        (0..9).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("{prefix}{n},N\n"))
    };
    for (fault, words, first, code) in [
        ("404:times=9", &[][..], "failed", 3),
        ("503:times=9", &["--max-attempts", "1"], "held", 3),
    ] {
        let desk = desk(&["--fault", fault]);
        desk.write("in/a.csv", &rows("a"));
        desk.write("in/b.csv", &rows("b"));
        let limits = ["--max-same-failures", "3", "--concurrency", "1", "--no-keep-before"];
        let inbox = whole(&desk, &[&limits[..], words].concat(), code);
        let outcomes = outcomes(&inbox);
        assert_eq!(outcomes[0], ("a.csv", first), "{fault}: {inbox}");
        // The rest of an inbox waits where the next file would fare no better.
        assert_eq!(desk.path("in/b.csv").exists(), first == "held", "{fault}: {inbox}");
    }
}

#[test]
fn a_refused_key_leaves_all_files_for_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, KEY).unwrap();
    let (id, file) = ("--project-id", "--management-key-file");
    let desk = desk(&[id, PROJECT, file, key.to_str().unwrap(), "--log-bodies"]);
    desk.write("in/a.csv", &named("a"));
    desk.write("in/b.csv", &named("b"));
    let run = |key: &str| {
        let mut run = desk.command(&RUN);
        run.arg("--json").env("DESCOPE_MANAGEMENT_KEY", key);
        let output = run.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let whole: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        (output.status.code(), whole)
    };
    let (code, inbox) = run("K2another");
    assert_eq!((code, outcomes(&inbox)), (Some(3), vec![("a.csv", "held")]));
    assert!(desk.path("in/b.csv").exists() && inbox["waiting"] == 1, "{inbox}");
    let (code, inbox) = run(KEY);
    assert_eq!(outcomes(&inbox), [("a.csv", "done"), ("b.csv", "done")]);
    assert_eq!((code, sent(&desk)), (Some(0), vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn each_delivery_is_a_run_even_if_it_holds_what_the_last_one_did() {
    let desk = desk(&["--log-bodies"]);
    for _ in 0..2 {
        desk.write("in/users.csv", &named("same"));
        assert_eq!(outcomes(&whole(&desk, &["--resume"], 0)), [("users.csv", "done")]);
    }
    assert_eq!(sent(&desk), ["same", "same"]);
    assert_eq!(files(&desk, "done").iter().filter(|name| *name == "users.csv").count(), 2);
    assert_eq!(fs::read_dir(desk.path("runs")).unwrap().count(), 2);
}

/// A desk whose inbox has a file of 40 rows, which take a second.
fn slow_desk() -> Desk {
    let desk = desk(&["--latency", "20ms", "--log-bodies"]);
    let rows = (0..40).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n},{n}\n"));
    desk.write("in/a.csv", &rows);
    desk
}

/// Starts the work, and reads what it says.
fn start(desk: &Desk, words: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = desk
        .command(&[&RUN[..3], words].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    (child, said)
}

/// Reads until something is said.
fn until(said: &mut impl BufRead, what: &str) {
    let mut all = String::new();
    while !all.contains(what) {
        assert!(said.read_line(&mut all).unwrap() > 0, "not said: {what}\n{all}");
    }
}

#[test]
fn a_file_that_is_being_written_is_waited_for() {
    let desk = desk(&["--log-bodies"]);
    let mut writer = fs::File::create(desk.path("in/a.csv")).unwrap();
    writer.write_all(b"loginId,name\nu,first\n").unwrap();
    let (mut child, mut said) = start(&desk, &["--settle", "0s"]);
    until(&mut said, "a.csv: a process has it open for writing");
    assert!(desk.path("in/a.csv").exists());
    writer.write_all(b"u,second\n").unwrap();
    drop(writer);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sent(&desk), ["first", "second"]);
}

#[test]
fn two_processes_do_not_work_on_one_inbox() {
    let desk = slow_desk();
    desk.write("in/b.csv", &named("b"));
    let (mut child, mut said) = start(&desk, &["--settle", "0s", "--concurrency", "1"]);
    until(&mut said, "working on a.csv");
    let (_, refused) = desk.go(&RUN, 4);
    assert!(refused.contains("another process works on the inbox in"), "{refused}");
    let inbox = whole(&desk, &["--resume", "--wait"], 0);
    assert_eq!(outcomes(&inbox), [], "the first has done it all");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sent(&desk).len(), 41);
}

#[test]
fn a_signal_stops_the_run_and_takes_no_further_file() {
    let desk = slow_desk();
    desk.write("in/b.csv", &named("b"));
    let (mut child, mut said) = start(&desk, &["--settle", "0s", "--concurrency", "1"]);
    until(&mut said, "working on a.csv");
    wait_until("rows are sent", || desk.simulator.updates().len() > 2);
    signal(&child, "TERM");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{rest}");
    assert!(desk.path("in/b.csv").exists());
    assert_eq!(files(&desk, "working"), ["a.csv", "a.csv.run.json"]);
    let inbox = whole(&desk, &[], 0);
    assert_eq!(outcomes(&inbox), [("a.csv", "done"), ("b.csv", "done")]);
    assert_eq!(sent(&desk).len(), 41, "each row once");
}

#[test]
fn a_run_whose_settings_have_changed_is_not_resumed_and_nothing_overtakes_it() {
    let desk = slow_desk();
    let (mut child, mut said) = start(&desk, &["--settle", "0s", "--concurrency", "1"]);
    until(&mut said, "working on a.csv");
    wait_until("rows are sent", || desk.simulator.updates().len() > 2);
    child.kill().unwrap();
    child.wait().unwrap();
    desk.write("in/b.csv", &named("b"));
    let inbox = whole(&desk, &["--blank", "clear"], 2);
    assert_eq!(outcomes(&inbox), [("a.csv", "held")]);
    assert!(desk.path("in/b.csv").exists());
    let inbox = whole(&desk, &[], 0);
    assert_eq!(outcomes(&inbox), [("a.csv", "done"), ("b.csv", "done")]);
}

/// A time of day in UTC that is some seconds away.
fn in_seconds(seconds: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    then.strftime("%H:%M:%S").to_string()
}

/// What a command was told, by event and exit code.
fn told(desk: &Desk) -> Vec<(String, i64)> {
    let told = lines(&desk.path("told.jsonl"));
    let event = |told: &Value| (text(told, "event").to_owned(), told["exitCode"].as_i64().unwrap());
    told.iter().map(event).collect()
}

const TELL: [&str; 4] =
    ["--notify-command", "cat >> told.jsonl; echo >> told.jsonl", "--notify-when", "always"];

/// Waits in vain for a file, until a time that is near; what the inbox came to. A start that comes too
/// late for it would wait until tomorrow, and is made again.
fn waited_in_vain(desk: &Desk, words: &[&str]) -> Value {
    for seconds in [1, 2, 4, 8, 16, 32] {
        let by = in_seconds(seconds);
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d ").to_string() + &by;
        let (mut child, mut said) = start(desk, &[&["--expect-by", &by, "--json"], words].concat());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.is_empty() || line.contains(&today) {
            let mut whole = String::new();
            child.stdout.take().unwrap().read_to_string(&mut whole).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(6), "{line}{whole}");
            return serde_json::from_str(&whole).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    panic!("no start was in time");
}

#[test]
fn a_file_that_does_not_come_in_time_is_told() {
    let desk = desk(&[]);
    let words = ["--tz", "UTC", "--metrics-file", "m.prom"];
    let inbox = waited_in_vain(&desk, &[&words[..], &TELL].concat());
    assert_eq!(inbox["missing"], true, "{inbox}");
    assert_eq!(told(&desk), [("file_missing".to_owned(), 6)]);
    let metrics = fs::read_to_string(desk.path("m.prom")).unwrap();
    let has = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap().rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(has("descope_bulk_inbox_file_missing{"), "1");
    assert_eq!(has("descope_bulk_inbox_exit_code{"), "6");
}

#[test]
fn a_file_that_comes_in_time_is_taken_at_once_and_a_signal_ends_the_wait() {
    let desk = desk(&["--log-bodies"]);
    let by = in_seconds(-60);
    let words = ["--settle", "0s", "--expect-by", &by, "--tz", "UTC"];
    let (mut child, mut said) = start(&desk, &words);
    until(&mut said, "waiting for a file until");
    desk.write("a.csv", &named("late"));
    fs::rename(desk.path("a.csv"), desk.path("in/a.csv")).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sent(&desk), ["late"]);
    let (mut child, mut said) = start(&desk, &words);
    until(&mut said, "waiting for a file until");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn a_file_without_rows_is_an_outcome_of_its_own() {
    let desk = desk(&[]);
    desk.write("in/a.csv", "");
    desk.write("in/b.csv", "loginId,name\n");
    desk.write("in/c.csv", "what,ever\n1,2\n");
    let (url, check) = listener(&[]);
    let inbox = whole(&desk, &[&TELL[..], &["--notify", &format!("{url}/ping")]].concat(), 2);
    let heard = || check.recv().unwrap();
    let (start, end) = (heard(), heard());
    assert_eq!((&*start.0, &*end.0), ("/ping/start", "/ping/2"), "the check hears of the whole");
    assert!(end.2.contains("3 failed"), "{}", end.2);
    assert_eq!(outcomes(&inbox).iter().filter(|(_, outcome)| *outcome == "failed").count(), 3);
    let event = |word: &str| (word.to_owned(), 2);
    assert_eq!(told(&desk), ["file_empty", "file_empty", "run_ended"].map(event));
    let told = lines(&desk.path("told.jsonl"));
    assert!(text(&told[0]["inputs"], "0").is_empty() && told[0]["inputs"][0].is_string());
    desk.write("in/a.csv", "");
    desk.write("in/b.csv", "loginId,name\n");
    let inbox = whole(&desk, &["--allow-empty"], 0);
    assert_eq!(outcomes(&inbox), [("a.csv", "done"), ("b.csv", "done")]);
}

#[test]
fn what_cannot_be_an_inbox_is_refused_before_anything_is_taken() {
    let desk = desk(&[]);
    desk.write("in/a.csv", &named("a"));
    desk.write("file", "");
    for (words, why) in [
        (&["--inbox", "none"][..], "No such file"),
        (&["--inbox", "file"], "is not a folder"),
        (&["--inbox", "in", "x.csv"], "cannot be used with"),
        (&["--inbox", "in", "--out", "out"], "cannot be used with"),
        (&["x.csv", "--expect-by", "06:00"], "--expect-by"),
        (&["--inbox", "in", "--expect-by", "25:00"], "such as 06:00"),
        (&["--inbox", "in", "--tz", "Mars/Base"], "no such time zone"),
        (&["--inbox", "in", "--protected"], "the project is protected"),
        (&["--inbox", "in", "--set", "verified=1", "--set", "verifiedPhone=1"], "given twice"),
        (&["--inbox", "in", "--key-file", "none"], "none"),
        (&["--inbox", "in", "--report", "none/r.html"], "there is no folder none"),
        (
            &["--inbox", "in", "--key-command", "printf 'K2a\\001b'"],
            "does not hold a management key",
        ),
    ] {
        let mut run = desk.command(&[&["run"][..], words].concat());
        let output = run.env_remove("DESCOPE_MANAGEMENT_KEY").env("DESCOPE_MANAGEMENT_KEY", KEY);
        let output = output.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(why), "{words:?}: {said}");
    }
    fs::create_dir(desk.path("elsewhere")).unwrap();
    symlink(desk.path("elsewhere"), desk.path("in/done")).unwrap();
    let (_, said) = desk.go(&RUN, 2);
    assert!(said.contains("--inbox in: done: is not a folder"), "{said}");
    assert!(desk.path("in/a.csv").exists());
}

/// What would stop every file fails none of them.
#[test]
fn a_page_or_a_collector_that_cannot_be_had_fails_no_file() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for words in [&["--serve", &address][..], &["--serve", "0.0.0.0:0"]] {
        let desk = desk(&[]);
        desk.write("in/a.csv", &named("a"));
        desk.write("in/b.csv", &named("b"));
        assert_eq!(outcomes(&whole(&desk, words, 2)), [("a.csv", "held")], "{words:?}");
        assert!(desk.path("in/b.csv").exists());
        assert_eq!(outcomes(&whole(&desk, &[], 0)), [("a.csv", "done"), ("b.csv", "done")]);
    }
}

#[test]
fn a_job_names_its_inbox_and_a_file_takes_its_place() {
    let desk = desk(&["--log-bodies"]);
    fs::create_dir(desk.path("jobs")).unwrap();
    let job = "[input]\ninbox = \"../in\"\nsettle = \"0s\"\nexpect-by = \"06:00\"\n\
               [limits]\ntz = \"UTC\"\n[rules]\nblank = \"clear\"\n";
    desk.write("jobs/nightly.toml", job);
    desk.write("in/a.csv", &named("from the inbox"));
    desk.write("b.csv", &named("by hand"));
    desk.go(&["run", "--job", "jobs/nightly.toml"], 0);
    desk.go(&["run", "--job", "jobs/nightly.toml", "b.csv"], 0);
    assert_eq!(sent(&desk), ["from the inbox", "by hand"]);
    desk.write("jobs/wrong.toml", "[input]\nexpect-by = \"6 o'clock\"\ninbox = \"../in\"\n");
    let (_, said) = desk.go(&["run", "--job", "jobs/wrong.toml"], 2);
    assert!(said.contains("wrong.toml:2") && said.contains("such as 06:00"), "{said}");
}

#[test]
fn the_rows_that_failed_run_by_the_command_that_is_shown() {
    let users = [json!({"loginIds": ["ann"], "createdTime": 1, "modifiedTime": 1})];
    let desk = Desk::new(&users, &[]);
    fs::create_dir(desk.path("in")).unwrap();
    desk.write("in/a.csv", "loginId,name\nann,A\nnobody,B\n");
    let (stdout, _) = desk.go(&[&RUN[..], &["--json"]].concat(), 1);
    let run: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    let next = text(&run, "next");
    assert!(next.contains("failures.csv") && !next.contains("--inbox"), "{next}");
    assert_eq!(files(&desk, "done"), ["a.csv", "a.csv.run.json"], "every row has its outcome");
}

#[test]
fn a_rehearsal_is_no_run_of_a_file() {
    let desk = desk(&["--log-bodies"]);
    desk.write("in/a.csv", &named("a"));
    desk.go(&[&RUN[..], &["--simulate"]].concat(), 0);
    assert!(sent(&desk).is_empty());
    // As if it had been killed before it put the file away.
    let taken = fs::read_dir(desk.path("in/done")).unwrap().next().unwrap().unwrap();
    fs::rename(taken.path(), desk.path("in/working").join(taken.file_name())).unwrap();
    let inbox = whole(&desk, &[], 2);
    assert_eq!(outcomes(&inbox), [("a.csv", "held")]);
    assert_eq!(outcomes(&whole(&desk, &["--simulate"], 0)), [("a.csv", "done")]);
}

#[test]
fn an_inbox_that_nobody_answers_for_is_left_as_it_is() {
    let desk = desk(&[]);
    desk.write("in/a.csv", &named("a"));
    let simulator = Simulator::start(&[]);
    let url = simulator.url.clone();
    drop(simulator);
    let output = desk.command(&RUN).env("DESCOPE_BASE_URL", url).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&desk, "working"), ["a.csv", "a.csv.run.json"]);
    // It was taken in time, so no other file is waited for.
    let by = in_seconds(-60);
    let inbox = whole(&desk, &["--expect-by", &by, "--tz", "UTC"], 0);
    assert_eq!(outcomes(&inbox), [("a.csv", "done")]);
}

#[test]
fn time_that_is_up_leaves_the_rest_for_the_next_time() {
    let desk = desk(&["--latency", "50ms"]);
    for name in ["a.csv", "b.csv"] {
        desk.write(&format!("in/{name}"), &named(name));
    }
    let inbox = whole(&desk, &["--max-duration", "1ms"], 3);
    assert_eq!(outcomes(&inbox), [("a.csv", "held")]);
    assert!(desk.path("in/b.csv").exists());
    let inbox = whole(&desk, &[], 0);
    assert_eq!(outcomes(&inbox), [("a.csv", "done"), ("b.csv", "done")]);
}

#[test]
fn what_the_documents_say_to_try_works() {
    let page = fs::read_to_string(format!("{}/docs/inbox.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let rest = page.split_once("## Try it").unwrap().1;
    let words = rest.lines().find_map(|line| line.strip_prefix("descope-bulk ")).unwrap();
    let desk = desk(&[]);
    fs::create_dir(desk.path("inbox")).unwrap();
    let sample = format!("{}/samples/phones.csv", env!("CARGO_MANIFEST_DIR"));
    fs::copy(sample, desk.path("inbox/phones.csv")).unwrap();
    let (stdout, _) = desk.go(&words.split_whitespace().collect::<Vec<_>>(), 0);
    assert!(stdout.contains("1 done"), "{stdout}");
}

#[test]
fn a_file_that_cannot_be_taken_is_named_and_its_name_does_no_harm() {
    use std::os::unix::ffi::OsStrExt;

    let desk = desk(&["--log-bodies"]);
    let names: [&[u8]; 4] = [b"\xff.csv", b"a\nb.csv", b"e\x1b[31m.csv", &[b'n'; 250]];
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        fs::write(desk.path("in").join(name), named("never")).unwrap();
    }
    // Names that are those of notes, or mean something to a shell.
    for name in ["-x.csv", "$(id) \"x\".csv", "x.csv.run.json.csv"] {
        desk.write(&format!("in/{name}"), &named("fine"));
    }
    let (stdout, said) = desk.go(&[&RUN[..], &TELL].concat(), 2);
    assert_eq!(sent(&desk), ["fine"; 3], "{stdout}");
    assert!(stdout.contains("3 done, 4 refused"), "{stdout}");
    assert!(!stdout.contains('\x1b') && !said.contains('\x1b'), "{stdout}{said}");
    assert_eq!(said.matches("its name has control characters").count(), 2, "{said}");
    let event = |code| ("run_ended".to_owned(), code);
    assert_eq!(told(&desk), [event(0), event(0), event(0), event(2)]);
}

#[test]
fn in_a_log_for_machines_what_is_said_of_the_inbox_is_an_event_like_others() {
    let desk = desk(&[]);
    for (quiet, expected) in [(&[][..], 1), (&["--quiet"], 0)] {
        desk.write("in/a.csv", &named("n"));
        let (_, told) = desk.go(&[&RUN[..], &["--log-format", "json"], quiet].concat(), 0);
        let lines = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own: Vec<_> = lines.filter(|line| line["event"] == "inbox").collect();
        assert_eq!(own.len(), expected, "{told}");
        for line in own {
            assert_eq!(
                (text(&line, "level"), text(&line, "message")),
                ("INFO", "working on a.csv")
            );
            assert!(line["timestamp"].is_string(), "{line}");
        }
    }
}
