//! Runs whose folder is mirrored on object storage, and other hosts that take them up.
#![cfg(feature = "object-storage")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::bucket::{Asked, Bucket, Dialect, Does, SECRET, in_each_dialect};
use crate::support::{Simulator, lines, program_against, results_in, rows, text, wait_until};

/// Where runs are mirrored.
const RUN: &str = "runs/one";
const LEASE: &str = "runs/one/lease.json";
const MANIFEST: &str = "runs/one/manifest.json";
/// How old a lease must be to be over: it lasts a minute, is respected for two seconds more, and storages
/// tell times to the second.
const LAPSED: Duration = Duration::from_secs(63);

/// A host with a disk of its own.
struct Host<'a> {
    folder: TempDir,
    simulator: &'a Simulator,
    bucket: &'a Bucket,
}

impl<'a> Host<'a> {
    fn new(simulator: &'a Simulator, bucket: &'a Bucket) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), simulator, bucket }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = program_against(self.simulator, self.folder.path());
        self.bucket.reached_by(&mut command);
        command.env("XDG_STATE_HOME", self.folder.path().join("state")).args(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `run` of the object `in.csv`, mirrored.
    fn run(&self, words: &[&str]) -> Command {
        let (input, mirror) = (self.bucket.url("in.csv"), self.mirror());
        self.command(&[&["run", &input, "--mirror", &mirror], words].concat())
    }

    /// Runs it to its end; what it said.
    #[track_caller]
    fn go(&self, words: &[&str], code: i32) -> String {
        ended(self.run(words).output().unwrap(), code)
    }

    #[track_caller]
    fn tool(&self, words: &[&str], code: i32) -> String {
        ended(self.command(words).output().unwrap(), code)
    }

    /// Brings a copy of what is mirrored.
    #[track_caller]
    fn fetch(&self, copy: &str, code: i32) -> String {
        self.tool(&["fetch", &self.mirror(), "--output", copy], code)
    }

    /// Where it mirrors its run.
    fn mirror(&self) -> String {
        self.bucket.url(RUN)
    }

    /// The folder of its only run.
    fn run_folder(&self) -> PathBuf {
        let folders = fs::read_dir(self.folder.path().join("runs")).unwrap();
        let mut folders = folders.map(|entry| entry.unwrap().path());
        folders.find(|path| path.is_dir() && !text_of(path).starts_with("superseded-")).unwrap()
    }
}

