//! Inputs on object storage.

use crate::support::{Run, Simulator, rows};

#[cfg(not(feature = "object-storage"))]
#[test]
fn a_build_without_object_storage_says_so_before_anything_is_sent() {
    let simulator = Simulator::start(&[]);
    let told =
        "this build has no object storage: build it with `cargo install --features object-storage`";
    Run::against(&simulator).arg("s3://bucket/in.csv").go().code(2).says(told);
    let mirrored = Run::against(&simulator).file("in.csv", rows(3));
    mirrored.args(&["--mirror", "s3://bucket/run/"]).go().code(2).says(told);
    assert_eq!(simulator.updates(), [] as [serde_json::Value; 0]);
}

#[test]
fn a_url_with_a_secret_is_refused_and_the_secret_is_not_shown() {
    for url in ["az://c/u.csv?sv=1&sig=hush", "s3://AKIA:hush@bucket/u.csv"] {
        for words in [&["run", "--simulate", url][..], &["check", url], &["fetch", url, "-o", "x"]]
        {
            let output = crate::support::program().args(words).output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains("neither credentials nor a query"), "{words:?}: {told}");
        }
        let ran = Run::rehearsed().file("in.csv", rows(3)).args(&["--mirror", url]).go().code(2);
        assert!(ran.stderr.contains("neither credentials nor a query"), "{}", ran.stderr);
    }
}

#[cfg(feature = "object-storage")]
mod read {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::Value;

    use super::*;
    use crate::bucket::{Bucket, Dialect, Does, SECRET, in_each_dialect};
    use crate::support::{program, text};

    in_each_dialect! {
        objects_are_inputs_as_files_are,
        reading_goes_on_where_a_connection_broke,
        an_object_that_changes_stops_the_run_as_a_file_does,
        what_cannot_be_had_is_named_without_secrets,
    }

