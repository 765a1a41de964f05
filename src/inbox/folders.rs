//! The folders of an inbox on the disk: looking, taking, putting away. Held by one process at a time.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::claim::{Claim, ClaimNote, LONGEST_NAME, UNFINISHED, sync};
use super::sightings::{FileState, InboxFile, is_unfinished};
use crate::exit::Error;
use crate::store::disk::private;
use crate::store::{self, Place, RunFolder};

/// Where files are while they are worked on.
const WORKING: &str = "working";

/// Where files go whose run is complete.
const DONE: &str = "done";

/// Where files go that somebody has to look at.
const FAILED: &str = "failed";

/// An inbox, held by this process alone.
#[derive(Debug)]
pub(crate) struct Inbox {
    path: PathBuf,
    taken: BTreeMap<String, Claim>,
    _lock: File,
}

/// What is in an inbox.
#[derive(Debug, Default)]
pub(crate) struct InboxListing {
    /// Files to work on, complete or not.
    pub(crate) there: Vec<(InboxFile, FileState)>,
    /// What is not a file, and is left alone: its name, and why.
    pub(crate) left: Vec<(String, &'static str)>,
    /// Files that cannot be taken, and why.
    pub(crate) refused: Vec<(String, &'static str)>,
}

/// What came of taking a file.
#[derive(Debug)]
pub(crate) enum Taking {
    /// It is in this folder below the one for files that are worked on.
    Taken(String),
    /// It is gone.
    Gone,
    /// It cannot be taken: why.
    Refused(String),
}

impl Inbox {
    /// Opens an inbox, and finds the files that were taken before and not put away. `wait` waits for
    /// a process that holds it.
    ///
    /// # Errors
    ///
    /// A folder that cannot be used, and another process.
    pub(crate) fn open(path: &Path, wait: bool) -> Result<Self, Error> {
        let refuse = |why: String| Error::refused(format!("--inbox {}: {why}", path.display()));
        let failed = |error: io::Error| refuse(error.to_string());
        let whole = fs::canonicalize(path).map_err(failed)?;
        if !whole.is_dir() {
            return Err(refuse("is not a folder".to_owned()));
        }
        if whole.to_str().is_none() {
            return Err(refuse("its path is not UTF-8".to_owned()));
        }
        for name in [WORKING, DONE, FAILED] {
            make(&whole.join(name)).map_err(|error| refuse(format!("{name}: {error}")))?;
        }
        let lock = private().create(true).truncate(false).open(whole.join(WORKING).join(".lock"));
        let lock = lock.map_err(|error| refuse(format!("{WORKING}: {error}")))?;
        match (wait, lock.try_lock()) {
            (_, Ok(())) => {}
            (true, Err(TryLockError::WouldBlock)) => lock.lock().map_err(failed)?,
            (false, Err(TryLockError::WouldBlock)) => {
                return Err(Error::Busy(format!(
                    "another process works on the inbox {}; wait for it, or use --resume --wait",
                    path.display()
                )));
            }
            (_, Err(TryLockError::Error(error))) => return Err(failed(error)),
        }
        try_moves(&whole).map_err(refuse)?;
        let taken = taken_before(&whole.join(WORKING))?;
        Ok(Self { path: whole, taken, _lock: lock })
    }

    /// Where it is: absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file that is taken.
    pub(crate) fn claim(&self, folder: &str) -> Option<&Claim> {
        self.taken.get(folder)
    }

    /// Looks at what is there.
    pub(crate) fn look(&self) -> Result<InboxListing, Error> {
        let mut listing = InboxListing::default();
        let failed = |error: io::Error| stopped("read", &self.path, &error);
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let shown = name.to_string_lossy().into_owned();
            if [WORKING, DONE, FAILED].contains(&&*shown) || is_unfinished(&shown) {
                continue;
            }
            match fs::symlink_metadata(self.path.join(&name)) {
                Err(_) => {} // it is gone
                Ok(metadata) => match (no_file(&metadata), no_name(&name)) {
                    (Some(why), _) => listing.left.push((plain(&shown), why)),
                    (None, Some(why)) => listing.refused.push((plain(&shown), why)),
                    (None, None) => {
                        listing.there.push((InboxFile::Waiting(shown), state(&metadata)));
                    }
                },
            }
        }
        for (folder, claim) in &self.taken {
            let path = claim.path();
            let metadata =
                fs::symlink_metadata(&path).map_err(|error| stopped("read", &path, &error))?;
            if !metadata.is_file() {
                return Err(Error::refused(format!("{} is not a regular file", path.display())));
            }
            listing.there.push((InboxFile::Taken(folder.clone()), state(&metadata)));
        }
        Ok(listing)
    }

    /// Takes a file: from now on it is this inbox's, and has a run folder.
    ///
    /// # Errors
    ///
    /// Whatever would befall every file alike, such as a full disk.
    pub(crate) fn take(&mut self, name: &str, runs: &Path, at: Timestamp) -> Result<Taking, Error> {
        let path = self.path.join(name);
        match File::open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Taking::Gone),
            Err(error) => return Ok(Taking::Refused(format!("cannot be read: {error}"))),
        }
        let claim = self.prepare(name, runs, at)?;
        if let Err(error) = fs::rename(&path, claim.path()) {
            forget(&claim).map_err(|error| stopped("remove", claim.folder(), &error))?;
            return match error.kind() {
                io::ErrorKind::NotFound => Ok(Taking::Gone),
                io::ErrorKind::PermissionDenied => {
                    Ok(Taking::Refused(format!("cannot be moved: {error}")))
                }
                _ => Err(stopped("move", &path, &error)),
            };
        }
        for folder in [claim.folder(), &self.path] {
            sync(folder).map_err(|error| stopped("write", folder, &error))?;
        }
        let folder = name_of(claim.folder());
        self.taken.insert(folder.clone(), claim);
        Ok(Taking::Taken(folder))
    }

    /// A run folder for a file, and a folder for the file, with the note of the run in it.
    fn prepare(&self, name: &str, runs: &Path, at: Timestamp) -> Result<Claim, Error> {
        let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let run = RunFolder::create(&Place::Under { runs: runs.to_owned(), name: stem, at })?;
        let whole =
            fs::canonicalize(run.path()).map_err(|error| stopped("use", run.path(), &error))?;
        let folder = vacant(&self.path.join(WORKING), &name_of(&whole))
            .and_then(|folder| private_folder().create(&folder).map(|()| folder))
            .map_err(|error| stopped("write", &self.path.join(WORKING), &error))?;
        let file = self.path.join(name).to_string_lossy().into_owned();
        let written =
            Claim::write(folder.clone(), name.to_owned(), ClaimNote::new(file, whole, at));
        written.map_err(|error| stopped("write", &folder, &error))
    }

    /// Puts a file away with its folder: among those that are done, or among those that failed, with
    /// the reason. Where it is then.
    pub(crate) fn put_away(
        &mut self,
        folder: &str,
        reason: Option<&str>,
    ) -> Result<PathBuf, Error> {
        let Some(claim) = self.taken.get(folder) else {
            return Err(Error::Stopped(format!("{folder} was not taken")));
        };
        let failed = |error: io::Error| stopped("move", claim.folder(), &error);
        if let Some(reason) = reason {
            claim.write_reason(reason).map_err(failed)?;
        }
        let to = self.path.join(if reason.is_some() { FAILED } else { DONE });
        let target = vacant(&to, folder).map_err(failed)?;
        fs::rename(claim.folder(), &target).map_err(failed)?;
        for folder in [&to, &self.path.join(WORKING)] {
            sync(folder).map_err(failed)?;
        }
        let target = target.join(&claim.name);
        self.taken.remove(folder);
        Ok(target)
    }
}

