//! What is in a run folder, whoever put it there: looked at, and removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, at};
use super::folder::{KEPT_WHEN_PURGED, RunFolder};

/// An entry of a run folder: a file, or a folder with all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    /// Where it is.
    pub path: PathBuf,
    /// How many files it is.
    pub files: u64,
    /// How many bytes they hold.
    pub bytes: u64,
    is_folder: bool,
}

impl FolderEntry {
    /// What a path is; links are not followed.
    fn of(path: PathBuf) -> io::Result<Self> {
        let metadata = path.symlink_metadata().map_err(|error| at("read", &path, &error))?;
        if !metadata.is_dir() {
            return Ok(Self { path, files: 1, bytes: metadata.len(), is_folder: false });
        }
        let below = contents(&path)?;
        Ok(Self {
            path,
            files: below.iter().map(|entry| entry.files).sum(),
            bytes: below.iter().map(|entry| entry.bytes).sum(),
            is_folder: true,
        })
    }

    /// Whether it stays when a run is purged.
    #[must_use]
    pub fn is_kept_when_purged(&self) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str());
        !self.is_folder && name.is_some_and(|name| KEPT_WHEN_PURGED.contains(&name))
    }
}

/// The entries of a folder, in the order of their names.
///
/// # Errors
///
/// A folder that cannot be read.
pub fn contents(folder: &Path) -> io::Result<Vec<FolderEntry>> {
    let failed = |error: io::Error| at("read", folder, &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        match FolderEntry::of(entry.map_err(failed)?.path()) {
            // It went away meanwhile, as files of a run in progress do.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            entry => entries.push(entry?),
        }
    }
    entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

impl RunFolder {
    /// Removes everything that does not stay when a run is purged, and waits until that is on the disk.
    ///
    /// # Errors
    ///
    /// What cannot be removed; what came before it is gone.
    pub fn remove_users_data(&self) -> io::Result<Vec<FolderEntry>> {
        let mut entries = contents(self.path())?;
        entries.retain(|entry| !entry.is_kept_when_purged());
        for entry in &entries {
            let removed = if entry.is_folder {
                fs::remove_dir_all(&entry.path)
            } else {
                fs::remove_file(&entry.path)
            };
            removed.map_err(|error| at("remove", &entry.path, &error))?;
        }
        self.disk().sync()?;
        Ok(entries)
    }
}