fn text_of(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[track_caller]
fn ended(Output { status, stdout, stderr }: Output, code: i32) -> String {
    let told = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert_eq!(status.code(), Some(code), "{told}");
    assert!(!told.contains(SECRET), "{told}");
    told
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn json_in(bucket: &Bucket, key: &str) -> Value {
    bucket.get(key).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// How many bytes of a file the mirror holds.
fn mirrored(bucket: &Bucket, file: &str) -> u64 {
    json_in(bucket, MANIFEST)["files"][file]["bytes"].as_u64().unwrap_or(0)
}

/// The files of a folder, without the lock.
fn files(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.map(|path| (text_of(&path), fs::read(&path).unwrap()));
    files.filter(|(name, _)| name != "lock").collect()
}

/// Every row has its outcome, once.
#[track_caller]
fn is_complete(folder: &std::path::Path, expected: usize) -> Vec<Value> {
    let results = results_in(folder);
    let rows: BTreeSet<u64> = results.iter().map(|own| own["row"].as_u64().unwrap()).collect();
    assert_eq!((rows.len(), results.len()), (expected, expected));
    results
}

in_each_dialect! {
    a_mirror_holds_the_run_folder_as_it_is,
    another_host_takes_up_a_run_whose_host_is_gone_with_its_disk,
    a_host_that_has_lost_its_lease_stops_and_leaves_the_mirror_alone,
    answers_that_are_lost_do_no_harm,
    a_storage_that_does_not_heed_conditions_is_refused,
}

/// Renames and new names in turn: the first must not be sent twice.
fn renames(users: usize) -> String {
    let row = |n| format!("loginid,u{n}@x.com,u{n}-new@x.com,\nname,u{n}-new@x.com,,Name {n}\n");
    let header = "operation,loginId,newLoginId,givenName\n".to_owned();
    (0..users).fold(header, |rows, n| rows + &row(n))
}

fn a_mirror_holds_the_run_folder_as_it_is(dialect: Dialect) {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(dialect));
    bucket.put("in.csv", rows(300));
    let host = Host::new(&simulator, &bucket);
    host.go(&["--results", "csv,xlsx", "--compress-results"], 0);
    assert_eq!(bucket.too_soon(), 0, "no object was written to sooner than its storage has it");
    let folder = host.run_folder();
    let told = host.fetch("copy", 0);
    assert!(told.contains(&text_of(&folder)) && !told.contains("goes on"), "{told}");
    let copy = host.folder.path().join("copy");
    assert_eq!(files(&copy), files(&folder));
    host.tool(&["verify-files", "copy"], 0);
    assert_eq!(json_in(&bucket, LEASE)["released"], true);
    let told = host.go(&[], 2);
    assert!(told.contains("use --resume to continue it"), "{told}");
    let told = host.go(&["--resume"], 0);
    assert!(told.contains("is finished: nothing to do"), "{told}");
    assert_eq!(simulator.updates().len(), 300);
    let told = host.tool(&["fetch", &bucket.url("runs/none"), "-o", "none"], 2);
    assert!(told.contains("there is no mirror of a run"), "{told}");
}

fn another_host_takes_up_a_run_whose_host_is_gone_with_its_disk(dialect: Dialect) {
    let (simulator, bucket) = (Simulator::start(&["--latency", "20ms"]), Bucket::start(dialect));
    let users = 60;
    bucket.put("in.csv", renames(users));
    let first = Host::new(&simulator, &bucket);
    let child = first.run(&["--concurrency", "4"]).spawn().unwrap();
    wait_until("a row is in the mirror", || mirrored(&bucket, "results.jsonl") > 0);
    kill(child);
    let second = Host::new(&simulator, &bucket);
    let told = second.go(&["--resume"], 4);
    assert!(told.contains("works on the run, and holds it until 20"), "{told}");
    bucket.age(LEASE, LAPSED);
    let told = second.fetch("copy", 0);
    assert!(told.contains("resume it with --mirror"), "{told}");
    drop(first);
    second.go(&["--resume"], 0);
    assert!(!bucket.keys().iter().any(|key| key.contains("clock")), "{:?}", bucket.keys());
    let results = is_complete(&second.run_folder(), 2 * users);
    assert!(results.iter().all(|own| text(own, "status") == "updated"), "{results:#?}");
    second.tool(&["verify-files", second.run_folder().to_str().unwrap()], 0);
    for n in 0..users {
        let user = simulator.user(&format!("u{n}-new@x.com"));
        assert_eq!(text(&user, "givenName"), format!("Name {n}"));
    }
    // A rename goes out once, whichever host sends it.
    let mut renamed = BTreeMap::new();
    for own in simulator.updates().iter().filter(|own| text(own, "path").ends_with("/loginid")) {
        *renamed.entry(text(own, "loginId").to_owned()).or_insert(0) += 1;
    }
    assert_eq!(renamed.len(), users);
    assert!(renamed.values().all(|times| *times == 1), "{renamed:?}");
}

#[test]
fn what_must_not_be_sent_twice_waits_for_the_mirror_and_nothing_else_does() {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(Dialect::S3));
    let names = (0..5).map(|n| format!("name,n{n}@x.com,,Name\n")).collect::<Vec<_>>().concat();
    let text = renames(0) + &names + "loginid,r@x.com,r-new@x.com,\n";
    bucket.put("in.csv", text);
    let away = Arc::new(AtomicBool::new(true));
    let is_away = Arc::clone(&away);
    bucket.rule(move |asked| {
        let is_part = asked.key.contains("/parts/") && asked.method == "PUT";
        if is_part && is_away.load(Ordering::SeqCst) { Does::Refuses(403) } else { Does::All }
    });
    let host = Host::new(&simulator, &bucket);
    let child = host.run(&[]).spawn().unwrap();
    let folder = host.folder.path().to_owned();
    wait_until("the rename is about to be sent", || {
        let runs = fs::read_dir(folder.join("runs")).into_iter().flatten();
        let mut journals =
            runs.filter_map(|run| fs::read_to_string(run.ok()?.path().join("journal")).ok());
        simulator.updates().len() == 5 && journals.any(|journal| journal.contains("{\"sent\":6}"))
    });
    assert!(simulator.updates().iter().all(|own| !text_ends(own, "/loginid")));
    away.store(false, Ordering::SeqCst);
    let told = ended(child.wait_with_output().unwrap(), 0);
    assert!(
        told.contains("the storage refuses access") && told.contains("written to again"),
        "{told}"
    );
    assert_eq!(simulator.updates().iter().filter(|own| text_ends(own, "/loginid")).count(), 1);
}

fn text_ends(arrival: &Value, end: &str) -> bool {
    text(arrival, "path").ends_with(end)
}

fn a_host_that_has_lost_its_lease_stops_and_leaves_the_mirror_alone(dialect: Dialect) {
    let (simulator, bucket) = (Simulator::start(&["--latency", "20ms"]), Bucket::start(dialect));
    bucket.put("in.csv", rows(3000));
    let host = Host::new(&simulator, &bucket);
    let child = host.run(&["--concurrency", "2", "--mirror-lease", "3s"]).spawn().unwrap();
    wait_until("it is begun", || !json_in(&bucket, MANIFEST).is_null());
    let mut lease = json_in(&bucket, LEASE);
    (lease["host"], lease["token"]) = ("elsewhere".into(), "another".into());
    bucket.put(LEASE, lease.to_string());
    let told = ended(child.wait_with_output().unwrap(), 3);
    assert!(told.contains("host elsewhere, process"), "{told}");
    let summary: Value =
        serde_json::from_slice(&fs::read(host.run_folder().join("summary.json")).unwrap()).unwrap();
    assert_eq!(text(&summary["stopped"], "reason"), "lease_lost");
    assert_eq!(mirrored(&bucket, "summary.json"), 0);
    assert_eq!(text(&json_in(&bucket, LEASE), "host"), "elsewhere", "it is not given back");
}

#[test]
fn a_run_stops_when_its_lease_cannot_be_renewed_in_time() {
    let (simulator, bucket) =
        (Simulator::start(&["--latency", "20ms"]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(3000));
    let host = Host::new(&simulator, &bucket);
    let words = ["--concurrency", "2", "--mirror-lease", "3s", "--no-keep-before"];
    let child = host.run(&words).spawn().unwrap();
    wait_until("it is begun", || !json_in(&bucket, MANIFEST).is_null());
    simulator.wait_for_arrivals(20);
    let of_the_run = |asked: &Asked| asked.key.starts_with("runs/");
    bucket.rule(move |asked| if of_the_run(asked) { Does::Refuses(503) } else { Does::All });
    let told = ended(child.wait_with_output().unwrap(), 3);
    assert!(told.contains("the lease of the run could not be renewed in time"), "{told}");
    bucket.rule(|_| Does::All);
    bucket.age(LEASE, LAPSED);
    // The same host goes on with what it has recorded.
    let done = results_in(&host.run_folder()).len();
    assert!(done > 0);
    let told = host.go(&["--resume", "--no-keep-before"], 0);
    assert!(told.contains(&format!("{done} rows done before")), "{told}");
    is_complete(&host.run_folder(), 3000);
}

#[test]
fn what_another_host_has_gone_on_with_takes_the_place_of_what_is_here() {
    let (simulator, bucket) =
        (Simulator::start(&["--latency", "20ms"]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(400));
    let first = Host::new(&simulator, &bucket);
    let child = first.run(&["--concurrency", "2"]).spawn().unwrap();
    wait_until("a row is in the mirror", || mirrored(&bucket, "results.jsonl") > 0);
    let shipped = mirrored(&bucket, "results.jsonl");
    wait_until("more is recorded", || {
        fs::metadata(first.run_folder().join("results.jsonl")).unwrap().len() > shipped
    });
    kill(child);
    bucket.age(LEASE, LAPSED);
    let second = Host::new(&simulator, &bucket);
    second.go(&["--resume"], 0);
    let told = first.go(&["--resume"], 0);
    assert!(told.contains("what was in") && told.contains("superseded-3-in-"), "{told}");
    assert!(told.contains("is finished: nothing to do"), "{told}");
    assert_eq!(files(&first.run_folder()), files(&second.run_folder()));
    is_complete(&first.run_folder(), 400);
}

fn answers_that_are_lost_do_no_harm(dialect: Dialect) {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(dialect));
    bucket.put("in.csv", renames(20));
    let mut number = 0;
    bucket.rule(move |asked| {
        number += usize::from(asked.method == "PUT");
        let loses = asked.method == "PUT" && number % 3 == 0;
        if loses { Does::LosesAnswer } else { Does::All }
    });
    let host = Host::new(&simulator, &bucket);
    host.go(&[], 0);
    bucket.rule(|_| Does::All);
    host.fetch("copy", 0);
    assert_eq!(files(&host.folder.path().join("copy")), files(&host.run_folder()));
}

#[test]
fn a_mirror_that_lacks_the_end_is_said_and_made_whole_by_resuming() {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(20));
    bucket.rule(|asked| {
        let is_part = asked.key.contains("/parts/") && asked.method == "PUT";
        if is_part { Does::Refuses(403) } else { Does::All }
    });
    let host = Host::new(&simulator, &bucket);
    let told = host.go(&[], 3);
    assert!(told.contains("20 rows read = 20 updated"), "{told}");
    assert!(told.contains("to ship the rest, run the same command with --resume"), "{told}");
    bucket.rule(|_| Does::All);
    host.go(&["--resume"], 0);
    assert_eq!(json_in(&bucket, MANIFEST)["whole"], true);
    assert_eq!(simulator.updates().len(), 20);
}

#[test]
fn a_damaged_mirror_is_refused_and_nothing_is_left() {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(20));
    let host = Host::new(&simulator, &bucket);
    host.go(&[], 0);
    let part = bucket.keys().into_iter().find(|key| key.contains("/parts/")).unwrap();
    let whole = bucket.get(&part).unwrap();
    let mut changed = whole.clone();
    let last = changed.len() - 2;
    changed[last] ^= 1;
    for (what, said) in [
        (Some(changed), "is not what the manifest says"),
        (Some(whole[..whole.len() - 1].to_vec()), "it is cut off"),
        (None, "it is gone"),
    ] {
        match what {
            Some(bytes) => bucket.put(&part, bytes),
            None => bucket.remove(&part),
        }
        let other = Host::new(&simulator, &bucket);
        for told in [other.go(&["--resume"], 2), other.fetch("copy", 2)] {
            assert!(told.contains("the mirror is damaged") && told.contains(said), "{told}");
        }
        assert!(!other.folder.path().join("copy").exists());
        assert_eq!(json_in(&bucket, LEASE)["released"], true);
    }
    bucket.remove(LEASE);
    let told = host.go(&["--resume"], 2);
    assert!(told.contains("its lease.json is older than its manifest.json"), "{told}");
}

