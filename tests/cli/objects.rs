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
    use crate::bucket::{Does, S3Bucket, SECRET};
    use crate::support::{program, text};

    const KEYS: [(&str, &str); 5] = [
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_ENDPOINT", ""),
    ];

    fn from(bucket: &S3Bucket, run: Run) -> Run {
        KEYS.iter().fold(run, |run, (name, value)| match *name {
            "AWS_ENDPOINT" => run.env(name, bucket.address()),
            _ => run.env(name, value),
        })
    }

    /// More than is asked for at first, so that it takes several ranges.
    fn many(name: &str) -> String {
        let row = |n| format!("u{n}@example.com,{name} {n:0300}\n");
        (0..2000).fold("loginId,name\n".to_owned(), |rows, n| rows + &row(n))
    }

    #[test]
    fn objects_are_inputs_as_files_are() {
        let bucket = S3Bucket::start();
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(rows(50).as_bytes()).unwrap();
        bucket.put("in/users.csv.gz", packed.finish().unwrap());
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
        bucket.put("phones.xlsx", fs::read(format!("{samples}/phones.xlsx")).unwrap());
        for (url, updated, code) in
            [("s3://bucket/in/users.csv.gz", 50, 0), ("s3://bucket/phones.xlsx", 10, 1)]
        {
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
        let checked = check.args(["check", "s3://bucket/in/users.csv.gz"]).output().unwrap();
        assert_eq!(checked.status.code(), Some(0));
    }

    #[test]
    fn reading_goes_on_where_a_connection_broke() {
        let bucket = S3Bucket::start();
        bucket.put("in.csv", many("Old"));
        let mut number = 0;
        bucket.rule(move |asked| {
            number += usize::from(asked.method == "GET");
            let breaks = asked.method == "GET" && number % 3 == 0;
            if breaks { Does::BreaksOff } else { Does::All }
        });
        let ran = from(&bucket, Run::rehearsed().arg("s3://bucket/in.csv")).go().code(0);
        assert_eq!(ran.tally("updated"), 2000);
        let whole = bucket.asked().iter().filter(|own| own.is_without_range()).count();
        assert_eq!(whole, 0, "an input is asked for by ranges");
    }

    #[test]
    fn an_object_that_changes_stops_the_run_as_a_file_does() {
        let simulator = Simulator::start(&["--latency", "5ms"]);
        for (why, change) in
            [("another object has taken its place", Some("New")), ("it is gone", None)]
        {
            let bucket = S3Bucket::start();
            bucket.put("in.csv", many("Old"));
            let before = simulator.updates().len();
            let run = Run::against(&simulator).args(&["s3://bucket/in.csv", "--concurrency", "4"]);
            let running = from(&bucket, run).spawn();
            simulator.wait_for_arrivals(before + 8);
            match change {
                Some(name) => bucket.put("in.csv", many(name)),
                None => bucket.remove("in.csv"),
            }
            let ran = running.end().code(3);
            let said =
                format!("s3://bucket/in.csv: the file has changed since the run began: {why}");
            assert!(ran.stdout.contains(&said), "{}", ran.stdout);
            let summary = ran.summary();
            assert_eq!(text(&summary["stopped"], "reason"), "input_changed");
            let is_old = |own: &Value| text(&own["user"], "name").starts_with("Old ");
            assert!(ran.results().iter().all(is_old));
        }
    }

    #[test]
    fn what_cannot_be_had_is_named_without_secrets() {
        let bucket = S3Bucket::start();
        bucket.put("in.csv", rows(3));
        for (url, more, said) in [
            ("s3://bucket/none.csv", None, "there is no such object, or no such bucket"),
            ("s3://other/in.csv", None, "there is no such object, or no such bucket"),
            (
                "s3://bucket/in.csv",
                Some(403),
                "the storage refuses access: look at AWS_ACCESS_KEY_ID",
            ),
            ("s3://bucket/in/", None, "names no object"),
        ] {
            bucket.rule(move |_| more.map_or(Does::All, Does::Refuses));
            let ran = from(&bucket, Run::rehearsed().arg(url)).go().code(2);
            assert!(ran.stderr.contains(said), "{url}: {}", ran.stderr);
            assert!(!ran.stderr.contains(SECRET) && !ran.stderr.contains("http"), "{}", ran.stderr);
        }
    }
}
