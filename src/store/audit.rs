//! Whether the files of a run are those that it wrote: the chain is made again from them.
//!
//! Each file is compared commit by commit, so that what was changed is found at the earliest place.
//! Whoever can write all files can make a chain anew; against that helps only what is kept elsewhere:
//! the last link, or a signature of the summary.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Serialize;

use super::chain::{Appended, Chain, Link};
use super::digest::Digester;
use super::disk::at;
use super::folder::holds_results;
use super::journal::{self, Commit, Identity, JournalLine, json_of};
use super::names::is_waiting;
use super::{before, failures, names, results};
use crate::outcome::Tally;

mod beside;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    /// The file.
    pub(crate) file: String,
    /// A stable word: `changed`, `truncated`, `appended`, `missing`, `damaged`, `foreign`, `totals`
    /// or `signature`.
    pub(crate) kind: &'static str,
    /// In words.
    pub(crate) message: String,
    /// The bytes between which it is, the first counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<(u64, u64)>,
    /// The rows that were committed with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<String>,
}

impl Finding {
    /// One about a file as a whole.
    pub(crate) fn new(file: &str, kind: &'static str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), kind, message: message.into(), bytes: None, rows: None }
    }
}

/// What the files of a run came to.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Where the chain stands, as its last commit says.
    pub(crate) chain: Chain,
    /// Rows that have their outcome.
    pub(crate) rows: u64,
    /// Whether the run is complete.
    pub(crate) complete: bool,
    /// What is not as the run wrote it.
    pub(crate) findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub(crate) notes: Vec<String>,
    /// Commits without a link.
    unlinked: u64,
}

impl Audit {
    /// Whether the run was made by a version that links commits.
    #[must_use]
    pub(crate) fn has_chain(&self) -> bool {
        self.unlinked == 0 || self.chain.links > 0
    }
}

/// Checks the files in the folder of a run. `None` when there is no run: neither a journal nor results.
///
/// # Errors
///
/// Files that cannot be read. What is damaged is a finding.
pub(crate) fn audit(folder: &Path) -> io::Result<Option<Audit>> {
    let path = folder.join(journal::NAME);
    let mut walk = JournalWalk::new(folder);
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !holds_results(folder) {
                return Ok(None);
            }
            let message = "it is gone, and nothing beside it can be checked";
            walk.find(Finding::new(journal::NAME, "missing", message));
        }
        opened => {
            let journal = opened.map_err(|error| at("read", &path, &error))?;
            walk.journal(BufReader::new(journal)).map_err(|error| at("read", folder, &error))?;
        }
    }
    match walk.identity.take() {
        Some(identity) => walk.finish(&identity).map_err(|error| at("read", folder, &error))?,
        // Nothing is held against a journal that does not say which run it is.
        None if walk.audit.findings.is_empty() => {
            if !holds_results(folder) {
                return Ok(None);
            }
            let message = "its first line does not say which run it is";
            walk.find(Finding::new(journal::NAME, "damaged", message));
        }
        None => {}
    }
    Ok(Some(walk.audit))
}

/// The way through the journal, with the files beside it.
struct JournalWalk<'a> {
    folder: &'a Path,
    identity: Option<Identity>,
    files: BTreeMap<String, Followed>,
    /// What the last commit says.
    tally: Tally,
    lengths: journal::Lengths,
    audit: Audit,
}

/// A file that is followed.
struct Followed {
    /// What reads on in it; nothing once it was found to be otherwise.
    reader: Option<BufReader<File>>,
    /// How much of it the chain covers.
    to: u64,
}

