//! What is behind the last commit of a run, and beside the chain: summary, workbook, kept inputs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;

use super::{Finding, Followed, JournalWalk, is_of_a_run};
use crate::input::Promise;
use crate::outcome::Status;
use crate::store::digest::{Digest, Digester};
use crate::store::folder;
use crate::store::journal::Identity;
use crate::store::names::SUMMARY;
use crate::store::summary::Summary;

impl JournalWalk<'_> {
    /// What is behind the last commit, and beside the chain.
    pub(super) fn finish(&mut self, identity: &Identity) -> io::Result<()> {
        self.audit.rows = self.tally.finished();
        let summary = self.summary()?;
        let has_ended = self.audit.complete || summary;
        self.behind(has_ended);
        self.beside()?;
        self.inputs(identity)?;
        if self.audit.unlinked > 0 {
            self.audit.notes.push(format!(
                "{} commits are of a version without a chain: their files are covered, their counts are not",
                self.audit.unlinked
            ));
        }
        Ok(())
    }

    /// What files hold behind the last commit.
    fn behind(&mut self, has_ended: bool) {
        let (mut findings, mut notes) = (Vec::new(), Vec::new());
        for (name, followed) in &self.files {
            let length = fs::metadata(self.folder.join(name)).map_or(0, |metadata| metadata.len());
            if followed.reader.is_none() || length <= followed.to {
                continue;
            }
            let more = format!("{} bytes behind byte {}", length - followed.to, followed.to);
            if has_ended {
                let bytes = Some((followed.to, length));
                let message = format!("it has {more}, which the run did not commit");
                findings.push(Finding { bytes, ..Finding::new(name, "appended", message) });
            } else {
                notes.push(format!(
                    "{name} has {more} that are not committed: the run goes on, or was killed"
                ));
            }
        }
        self.audit.findings.append(&mut findings);
        self.audit.notes.append(&mut notes);
    }

    /// Files that are called like those of a run, and are not of this one.
    fn beside(&mut self) -> io::Result<()> {
        let mut foreign = BTreeSet::new();
        for entry in fs::read_dir(self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_known = self.files.contains_key(&name) || self.lengths.of(&name) > 0;
            if is_of_a_run(&name) && !is_known && entry.metadata()?.len() > 0 {
                foreign.insert(name);
            }
        }
        // Without a commit, and without an end, files may just have been begun.
        if self.audit.chain.links == 0 && !self.audit.complete {
            return Ok(());
        }
        for name in foreign {
            self.find(Finding::new(&name, "foreign", "the run did not write it"));
        }
        Ok(())
    }

    /// Inputs that were kept are those of the run.
    fn inputs(&mut self, identity: &Identity) -> io::Result<()> {
        for (index, input) in identity.inputs.iter().enumerate() {
            let name = folder::kept_name(index);
            let path = self.folder.join(&name);
            let is_stream = input.is_kept();
            match Promise::of(&path) {
                Ok(promise) if promise.fingerprint == input.fingerprint => {}
                Ok(_) if is_stream => {
                    self.find(Finding::new(&name, "changed", "it is not the input that was read"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && is_stream => {
                    self.find(Finding::new(&name, "missing", "the input that was kept is gone"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(_) => self.find(Finding::new(&name, "foreign", "the run did not write it")),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Holds the summary against the journal; whether there is one.
    fn summary(&mut self) -> io::Result<bool> {
        let text = match fs::read_to_string(self.folder.join(SUMMARY)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.audit.complete {
                    let message =
                        "it is gone, though the run is complete: its totals cannot be checked";
                    self.find(Finding::new(SUMMARY, "missing", message));
                } else {
                    let note = "there is no summary: the run goes on, or was killed";
                    self.audit.notes.push(note.to_owned());
                }
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(error),
        };
        match Summary::parse(&text) {
            Ok(summary) => self.hold(&summary)?,
            Err(error) => {
                let message = format!("it cannot be read: {error}");
                self.find(Finding::new(SUMMARY, "damaged", message));
            }
        }
        Ok(true)
    }

    fn hold(&mut self, summary: &Summary) -> io::Result<()> {
        let mut wrong = Vec::new();
        for status in Status::ALL {
            let (told, is) = (summary.tally.of(status), self.tally.of(status));
            if told != is {
                wrong.push(format!(
                    "{} rows are {}, and the journal has {is}",
                    told,
                    status.word()
                ));
            }
        }
        if !summary.tally.balances() || !summary.balanced {
            wrong.push("its totals do not add up".to_owned());
        }
        if summary.complete != self.audit.complete {
            wrong.push("it says otherwise than the journal whether the run is complete".to_owned());
        }
        if !wrong.is_empty() {
            self.find(Finding::new(SUMMARY, "totals", wrong.join("; ")));
        }
        let Some(chain) = &summary.chain else {
            let message = "it has no chain, and the journal has one";
            self.find(Finding::new(SUMMARY, "changed", message));
            return Ok(());
        };
        let journal = self.audit.chain;
        if (chain.links, chain.last) != (journal.links, journal.last) {
            let message = format!(
                "it tells of {} links, the last of them {}, and the journal has {}, the last of them {}",
                chain.links, chain.last, journal.links, journal.last
            );
            self.find(Finding::new(SUMMARY, "changed", message));
        }
        for (name, digest) in &chain.files {
            self.made(name, digest)?;
        }
        Ok(())
    }

    /// A file that was made when the run ended.
    fn made(&mut self, name: &str, digest: &Digest) -> io::Result<()> {
        if !is_of_a_run(name) {
            let message = format!("it names {name:?}, which is no file of a run");
            self.find(Finding::new(SUMMARY, "damaged", message));
            return Ok(());
        }
        match File::open(self.folder.join(name)).and_then(Digester::of) {
            Ok(own) if own == *digest => {}
            Ok(_) => self.find(Finding::new(name, "changed", "it is not as it was made")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.find(Finding::new(name, "missing", "it is gone"));
            }
            Err(error) => return Err(error),
        }
        self.files.insert(name.to_owned(), Followed { reader: None, to: 0 });
        Ok(())
    }
}
