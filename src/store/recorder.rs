//! The recorder: what it takes goes to all outputs, and is committed by a line of the journal.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::exit;
use crate::input::record::Source;
use crate::outcome::{Finished, Tally};
use crate::seal;

use super::before::{BeforeImage, BeforeImages};
use super::chain::{Chain, Link};
use super::digest::Digest;
use super::disk::Disk;
use super::failures::{self, Failures};
use super::file::AppendFile;
use super::folder::RunFolder;
use super::journal::{self, Commit, Identity, JournalLine, Lengths, Recovered};
use super::names::{is_table, is_waiting};
use super::output::Output;
use super::results::{self, Results};
use super::rules::OutputRules;
use super::tables::Tables;

/// What a recorder leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The file with every outcome.
    pub results: PathBuf,
    /// The failures files; none when nothing failed.
    pub failures: Vec<PathBuf>,
    /// The files for spreadsheets in which all rows are.
    pub tables: Vec<PathBuf>,
    /// Why one of these could not be made of what was recorded.
    pub not_made: Option<String>,
    /// Where the chain stands.
    pub chain: Chain,
    /// The digests of files that were made when all was recorded, by their names.
    pub digests: BTreeMap<String, Digest>,
}

/// Writes outcomes to a run folder.
///
/// After an error nothing more may be recorded: the files end at the last commit.
#[derive(Debug)]
pub struct Recorder {
    disk: Box<dyn Disk>,
    outputs: Vec<Box<dyn Output>>,
    journal: AppendFile,
    before: BeforeImages,
    /// The rows of the batch.
    rows: Vec<u64>,
    tally: Tally,
    chain: Chain,
}

/// The inputs of a run in their order, which numbers the failures files, and what is left behind of
/// their rows.
type RecordedInputs<'a> = (&'a [Arc<Source>], &'a OutputRules);

/// What keeps outcomes; the files are begun, or opened at the lengths that were committed.
fn outputs(
    disk: &dyn Disk,
    (sources, rules): RecordedInputs<'_>,
    committed: Option<&Lengths>,
) -> io::Result<Vec<Box<dyn Output>>> {
    if committed.is_some() {
        encrypted_as_begun(disk)?;
    }
    let mut outputs: Vec<Box<dyn Output>> = vec![
        Box::new(Results::open(disk, rules, committed)?),
        Box::new(Failures::open(disk, sources, committed)?),
    ];
    if let Some(tables) = Tables::open(disk, sources, rules, committed)? {
        outputs.push(Box::new(tables));
    }
    Ok(outputs)
}

