//! One job on several hosts: every row is on one shard, rows of one user on the same, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Desk, Simulator, lines, program, program_against, text, updates, wait_until};

/// A desk whose simulator creates the users that are named.
pub(crate) fn desk(arguments: &[&str]) -> Desk {
    Desk::new(&[], &[&["--create-missing", "--log-bodies"], arguments].concat())
}

/// Rows that patch a name.
pub(crate) fn names(users: usize) -> String {
    (1..=users).fold("loginId,name\n".to_owned(), |mut rows, user| {
        writeln!(rows, "user{user}@example.com,Name {user}").unwrap();
        rows
    })
}

/// Runs a shard to its end.
#[track_caller]
pub(crate) fn run_shard(desk: &Desk, input: &str, shard: &str, more: &[&str]) -> (String, String) {
    let out = format!("runs/{}", shard.replace('/', "of"));
    desk.go(&[&["run", input, "--shard", shard, "--out", &out], more].concat(), 0)
}

/// The results of each shard.
fn results(desk: &Desk, of: usize) -> Vec<Vec<Value>> {
    (0..of).map(|index| desk.results(&format!("runs/{index}of{of}"))).collect()
}

/// What arrived for each user, in order.
fn per_user(arrivals: Vec<Value>) -> BTreeMap<String, Vec<String>> {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for arrival in updates(arrivals) {
        let user = text(&arrival["body"], "loginId").to_lowercase();
        users.entry(user).or_default().push(format!("{} {}", arrival["path"], arrival["body"]));
    }
    users
}

/// Random rows of a few users, some of which are renamed, and some of which name nobody.
fn random_rows(random: &mut fastrand::Rng) -> String {
    let mut rows = "operation,loginId,newLoginId,name\n".to_owned();
    for row in 0..random.usize(1..60) {
        let user = format!("u{}@example.com", random.u8(0..15));
        let user = if random.bool() { user.to_uppercase() } else { user };
        match random.u8(0..10) {
            0 => {
                writeln!(rows, "loginid,{user},u{}@example.com,", random.u8(0..15)).unwrap();
            }
            1 => rows.push_str("name,,,Nobody\n"),
            _ => writeln!(rows, "name,{user},,Name {row}").unwrap(),
        }
    }
    rows
}

/// The rows of each person, all names that renames connect taken for one.
fn persons(rows: &str) -> BTreeMap<String, Vec<u64>> {
    let named = |line: &str| {
        let cells: Vec<String> = line.split(',').map(str::to_lowercase).collect();
        (cells[1].clone(), cells[2].clone())
    };
    let mut person_of: BTreeMap<String, String> = BTreeMap::new();
    for (one, other) in rows.lines().skip(1).map(named) {
        for name in [&one, &other] {
            person_of.entry(name.clone()).or_insert_with(|| name.clone());
        }
        if !other.is_empty() {
            let (from, to) = (person_of[&one].clone(), person_of[&other].clone());
            person_of.values_mut().filter(|own| **own == from).for_each(|own| own.clone_from(&to));
        }
    }
    let mut persons: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (row, line) in (1..).zip(rows.lines().skip(1)) {
        let (name, _) = named(line);
        // Rows that name nobody belong to nobody.
        if !name.is_empty() {
            persons.entry(person_of[&name].clone()).or_default().push(row);
        }
    }
    persons
}

