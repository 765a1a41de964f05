//! Taking a run up again: what was done stays done, what changed is refused.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::support::{
    Ran, Run, Simulator, against, program, program_against, program_within, rows, signal, text,
    updates,
};

/// A run that is killed after so many requests; its folder stays.
fn killed(run: Run, simulator: &Simulator, after: usize) -> crate::support::Running {
    let mut running = run.spawn();
    simulator.wait_for_arrivals(after);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    running
}

/// The same command again, in the same folder.
fn again(
    folder: &std::path::Path,
    simulator: &Simulator,
    arguments: &[&str],
) -> std::process::Output {
    program_against(simulator, folder)
        .args(["run", "--out", "out", "--resume", "in.csv"])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let simulator = Simulator::start(&["--latency", "10ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "4"]).file("in.csv", rows(200));
    let running = killed(run, &simulator, 60);
    let output = again(running.folder(), &simulator, &[]);
    let ran = Ran::of(running, output).code(0).says("rows done before");
    assert_eq!(ran.tally("updated"), 200);
    let mut seen: Vec<u64> = ran.results().iter().map(|r| r["row"].as_u64().unwrap()).collect();
    seen.dedup();
    assert_eq!(seen, (1..=200).collect::<Vec<_>>(), "every row exactly once");
    let arrivals = updates(simulator.stop());
    // What was on the wire, or not yet committed, when it was killed.
    assert!(arrivals.len() < 200 + 20, "{}", arrivals.len());
}

#[test]
fn a_finished_run_has_nothing_to_do() {
    let simulator = Simulator::start(&[]);
    let run = Run::against(&simulator).args(&["--resume"]).file("in.csv", rows(5));
    let running = run.go();
    let output = again(running.folder(), &simulator, &[]);
    Ran::of(running, output).code(0).says("nothing to do");
    assert_eq!(simulator.stop().len(), 5);
}

#[test]
fn what_changed_is_refused_and_said() {
    let simulator = Simulator::start(&["--latency", "10ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "1"]).file("in.csv", rows(100));
    let running = killed(run, &simulator, 10);
    let refused = |arguments: &[&str], what: &str| {
        let output = again(running.folder(), &simulator, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(what), "no {what:?} in {stderr}");
    };
    refused(&["--blank", "clear"], "blank: it was \"skip\", now \"clear\"");
    refused(&["--operation", "name"], "operation: it was null, now \"name\"");
    refused(&["--blank-of", "name=clear"], "now {\"name\":\"clear\"}");
    refused(&["--project-id", "P2another"], "projectId");
    let file = running.folder().join("in.csv");
    let content = fs::read(&file).unwrap();
    fs::write(&file, rows(100).replace("N5\n", "N6\n")).unwrap();
    refused(&[], "the content of in.csv");
    // The same content with another time stamp is the same.
    fs::write(&file, content).unwrap();
    let output = again(running.folder(), &simulator, &[]);
    assert_eq!(Ran::of(running, output).code(0).tally("updated"), 100);
}

#[test]
fn a_run_that_is_held_by_another_process_is_left_alone() {
    let simulator = Simulator::start(&["--latency", "20ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "1"]).file("in.csv", rows(100));
    let running = run.spawn();
    simulator.wait_for_arrivals(5);
    let output = again(running.folder(), &simulator, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let waited = again(running.folder(), &simulator, &["--wait"]);
    assert_eq!(waited.status.code(), Some(0), "{}", String::from_utf8_lossy(&waited.stderr));
    assert!(String::from_utf8_lossy(&waited.stderr).contains("nothing to do"));
    assert_eq!(running.end().code(0).tally("updated"), 100);
    assert_eq!(simulator.stop().len(), 100);
}

/// `run --resume in.csv` with folders under `runs`, as a cron line has it.
fn nightly(folder: &std::path::Path, simulator: &Simulator) -> std::process::Command {
    let mut command = program_against(simulator, folder);
    command
        .args(["run", "--resume", "--quiet", "--concurrency", "1", "--no-keep-before", "in.csv"])
        .stdout(Stdio::null());
    command
}

#[test]
fn under_cron_every_minute_each_row_is_sent_once() {
    let simulator = Simulator::start(&["--latency", "10ms"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), rows(50)).unwrap();
    let mut together: Vec<_> =
        (0..4).map(|_| nightly(folder.path(), &simulator).spawn().unwrap()).collect();
    let mut codes: Vec<_> =
        together.iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    codes.sort_unstable();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 4].contains(code)), "{codes:?}");
    assert_eq!(nightly(folder.path(), &simulator).status().unwrap().code(), Some(0));
    let arrived = simulator.arrivals().len();
    assert_eq!(arrived, 50, "each row once");
    // The next night brings another file under the same name.
    fs::write(folder.path().join("in.csv"), rows(60)).unwrap();
    assert_eq!(nightly(folder.path(), &simulator).status().unwrap().code(), Some(0));
    assert_eq!(simulator.stop().len(), arrived + 60);
}

#[test]
fn standard_input_is_kept_and_goes_on() {
    let simulator = Simulator::start(&["--latency", "10ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "2", "-"]).stdin(Stdio::piped());
    let mut running = run.spawn();
    let mut stdin = running.child.stdin.take().unwrap();
    stdin.write_all(rows(100).as_bytes()).unwrap();
    drop(stdin);
    simulator.wait_for_arrivals(20);
    signal(&running.child, "TERM");
    let stopped = running.end().code(143);
    let resume = text(&stopped.summary()["stopped"], "resume").to_owned();
    assert!(resume.starts_with("descope-bulk run --resume --out out"), "{resume}");
    let arguments: Vec<&str> = resume.split(' ').skip(1).collect();
    let output = program_against(&simulator, stopped.folder()).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stopped.tally("updated"), 100);
    assert!(stopped.summary()["doneBefore"].as_u64().unwrap() > 0);
    assert_eq!(simulator.stop().len(), 100);
}

#[test]
fn time_that_is_up_stops_like_a_signal() {
    let simulator = Simulator::start(&["--latency", "20ms"]);
    let run = Run::against(&simulator)
        .args(&["--concurrency", "1", "--max-duration", "300ms"])
        .file("in.csv", rows(1_000));
    let ran = run.go().code(3);
    assert_eq!(ran.summary()["stopped"]["reason"], "time_is_up");
    assert!(ran.tally("updated") > 0);
    assert!(ran.stdout.contains("descope-bulk run --resume --out out"), "{}", ran.stdout);
}

#[test]
fn a_run_that_halted_goes_on_when_the_cause_is_mended() {
    let simulator = Simulator::start(&["--fault", "401:after=20,times=5"]);
    let run = Run::against(&simulator).args(&["--concurrency", "1"]).file("in.csv", rows(50));
    let halted = run.go();
    assert_eq!(halted.summary()["stopped"]["reason"], "credentials_refused");
    let mut code = Some(3);
    let mut output = None;
    // Each refused request is one of the five.
    for _ in 0..5 {
        let ended = again(halted.folder(), &simulator, &["--concurrency", "1"]);
        code = ended.status.code();
        output = Some(ended);
        if code == Some(0) {
            break;
        }
    }
    assert_eq!(code, Some(0));
    let ran = Ran::of(halted, output.unwrap()).code(0);
    assert_eq!(ran.tally("updated"), 50);
}

#[test]
fn a_disk_that_is_full_stops_the_run_and_loses_nothing() {
    let simulator = Simulator::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), rows(2_000)).unwrap();
    // A limit on the size of files (in blocks of 1,024 bytes) is a disk that gets full.
    let run = |limit: &str| {
        against(&simulator, folder.path(), program_within(&format!("-f {limit}")))
            .args(["run", "--resume", "--out", "out", "--no-keep-before", "in.csv"])
            .output()
            .unwrap()
    };
    let full = run("200");
    let stderr = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("results.jsonl") && stderr.contains("--resume"), "{stderr}");
    let sent = simulator.arrivals().len();
    assert!(sent < 2_000, "it went on sending");
    // What is said is what going on will believe.
    let recorded = crate::support::lines(&folder.path().join("out/results.jsonl")).len();
    let screen = String::from_utf8_lossy(&full.stdout);
    let updated = screen.lines().find(|line| line.contains("  updated  ")).unwrap();
    let number = updated.split_whitespace().next().unwrap().replace(',', "");
    assert_eq!(number.parse(), Ok(recorded), "{screen}");
    let room = run("unlimited");
    assert_eq!(room.status.code(), Some(0), "{}", String::from_utf8_lossy(&room.stderr));
    let results = crate::support::lines(&folder.path().join("out/results.jsonl"));
    let mut seen: Vec<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=2_000).collect::<Vec<_>>());
}

