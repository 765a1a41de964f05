//! The shards of a job put together: the books of the whole, and what is refused.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::sharding::{desk, names, run_shard};
use crate::support::{Desk, lines, text, wait_until};

/// Runs all shards of a job; some rows fail.
fn sharded(desk: &Desk, input: &str, of: usize) -> Vec<String> {
    let run = |index: usize| {
        let (shard, out) = (format!("{index}/{of}"), format!("runs/{index}of{of}"));
        let run = ["run", input, "--shard", &shard, "--out", &out, "--yes"];
        let code = desk.command(&run).output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
        out
    };
    (0..of).map(run).collect()
}

/// The arguments of `merge` for some folders.
fn merge<'a>(runs: &'a [String], out: &'a str) -> Vec<&'a str> {
    let runs = runs.iter().map(String::as_str);
    ["merge"].into_iter().chain(runs).chain(["--out", out]).collect()
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap()
}

/// Rows of which some are invalid, in several lines.
const ROWS: &str = "loginId,phone,verified,\"A\nnote\"\n\
    ada@example.com,+447911123401,true,\n\
    bob@example.com,12,true,\"two\nlines\"\n\
    cleo@example.com,+447911123403,true,\n\
    dora@example.com,13,true,\n\
    ,+447911123405,true,\n\
    eve@example.com,+447911123406,true,\n\
    finn@example.com,+447911123407,true,\n\
    gus@example.com,14,true,\n";

