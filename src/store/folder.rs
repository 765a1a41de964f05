//! The run folder: where the files of one run are.
//!
//! It is created new, for its owner only, and never taken over from another run:
//! creating the folder, and each file in it, fails when it exists already.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::before;
use super::disk::{Disk, Folder, at, private, replace};
use super::journal::{self, Identity, JournalLine, Recovered};
use super::marks::{PURGED, is_not_there, refuse_purged};
use super::names::{SIGNATURE, SUMMARY, WORKBOOK};
use super::results;
use super::summary::Summary;

use crate::exit;
use crate::outcome::Tally;

/// Where the run folder is to be.
#[derive(Clone, Debug)]
pub enum Place {
    /// Exactly here: nothing, or an empty folder.
    Exactly(PathBuf),
    /// In the folder of all runs, named after the input and the time.
    Under {
        /// The folder of all runs.
        runs: PathBuf,
        /// The input's name without folders and extension.
        name: String,
        /// When the run began.
        at: Timestamp,
    },
}

/// The folder of one run, held by this process alone.
///
/// It is held by a lock on a file in it, which the system releases when the process is gone,
/// however it went: there is nothing stale to clean up.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

/// The file whose lock says that a process holds the run.
pub(super) const LOCK: &str = "lock";

/// The files that stay when a run is purged. Whatever else is in its folder may hold users' data.
pub const KEPT_WHEN_PURGED: [&str; 3] = [PURGED, SUMMARY, LOCK];

/// The beginning of the names of files in which inputs are kept.
const KEPT: &str = "input-";

/// The most bytes that the first line of a journal may have: it lists inputs and settings.
const MAX_FIRST_LINE: u64 = 16 << 20;

/// What can be told of a run at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Which run it is.
    pub identity: Identity,
    /// Whether every row has its outcome.
    pub complete: bool,
}

impl RunFolder {
    /// Creates the folder. It belongs to this run alone.
    pub fn create(place: &Place) -> Result<Self, exit::Error> {
        if let Place::Exactly(path) = place
            && path.join(LOCK).exists()
        {
            // A process that holds it is told apart from a folder that merely holds something.
            drop(Self::hold(path.clone())?);
        }
        let path = match place {
            Place::Exactly(path) => exactly(path).map(|()| path.clone()),
            Place::Under { runs, name, at } => under(runs, name, *at),
        };
        let path = path.map_err(exit::Error::unready)?;
        Self::hold(path)
    }

    /// Takes hold of the folder of an earlier run. `wait` waits for a process that holds it;
    /// this blocks.
    ///
    /// Refused, and left as it is, when it is no run folder: neither empty nor ever held.
    pub fn open(path: PathBuf, wait: bool) -> Result<Self, exit::Error> {
        if !path.join(LOCK).exists() {
            take_empty(&path).map_err(exit::Error::unready)?;
        }
        if wait {
            let lock = lock_file(&path.join(LOCK))?;
            lock.lock().map_err(|error| exit::Error::unready(at("lock", &path, &error)))?;
            return Ok(Self { path, _lock: lock });
        }
        Self::hold(path)
    }

