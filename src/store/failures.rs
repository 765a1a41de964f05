//! The failures files: rows to correct and feed back.
//!
//! A row is written in its input's own columns, with what went wrong in columns behind
//! them: cells with the input's own delimiter (a workbook's with commas), objects a line
//! each. Where the input was not UTF-8, the file has its mark, so that a stated encoding
//! that no longer holds is noticed.

use std::io;
use std::sync::Arc;

use csv::ByteRecord;

use super::added::Added;
use super::disk::Disk;
use super::file::AppendFile;
use super::journal::Lengths;
use super::layout::{LayoutRules, Layouts};
use super::names::is_of;
use super::object;
use super::output::Output;
use crate::input::record::{ADDED_COLUMNS, Content, Raw, Source};
use crate::outcome::Finished;

/// What the names of the files begin with.
const STEM: &str = "failures";

/// The key that holds the text of a JSONL line that could not be read.
const RAW_KEY: &str = "_raw";

/// The failures files of a run.
#[derive(Debug)]
pub(super) struct Failures(Layouts);

impl Failures {
    /// Prepares the files of a run, or opens those begun at the lengths that were committed.
    pub(super) fn open(
        disk: &dyn Disk,
        sources: &[Arc<Source>],
        committed: Option<&Lengths>,
    ) -> io::Result<Self> {
        let added = ADDED_COLUMNS.map(str::to_owned).to_vec();
        let rules = LayoutRules { stem: STEM, added, is_for_spreadsheets: false };
        Layouts::open(disk, sources, committed, rules).map(Self)
    }
}

impl Output for Failures {
    fn write(&mut self, finished: &Finished, disk: &dyn Disk) -> io::Result<()> {
        if !finished.outcome.status.is_failure() {
            return Ok(());
        }
        let record = &finished.record;
        let added = Added::new(finished);
        let mut row = self.0.row(&record.source, disk)?;
        if row.delimiter.is_some() {
            row.write(&record.content, &added.cells().each_ref().map(AsRef::as_ref));
            Ok(())
        } else {
            write_object(row.to, &record.content, &added)
        }
    }

    fn files(&self) -> Box<dyn Iterator<Item = &AppendFile> + '_> {
        Box::new(self.0.begun().map(|(file, _)| file))
    }

    fn files_mut(&mut self) -> Box<dyn Iterator<Item = &mut AppendFile> + '_> {
        Box::new(self.0.files_mut())
    }
}

/// Whether a file of a run folder is a failures file.
pub(crate) fn is_failures_file(name: &str) -> bool {
    is_of(STEM, name)
}

fn write_object(to: &mut Vec<u8>, content: &Content, added: &Added) -> io::Result<()> {
    let own = match content {
        Content::Object(text) => object::open(text, &ADDED_COLUMNS)?,
        unreadable => format!("{{\"{RAW_KEY}\":{},", serde_json::to_string(&lossy(unreadable))?),
    };
    to.extend_from_slice(own.as_bytes());
    let brace = to.len();
    serde_json::to_writer(&mut *to, added)?;
    to.remove(brace);
    to.push(b'\n');
    Ok(())
}

/// The text of a row that is no object.
fn lossy(content: &Content) -> String {
    let join = |cells: &ByteRecord| cells.iter().collect::<Vec<_>>().join(&b',');
    match content {
        Content::Cells(cells) => lossy_bytes(&join(cells.as_byte_record())),
        Content::Object(text) => text.to_string(),
        Content::Broken { raw: Raw::Cells(cells), .. } => lossy_bytes(&join(cells)),
        Content::Broken { raw: Raw::Line(line), .. } => lossy_bytes(line),
    }
}

fn lossy_bytes(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