#[test]
fn merged_shards_are_one_run_that_can_be_read_and_taken_back() {
    let desk = Desk::new(
        &["ada", "bob", "cleo", "dora", "eve", "finn", "gus"]
            .map(|name| json!({"loginIds": [format!("{name}@example.com")]})),
        &[],
    );
    desk.write("in.csv", ROWS);
    let before = desk.simulator.users();
    let args = ["--ignore", "A\nnote"];
    let runs: Vec<String> = (0..3)
        .map(|index| {
            let (shard, out) = (format!("{index}/3"), format!("runs/{index}of3"));
            let run = ["run", "in.csv", "--shard", &shard, "--out", &out];
            desk.command(&run).args(args).output().unwrap();
            out
        })
        .collect();
    let told = desk.json(&merge(&runs, "merged"), 1);
    assert_eq!(told, summary(&desk.path("merged")));
    assert_eq!(told["tally"]["read"], 8);
    assert_eq!(told["tally"]["updated"], 4);
    assert_eq!(told["tally"]["invalid"], 4);
    assert!(told["tally"].get("left_out").is_none());
    assert_eq!((&told["complete"], &told["balanced"]), (&json!(true), &json!(true)));
    assert_eq!(told["settings"]["shard"], "merged/3");
    let rows: Vec<u64> =
        desk.results("merged").iter().map(|row| row["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, (1..=8).collect::<Vec<_>>());
    // In the order in which rows ended, as in any run.
    let ended = lines(&desk.path("merged/results.jsonl"));
    assert!(ended.is_sorted_by_key(|row| text(row, "finishedAt").to_owned()));
    let failures = fs::read_to_string(desk.path("merged/failures.csv")).unwrap();
    assert_eq!(failures.matches("_hint").count(), 1, "{failures}");
    let again = ["run", "merged/failures.csv", "--ignore", "A\nnote", "--out", "again"];
    desk.go(&again, 1);
    assert_eq!(desk.results("again").len(), 4);
    desk.go(&["verify", "merged"], 0);
    desk.go(&["report", "merged", "-o", "page.html"], 0);
    let (said, _) = desk.go(&["explain", "merged", "2"], 0);
    assert!(said.contains("invalid"), "{said}");
    let listed = desk.go(&["runs", "--runs-dir", ".", "--json"], 0).0;
    assert!(listed.contains("\"complete\""), "{listed}");
    desk.go(&["undo", "merged", "-o", "undo.jsonl"], 0);
    desk.go(&["run", "undo.jsonl", "--yes"], 0);
    assert_eq!(desk.simulator.users(), before);
}

#[test]
fn what_is_not_all_of_one_job_is_refused_by_name() {
    let desk = desk(&[]);
    desk.write("in.csv", &names(20));
    let runs = sharded(&desk, "in.csv", 4);
    let refused = |runs: &[&str], expected: &[&str]| {
        let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
        let (_, said) = desk.go(&merge(&runs, "merged"), 2);
        assert!(expected.iter().all(|part| said.contains(part)), "{expected:?}: {said}");
        assert!(!desk.path("merged").exists());
    };
    let all = || runs.iter().map(String::as_str).collect::<Vec<_>>();
    refused(&[&runs[0], &runs[2]], &["missing: 1/4, 3/4"]);
    refused(&[&all()[..], &["runs/1of4"]].concat(), &["shard 1/4 is there twice: runs/1of4"]);
    // The same file with other rows, other settings, another number of shards, no shard, no run.
    desk.write("in.csv", &names(21));
    let other = |shard: &str, out: &str, more: &[&str]| {
        desk.go(&[&["run", "in.csv", "--shard", shard, "--out", out], more].concat(), 0);
    };
    other("3/4", "runs/foreign", &[]);
    refused(
        &[&all()[..3], &["runs/foreign"]].concat(),
        &["runs/foreign (shard 3/4)", "the content of in.csv"],
    );
    desk.write("in.csv", &names(20));
    other("3/4", "runs/set", &["--blank", "error"]);
    refused(&[&all()[..3], &["runs/set"]].concat(), &["runs/set (shard 3/4)", "differ in: blank"]);
    other("3/8", "runs/eight", &[]);
    refused(&[&all()[..3], &["runs/eight"]].concat(), &["different numbers of shards"]);
    desk.go(&["run", "in.csv", "--out", "runs/whole"], 0);
    refused(&["runs/whole"], &["runs/whole: the run is not a shard"]);
    refused(&["runs"], &["runs: there is no run here"]);
    let (_, said) = desk.go(&["absent", &runs[0]], 2);
    assert!(said.contains("merge its shards"), "{said}");
    desk.go(&merge(&runs, "merged"), 0);
    desk.go(&["absent", "merged"], 0);
    let (_, said) = desk.go(&merge(&runs, "merged"), 2);
    assert!(said.contains("is not empty"), "{said}");
}

#[test]
fn results_that_were_changed_are_refused_and_leave_nothing() {
    let desk = desk(&[]);
    desk.write("in.csv", &names(12));
    let runs = sharded(&desk, "in.csv", 2);
    let path = desk.path(&runs[0]).join("results.jsonl");
    let results = fs::read_to_string(&path).unwrap();
    let first = results.lines().next().unwrap();
    for (changed, expected) in [
        (results.replacen(&format!("{first}\n"), "", 1), "the books do not close"),
        (format!("{first}\n{results}"), "is there twice"),
        (format!("nonsense\n{results}"), "runs/0of2/results.jsonl:1:"),
    ] {
        fs::write(&path, changed).unwrap();
        let (_, said) = desk.go(&merge(&runs, "merged"), 2);
        assert!(said.contains(expected), "{said}");
        assert!(!desk.path("merged").exists());
    }
}

#[test]
fn shards_that_are_not_finished_are_merged_only_if_that_is_said() {
    let desk = desk(&["--latency", "20ms"]);
    desk.write("in.csv", &names(40));
    run_shard(&desk, "in.csv", "0/2", &[]);
    let run = ["run", "in.csv", "--shard", "1/2", "--out", "runs/1of2", "--quiet"];
    let sent = desk.simulator.updates().len();
    let mut killed = desk
        .command(&run)
        .args(["--no-keep-before", "--batch=off", "--concurrency", "1"])
        .spawn()
        .unwrap();
    wait_until("some rows are done", || desk.simulator.updates().len() > sent + 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    // The last line may be torn.
    let path = desk.path("runs/1of2/results.jsonl");
    let results = fs::read_to_string(&path).unwrap();
    fs::write(&path, results + "{\"version\":1,\"row\":").unwrap();
    let runs = ["runs/0of2".to_owned(), "runs/1of2".to_owned()];
    let (_, said) = desk.go(&merge(&runs, "merged"), 2);
    assert!(said.contains("runs/1of2 (shard 1/2) is not finished"), "{said}");
    let unfinished = [&merge(&runs, "part")[..], &["--unfinished"]].concat();
    let told = desk.json(&unfinished, 3);
    let tally = |name: &str| told["tally"][name].as_u64().unwrap_or(0);
    assert_eq!(tally("read"), 40);
    assert_eq!(tally("updated") + tally("not_attempted"), 40);
    assert!(tally("not_attempted") > 0);
    assert_eq!(told["balanced"], true);
    assert_eq!(text(&told["stopped"], "reason"), "unfinished_shards");
    desk.go(&["verify", "part"], 0);
    // It is no run that goes on.
    let (_, said) = desk.go(&["run", "in.csv", "--out", "part", "--resume"], 2);
    assert!(said.contains("shard: it was \"merged/2\""), "{said}");
    desk.go(&[&run[..], &["--resume"]].concat(), 0);
    let told = desk.json(&merge(&runs, "merged"), 0);
    assert_eq!(told["tally"]["updated"], 40);
}
