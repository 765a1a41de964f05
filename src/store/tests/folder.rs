//! The run folder: new, private, and never another's.

use super::*;
use crate::exit::{Error, Exit};
use crate::input::record::ADDED_COLUMNS;
use crate::report::tests::summary;
use crate::store::write_summary;

fn refused(result: Result<RunFolder, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    error.to_string()
}

#[test]
fn it_is_named_after_input_and_time() {
    let parent = tempfile::tempdir().unwrap();
    let create = |name: &str| {
        let place = Place::Under {
            runs: parent.path().join("a/runs"),
            name: name.to_owned(),
            at: "2026-11-24T03:00:00.9Z".parse().unwrap(),
        };
        let folder = RunFolder::create(&place).unwrap();
        assert_eq!(folder.path().parent(), Some(&*parent.path().join("a/runs")));
        folder.path().file_name().unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(create("users"), "users-20261124T030000Z");
    assert_eq!(create("users"), "users-20261124T030000Z-2");
    assert_eq!(create("users"), "users-20261124T030000Z-3");
    assert_eq!(create("../a:b\n c"), "_a_b_ c-20261124T030000Z");
    assert_eq!(create(".."), "input-20261124T030000Z");
    assert!(create(&"ü€𝄞".repeat(100)).len() < 250);
}

#[test]
fn exactly_takes_nothing_or_an_empty_folder() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/out");
    let create = || RunFolder::create(&Place::Exactly(path.clone()));
    assert_eq!(create().unwrap().path(), path);
    let folder = create().unwrap();
    assert_eq!(create().unwrap_err().exit(), Exit::Busy, "a process holds it");
    Recorder::new(&folder, (&[], &OutputRules::default()), &identity()).unwrap();
    let error = Recorder::new(&folder, (&[], &OutputRules::default()), &identity()).unwrap_err();
    assert!(error.to_string().contains("results.jsonl"), "{error}");
    drop(folder);
    assert!(refused(create()).contains("deep/out is not empty"));
    let file = RunFolder::create(&Place::Exactly(path.join("results.jsonl")));
    assert!(refused(file).contains("results.jsonl"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("out");
    fs::create_dir(&path).unwrap();
    let folder = RunFolder::create(&Place::Exactly(path)).unwrap();
    let source = csv(&ADDED_COLUMNS);
    let row = rejected(&source, cells(&["x"; 5]));
    let mut recorder =
        Recorder::new(&folder, (&[source], &OutputRules::default()), &identity()).unwrap();
    recorder.record(&row).unwrap();
    recorder.close(true).unwrap();
    write_summary(&folder, &summary()).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    let names = ["results.jsonl", "failures.csv", "summary.json", "journal", "lock"];
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), names.len());
    for name in names {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn the_summary_is_complete_and_replaced_whole() {
    let fixture = Fixture::new();
    let mut summary = summary();
    write_summary(&fixture.folder, &summary).unwrap();
    summary.calls = 42;
    write_summary(&fixture.folder, &summary).unwrap();
    let read: serde_json::Value = serde_json::from_str(&fixture.text("summary.json")).unwrap();
    assert_eq!(read["version"], 1);
    assert_eq!(read["calls"], 42);
    assert_eq!(read["startedAt"], "2026-11-24T03:00:00.000Z");
    assert_eq!(read["tally"]["not_attempted"], 0);
    assert_eq!(read["stopped"], serde_json::Value::Null);
    assert_eq!(fixture.files(), ["lock", "summary.json"]);
}