/// What something in an inbox is that is not a file.
fn no_file(metadata: &fs::Metadata) -> Option<&'static str> {
    if metadata.is_symlink() {
        Some("is a symbolic link")
    } else if metadata.is_dir() {
        Some("is a folder")
    } else {
        (!metadata.is_file()).then_some("is not a regular file")
    }
}

/// Why a file cannot be called by its name, in notes and messages.
fn no_name(name: &OsStr) -> Option<&'static str> {
    match name.to_str() {
        None => Some("its name is not UTF-8"),
        Some(text) if text.len() > LONGEST_NAME => Some("its name is too long"),
        Some(text) if text.chars().any(char::is_control) => Some("its name has control characters"),
        Some(_) => None,
    }
}

/// A name that may be shown: whoever leaves files has chosen it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn state(metadata: &fs::Metadata) -> FileState {
    FileState {
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// Files that were taken, and not put away before a crash.
fn taken_before(working: &Path) -> Result<BTreeMap<String, Claim>, Error> {
    let mut taken = BTreeMap::new();
    let failed = |error: io::Error| stopped("read", working, &error);
    for entry in fs::read_dir(working).map_err(failed)? {
        let folder = entry.map_err(failed)?.path();
        if !folder.is_dir() {
            continue;
        }
        match Claim::read(&folder).map_err(|error| stopped("read", &folder, &error))? {
            Some(claim) if claim.path().symlink_metadata().is_ok() => {
                taken.insert(name_of(&folder), claim);
            }
            Some(claim) => {
                forget(&claim).map_err(|error| stopped("remove", claim.folder(), &error))?;
            }
            None => forget_remains(&folder)?,
        }
    }
    Ok(taken)
}

/// Removes a folder whose note was never finished, so that no file can be in it.
fn forget_remains(folder: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| stopped("remove", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !name_of(&path).starts_with(UNFINISHED) {
            return Err(Error::refused(format!(
                "{} has no note of its run, so nobody knows what was sent of it: move it to the inbox to send all of it, or elsewhere",
                path.display()
            )));
        }
        fs::remove_file(&path).map_err(failed)?;
    }
    fs::remove_dir(folder).map_err(failed)
}

/// Removes what was prepared for a file that was not taken after all.
fn forget(claim: &Claim) -> io::Result<()> {
    if let Ok(None) = store::glance(&claim.note.run) {
        store::abandon(&claim.note.run);
    }
    claim.remove()
}

/// Moves an empty file through all folders, as files will be: they can be written, and are on one file
/// system.
fn try_moves(inbox: &Path) -> Result<(), String> {
    let start = tempfile::Builder::new().prefix(".descope-bulk-").tempfile_in(inbox);
    let start = start.map_err(|error| format!("cannot be written: {error}"))?;
    let name = name_of(start.path());
    let mut at = start.into_temp_path().keep().map_err(|error| error.to_string())?;
    let mut moved = Ok(());
    for folder in [WORKING, DONE, FAILED] {
        let to = inbox.join(folder).join(&name);
        if let Err(error) = fs::rename(&at, &to) {
            moved = Err(match error.kind() {
                io::ErrorKind::CrossesDevices => format!(
                    "{folder} is on another file system, and files are moved by renaming: put it on the same one"
                ),
                _ => format!("{folder}: files cannot be moved into it: {error}"),
            });
            break;
        }
        at = to;
    }
    // What stays behind has a name that is passed over.
    let _ = fs::remove_file(at);
    moved
}

/// A folder for its owner, unless it is there.
fn make(path: &Path) -> io::Result<()> {
    match private_folder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata = fs::symlink_metadata(path)?;
            if metadata.is_dir() { Ok(()) } else { Err(io::Error::other("is not a folder")) }
        }
        made => made,
    }
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// A path in a folder that is not in use: of this name, or with a number behind it.
fn vacant(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let numbered = (2_u32..).map(|number| folder.join(format!("{name}-{number}")));
    for path in std::iter::once(folder.join(name)).chain(numbered) {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::Error::other("no name is left"))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stopped(verb: &str, path: &Path, error: &io::Error) -> Error {
    Error::Stopped(format!("cannot {verb} {}: {error}", path.display()))
}