/// Refuses to write a run half in the open.
fn encrypted_as_begun(disk: &dyn Disk) -> io::Result<()> {
    let present = disk.lengths()?;
    let begun = present.keys().find(|name| results::is_results_file(name));
    let is_encrypted = begun.is_some_and(|name| name.ends_with(seal::EXTENSION));
    if begun.is_none() || is_encrypted == disk.recipients().is_some() {
        return Ok(());
    }
    let how = if is_encrypted {
        "with --encrypt-to: name the same recipients again"
    } else {
        "without --encrypt-to: omit it"
    };
    let why = format!("the run was begun {how}, or start a new run");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

impl Recorder {
    /// Begins the files of a run.
    pub fn new(
        folder: &RunFolder,
        recorded: RecordedInputs<'_>,
        identity: &Identity,
    ) -> Result<Self, exit::Error> {
        let disk = folder.disk().encrypted_to(recorded.1.recipients.clone());
        Self::begin(Box::new(disk), recorded, identity).map_err(exit::Error::unready)
    }

    /// Opens the files of a run: what is behind the last commit is cut off.
    pub fn resume(
        folder: &RunFolder,
        recorded: RecordedInputs<'_>,
        recovered: &Recovered,
    ) -> Result<Self, exit::Error> {
        let disk = folder.disk().encrypted_to(recorded.1.recipients.clone());
        Self::reopen(Box::new(disk), recorded, recovered).map_err(exit::Error::unready)
    }

    pub(crate) fn begin(
        disk: Box<dyn Disk>,
        recorded: RecordedInputs<'_>,
        identity: &Identity,
    ) -> io::Result<Self> {
        let begin = JournalLine::Begin(identity.clone());
        let mut recorder = Self {
            chain: Chain::begin(&serde_json::to_vec(&begin)?),
            outputs: outputs(&*disk, recorded, None)?,
            journal: AppendFile::create(&*disk, journal::NAME)?,
            before: BeforeImages::default(),
            disk,
            rows: Vec::new(),
            tally: Tally::default(),
        };
        recorder.append(std::iter::once(begin))?;
        Ok(recorder)
    }

    pub(crate) fn reopen(
        disk: Box<dyn Disk>,
        recorded: RecordedInputs<'_>,
        recovered: &Recovered,
    ) -> io::Result<Self> {
        let mut recorder = Self {
            outputs: outputs(&*disk, recorded, Some(&recovered.lengths))?,
            journal: AppendFile::reopen(&*disk, journal::NAME, recovered.whole)?,
            before: BeforeImages::reopen(&*disk)?,
            disk,
            rows: Vec::new(),
            tally: recovered.tally,
            chain: recovered.chain,
        };
        let Self { outputs, before, disk, .. } = &mut recorder;
        let files = outputs.iter_mut().flat_map(|output| output.files_mut());
        for file in files.chain(before.file_mut()) {
            let linked = recovered.linked.of(file.name());
            file.linked_to(&**disk, linked)?;
        }
        // What was about to be sent must outlive the next crash, too.
        let sent: Vec<u64> = recovered.sent.iter().copied().collect();
        recorder.sync(&sent)?;
        Ok(recorder)
    }

    /// Takes an outcome into the batch.
    pub fn record(&mut self, finished: &Finished) -> io::Result<()> {
        self.try_record(finished).inspect_err(|_| self.cut())
    }

    /// Keeps users as they are before anything is sent for them; then they are on the disk.
    pub fn keep_before(&mut self, images: &[BeforeImage<'_>]) -> io::Result<()> {
        self.before.keep(&*self.disk, images).inspect_err(|_| self.cut())
    }

    /// Ends the batch: everything recorded is handed to the system, the outputs before the
    /// line of the journal that commits them.
    pub fn commit(&mut self) -> io::Result<()> {
        self.try_commit(false).inspect_err(|_| self.cut())
    }

    /// Waits until everything committed is on the disk, and then until the journal says so there,
    /// together with the rows that are about to be sent and must not be sent twice.
    pub fn sync(&mut self, about_to_send: &[u64]) -> io::Result<()> {
        self.sync_and(about_to_send.iter().copied().map(JournalLine::Sent))
    }

    /// The same, with whatever else the journal is to say.
    fn sync_and(&mut self, lines: impl Iterator<Item = JournalLine>) -> io::Result<()> {
        self.files().try_for_each(AppendFile::sync)?;
        self.append(std::iter::once(JournalLine::Synced).chain(lines))
    }

    /// Commits, and waits until everything is on the disk; then makes what is made of the files.
    /// `complete` says that every row of the input has its outcome.
    pub fn close(mut self, complete: bool) -> io::Result<Closed> {
        self.commit()?;
        self.commit_images()?;
        self.sync(&[])?;
        let (mut tables, mut not_made) = (self.paths(is_table), None);
        let mut digests = BTreeMap::new();
        for output in &self.outputs {
            match output.derive(&*self.disk) {
                Ok(Some((name, digest))) => {
                    tables.push(self.disk.path(&name));
                    digests.insert(name, digest);
                }
                Ok(None) => {}
                Err(error) => not_made = Some(error.to_string()),
            }
        }
        // Now nothing is left to be done: a run that is killed before makes it when it is resumed.
        self.append(complete.then_some(JournalLine::Complete).into_iter())?;
        let closed = Closed {
            results: self.paths(results::is_results_file).pop().unwrap_or_default(),
            failures: self.paths(failures::is_failures_file),
            tables,
            not_made,
            chain: self.chain,
            digests,
        };
        if complete && closed.not_made.is_none() {
            self.outputs.iter_mut().for_each(|output| output.clear(&*self.disk));
        }
        Ok(closed)
    }

    /// Where the files are whose names are like that.
    fn paths(&self, is_one: fn(&str) -> bool) -> Vec<PathBuf> {
        let files = self.files().filter(|file| is_one(file.name()));
        files.map(|file| file.path().to_owned()).collect()
    }

    /// Whether files get smaller by commits that hold more.
    #[must_use]
    pub(crate) fn packs(&self) -> bool {
        self.files().any(AppendFile::is_packed)
    }

    /// The files of all outputs.
    fn files(&self) -> impl Iterator<Item = &AppendFile> {
        self.outputs.iter().flat_map(|output| output.files())
    }

    /// The files of all outputs and the journal, which comes last.
    fn all_files_mut(&mut self) -> impl Iterator<Item = &mut AppendFile> {
        let files = self.outputs.iter_mut().flat_map(|output| output.files_mut());
        files.chain(std::iter::once(&mut self.journal))
    }

    /// Appends lines to the journal and waits until they are on the disk.
    fn append(&mut self, lines: impl Iterator<Item = JournalLine>) -> io::Result<()> {
        for line in lines {
            line.write(self.journal.row()?)?;
        }
        self.commit()?;
        self.journal.sync()?;
        self.disk.sync()
    }

    fn try_record(&mut self, finished: &Finished) -> io::Result<()> {
        self.outputs.iter_mut().try_for_each(|output| output.write(finished, &*self.disk))?;
        self.rows.push(finished.record.position.row);
        self.tally.count(finished.outcome.status);
        Ok(())
    }

    /// The link of a commit of these rows.
    fn link(&mut self, rows: &str) -> io::Result<Link> {
        let files = self.outputs.iter_mut().flat_map(|output| output.files_mut());
        // Rows that wait for their workbook are gone once it is there; it has a digest of its own.
        let files = files.filter(|file| !is_waiting(file.name())).chain(self.before.file_mut());
        let link = |file: &mut AppendFile| Some((file.name().to_owned(), file.link()?));
        Ok(self.chain.link(rows, &self.tally, files.filter_map(link).collect())?)
    }

    /// Commits users whose rows were never sent, so that the chain covers all of them.
    fn commit_images(&mut self) -> io::Result<()> {
        let images = self.before.file_mut().is_some_and(|file| file.is_ahead());
        if !images {
            return Ok(());
        }
        self.try_commit(true).inspect_err(|_| self.cut())
    }

    fn try_commit(&mut self, images: bool) -> io::Result<()> {
        for output in &mut self.outputs {
            output.files_mut().try_for_each(AppendFile::flush)?;
        }
        if !self.rows.is_empty() || images {
            let length = |file: &AppendFile| (file.name().to_owned(), file.written());
            let lengths = self.files().map(length).collect();
            let rows = journal::ranges(&mut self.rows);
            let chain = self.link(&rows)?;
            let commit = Commit { rows, lengths, tally: self.tally, chain: Some(chain) };
            JournalLine::Commit(commit).write(self.journal.row()?)?;
            self.rows.clear();
        }
        self.journal.flush()?;
        // All are handed over before any counts as committed: they are cut back together.
        self.all_files_mut().for_each(AppendFile::commit);
        Ok(())
    }

    fn cut(&mut self) {
        self.all_files_mut().for_each(AppendFile::cut);
    }
}