#[test]
fn a_run_folder_that_is_gone_stops_the_run() {
    let simulator = Simulator::start(&["--latency", "20ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "1"]).file("in.csv", rows(5_000));
    let running = run.spawn();
    simulator.wait_for_arrivals(3);
    fs::remove_dir_all(running.folder().join("out")).unwrap();
    let ran = running.end().code(3).says("start a new run");
    assert!(!ran.stdout.contains("--resume"), "{}", ran.stdout);
    assert!(simulator.stop().len() < 1_000);
}

#[test]
fn files_that_are_no_part_of_a_run_are_never_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("in.csv"), rows(2)).unwrap();
    let refused = |out: &str| {
        let output = program()
            .current_dir(folder.path())
            .args(["run", "--simulate", "--resume", "--out", out, "in.csv"])
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{out}: {stderr}");
        stderr
    };
    // The folder of the input itself; a folder of somebody's; one that was held before.
    assert!(refused(".").contains("not empty"));
    assert_eq!(fs::read_to_string(path("in.csv")).unwrap(), rows(2));
    for (out, lock) in [("mine", false), ("held", true)] {
        fs::create_dir(path(out)).unwrap();
        fs::write(path(out).join("thesis.txt"), "years").unwrap();
        if lock {
            fs::write(path(out).join("lock"), "").unwrap();
        }
        refused(out);
        assert_eq!(fs::read_to_string(path(out).join("thesis.txt")).unwrap(), "years");
        assert_eq!(path(out).join("lock").exists(), lock, "{out} is left as it is");
    }
}

