//! Documents, samples and help against the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use descope_bulk::exit::Exit;
use descope_bulk::outcome::Status;
use serde_json::Value;

use crate::support::{Run, program};

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_list_of_operations_is_the_catalogue() {
    let made = stdout(program().args(["operations", "--format", "markdown"]));
    let kept = fs::read_to_string(project("docs/operations.md")).unwrap();
    assert!(
        made == kept,
        "make it again: descope-bulk operations --format markdown > docs/operations.md"
    );
}

#[test]
fn operations_are_shown_for_people_and_programs() {
    let all = stdout(program().arg("operations"));
    assert!(all.lines().any(|line| line.starts_with("customAttribute ")));
    let one = stdout(program().args(["operations", "role add"]));
    assert!(one.starts_with("role-add:") && one.contains("/v2/mgmt/user/update/role/add"));
    let json = stdout(program().args(["operations", "--format", "json"]));
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 22);
    assert_eq!(program().args(["operations", "fly"]).status().unwrap().code(), Some(2));
}

#[test]
fn every_command_has_help_and_a_mistake_is_answered() {
    for command in ["run", "simulate", "operations"] {
        let help = stdout(program().args([command, "--help"]));
        assert!(help.contains("Usage: descope-bulk"), "{help}");
    }
    assert_eq!(program().output().unwrap().status.code(), Some(2));
    assert_eq!(program().arg("--version").output().unwrap().status.code(), Some(0));
}

/// Every sample runs against the simulator; the expected exit code and counts are its promise.
#[test]
fn samples_run() {
    for (sample, arguments, code, updated, failed) in [
        ("phones.csv", &[][..], 0, 120, 0),
        ("phones-with-mistakes.csv", &["--ignore", "department"], 1, 8, 4),
        ("login-ids.csv", &[], 0, 20, 0),
        ("names.csv", &[], 0, 20, 0),
        ("mixed.csv", &[], 0, 11, 0),
        ("mixed.jsonl", &[], 0, 12, 0),
        ("phones.tsv", &[], 1, 11, 1),
        ("phones-semicolon.csv", &[], 1, 11, 1),
        ("phones.json", &[], 1, 11, 1),
        ("phones.csv.gz", &[], 1, 11, 1),
        ("phones.jsonl.zst", &[], 1, 11, 1),
        ("phones-utf16.csv", &[], 1, 11, 1),
        ("phones-windows-1252.csv", &["--encoding", "windows-1252"], 1, 11, 1),
        ("phones.xlsx", &[], 1, 10, 2),
        ("phones.ods", &[], 1, 10, 2),
    ] {
        let path = project("samples").join(sample);
        let ran = Run::new()
            .args(&["--simulate", path.to_str().unwrap()])
            .args(arguments)
            .go()
            .code(code);
        assert_eq!((ran.tally("updated"), ran.tally("invalid")), (updated, failed), "{sample}");
    }
    let listed = fs::read_to_string(project("samples/README.md")).unwrap();
    let samples = fs::read_dir(project("samples")).unwrap().map(|entry| entry.unwrap());
    let names: Vec<_> = samples.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 16, "a sample that is not run here");
    let missing = names.iter().find(|name| !listed.contains(&format!("| `{name}` |")));
    assert!(missing.is_none_or(|name| name == "README.md"), "not listed: {missing:?}");
}

/// The documents, with their text.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(project("docs")).unwrap().map(|entry| entry.unwrap().path());
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([project("README.md"), project("CHANGELOG.md")])
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The anchors of a document's headings, as they are made from plain text.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let plain = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|heading| heading.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| heading.chars().filter(plain).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            let there = || anchors(&fs::read_to_string(&target).unwrap());
            assert!(
                anchor.is_empty() || there().iter().any(|known| known == anchor),
                "{}: {link}",
                path.display()
            );
        }
    }
}

/// Flags as they are written in a text: `--`, then small letters and single hyphens.
fn flags(text: &str) -> BTreeSet<String> {
    let pieces = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    pieces
        .filter(|piece| piece.strip_prefix("--").is_some_and(|name| !name.starts_with('-')))
        .map(|piece| piece.trim_end_matches('-').to_owned())
        .filter(|flag| flag.len() > 2)
        .collect()
}

#[test]
fn flags_in_documents_exist() {
    const OF_CARGO: [&str; 2] = ["--release", "--path"];
    let help = |command| stdout(program().args([command, "--help"]));
    let known: BTreeSet<_> =
        ["run", "simulate", "operations"].iter().flat_map(|c| flags(&help(c))).collect();
    for (path, text) in documents() {
        for flag in flags(&text).iter().filter(|flag| !OF_CARGO.contains(&flag.as_str())) {
            assert!(known.contains(flag), "{}: {flag}", path.display());
        }
    }
}

#[test]
fn the_readme_lists_every_status_and_exit_code() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let listed = |cell: &str| readme.lines().any(|line| line.starts_with(&format!("| {cell} |")));
    for status in Status::ALL {
        assert!(listed(&format!("`{}`", status.word())), "{}", status.word());
    }
    for exit in [
        Exit::Success,
        Exit::Failures,
        Exit::Refused,
        Exit::Stopped,
        Exit::Busy,
        Exit::Broken,
        Exit::Interrupted,
        Exit::Terminated,
    ] {
        assert!(listed(&(exit as u8).to_string()), "{exit:?}");
    }
}

/// The keys of all objects in a value, but not those of users and of column names.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                if key != "user" && key != "map" {
                    keys(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_run_folder_is_documented() {
    let mistakes = project("samples").join("phones-with-mistakes.csv");
    let failing = Run::new().args(&["--simulate", "--fault", "400:first=1"]).args(&[
        "--ignore",
        "department",
        mistakes.to_str().unwrap(),
    ]);
    let stopping =
        Run::new().args(&["--simulate", "--fault", "401"]).arg(mistakes.to_str().unwrap());
    let mut found = BTreeSet::new();
    for ran in [failing.go().code(1), stopping.args(&["--ignore", "department"]).go().code(3)] {
        keys(&ran.summary(), &mut found);
        ran.results().iter().for_each(|result| keys(result, &mut found));
    }
    assert!(found.contains("code") && found.contains("hint") && found.contains("stopped"));
    let page = fs::read_to_string(project("docs/files.md")).unwrap();
    for key in found {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}
