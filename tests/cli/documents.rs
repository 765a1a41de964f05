//! Documents, samples and help against the program.

use std::fs;
use std::path::Path;
use std::process::Command;

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
    ] {
        let path = project("samples").join(sample);
        let ran = Run::new()
            .args(&["--simulate", path.to_str().unwrap()])
            .args(arguments)
            .go()
            .code(code);
        assert_eq!((ran.tally("updated"), ran.tally("invalid")), (updated, failed), "{sample}");
    }
    let samples = fs::read_dir(project("samples")).unwrap().count();
    assert_eq!(samples, 6, "a sample that is not run here");
}