fn a_storage_that_does_not_heed_conditions_is_refused(dialect: Dialect) {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(dialect));
    bucket.put("in.csv", rows(20));
    bucket.rule(|_| Does::IgnoresConditions);
    let told = Host::new(&simulator, &bucket).go(&[], 2);
    assert!(told.contains("does not heed the conditions of writes"), "{told}");
    assert!(simulator.updates().is_empty());
}

#[test]
fn each_shard_has_a_mirror_of_its_own() {
    let (simulator, bucket) = (Simulator::start(&[]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(40));
    let host = Host::new(&simulator, &bucket);
    for shard in ["0", "1"] {
        host.go(&["--shard", &format!("{shard}/2")], 0);
        let url = format!("{}/shard-{shard}of2", host.mirror());
        host.tool(&["fetch", &url, "-o", &format!("part-{shard}")], 0);
    }
    host.tool(&["merge", "part-0", "part-1", "--out", "whole"], 0);
    is_complete(&host.folder.path().join("whole"), 40);
}

#[test]
fn what_is_read_once_is_in_the_mirror_too() {
    let (simulator, bucket) =
        (Simulator::start(&["--latency", "20ms"]), Bucket::start(Dialect::S3));
    let first = Host::new(&simulator, &bucket);
    let input = first.folder.path().join("stdin");
    fs::write(&input, rows(400)).unwrap();
    let mirror = first.mirror();
    let words = ["run", "-", "--mirror", &mirror, "--concurrency", "2"];
    let child = first.command(&words).stdin(fs::File::open(&input).unwrap()).spawn().unwrap();
    wait_until("a row is in the mirror", || mirrored(&bucket, "results.jsonl") > 0);
    kill(child);
    bucket.age(LEASE, LAPSED);
    let second = Host::new(&simulator, &bucket);
    second.tool(&[&words[..], &["--resume"]].concat(), 0);
    is_complete(&second.run_folder(), 400);
    assert!(lines(&second.run_folder().join("before.jsonl")).len() >= 400);
}

#[cfg(feature = "encryption")]
#[test]
fn an_encrypted_run_is_mirrored_encrypted() {
    let (simulator, bucket) =
        (Simulator::start(&["--latency", "20ms"]), Bucket::start(Dialect::S3));
    bucket.put("in.csv", rows(400));
    let recipient = "age1ca4y50kssl9statm4jfs8dvdyyvhe765jdae04ya69c72wtq8qwqdj5ggj";
    let words = ["--encrypt-to", recipient, "--compress-results", "--concurrency", "2"];
    let first = Host::new(&simulator, &bucket);
    let child = first.run(&words).spawn().unwrap();
    wait_until("a row is in the mirror", || mirrored(&bucket, "results.jsonl.zst.age") > 0);
    kill(child);
    bucket.age(LEASE, LAPSED);
    let second = Host::new(&simulator, &bucket);
    second.go(&[&words[..], &["--resume"]].concat(), 0);
    second.tool(&["verify-files", second.run_folder().to_str().unwrap()], 0);
    for key in bucket.keys().into_iter().filter(|key| key.starts_with("runs/")) {
        let bytes = bucket.get(&key).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("@x.com"), "{key}");
    }
}