    fn hold(path: PathBuf) -> Result<Self, exit::Error> {
        let lock = lock_file(&path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(exit::Error::Busy(format!(
                "another process holds the run in {}; wait for it, or use --resume --wait",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(exit::Error::unready(at("lock", &path, &error))),
        }
    }

    /// What the journal tells, as far as the output files bear it out. `None` when the run got
    /// no further than its folder; a journal that is damaged or gone is an error.
    pub fn recover(&self) -> io::Result<Option<Recovered>> {
        if first_line(&self.path)?.is_none() {
            return Ok(None);
        }
        let path = self.path.join(journal::NAME);
        let opened = File::open(&path).map_err(|error| at("read", &path, &error))?;
        let journal = BufReader::new(opened);
        let files = self.disk().lengths()?;
        journal::recover(journal, |lengths| lengths.are_held_by(&files)).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => io::Error::new(
                error.kind(),
                format!(
                    "the run in {} cannot be resumed: {error}\n  restore the files as they were, or move the folder away to start a new run",
                    self.path.display()
                ),
            ),
            _ => at("read", &path, &error),
        })
    }

    /// Begins a file, for its owner only; one that exists is an error.
    pub fn begin_file(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        private().create_new(true).open(&path).map_err(|error| at("create", &path, &error))
    }

    /// Begins a journal that tells the same as another, and waits until it is on the disk. Without
    /// it the folder holds no run; so it comes last.
    pub(crate) fn begin_journal(&self, told: &Recovered) -> io::Result<()> {
        let text = journal::retell(told)?;
        let mut file = self.begin_file(journal::NAME)?;
        file.write_all(&text)?;
        file.sync_all()
    }

    /// Where an input that can be read only once is kept; the first has index 0.
    #[must_use]
    pub fn kept(&self, index: usize) -> PathBuf {
        self.path.join(kept_name(index))
    }

    /// Copies an input that can be read only once into the folder; then it is on the disk.
    pub fn keep(&self, index: usize, mut stream: impl Read) -> io::Result<()> {
        let path = self.kept(index);
        let mut copy = || {
            let mut file = private().create_new(true).open(&path)?;
            io::copy(&mut stream, &mut file)?;
            file.sync_all()
        };
        copy().map_err(|error| at("keep the input in", &path, &error))
    }

    /// Clears away the beginnings of a run that sent nothing. When the folder holds anything
    /// else, that is an error, and nothing is removed.
    pub fn clear(&self) -> io::Result<()> {
        clear(&self.path)
    }

    /// Removes the summary of an earlier part of the run and what was made with it, which are true
    /// no more.
    pub fn forget_summary(&self) -> io::Result<()> {
        [SUMMARY, SIGNATURE, WORKBOOK].into_iter().try_for_each(|name| self.remove_file(name))
    }

    /// Removes the summary alone.
    pub fn remove_summary(&self) -> io::Result<()> {
        self.remove_file(SUMMARY)
    }

    /// Removes a file, if there is one.
    fn remove_file(&self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if !is_not_there(&error) => Err(at("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    /// Removes the folder of a run that was refused before it began.
    pub fn remove(self) {
        abandon(&self.path);
    }

    /// Its files.
    pub(super) fn disk(&self) -> Folder {
        Folder::new(self.path.clone())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The name of a kept input; the first has index 0.
pub(super) fn kept_name(index: usize) -> String {
    format!("{KEPT}{}", index + 1)
}

/// Removes the folder of a run that never began.
pub fn abandon(folder: &Path) {
    // What stays behind does no harm: it is recognised as a run that never began.
    if clear(folder).is_ok() {
        let _ = fs::remove_file(folder.join(LOCK));
        let _ = fs::remove_dir(folder);
    }
}

fn clear(folder: &Path) -> io::Result<()> {
    let failed = |error: io::Error| at("read", folder, &error);
    let mut ours = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_prefix(KEPT).filter(|rest| rest.parse::<u32>().is_ok());
        let ours_by_name = name == journal::NAME
            || before::is_images_file(&name)
            || results::is_results_file(&name);
        if ours_by_name || number.is_some() {
            ours.push(path);
        } else if name != LOCK {
            return Err(io::Error::other(format!(
                "{} is not part of a run, so its folder is left as it is: name another folder",
                path.display()
            )));
        }
    }
    ours.iter()
        .try_for_each(|path| fs::remove_file(path).map_err(|error| at("remove", path, &error)))
}

/// The folders of earlier runs of an input of this name, the latest first.
pub fn earlier(runs: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let stem = format!("{}-", tame(name));
    let mut folders = Vec::new();
    for entry in fs::read_dir(runs).map_err(|error| at("read", runs, &error))? {
        let entry = entry.map_err(|error| at("read", runs, &error))?;
        if entry.file_name().to_string_lossy().starts_with(&stem) {
            folders.push(entry.path());
        }
    }
    folders.sort_unstable_by(|a, b| b.cmp(a));
    Ok(folders)
}

/// What the journal in a folder tells, whatever the output files hold. `None` when there is no run, or
/// one that got no further than its folder.
pub fn read_journal(folder: &Path) -> io::Result<Option<Recovered>> {
    if first_line(folder)?.is_none() {
        return Ok(None);
    }
    let path = folder.join(journal::NAME);
    let read = File::open(&path).and_then(|file| journal::recover(BufReader::new(file), |_| true));
    read.map_err(|error| at("read", &path, &error))
}

/// The summary in the folder of a run that is over.
pub fn read_summary(folder: &Path) -> io::Result<Summary> {
    let path = folder.join(SUMMARY);
    let summary = fs::read_to_string(&path).and_then(|text| Summary::parse(&text));
    summary.map_err(|error| at("read", &path, &error))
}

/// The summary in the folder of a run; nothing where there is none, as of one that was killed.
///
/// # Errors
///
/// A summary that cannot be read.
pub fn summary_if_any(folder: &Path) -> io::Result<Option<Summary>> {
    match read_summary(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// What became of the rows of a run that is finished: from its summary, or from its journal where
/// that is gone.
pub fn finished_tally(folder: &Path) -> io::Result<Tally> {
    if let Ok(summary) = read_summary(folder) {
        return Ok(summary.tally);
    }
    let path = folder.join(journal::NAME);
    let recovered =
        File::open(&path).and_then(|file| journal::recover(BufReader::new(file), |_| true));
    let recovered = recovered.map_err(|error| at("read", &path, &error))?;
    Ok(recovered.map(|recovered| recovered.tally).unwrap_or_default())
}

/// Which run is in a folder, from the first line of its journal. `None` when there is no run,
/// or one that got no further than its folder.
///
/// The first line is on the disk before anything is sent. So one that is whole and makes no
/// sense, or is missing beside results, is damage, and the rows must not be taken for unsent.
/// Of a run that was purged there is nothing to tell: an error, which says so.
fn first_line(folder: &Path) -> io::Result<Option<Identity>> {
    refuse_purged(folder)?;
    let path = folder.join(journal::NAME);
    let mut first = Vec::new();
    match File::open(&path) {
        Ok(file) => {
            let mut journal = BufReader::new(file.take(MAX_FIRST_LINE));
            journal.read_until(b'\n', &mut first).map_err(|error| at("read", &path, &error))?;
        }
        Err(error) if is_not_there(&error) => {}
        Err(error) => return Err(at("read", &path, &error)),
    }
    if let Some(begun) = journal::recover(first.as_slice(), |_| true)? {
        return Ok(Some(begun.identity));
    }
    if first.ends_with(b"\n") || holds_results(folder) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the journal of the run in {} is damaged or gone, so there is no record of what was sent\n  \
                 restore it, or move the folder away to start a new run",
                folder.display()
            ),
        ));
    }
    Ok(None)
}

/// Whether a run has left results in a folder, whatever its journal says.
pub(super) fn holds_results(folder: &Path) -> bool {
    let holds =
        |name: &str| fs::metadata(folder.join(name)).is_ok_and(|metadata| metadata.len() > 0);
    folder.join(LOCK).exists() && results::all_names().any(|name| holds(&name))
}

/// What can be told of the run in a folder at a glance, without holding it. `None` when there
/// is no run, or one that got no further than its folder.
pub fn glance(folder: &Path) -> io::Result<Option<Glance>> {
    let Some(identity) = first_line(folder)? else { return Ok(None) };
    let path = folder.join(journal::NAME);
    let read = || {
        let mut file = File::open(&path)?;
        let mut last = Vec::new();
        JournalLine::Complete.write(&mut last)?;
        let from = file.metadata()?.len().saturating_sub(last.len() as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.take(last.len() as u64).read_to_end(&mut end)?;
        Ok(Some(Glance { identity, complete: end == last }))
    };
    read().map_err(|error| at("read", &path, &error))
}

/// The same of a folder that must hold a run.
pub(crate) fn glance_at_run(folder: &Path) -> Result<Glance, exit::Error> {
    glance(folder).map_err(exit::Error::refused)?.ok_or_else(|| no_run_in(folder))
}

/// What the journal in a folder tells that must hold a run.
pub(crate) fn journal_of_run(folder: &Path) -> Result<Recovered, exit::Error> {
    read_journal(folder).map_err(exit::Error::refused)?.ok_or_else(|| no_run_in(folder))
}

/// Refuses a folder without a run.
pub(crate) fn no_run_in(folder: &Path) -> exit::Error {
    exit::Error::refused(format!(
        "{}: there is no run here: name the folder of a run",
        folder.display()
    ))
}

/// Makes a run folder as a whole, or not at all: where filling it fails, what was made goes again. A
/// folder that was there before stays, and is empty as it was.
///
/// # Errors
///
/// A place that is taken, and what filling says.
pub(crate) fn make_whole<T>(
    path: &Path,
    fill: impl FnOnce(&RunFolder) -> Result<T, exit::Error>,
) -> Result<T, exit::Error> {
    let was_there = path.exists();
    let folder = RunFolder::create(&Place::Exactly(path.to_owned()))?;
    fill(&folder).inspect_err(|_| {
        // Half of it is of no use, and does no harm where it cannot be removed.
        let _ = if was_there { remove_contents(path) } else { fs::remove_dir_all(path) };
    })
}

fn remove_contents(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

fn exactly(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| at("create", parent, &error))?;
    }
    match make(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => take_empty(path),
        made => made.map_err(|error| at("create", path, &error)),
    }
}

/// Accepts a folder that exists and is empty; a lock without a run is nothing.
fn take_empty(path: &Path) -> io::Result<()> {
    let entries = fs::read_dir(path).map_err(|error| at("use", path, &error))?;
    let taken = |entry: io::Result<fs::DirEntry>| entry.map_or(true, |e| e.file_name() != LOCK);
    if entries.into_iter().any(taken) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "{} is not empty, and nothing is overwritten: name a folder that does not exist, or use --resume with a folder that holds a run",
                path.display()
            ),
        ));
    }
    // On a mounted volume the folder may belong to another; the files are private all the same.
    #[cfg(unix)]
    let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700));
    Ok(())
}

