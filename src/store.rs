//! The recorder: outcomes become the files of the run folder.
//!
//! It hides the files' formats, names and permissions, and their buffering. Rows are
//! written in batches: what [`Recorder::record`] takes is held back until
//! [`Recorder::commit`], which hands it to the system, the journal's line last. Between two
//! commits the files may hold part of a batch; a failed write, and taking the run up again,
//! cut them back to the last commit, so they always agree on the rows they hold.

pub mod bitmap;
mod failures;
mod folder;
pub mod journal;
mod object;
mod output;
mod results;
pub mod summary;
#[cfg(test)]
mod tests;
mod thread;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::exit;
use crate::input::record::Source;
use crate::outcome::{Finished, Tally};

use failures::Failures;
pub use folder::{
    Glance, Place, RunFolder, abandon, choosing, earlier, glance, summary_text, write_summary,
};
use journal::{Commit, Identity, Line, Recovered};
use output::Output;
pub use thread::spawn;

/// The name of the file with every outcome.
const RESULTS: &str = "results.jsonl";

/// The name of the file that the run can be taken up from.
const JOURNAL: &str = "journal";

/// How long the output files are, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// Of `results.jsonl`.
    pub results: u64,
    /// Of each failures file, in the order of their numbers; 0 for one not begun.
    pub failures: Vec<u64>,
}

/// What a recorder leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The file with every outcome.
    pub results: PathBuf,
    /// The failures files; none when nothing failed.
    pub failures: Vec<PathBuf>,
}

/// Writes outcomes to a run folder.
///
/// After an error nothing more may be recorded: the files end at the last commit.
#[derive(Debug)]
pub struct Recorder {
    results: Output,
    failures: Failures,
    journal: Output,
    folder: PathBuf,
    /// The rows of the batch.
    rows: Vec<u64>,
    tally: Tally,
}

impl Recorder {
    /// Begins the files of a run. The order of the sources numbers the failures files.
    pub fn new(
        folder: &RunFolder,
        sources: &[Arc<Source>],
        identity: &Identity,
    ) -> Result<Self, exit::Error> {
        let path = folder.path();
        let begin = || {
            let mut recorder = Self {
                results: Output::create(path.join(RESULTS))?,
                failures: Failures::new(path, sources),
                journal: Output::create(path.join(JOURNAL))?,
                folder: path.to_owned(),
                rows: Vec::new(),
                tally: Tally::default(),
            };
            recorder.append(std::iter::once(Line::Begin(identity.clone())))?;
            Ok(recorder)
        };
        begin().map_err(|error: io::Error| exit::Error::refused(error))
    }

    /// Goes on with the files of a run: what is behind the last commit is cut off.
    pub fn resume(
        folder: &RunFolder,
        sources: &[Arc<Source>],
        recovered: &Recovered,
    ) -> Result<Self, exit::Error> {
        let path = folder.path();
        let reopen = || {
            let results = match recovered.lengths.results {
                // It may not have been on the disk yet when the power went.
                0 if !path.join(RESULTS).exists() => Output::create(path.join(RESULTS))?,
                length => Output::reopen(path.join(RESULTS), length)?,
            };
            let mut recorder = Self {
                results,
                failures: Failures::resume(path, sources, &recovered.lengths.failures)?,
                journal: Output::reopen(path.join(JOURNAL), recovered.whole)?,
                folder: path.to_owned(),
                rows: Vec::new(),
                tally: recovered.tally,
            };
            // What was about to be sent must outlive the next crash, too.
            let sent: Vec<u64> = recovered.sent.iter().copied().collect();
            recorder.sync(&sent)?;
            Ok(recorder)
        };
        reopen().map_err(|error: io::Error| exit::Error::refused(error))
    }

    /// Takes an outcome into the batch.
    pub fn record(&mut self, finished: &Finished) -> io::Result<()> {
        self.try_record(finished).inspect_err(|_| self.cut())
    }

    /// Ends the batch: everything recorded is handed to the system, the outputs before the
    /// line of the journal that commits them.
    pub fn commit(&mut self) -> io::Result<()> {
        self.try_commit().inspect_err(|_| self.cut())
    }

    /// Waits until everything committed is on the disk, and then until the journal says so there,
    /// together with the rows that are about to be sent and must not be sent twice.
    pub fn sync(&mut self, about_to_send: &[u64]) -> io::Result<()> {
        self.sync_and(about_to_send.iter().copied().map(Line::Sent))
    }

    /// The same, with whatever else the journal is to say.
    fn sync_and(&mut self, lines: impl Iterator<Item = Line>) -> io::Result<()> {
        for output in std::iter::once(&self.results).chain(self.failures.outputs()) {
            output.sync()?;
        }
        self.append(std::iter::once(Line::Synced).chain(lines))
    }

    /// Commits, and waits until everything is on the disk. `complete` says that every row of
    /// the input has its outcome.
    pub fn close(mut self, complete: bool) -> io::Result<Closed> {
        self.commit()?;
        self.sync_and(complete.then_some(Line::Complete).into_iter())?;
        let failures = self.failures.outputs().map(|output| output.path().to_owned());
        Ok(Closed { results: self.results.path().to_owned(), failures: failures.collect() })
    }

    /// Appends lines to the journal and waits until they are on the disk.
    fn append(&mut self, lines: impl Iterator<Item = Line>) -> io::Result<()> {
        for line in lines {
            line.write(self.journal.row()?)?;
        }
        self.commit()?;
        self.journal.sync()?;
        folder::sync(&self.folder)
    }

    fn try_record(&mut self, finished: &Finished) -> io::Result<()> {
        results::write(finished, self.results.row()?)?;
        if finished.outcome.status.is_failure() {
            self.failures.write(finished)?;
        }
        self.rows.push(finished.record.position.row);
        self.tally.count(finished.outcome.status);
        Ok(())
    }

    fn try_commit(&mut self) -> io::Result<()> {
        self.results.flush()?;
        for output in self.failures.outputs_mut() {
            output.flush()?;
        }
        if !self.rows.is_empty() {
            let lengths =
                Lengths { results: self.results.written(), failures: self.failures.written() };
            let rows = journal::ranges(&mut self.rows);
            let commit = Line::Commit(Commit { rows, lengths, tally: self.tally });
            commit.write(self.journal.row()?)?;
            self.rows.clear();
        }
        self.journal.flush()?;
        // All are handed over before any counts as committed: they are cut back together.
        self.results.commit();
        self.failures.outputs_mut().for_each(Output::commit);
        self.journal.commit();
        Ok(())
    }

    fn cut(&mut self) {
        self.results.cut();
        self.failures.outputs_mut().for_each(Output::cut);
        self.journal.cut();
    }
}
