//! `kill -9` while an inbox is worked on, at every point: judged by what arrived at the simulator, and by
//! where the files are in the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Desk, Simulator, lines, program_against, text, wait_until};

const ROUNDS: u64 = 30;
const FILES: usize = 4;
const ROWS: usize = 6;

/// A file whose last row is a rename, which must not be sent twice.
fn content(file: usize) -> String {
    let mut rows = String::new();
    for row in 0..ROWS {
        let user = format!("f{file}r{row}");
        let name = serde_json::json!({"operation": "name", "loginId": user, "name": user});
        rows += &(name.to_string() + "\n");
    }
    let (old, new) = (format!("f{file}r0"), format!("f{file}new"));
    let rename = serde_json::json!({"operation": "loginid", "loginId": old, "newLoginId": new});
    rows + &rename.to_string() + "\n"
}

fn start(folder: &Path, simulator: &Simulator) -> Child {
    program_against(simulator, folder)
        .args(["run", "--inbox", "in", "--settle", "0s", "--quiet", "--concurrency", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How far the work is, as far as anybody can see: files in each folder, runs, and arrivals.
fn progress(folder: &Path, simulator: &Simulator) -> usize {
    let count = |path: &str| fs::read_dir(folder.join(path)).map_or(0, Iterator::count);
    let runs = fs::read_dir(folder.join("runs")).into_iter().flatten().flatten();
    let written =
        runs.map(|run| fs::read_dir(run.path()).map_or(0, Iterator::count)).sum::<usize>();
    let taken = fs::read_dir(folder.join("in/working")).into_iter().flatten().flatten();
    let taken = taken.map(|taken| fs::read_dir(taken.path()).map_or(0, Iterator::count));
    let waiting = FILES.saturating_sub(count("in"));
    written + taken.sum::<usize>() + 2 * count("in/done") + waiting + simulator.arrivals().len()
}

/// Kills the work once so many changes were seen, unless it ends before.
fn kill_after(child: &mut Child, changes: usize, progress: impl Fn() -> usize) -> bool {
    let (mut ended, mut seen, mut last) = (false, 0, progress());
    wait_until("the work ends or goes on", || {
        ended = child.try_wait().unwrap().is_some();
        let now = progress();
        seen += usize::from(now != last);
        last = now;
        ended || seen >= changes
    });
    if !ended {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    !ended
}

fn round(seed: u64) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let seed_argument = seed.to_string();
    let simulator = Simulator::start(&[
        "--latency",
        "0ms..3ms",
        "--log-bodies",
        "--seed",
        &seed_argument,
        "--fault",
        "apply-drop:rate=0.03",
    ]);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    for file in 0..FILES {
        fs::write(folder.path().join(format!("in/f{file}.jsonl")), content(file)).unwrap();
    }
    let mut crashes = 0;
    for _ in 0..rng.usize(1..5) {
        let mut child = start(folder.path(), &simulator);
        let progress = || progress(folder.path(), &simulator);
        crashes += usize::from(kill_after(&mut child, rng.usize(0..30), progress));
    }
    let code = start(folder.path(), &simulator).wait().unwrap().code();
    let context = format!("seed {seed}, {crashes} crashes");
    assert_eq!(code, Some(0), "{context}");
    check_files(folder.path(), &context);
    check_arrivals(&simulator.stop(), crashes, &context);
    crashes
}

/// Every file is done, whole, and has one run with every row in it once.
fn check_files(folder: &Path, context: &str) {
    let left = |path: &str| -> Vec<String> {
        let entries = fs::read_dir(folder.join(path)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect()
    };
    assert_eq!(left("in/working"), [""; 0], "{context}");
    assert_eq!(left("in/failed"), [""; 0], "{context}");
    let mut done = BTreeMap::new();
    for taken in left("in/done") {
        let taken = folder.join("in/done").join(taken);
        for file in 0..FILES {
            let name = format!("f{file}.jsonl");
            if let Ok(text) = fs::read_to_string(taken.join(&name)) {
                let note = fs::read_to_string(taken.join(name + ".run.json")).unwrap();
                let note: Value = serde_json::from_str(&note).unwrap();
                assert!(done.insert(file, text_of_run(&note)).is_none(), "{context}: {file} twice");
                assert_eq!(text, content(file), "{context}");
            }
        }
    }
    assert_eq!(done.len(), FILES, "{context}: every file is done");
    for (file, rows) in done {
        assert_eq!(rows, (1..=ROWS as u64 + 1).collect::<Vec<_>>(), "{context}: rows of {file}");
    }
}

fn text_of_run(note: &Value) -> Vec<u64> {
    let results = lines(&Path::new(text(note, "run")).join("results.jsonl"));
    let mut rows: Vec<u64> = results.iter().map(|row| row["row"].as_u64().unwrap()).collect();
    rows.sort_unstable();
    rows
}

/// A name is sent again only if it was on the wire when the work was killed, a rename never.
fn check_arrivals(arrivals: &[Value], crashes: usize, context: &str) {
    let mut requests: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let updates = arrivals.iter().filter(|arrival| text(arrival, "path").contains("/update"));
    for arrival in updates {
        requests.entry(arrival["body"].to_string()).or_default().push(arrival);
    }
    assert_eq!(requests.len(), FILES * (ROWS + 1), "{context}: every row was sent");
    let mut again = 0;
    for (body, sent) in requests {
        let applied = sent.iter().filter(|arrival| arrival["applied"] == true).count();
        if body.contains("newLoginId") {
            assert_eq!(applied, 1, "{context}: {body}");
        }
        let answered = sent.iter().filter(|arrival| arrival["status"] == 200).count();
        again += answered.saturating_sub(1);
    }
    // What was on the wire, or answered and not written down yet, is sent again.
    assert!(again <= crashes * (ROWS + 1), "{context}: {again} sent again");
}

#[test]
fn no_file_is_lost_or_sent_twice_whenever_the_work_is_killed() {
    let half =
        |thread| (0..ROUNDS).filter(move |seed| seed % 2 == thread).map(round).sum::<usize>();
    let crashes = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().unwrap()
    });
    assert!(crashes as u64 >= ROUNDS, "the work was killed {crashes} times only");
}

/// A folder that holds what a crash leaves at each point between two steps of the work.
#[test]
fn what_a_crash_leaves_between_two_steps_is_taken_up() {
    let desk = Desk::new(&[], &["--create-missing", "--log-bodies"]);
    fs::create_dir(desk.path("in")).unwrap();
    let run = ["run", "--inbox", "in", "--settle", "0s"];
    desk.write("in/a.csv", "loginId,name\nu,A\n");
    desk.go(&run, 0);
    let only = |folder: &str| {
        let mut entries = fs::read_dir(desk.path(folder)).unwrap().flatten();
        entries.find(|entry| entry.path().is_dir()).unwrap().path()
    };
    let updates = || desk.simulator.updates().len();
    assert_eq!(updates(), 1);
    let again = |what: &str, sent: usize, done: usize| {
        desk.go(&run, 0);
        assert_eq!(updates(), sent, "{what}");
        let working = fs::read_dir(desk.path("in/working")).unwrap().flatten();
        assert_eq!(working.filter(|entry| entry.path().is_dir()).count(), 0, "{what}");
        assert_eq!(fs::read_dir(desk.path("in/done")).unwrap().count(), done, "{what}");
    };
    // The run has ended, and its file was not put away. The settings have changed since.
    let (done, name) = (only("in/done"), only("in/done").file_name().unwrap().to_owned());
    let working = desk.path("in/working").join(&name);
    fs::rename(&done, &working).unwrap();
    desk.go(&[&run[..], &["--blank", "clear"]].concat(), 0);
    again("put away without being sent", 1, 1);
    // The file was taken, and its run has a folder and nothing else.
    fs::rename(&done, &working).unwrap();
    let folder = desk.path("runs").join(&name);
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        if entry.file_name() != "lock" {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    again("begun", 2, 1);
    // It is written down that the file is to be taken, and it was not taken.
    fs::rename(&done, &working).unwrap();
    fs::rename(working.join("a.csv"), desk.path("in/a.csv")).unwrap();
    again("taken anew", 3, 1);
    // The note was not finished.
    fs::create_dir(&working).unwrap();
    fs::write(working.join(".unfinished-x"), "{\"ver").unwrap();
    again("forgotten", 3, 1);
    // Somebody has removed the note: nobody knows what was sent.
    fs::create_dir(&working).unwrap();
    fs::write(working.join("a.csv"), "loginId,name\nu,A\n").unwrap();
    let (_, said) = desk.go(&run, 2);
    assert!(said.contains("has no note of its run"), "{said}");
}