    fn from(bucket: &Bucket, run: Run) -> Run {
        bucket.environment().iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// More than is asked for at first, so that it takes several ranges.
    fn many(name: &str) -> String {
        let row = |n| format!("u{n}@example.com,{name} {n:0300}\n");
        (0..2000).fold("loginId,name\n".to_owned(), |rows, n| rows + &row(n))
    }

    fn objects_are_inputs_as_files_are(dialect: Dialect) {
        let bucket = Bucket::start(dialect);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(rows(50).as_bytes()).unwrap();
        bucket.put("in/users.csv.gz", packed.finish().unwrap());
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
        bucket.put("phones.xlsx", fs::read(format!("{samples}/phones.xlsx")).unwrap());
        for (key, updated, code) in [("in/users.csv.gz", 50, 0), ("phones.xlsx", 10, 1)] {
            let url = &*bucket.url(key);
            let ran = from(&bucket, Run::rehearsed().arg(url)).go().code(code);
            assert_eq!(ran.tally("updated"), updated);
            let journal = ran.read("journal");
            assert!(journal.contains(&format!("\"path\":\"{url}\"")), "{journal}");
            assert!(!journal.contains(SECRET) && !journal.contains("AKIATEST"));
            let mut again = program();
            bucket.reached_by(&mut again);
            again.current_dir(ran.folder()).args(["run", url, "--simulate", "--out", "out"]);
            let again = again.args(["--resume", "--no-keep-before"]).output().unwrap();
            let told = String::from_utf8(again.stderr).unwrap();
            assert!(told.contains("is finished: nothing to do"), "{told}");
        }
        let mut check = program();
        bucket.reached_by(&mut check);
        let checked = check.args(["check", &bucket.url("in/users.csv.gz")]).output().unwrap();
        assert_eq!(checked.status.code(), Some(0));
    }

    fn reading_goes_on_where_a_connection_broke(dialect: Dialect) {
        let bucket = Bucket::start(dialect);
        bucket.put("in.csv", many("Old"));
        let mut number = 0;
        bucket.rule(move |asked| {
            number += usize::from(asked.method == "GET");
            let breaks = asked.method == "GET" && number % 3 == 0;
            if breaks { Does::BreaksOff } else { Does::All }
        });
        let ran = from(&bucket, Run::rehearsed().arg(&bucket.url("in.csv"))).go().code(0);
        assert_eq!(ran.tally("updated"), 2000);
        let whole = bucket.asked().iter().filter(|own| own.is_without_range()).count();
        assert_eq!(whole, 0, "an input is asked for by ranges");
    }

    fn an_object_that_changes_stops_the_run_as_a_file_does(dialect: Dialect) {
        let simulator = Simulator::start(&["--latency", "5ms"]);
        for (why, change) in
            [("another object has taken its place", Some("New")), ("it is gone", None)]
        {
            let bucket = Bucket::start(dialect);
            bucket.put("in.csv", many("Old"));
            let before = simulator.updates().len();
            let url = bucket.url("in.csv");
            let run = Run::against(&simulator).args(&[&url, "--concurrency", "4"]);
            let running = from(&bucket, run).spawn();
            simulator.wait_for_arrivals(before + 8);
            match change {
                Some(name) => bucket.put("in.csv", many(name)),
                None => bucket.remove("in.csv"),
            }
            let ran = running.end().code(3);
            let said = format!("{url}: the file has changed since the run began: {why}");
            assert!(ran.stdout.contains(&said), "{}", ran.stdout);
            let summary = ran.summary();
            assert_eq!(text(&summary["stopped"], "reason"), "input_changed");
            let is_old = |own: &Value| text(&own["user"], "name").starts_with("Old ");
            assert!(ran.results().iter().all(is_old));
        }
    }

    fn what_cannot_be_had_is_named_without_secrets(dialect: Dialect) {
        let bucket = Bucket::start(dialect);
        bucket.put("in.csv", rows(3));
        let refused = format!("the storage refuses access: look at {}", dialect.variable());
        for (key, more, said) in [
            ("bucket/none.csv", None, "there is no such object, or no such bucket"),
            ("other/in.csv", None, "there is no such object, or no such bucket"),
            ("bucket/in.csv", Some(403), &refused),
            ("bucket/in/", None, "names no object"),
        ] {
            let url = bucket.url("").replace("bucket/", key);
            bucket.rule(move |_| more.map_or(Does::All, Does::Refuses));
            let ran = from(&bucket, Run::rehearsed().arg(&url)).go().code(2);
            assert!(ran.stderr.contains(said), "{url}: {}", ran.stderr);
            assert!(!ran.stderr.contains(SECRET) && !ran.stderr.contains("http"), "{}", ran.stderr);
        }
    }

    #[test]
    fn a_generation_of_google_cloud_storage_is_read_by_its_number() {
        let bucket = Bucket::start(Dialect::Gcs);
        bucket.put("in.csv", rows(3));
        let version = format!("{}?versionId={}", bucket.url("in.csv"), bucket.generation("in.csv"));
        let ran = from(&bucket, Run::rehearsed().arg(&version)).go().code(0);
        assert_eq!(ran.tally("updated"), 3);
        bucket.put("in.csv", rows(4));
        let ran = from(&bucket, Run::rehearsed().arg(&version)).go().code(2);
        assert!(ran.stderr.contains("there is no such object"), "{}", ran.stderr);
    }

    #[test]
    fn an_object_that_google_cloud_storage_unpacks_is_refused_with_what_to_do() {
        let bucket = Bucket::start(Dialect::Gcs);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(rows(50).as_bytes()).unwrap();
        bucket.put_packed("in.csv", packed.finish().unwrap());
        let ran = from(&bucket, Run::rehearsed().arg(&bucket.url("in.csv"))).go().code(2);
        assert!(ran.stderr.contains("--clear-content-encoding"), "{}", ran.stderr);
    }

    #[test]
    fn wrong_credentials_are_said_to_be_that_and_not_shown() {
        let quoted = format!("\"{SECRET}\"");
        for (dialect, name, value, content, said) in [
            (Dialect::Gcs, "GOOGLE_SERVICE_ACCOUNT", "key.json", None, "No such file"),
            (Dialect::Gcs, "GOOGLE_SERVICE_ACCOUNT", "key.json", Some(&*quoted), "invalid type"),
            (Dialect::Gcs, "GOOGLE_SERVICE_ACCOUNT", "key.json", Some(SECRET), "line 1 column 1"),
            (Dialect::Azure, "AZURE_STORAGE_ACCOUNT_KEY", "no+base64!", None, "Invalid symbol 33"),
        ] {
            let bucket = Bucket::start(dialect);
            let run = Run::rehearsed().arg(&bucket.url("in.csv"));
            let run = content.iter().fold(run, |run, content| run.file("key.json", content));
            let ran = from(&bucket, run).env(name, value).go().code(2);
            let told = format!("): look at {}", dialect.variable());
            assert!(ran.stderr.contains(&told) && ran.stderr.contains(said), "{}", ran.stderr);
            assert!(!ran.stderr.contains(SECRET) && !ran.stderr.contains(value), "{}", ran.stderr);
        }
    }
}
