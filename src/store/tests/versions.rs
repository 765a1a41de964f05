//! Files that earlier versions wrote are read.

use std::path::{Path, PathBuf};

use crate::issue::Severity;
use crate::outcome::Status;
use crate::store::journal::{JOURNAL_VERSION, recover};
use crate::store::results::{RESULTS_VERSION, ResultLine, read_results};
use crate::store::summary::{SUMMARY_VERSION, Summary};
use crate::store::{glance, read_summary};

fn folder(version: u32) -> PathBuf {
    let folder = format!("tests/fixtures/version-{version}");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn lines(version: u32) -> Vec<ResultLine<'static>> {
    let text = std::fs::read(folder(version).join("results.jsonl")).unwrap();
    read_results(text.as_slice()).map(Result::unwrap).collect()
}

#[test]
fn a_results_file_of_version_1() {
    let lines = lines(1);
    let mut statuses: Vec<_> = lines.iter().map(|line| (line.row, line.status)).collect();
    statuses.sort_unstable_by_key(|(row, _)| *row);
    let expected = [
        Status::Updated,
        Status::Updated,
        Status::Updated,
        Status::Invalid,
        Status::Rejected,
        Status::Updated,
        Status::Invalid,
    ];
    assert_eq!(statuses, (1..).zip(expected).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.version == 1));
    let warned = lines.iter().find(|line| line.row == 2).unwrap();
    assert_eq!(warned.repairs[0].to, "+447700900123");
    assert_eq!(warned.warnings[0].severity, Severity::Warning);
    assert!(warned.user.as_ref().unwrap().get().contains(r#""phone":"+447700900123""#));
    let rejected = lines.iter().find(|line| line.row == 5).unwrap();
    let error = rejected.error.as_ref().unwrap();
    assert_eq!((&*error.code, error.server_code.as_deref()), ("user_not_found", Some("E112102")));
}

#[test]
fn a_line_is_written_as_it_was_read() {
    for line in lines(1) {
        let written = serde_json::to_string(&line).unwrap();
        let again = serde_json::to_string(&ResultLine::parse(&written).unwrap()).unwrap();
        assert_eq!(written, again);
    }
    let text = std::fs::read_to_string(folder(1).join("results.jsonl")).unwrap();
    let first = text.lines().next().unwrap();
    let written = serde_json::to_string(&ResultLine::parse(first).unwrap()).unwrap();
    assert_eq!(written, first.replacen('{', r#"{"version":1,"#, 1));
}

#[test]
fn a_journal_of_version_1() {
    let text = std::fs::read(folder(1).join("journal")).unwrap();
    let recovered = recover(text.as_slice(), |_| true).unwrap().unwrap();
    assert_eq!(recovered.identity.version, 1);
    assert_eq!((recovered.finished.len(), recovered.tally.updated), (7, 4));
    assert!(recovered.complete && recovered.sent.is_empty());
    assert_eq!(recovered.lengths.of("results.jsonl"), 4939);
    assert_eq!(recovered.whole, text.len() as u64);
    assert!(glance(&folder(1)).unwrap().unwrap().complete);
    let mut now = recovered.identity.clone();
    now.version = JOURNAL_VERSION;
    let differences = recovered.identity.differences(&now);
    assert!(differences[0].contains("format of the journal"), "{differences:?}");
}

#[test]
fn a_summary_of_version_1() {
    let summary = read_summary(&folder(1)).unwrap();
    assert_eq!((summary.tally.read, summary.tally.updated, summary.exit_code), (7, 4, 1));
    assert_eq!(summary.reasons[1].code.as_deref(), Some("E112102"));
    let text = std::fs::read_to_string(folder(1).join("summary.json")).unwrap();
    let written = serde_json::to_string_pretty(&summary).unwrap();
    assert_eq!(written, text.trim_end());
}

#[test]
fn what_a_later_version_writes_is_refused_by_name() {
    let line = serde_json::to_string(&lines(1)[0]).unwrap();
    let later = line.replacen("\"version\":1", &format!("\"version\":{}", RESULTS_VERSION + 1), 1);
    let mut read = read_results(later.as_bytes());
    let error = read.next().unwrap().unwrap_err().to_string();
    assert!(error.starts_with("line 1: it is of version 2"), "{error}");
    let text = std::fs::read_to_string(folder(1).join("summary.json")).unwrap();
    let later =
        text.replacen("\"version\": 1", &format!("\"version\": {}", SUMMARY_VERSION + 1), 1);
    let error = Summary::parse(&later).unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
}
