//! What people see.

mod live;
mod progress;
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
use crate::issue::Issue;
use crate::outcome::{Finished, Outcome, Status, Tally};
use crate::store::summary::{
    Files, InputSummary, SUMMARY_VERSION, SkippedRows, Summary, Tool, Waited,
};

/// A row with this outcome.
pub(crate) fn finished(status: Status) -> Finished {
    let source = Arc::new(Source {
        name: "u.jsonl".to_owned(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: Vec::new(),
        header_line: 1,
    });
    let issue = Box::new(Issue::error("any", "any"));
    let outcome = Outcome { status, ..Outcome::invalid(issue, Timestamp::UNIX_EPOCH) };
    let position = Position { row: 1, line: 1, byte: 0 };
    let record = Record { source, position, content: Content::Object("{}".into()) };
    let changes = crate::change::Changes::new();
    Finished { record, operation: None, login_id: None, changes, outcome, notes: None }
}

/// The summary of a clean run.
pub(crate) fn summary() -> Summary {
    let tally = Tally { read: 1500, updated: 1480, unchanged: 20, ..Tally::default() };
    Summary {
        version: SUMMARY_VERSION,
        tool: Tool::THIS,
        simulated: false,
        started_at: "2026-11-24T03:00:00Z".parse().unwrap(),
        finished_at: "2026-11-24T03:03:45.5Z".parse().unwrap(),
        elapsed_ms: 225_500,
        inputs: vec![InputSummary {
            name: "users.csv".to_owned(),
            format: "csv".into(),
            bytes: 60_000,
            fingerprint: "0".repeat(32),
        }],
        tally,
        skipped: SkippedRows::default(),
        done_before: 0,
        complete: true,
        balanced: tally.balances(),
        calls: 1480,
        calls_saved: 0,
        retries: 0,
        rate_limited: 0,
        invited: 0,
        merge_allowed: 0,
        merged: None,
        not_kept: 0,
        waited: Waited::default(),
        interventions: Vec::new(),
        reasons: Vec::new(),
        repairs: BTreeMap::new(),
        warnings: BTreeMap::new(),
        settings: serde_json::Map::new(),
        stopped: None,
        exit_code: 0,
        next: None,
        chain: None,
        files: Files {
            tables: Vec::new(),
            results: PathBuf::from("runs/users-20261124T030000Z/results.jsonl"),
            failures: Vec::new(),
        },
    }
}