#[test]
fn shards_together_do_what_one_run_does() {
    for seed in 0..8 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (rows, of) = (random_rows(&mut random), random.usize(1..9));
        let whole = Simulator::start(&["--log-bodies"]);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in.csv"), &rows).unwrap();
        let more = ["--no-keep-before", "--batch=off", "--quiet"];
        program_against(&whole, folder.path()).args(["run", "in.csv"]).args(more).output().unwrap();
        let desk = desk(&[]);
        desk.write("in.csv", &rows);
        // All at the same time, in one folder of runs.
        let shards: Vec<Child> = (0..of)
            .map(|index| {
                let shard = format!("{index}/{of}");
                let mut run = desk.command(&["run", "in.csv", "--shard", &shard]);
                run.args(more).stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut shard in shards {
            assert!(matches!(shard.wait().unwrap().code(), Some(0 | 1)));
        }
        let mut shard_of: BTreeMap<u64, Vec<OsString>> = BTreeMap::new();
        let folders: Vec<_> = fs::read_dir(desk.path("runs")).unwrap().flatten().collect();
        for folder in folders.iter().filter(|own| own.file_name() != ".lock") {
            for result in lines(&folder.path().join("results.jsonl")) {
                let row = result["row"].as_u64().unwrap();
                shard_of.entry(row).or_default().push(folder.file_name());
            }
        }
        let numbers: Vec<u64> = (1..rows.lines().count() as u64).collect();
        assert!(shard_of.keys().eq(&numbers), "seed {seed}: no row is left out");
        assert!(shard_of.values().all(|shards| shards.len() == 1), "seed {seed}: {shard_of:?}");
        for (person, rows) in persons(&rows) {
            let shards: BTreeSet<_> = rows.iter().map(|row| &shard_of[row]).collect();
            assert_eq!(shards.len(), 1, "seed {seed}: {person} is on several shards");
        }
        let sharded = per_user(desk.simulator.arrivals());
        assert_eq!(sharded, per_user(whole.stop()), "seed {seed}, {of} shards\n{rows}");
    }
}

#[test]
fn a_shard_may_have_no_row_and_a_row_that_names_nobody_is_on_one() {
    let desk = desk(&[]);
    desk.write("in.csv", "loginId,name\nada@example.com,Ada\n,Nobody\n");
    for index in 0..8 {
        let shard = format!("{index}/8");
        let out = format!("runs/{index}of8");
        let ended =
            desk.command(&["run", "in.csv", "--shard", &shard, "--out", &out]).output().unwrap();
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
        let summary = fs::read_to_string(desk.path(&out).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!((&summary["tally"]["read"], &summary["balanced"]), (&2.into(), &true.into()));
    }
    let rows: usize = results(&desk, 8).iter().map(Vec::len).sum();
    assert_eq!(rows, 2);
    desk.write("empty.csv", "loginId,name\n");
    let (_, said) = desk.go(&["run", "empty.csv", "--shard", "0/2"], 2);
    assert!(said.contains("there are no rows"), "{said}");
}

#[test]
fn one_shard_of_one_is_everything() {
    let desk = desk(&[]);
    desk.write("in.csv", &names(20));
    run_shard(&desk, "in.csv", "0/1", &[]);
    assert_eq!(results(&desk, 1)[0].len(), 20);
}

#[test]
fn users_who_are_given_one_phone_number_are_together() {
    let desk = desk(&[]);
    let row = |user| format!("user{user}@example.com,+447911123456,true\n");
    desk.write(
        "in.csv",
        &("loginId,phone,verified\n".to_owned() + &(0..8).map(row).collect::<String>()),
    );
    for index in 0..4 {
        let shard = format!("{index}/4");
        desk.command(&["run", "in.csv", "--shard", &shard, "--out", &format!("runs/{index}of4")])
            .output()
            .unwrap();
    }
    let mut rows: Vec<usize> = results(&desk, 4).iter().map(Vec::len).collect();
    rows.sort_unstable();
    assert_eq!(rows, [0, 0, 0, 8]);
}

#[test]
fn a_killed_shard_is_resumed_beside_the_others() {
    let desk = desk(&["--latency", "20ms"]);
    desk.write("in.csv", &names(60));
    let run = |shard: &str| {
        let mut run = desk.command(&["run", "in.csv", "--shard", shard, "--resume", "--quiet"]);
        run.stdout(Stdio::null());
        run.args(["--no-keep-before", "--batch=off", "--concurrency", "1"]);
        run
    };
    let mut killed = run("0/2").spawn().unwrap();
    wait_until("some rows are done", || desk.simulator.updates().len() > 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(run("1/2").status().unwrap().success(), "the other goes on");
    // What was split otherwise is another job, and this one is not finished.
    let ended = run("0/3").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(said.contains("shard: it was \"0/2\", now \"0/3\""), "{said}");
    assert!(run("0/2").status().unwrap().success());
    let folders: Vec<String> = fs::read_dir(desk.path("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    assert_eq!(folders.len(), 2, "{folders:?}");
    assert!(folders.iter().any(|name| name.starts_with("in-0of2-")), "{folders:?}");
    let rows: usize = folders
        .iter()
        .map(|name| lines(&desk.path("runs").join(name).join("results.jsonl")).len())
        .sum();
    assert_eq!(rows, 60);
    let sent = desk.simulator.updates().len();
    assert!(run("0/2").status().unwrap().success());
    assert_eq!(desk.simulator.updates().len(), sent, "it is finished, and nothing is sent again");
}

#[test]
fn an_unfinished_shard_that_was_purged_does_not_keep_the_others_from_their_rows() {
    let desk = desk(&["--latency", "20ms"]);
    desk.write("in.csv", &names(40));
    let words = ["run", "in.csv", "--resume", "--quiet", "--no-keep-before", "--batch=off"];
    let run = |shard: &str| {
        let mut run = desk.command(&words);
        run.args(["--shard", shard, "--concurrency", "1"]).stdout(Stdio::null());
        run
    };
    let mut killed = run("0/2").spawn().unwrap();
    wait_until("some rows are done", || desk.simulator.updates().len() > 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let is_run = |name: &String| name.starts_with("in-");
    let entries = fs::read_dir(desk.path("runs")).unwrap();
    let mut found = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folder = format!("runs/{}", found.find(is_run).unwrap());
    desk.go(&["purge", &folder, "--yes", "--unfinished"], 0);
    let ended = run("1/2").output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let ended = run("0/2").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("was purged at") && said.contains("cannot be resumed"), "{said}");
}

#[test]
fn the_environment_of_an_array_says_which_shard_it_is() {
    let desk = desk(&[]);
    desk.write("in.csv", &names(12));
    let run = |variables: &[(&str, &str)], out: &str| {
        let mut run = desk.command(&["run", "in.csv", "--shard", "auto", "--out", out]);
        run.envs(variables.iter().copied());
        run.output().unwrap()
    };
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "2"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
    ];
    let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("DESCOPE_BULK_SHARDS", "2")];
    assert_eq!(run(&slurm, "runs/1of2").status.code(), Some(0));
    assert_eq!(run(&kubernetes, "runs/0of2").status.code(), Some(0));
    let rows: usize = results(&desk, 2).iter().map(Vec::len).sum();
    assert_eq!(rows, 12);
    for (variables, expected) in [
        (&[][..], "nothing says which shard this is"),
        (&kubernetes[..1], "DESCOPE_BULK_SHARDS"),
        (&[slurm[0], kubernetes[0]], "both say which shard this is"),
    ] {
        let ended = run(variables, "none");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    assert!(!desk.path("none").exists());
}

#[test]
fn what_is_no_shard_is_refused() {
    let desk = desk(&[]);
    desk.write("in.csv", &names(2));
    fs::create_dir(desk.path("box")).unwrap();
    for (words, expected) in [
        (&["in.csv", "--shard", "4/4"][..], "they are 0/4 to 3/4"),
        (&["in.csv", "--shard", "0/0"], "there is no shard of 0"),
        (&["in.csv", "--shard", "one"], "such as 0/4; or auto"),
        (&["--inbox", "box", "--shard", "0/4"], "cannot be used with"),
    ] {
        let (_, said) = desk.go(&[&["run"], words].concat(), 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn limits_are_those_of_each_shard() {
    let desk = desk(&[]);
    desk.write("in.csv", &(names(20) + ",Nobody\n"));
    let codes: Vec<Option<i32>> = (0..4)
        .map(|index| {
            let shard = format!("{index}/4");
            desk.command(&["run", "in.csv", "--shard", &shard, "--max-invalid", "0"])
                .output()
                .unwrap()
                .status
                .code()
        })
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(2)).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 3, "{codes:?}");
}

#[test]
fn the_printed_commands_say_which_shard_or_none() {
    let refusing = desk(&["--fault", "401"]);
    refusing.write("in.csv", &names(8));
    let mut run = refusing.command(&["run", "in.csv", "--shard", "auto", "--json"]);
    run.envs([("JOB_COMPLETION_INDEX", "0"), ("DESCOPE_BULK_SHARDS", "2")]);
    let summary: Value =
        serde_json::from_slice(&run.arg("--no-keep-before").output().unwrap().stdout).unwrap();
    let resume = text(&summary["stopped"], "resume");
    assert!(resume.contains("--shard=0/2") && !resume.contains("auto"), "{resume}");
    // A failures file holds rows of that shard alone.
    let desk = desk(&[]);
    desk.write("in.csv", "loginId,name\n,Nobody\nada@example.com,Ada\n");
    let next = |shard: &str| {
        let mut run = desk.command(&["run", "in.csv", "--shard", shard, "--json"]);
        let run = run.args(["--max-invalid", "5"]).output().unwrap();
        let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
        text(&summary, "next").to_owned()
    };
    let next = next("0/2") + &next("1/2");
    assert!(next.contains("failures.csv") && !next.contains("--shard"), "{next}");
}

#[test]
fn a_plan_is_run_by_shards() {
    let users: Vec<Value> = (1..=12)
        .map(|user| serde_json::json!({"loginIds": [format!("user{user}@example.com")]}))
        .collect();
    let desk = Desk::new(&users, &[]);
    desk.write("in.csv", &names(12));
    desk.go(&["plan", "in.csv", "-o", "plan.jsonl"], 0);
    for shard in ["0/3", "1/3", "2/3"] {
        run_shard(&desk, "plan.jsonl", shard, &["--yes"]);
    }
    let rows: usize = results(&desk, 3).iter().map(Vec::len).sum();
    assert_eq!(rows, 12);
    assert!(desk.simulator.users().values().all(|user| text(user, "name").starts_with("Name")));
}

#[test]
fn the_sample_for_aws_batch_is_a_command_that_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/scale/aws-batch.json");
    let job: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let words = job["containerProperties"]["command"].as_array().unwrap();
    let mut command = program();
    command.args(words.iter().map(|word| word.as_str().unwrap())).arg("--show-settings");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    let line = shown.lines().find(|line| line.starts_with("shard ")).unwrap();
    assert!(line.contains("auto") && line.contains("flag"), "{line}");
}