fn under(runs: &Path, name: &str, time: Timestamp) -> io::Result<PathBuf> {
    fs::create_dir_all(runs).map_err(|error| at("create", runs, &error))?;
    let stem = format!("{}-{}", tame(name), time.strftime("%Y%m%dT%H%M%SZ"));
    let mut path = runs.join(&stem);
    for suffix in 2_u32.. {
        match make(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = runs.join(format!("{stem}-{suffix}"));
            }
            made => {
                made.map_err(|error| at("create", &path, &error))?;
                break;
            }
        }
    }
    Ok(path)
}

/// The name as part of a file name: in one folder, visible, and not too long.
fn tame(name: &str) -> String {
    let tamed: String = name
        .chars()
        .take(50)
        .map(|c| match c {
            '/' | '\\' | ':' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    match tamed.trim_start_matches('.') {
        "" => "input".to_owned(),
        visible => visible.to_owned(),
    }
}

/// The file of a lock, held by nobody yet.
fn lock_file(path: &Path) -> Result<File, exit::Error> {
    let open = private().create(true).truncate(false).open(path);
    open.map_err(|error| exit::Error::unready(at("open", path, &error)))
}

/// Waits until no other process chooses among the runs in a folder, and keeps others from it
/// until the lock is dropped. This blocks, for as long as choosing takes.
pub fn choosing(runs: &Path) -> Result<File, exit::Error> {
    let refuse = |error: io::Error| exit::Error::unready(at("lock", runs, &error));
    fs::create_dir_all(runs).map_err(|error| exit::Error::unready(at("create", runs, &error)))?;
    let lock = lock_file(&runs.join(".lock"))?;
    lock.lock().map_err(refuse)?;
    Ok(lock)
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes `summary.json`: complete and on the disk, or not at all.
pub fn write_summary(folder: &RunFolder, summary: &Summary) -> io::Result<()> {
    replace(&folder.path, SUMMARY, &serde_json::to_vec_pretty(summary)?)
}
