//! The recorder: outcomes become the files of the run folder.
//!
//! It hides the files' formats, names and permissions, and their buffering. Rows are
//! written in batches: what [`Recorder::record`] takes is held back until
//! [`Recorder::commit`], which hands it to the system and returns how long each file is
//! with the batch in. Between two commits the files may hold part of a batch; a failed
//! write cuts them back to the last commit, so they always agree on the rows they hold.

mod failures;
mod folder;
mod object;
mod output;
mod results;
#[cfg(test)]
mod tests;
mod thread;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::exit;
use crate::outcome::Finished;
use crate::record::Source;

use failures::Failures;
pub use failures::RAW_KEY;
pub use folder::{Place, RunFolder, write_summary};
use output::Output;
pub use thread::spawn;

/// The name of the file with every outcome.
const RESULTS: &str = "results.jsonl";

/// How long the output files are, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// How long they are.
    pub lengths: Lengths,
}

/// Writes outcomes to a run folder.
///
/// After an error nothing more may be recorded: the files end at the last commit.
#[derive(Debug)]
pub struct Recorder {
    results: Output,
    failures: Failures,
    folder: PathBuf,
}

impl Recorder {
    /// Begins the files of a run. The order of the sources numbers the failures files.
    pub fn new(folder: &RunFolder, sources: &[Arc<Source>]) -> Result<Self, exit::Error> {
        let results = Output::create(folder.path().join(RESULTS)).map_err(exit::Error::refused)?;
        Ok(Self {
            results,
            failures: Failures::new(folder.path(), sources),
            folder: folder.path().to_owned(),
        })
    }

    /// Takes an outcome into the batch.
    pub fn record(&mut self, finished: &Finished) -> io::Result<()> {
        self.try_record(finished).inspect_err(|_| self.cut())
    }

    /// Ends the batch: everything recorded is handed to the system.
    pub fn commit(&mut self) -> io::Result<Lengths> {
        self.try_commit().inspect_err(|_| self.cut())
    }

    /// Commits, and waits until everything is on the disk.
    pub fn close(mut self) -> io::Result<Closed> {
        let lengths = self.commit()?;
        for output in std::iter::once(&self.results).chain(self.failures.outputs()) {
            output.sync()?;
        }
        folder::sync(&self.folder)?;
        Ok(Closed {
            results: self.results.path().to_owned(),
            failures: self.failures.outputs().map(|output| output.path().to_owned()).collect(),
            lengths,
        })
    }

    fn try_record(&mut self, finished: &Finished) -> io::Result<()> {
        results::write(finished, self.results.row()?)?;
        if finished.outcome.status.is_failure() {
            self.failures.write(&finished.record, &finished.outcome)?;
        }
        Ok(())
    }

    fn try_commit(&mut self) -> io::Result<Lengths> {
        // All are written before any counts as committed: they are cut back together.
        self.results.flush()?;
        for output in self.failures.outputs_mut() {
            output.flush()?;
        }
        Ok(Lengths { results: self.results.commit(), failures: self.failures.commit() })
    }

    fn cut(&mut self) {
        self.results.cut();
        self.failures.outputs_mut().for_each(Output::cut);
    }
}
