//! Job files: what wins, what is refused and where, what is shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{KEY, PROJECT, Ran, Run, Simulator, program, program_against, text};

const ROWS: &str = "loginId,Cell,Note\na@example.com,+14155550123,x\nb@example.com,,y\n";

const JOB: &str = r#"
[input]
files = ["rows/in.csv"]

[mapping]
Cell = "phone"

[rules]
ignore = ["Note"]
set = { verified = true }
blank = "error"
"#;

/// A run of a job in a folder below, with its rows.
fn run(job: &str) -> Run {
    let run = Run::new();
    write(&run.path("."), job);
    run.args(&["--job", "jobs/job.toml"])
}

fn write(folder: &Path, job: &str) {
    fs::create_dir_all(folder.join("jobs/rows")).unwrap();
    fs::write(folder.join("jobs/job.toml"), job).unwrap();
    fs::write(folder.join("jobs/rows/in.csv"), ROWS).unwrap();
}

fn settings(command: &mut Command) -> Vec<(String, String, String, String)> {
    let output = command.args(["--show-settings", "--json"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown: Value = serde_json::from_str(&stdout).unwrap();
    let word = |setting: &Value, key: &str| text(setting, key).to_owned();
    let settings = shown["settings"].as_array().unwrap().iter();
    settings
        .map(|s| (word(s, "name"), word(s, "value"), word(s, "origin"), word(s, "place")))
        .collect()
}

#[test]
fn a_job_says_what_to_do() {
    let ran = run(JOB).arg("--simulate").go().code(1);
    assert_eq!(ran.statuses(), ["updated", "invalid"]);
    assert_eq!(ran.kinds(), ["blank_value"]);
    let summary = ran.summary();
    assert_eq!(summary["settings"]["job"], "jobs/job.toml");
    assert_eq!(summary["settings"]["map"]["Cell"], "phone");
    assert_eq!(summary["inputs"][0]["name"], "jobs/rows/in.csv");
}

#[test]
fn the_command_line_has_the_last_word() {
    let ran = run(JOB).args(&["--simulate", "--blank", "skip"]).go().code(1);
    assert_eq!(ran.kinds(), ["missing_value"]);
    let ran = run(JOB).args(&["--simulate", "--blank-of", "phone=clear"]).go().code(0);
    assert_eq!(ran.statuses(), ["updated", "updated"]);
    let other = run(JOB).arg("--simulate").file("other.csv", "loginId,Cell\na,+14155550123\n");
    let ran = other.go().code(0);
    assert_eq!(ran.summary()["inputs"].as_array().unwrap().len(), 1);
    assert_eq!(ran.summary()["inputs"][0]["name"], "other.csv");
    // One field, two names of it.
    let simulator = Simulator::start(&["--log-bodies"]);
    let credentials = |run: Run| run.credentials().env("DESCOPE_BASE_URL", &simulator.url);
    credentials(run(JOB)).args(&["--set", "verifiedPhone=false"]).go().code(1);
    assert_eq!(simulator.stop()[0]["body"]["verified"], false);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_job() {
    let job = "[project]\nproject-id = \"P2job\"\nbase-url = \"http://127.0.0.1:1\"\n\
               [limits]\nmax-share = \"50%\"\ntimeout = \"20s\"\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), job);
    let of = |name: &str, variables: &[(&str, &str)], typed: &[&str]| {
        let mut command = program();
        command.current_dir(folder.path()).args(["run", "--job", "jobs/job.toml"]).args(typed);
        let found = settings(command.envs(variables.iter().copied()));
        let found: Vec<_> = found.into_iter().filter(|setting| setting.0 == name).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        format!("{} {} {}", found[0].1, found[0].2, found[0].3)
    };
    let id = [("DESCOPE_PROJECT_ID", "P2env")];
    let url = [("DESCOPE_BASE_URL", "http://127.0.0.1:2")];
    for (name, variables, typed, expected) in [
        ("project-id", &[][..], &[][..], "P2job job jobs/job.toml:2"),
        ("project-id", &id, &[], "P2env environment DESCOPE_PROJECT_ID"),
        ("project-id", &[("DESCOPE_PROJECT_ID", " ")], &[], "P2job job jobs/job.toml:2"),
        ("project-id", &id, &["--project-id", "P2flag"], "P2flag flag "),
        ("base-url", &[], &[], "http://127.0.0.1:1 job jobs/job.toml:3"),
        ("base-url", &url, &[], "http://127.0.0.1:2 environment DESCOPE_BASE_URL"),
        ("base-url", &url, &["--base-url", "http://127.0.0.1:3"], "http://127.0.0.1:3 flag "),
        ("base-url", &[], &["--simulate"], "  default "),
        ("max-share", &[], &[], "50% job jobs/job.toml:5"),
        ("max-share", &[], &["--rate", "off"], "80% default "),
        ("timeout", &[], &["--timeout=30s"], "30s flag "),
        ("timeout", &[], &[], "20s job jobs/job.toml:6"),
        ("connect-timeout", &[], &[], "10s default "),
    ] {
        let expected = expected.trim_start();
        assert_eq!(of(name, variables, typed).trim_start(), expected, "{variables:?} {typed:?}");
    }
}

#[test]
fn the_variable_is_what_is_used() {
    let job =
        format!("{JOB}\n[project]\nproject-id = \"P2job\"\nbase-url = \"http://127.0.0.1:1\"\n");
    let simulator = Simulator::start(&[]);
    let ran = run(&job).credentials().env("DESCOPE_BASE_URL", &simulator.url).go().code(1);
    assert_eq!(ran.summary()["settings"]["projectId"], PROJECT);
    run(&job).credentials().go().code(3).says("cannot reach http://127.0.0.1:1");
}

#[test]
fn settings_are_shown_without_a_key_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &format!("{JOB}\n[project]\nkey-file = \"nowhere\"\n"));
    let mut command = program();
    command.current_dir(folder.path()).args(["run", "--job", "jobs/job.toml", "--set", "name=N"]);
    let output =
        command.arg("--show-settings").env("DESCOPE_MANAGEMENT_KEY", KEY).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!shown.contains(KEY) && output.stderr.is_empty(), "{shown}");
    let has = |words: &[&str]| {
        let found = shown.lines().any(|line| line.split_whitespace().eq(words.iter().copied()));
        assert!(found, "no {words:?} in\n{shown}");
    };
    has(&["files", "jobs/rows/in.csv", "jobs/job.toml:3"]);
    has(&["map", "Cell=phone", "jobs/job.toml:6"]);
    has(&["set", "name=N", "flag"]);
    has(&["set", "verified=true", "jobs/job.toml:10"]);
    has(&["rate", "-", "default"]);
    has(&["key-file", "-", "default"]);
    has(&["management-key", "set,", "not", "shown", "environment", "DESCOPE_MANAGEMENT_KEY"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it left something");
    let mut bare = program();
    let found = settings(bare.args(["run", "a.csv", "--set", "password=hush", "-v"]));
    assert!(found.iter().any(|s| s.0 == "files" && s.2 == "flag"), "{found:?}");
    assert!(found.iter().any(|s| s.0 == "set" && s.1 == "password=(not shown)"), "{found:?}");
    assert!(!format!("{found:?}").contains("hush"));
}

#[test]
fn mistakes_are_refused_at_their_place_before_anything_happens() {
    let ran = run("[limits]\n\nmax-shar = 5\nrate = \"x\"\n").arg("--simulate").go().code(2);
    for part in [
        "descope-bulk: jobs/job.toml:3:1: there is no `max-shar` in [limits]",
        "3 | max-shar = 5\n  | ^^^^^^^^",
        "did you mean `max-share`?",
        "jobs/job.toml:4:8: `limits.rate`: write it as N/WINDOW",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    assert!(!ran.path("").exists());
    // A wrong job is refused whatever is typed over it.
    run("[limits]\nrate = \"x\"\n").args(&["--rate", "off", "--show-settings"]).go().code(2);
    run("[limits]\nrate = \"1/1s\"\nmax-share = 5\n").go().code(2).says("cannot be combined with");
    run("[limits]\nrate = \"1/1s\"\n").arg("--simulate").go().code(2).says("no input");
}

#[test]
fn files_that_are_no_job_are_refused() {
    let long = vec![b'#'; 1_100_000];
    let many =
        (0..6_000).fold("[mapping]\n".to_owned(), |job, n| job + &format!("c{n} = \"name\"\n"));
    for (content, expected) in [
        (&b""[..], "the job file is empty"),
        (b"a = \"\xff\"", "is not UTF-8 in line 1"),
        (b"PK\x03\x04\x00\x00", "job.toml:1:3: "),
        (b"[input", "unclosed table"),
        (many.as_bytes(), "more than 5000 values"),
        (&long, "so it is not a job file"),
    ] {
        let run = run("");
        fs::write(run.path("jobs/job.toml"), content).unwrap();
        run.arg("--simulate").go().code(2).says(expected);
    }
    Run::new().args(&["--job", "nowhere.toml"]).go().code(2).says("nowhere.toml cannot be read");
    Run::new().args(&["--job", "."]).go().code(2).says("is a folder");
    Run::new().args(&["--job", "nowhere.toml", "--bogus"]).go().code(2);
}

#[test]
fn a_key_in_a_job_is_refused_and_not_shown() {
    for line in [
        format!("key = \"{KEY}\""),
        format!("key = {KEY}"),
        format!("management-key = '{KEY}'"),
        format!("descope_management_key = \"{KEY}\" # mine"),
        format!("key-file = \"{KEY}\""),
        format!("project-id = \"{PROJECT}:{KEY}\""),
    ] {
        // `code` looks for the key in all that is shown.
        run(&format!("[project]\n{line}\n")).arg("--simulate").go().code(2).says("job.toml:2:");
    }
    run("[project]\nkey = \"x\"\n").go().code(2).says("key-file = \"PATH\"");
}

#[test]
fn the_key_file_is_found_from_the_job() {
    let simulator = Simulator::start(&[]);
    let job = format!("{JOB}\n[project]\nkey-file = \"the.key\"\n");
    let url =
        |run: Run| run.env("DESCOPE_PROJECT_ID", PROJECT).env("DESCOPE_BASE_URL", &simulator.url);
    let there = run(&job);
    fs::write(there.path("jobs/the.key"), KEY).unwrap();
    url(there).go().code(1);
    url(run(&job)).go().code(2).says("cannot read the key file jobs/the.key");
    // The environment wins over the job, and a flag over both.
    url(run(&job)).env("DESCOPE_MANAGEMENT_KEY", KEY).go().code(1);
    let typed = url(run(&job)).env("DESCOPE_MANAGEMENT_KEY", KEY);
    typed.args(&["--key-file", "other.key"]).go().code(2).says("the key file other.key");
    assert_eq!(simulator.stop().len(), 2);
}

#[test]
fn the_printed_command_goes_on_with_the_job() {
    let rows = (0..30).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n},N\n"));
    let job = "[input]\nfiles = [\"rows/in.csv\"]\n[limits]\nconcurrency = 1\nmax-failures = 2\n\
               [output]\nruns-dir = \"../runs\"\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), job);
    fs::write(folder.path().join("jobs/rows/in.csv"), rows).unwrap();
    let simulator = Simulator::start(&["--fault", "400:first=3,path=name"]);
    let go =
        |words: &[&str]| program_against(&simulator, folder.path()).args(words).output().unwrap();
    let stopped = go(&["run", "--job", "jobs/job.toml", "--json"]);
    assert_eq!(stopped.status.code(), Some(3), "{}", String::from_utf8_lossy(&stopped.stderr));
    let summary: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    let resume = text(&summary["stopped"], "resume");
    assert_eq!(resume, "descope-bulk run --resume --job jobs/job.toml --json");
    // What decides what is sent must not have changed in the job.
    fs::write(folder.path().join("jobs/job.toml"), format!("{job}[rules]\nblank = \"clear\"\n"))
        .unwrap();
    let words: Vec<&str> = resume.split(' ').skip(1).collect();
    let changed = go(&words);
    assert_eq!(changed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&changed.stderr).contains("blank: it was"));
    fs::write(folder.path().join("jobs/job.toml"), format!("{job}max-share = 70\n")).unwrap();
    let refused = go(&words);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("belongs in [limits]"));
    fs::write(folder.path().join("jobs/job.toml"), job.replace("failures = 2", "failures = 9"))
        .unwrap();
    let ended = go(&words);
    let ended = Ran::of(folder, ended).code(1);
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(summary["tally"]["read"], 30);
    assert_eq!(summary["complete"], true);
}

#[test]
fn a_job_can_resume_and_a_flag_can_take_that_back() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &format!("{JOB}\n[output]\nresume = true\nquiet = true\nruns-dir = \"runs\"\n"),
    );
    let go = |typed: &[&str]| {
        let mut command = program();
        command.current_dir(folder.path()).args(["run", "--job", "jobs/job.toml", "--simulate"]);
        command.args(typed).output().unwrap().status.code()
    };
    let runs = || {
        let entries = fs::read_dir(folder.path().join("jobs/runs")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    assert_eq!((go(&[]), runs()), (Some(1), 1));
    assert_eq!((go(&[]), runs()), (Some(1), 1), "it is finished, with the same failed rows");
    assert_eq!((go(&["--resume=false"]), runs()), (Some(1), 2));
}