#[test]
fn a_damaged_or_missing_journal_is_refused_and_nothing_is_lost() {
    let simulator = Simulator::start(&[]);
    for damage in ["damaged", "gone", "results gone", "results cut"] {
        let ran = Run::against(&simulator).arg("--resume").file("in.csv", rows(3)).go().code(0);
        let (journal, results) = (ran.path("journal"), ran.read("results.jsonl"));
        let text = ran.read("journal");
        match damage {
            "gone" => fs::remove_file(&journal).unwrap(),
            "results gone" => fs::remove_file(ran.path("results.jsonl")).unwrap(),
            "results cut" => {
                fs::write(ran.path("results.jsonl"), &results[..results.len() - 1]).unwrap();
            }
            _ => fs::write(&journal, text.replacen("begin", "bigin", 1)).unwrap(),
        }
        let before = simulator.arrivals().len();
        let output = again(ran.folder(), &simulator, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{damage}: {stderr}");
        let what = if damage.starts_with("results") { "hold less" } else { "damaged or gone" };
        assert!(stderr.contains(what) && stderr.contains("out"), "{damage}: {stderr}");
        if !damage.starts_with("results") {
            assert_eq!(ran.read("results.jsonl"), results, "{damage}");
            continue;
        }
        assert_eq!(ran.read("journal"), text, "{damage}: it is left as it is");
        assert_eq!(simulator.arrivals().len(), before, "{damage}: nothing is sent again");
    }
}

#[test]
fn the_latest_run_of_a_file_decides() {
    let simulator = Simulator::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let run = |content: &str, resume: bool, more: &[&str]| {
        fs::write(folder.path().join("in.csv"), content).unwrap();
        let mut command = nightly(folder.path(), &simulator);
        if !resume {
            command = program_against(&simulator, folder.path());
            command.args(["run", "--quiet", "--no-keep-before", "in.csv"]).stdout(Stdio::null());
        }
        command.args(more).status().unwrap().code().unwrap()
    };
    let sent = || simulator.arrivals().len();
    let (a, b) = (rows(3), rows(4));
    assert_eq!((run(&a, true, &[]), sent()), (0, 3));
    assert_eq!((run(&b, true, &[]), sent()), (0, 7));
    assert_eq!((run(&a, true, &[]), sent()), (0, 10), "b came between");
    assert_eq!((run(&a, true, &[]), sent()), (0, 10), "nothing to do");
    // An unfinished run whose file has changed is refused, until that file was run on its own.
    assert_eq!(run(&b, true, &["--max-duration", "1ns"]), 3);
    let unfinished = sent();
    assert_eq!((run(&a, true, &[]), sent()), (2, unfinished));
    assert_eq!((run(&a, false, &[]), sent()), (0, unfinished + 3));
    assert_eq!((run(&a, true, &[]), sent()), (0, unfinished + 3), "nothing to do");
}

#[test]
fn a_finished_run_prints_its_summary_again_as_json() {
    let ran = Run::new().args(&["--simulate"]).file("in.csv", rows(2)).go().code(0);
    let output = program()
        .current_dir(ran.folder())
        .args(["run", "--resume", "--simulate", "--json", "--out", "out", "in.csv"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown, ran.summary());
}

#[test]
fn a_summary_that_is_true_no_more_is_gone() {
    let simulator = Simulator::start(&["--latency", "20ms"]);
    let run = Run::against(&simulator).args(&["--concurrency", "1", "--max-duration", "200ms"]);
    let stopped = run.file("in.csv", rows(200)).go().code(3);
    let summary = stopped.path("summary.json");
    assert!(summary.exists());
    let mut child = program_against(&simulator, stopped.folder())
        .args(["run", "--resume", "--quiet", "--concurrency", "1", "--out", "out", "in.csv"])
        .spawn()
        .unwrap();
    simulator.wait_for_arrivals(simulator.arrivals().len() + 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!summary.exists());
}

#[test]
fn a_finished_run_with_failed_rows_is_no_success_when_it_is_resumed() {
    let simulator = Simulator::start(&[]);
    let rows = "loginId,phone,verified\na,+14155550101,true\nb,12,true\n";
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(1);
    let folder = ran.folder().to_owned();
    for summary in [true, false] {
        if !summary {
            fs::remove_file(ran.path("summary.json")).unwrap();
        }
        let output = again(&folder, &simulator, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("nothing to do; rows have failed"), "{said}");
    }
    // Found below the folder of runs, too.
    let run = || {
        let mut command = program_against(&simulator, &folder);
        command.args(["run", "--resume", "in.csv"]).output().unwrap().status.code()
    };
    assert_eq!((run(), run()), (Some(1), Some(1)));
}
