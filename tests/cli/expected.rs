//! What `check` says of every sample, to the letter.
//!
//! `INSTA_UPDATE=always cargo test --test cli expected` writes it anew; look at the difference.

use std::fs;
use std::path::Path;

use crate::support::program;

/// Each sample, and the options that it needs.
const SAMPLES: &[(&str, &[&str])] = &[
    ("phones.csv", &[]),
    ("phones-with-mistakes.csv", &["--ignore", "department"]),
    ("phones-from-a-spreadsheet.csv", &["--region", "GB"]),
    ("login-ids.csv", &[]),
    ("names.csv", &[]),
    ("mixed.csv", &[]),
    ("mixed.jsonl", &[]),
    ("contradictions.csv", &[]),
    ("phones.tsv", &[]),
    ("phones-semicolon.csv", &[]),
    ("phones.json", &[]),
    ("phones.csv.gz", &[]),
    ("phones.jsonl.zst", &[]),
    ("phones-utf16.csv", &[]),
    ("phones-windows-1252.csv", &["--encoding", "windows-1252"]),
    ("phones.xlsx", &["--region", "US"]),
    ("phones.ods", &["--region", "US"]),
];

#[test]
fn every_sample_is_checked_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut kept = insta::Settings::clone_current();
    kept.set_snapshot_path(root.join("tests/expected"));
    kept.set_prepend_module_to_snapshot(false);
    kept.set_omit_expression(true);
    for (sample, options) in SAMPLES {
        let path = format!("samples/{sample}");
        let output =
            program().current_dir(root).args(["check", &path]).args(*options).output().unwrap();
        let code = output.status.code().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let typed = format!("$ descope-bulk check {path} {}", options.join(" "));
        kept.bind(|| insta::assert_snapshot!(*sample, format!("{typed}\n{said}exit code {code}")));
    }
    let samples = fs::read_dir(root.join("samples")).unwrap().map(|entry| entry.unwrap());
    for sample in samples.filter(|entry| entry.path().is_file()) {
        let name = sample.file_name().into_string().unwrap();
        let known = SAMPLES.iter().any(|(known, _)| *known == name);
        assert!(known || name == "README.md", "{name} is not checked here");
    }
}
