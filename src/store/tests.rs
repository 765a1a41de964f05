//! What the recorder leaves in the run folder, read back the way its readers do.

mod failures;
mod folder;
mod journal;
mod results;
mod stop;
mod versions;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use csv::{ByteRecord, StringRecord};
use serde_json::value::RawValue;
use tempfile::TempDir;

use super::journal::{Identity, JOURNAL_VERSION};
use super::{Closed, OutputRules, Place, Recorder, RunFolder};
use crate::catalog;
use crate::change::Changes;
use crate::input::record::{Content, Delimiter, Encoding, Format, Position, Raw, Record, Source};
use crate::issue::Issue;
use crate::outcome::{Finished, Outcome, Status};

/// A run folder that goes away.
struct Fixture {
    folder: RunFolder,
    _parent: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&Place::Exactly(parent.path().join("run"))).unwrap();
        Self { folder, _parent: parent }
    }

    /// Records all of it.
    fn record(&self, sources: &[Arc<Source>], rows: &[Finished]) -> Closed {
        let mut recorder =
            Recorder::new(&self.folder, (sources, &OutputRules::default()), &identity()).unwrap();
        for row in rows {
            recorder.record(row).unwrap();
        }
        recorder.close(true).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The names of the files, in order.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }
}

fn identity() -> Identity {
    Identity { version: JOURNAL_VERSION, inputs: vec![], settings: serde_json::Map::new() }
}

fn source(name: &str, format: Format, columns: &[&str]) -> Arc<Source> {
    Arc::new(Source {
        name: name.to_owned(),
        format,
        encoding: Encoding::Utf8,
        delimiter: match format {
            Format::Csv => Some(Delimiter::Comma),
            Format::Tsv => Some(Delimiter::Tab),
            _ => None,
        },
        columns: columns.iter().map(ToString::to_string).collect(),
        header_line: 1,
    })
}

fn csv(columns: &[&str]) -> Arc<Source> {
    source("users.csv", Format::Csv, columns)
}

fn jsonl() -> Arc<Source> {
    source("users.jsonl", Format::Jsonl, &[])
}

fn cells(cells: &[&str]) -> Content {
    Content::Cells(StringRecord::from(cells))
}

fn ragged(cells: &[&[u8]]) -> Content {
    broken(Raw::Cells(ByteRecord::from(cells.to_vec())))
}

fn broken(raw: Raw) -> Content {
    let issue = Issue::error("malformed", "it is broken");
    Content::Broken { raw, issue: Box::new(issue) }
}

fn object(text: &str) -> Content {
    Content::Object(text.into())
}

fn failure() -> Box<Issue> {
    let issue = Issue::error("not_found", "no such user").hint("look, \"twice\"");
    Box::new(issue.server_code(Some("E112102".to_owned())))
}

fn outcome(status: Status) -> Outcome {
    Outcome {
        status,
        attempts: 2,
        http_status: Some(400),
        duration: Duration::from_micros(12_345),
        finished_at: "2026-11-24T03:00:00.1234Z".parse().unwrap(),
        user: None,
        merged: None,
        error: status.is_failure().then(failure),
        requests: Vec::new(),
    }
}

fn finished(source: &Arc<Source>, content: Content, status: Status) -> Finished {
    Finished {
        record: Record {
            source: Arc::clone(source),
            position: Position { row: 7, line: 9, byte: 100 },
            content,
        },
        operation: None,
        login_id: None,
        changes: Changes::new(),
        outcome: outcome(status),
        notes: None,
    }
}

fn rejected(source: &Arc<Source>, content: Content) -> Finished {
    finished(source, content, Status::Rejected)
}

fn updated(user: &str) -> Finished {
    let mut row = finished(&jsonl(), object("{}"), Status::Updated);
    row.operation = catalog::OPERATIONS.first();
    row.login_id = Some("ada".to_owned());
    row.outcome.http_status = Some(200);
    row.outcome.user = Some(RawValue::from_string(user.to_owned()).unwrap());
    row
}