impl<'a> JournalWalk<'a> {
    fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            identity: None,
            files: BTreeMap::new(),
            tally: Tally::default(),
            lengths: journal::Lengths::default(),
            audit: Audit {
                chain: Chain::begin(&[]),
                rows: 0,
                complete: false,
                findings: Vec::new(),
                notes: Vec::new(),
                unlinked: 0,
            },
        }
    }

    fn find(&mut self, finding: Finding) {
        self.audit.findings.push(finding);
    }

    /// Reads the journal to its end.
    fn journal(&mut self, mut journal: impl BufRead) -> io::Result<()> {
        let (mut text, mut place) = (Vec::new(), 0);
        for number in 1_u64.. {
            text.clear();
            if journal.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            let from = place;
            place += text.len() as u64;
            match JournalLine::read(&text) {
                Some(JournalLine::Begin(identity)) if number == 1 => {
                    self.audit.chain = Chain::begin(json_of(&text).unwrap_or_default());
                    self.identity = Some(identity);
                }
                Some(JournalLine::Commit(commit)) => self.commit(commit, number)?,
                Some(JournalLine::Complete) => self.audit.complete = true,
                Some(JournalLine::Synced | JournalLine::Sent(_)) => {}
                None if !text.ends_with(b"\n") && !self.audit.complete => {
                    let note = "the last line of the journal is torn, as after a crash: it counts for nothing";
                    self.audit.notes.push(note.to_owned());
                }
                Some(JournalLine::Begin(_)) | None => {
                    let message =
                        format!("line {number} is damaged, and nothing behind it was looked at");
                    let bytes = Some((from, place));
                    self.find(Finding { bytes, ..Finding::new(journal::NAME, "damaged", message) });
                    break;
                }
            }
        }
        Ok(())
    }

    fn commit(&mut self, commit: Commit, line: u64) -> io::Result<()> {
        let Commit { rows, lengths, tally, chain } = commit;
        self.tally = tally;
        self.lengths = lengths;
        let Some(Link { link, files }) = chain else {
            self.audit.unlinked += 1;
            return Ok(());
        };
        let mut agrees = true;
        for (name, appended) in &files {
            self.follow(name, appended, &rows)?;
            agrees &= before::is_images_file(name) || self.lengths.of(name) == appended.to;
        }
        let follows = self.audit.chain.link(&rows, &tally, files)?;
        if follows.link != link || !agrees {
            let message = format!("line {line} does not follow from the lines before it");
            let known = self.audit.findings.iter().any(|own| own.file == journal::NAME);
            if !known {
                let rows = Some(rows).filter(|rows| !rows.is_empty());
                self.find(Finding { rows, ..Finding::new(journal::NAME, "changed", message) });
            }
            // What comes behind is held against what is stated.
            self.audit.chain.last = link;
        }
        Ok(())
    }

    /// Reads what a commit appended to a file.
    fn follow(&mut self, name: &str, appended: &Appended, rows: &str) -> io::Result<()> {
        if !is_of_a_run(name) {
            let message = format!("it names {name:?}, which is no file of a run");
            self.find(Finding::new(journal::NAME, "damaged", message));
            return Ok(());
        }
        let followed = match self.files.remove(name) {
            Some(followed) => followed,
            None => self.begin(name)?,
        };
        let (from, to) = (followed.to, appended.to);
        let mut reader = followed.reader;
        if let Some(own) = &mut reader {
            let mut part = own.take(to.saturating_sub(from));
            let mut counted = Counted { reader: &mut part, bytes: 0 };
            let digest = Digester::of(&mut counted)?;
            let read = counted.bytes;
            let told = || format!("written with the rows {rows}");
            let told = if rows.is_empty() { "written at the end".to_owned() } else { told() };
            let (kind, message) = if from + read < to {
                ("truncated", format!("it ends at byte {}, within what was {told}", from + read))
            } else {
                ("changed", format!("bytes {from} to {to} are not those {told}"))
            };
            if kind == "truncated" || digest != appended.sha256 {
                reader = None;
                let rows = (!rows.is_empty()).then(|| rows.to_owned());
                let bytes = Some((from, to));
                self.find(Finding { bytes, rows, ..Finding::new(name, kind, message) });
            }
        }
        self.files.insert(name.to_owned(), Followed { reader, to });
        Ok(())
    }

    fn begin(&mut self, name: &str) -> io::Result<Followed> {
        let reader = match File::open(self.folder.join(name)) {
            Ok(file) => Some(BufReader::with_capacity(1 << 16, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.find(Finding::new(name, "missing", "it is gone"));
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Followed { reader, to: 0 })
    }
}

/// Whether a file is one that a run writes: nothing else in its folder is looked at, and nothing
/// outside of it.
fn is_of_a_run(name: &str) -> bool {
    let is_plain = !name.contains(['/', '\\']);
    is_plain
        && (results::is_results_file(name)
            || failures::is_failures_file(name)
            || names::is_table(name)
            || before::is_images_file(name)
            || name == names::WORKBOOK)
        && !is_waiting(name)
}

/// Counts what is read.
struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
