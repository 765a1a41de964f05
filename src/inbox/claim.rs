//! A file that was taken, and the note beside it that says which run is its own.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the note's format.
const VERSION: u32 = 1;

/// What the name of a note ends with, behind that of its file.
const NOTE: &str = ".run.json";

/// What the name of a reason ends with, behind that of its file.
const REASON: &str = ".reason.txt";

/// What the names of notes and reasons begin with that are not written yet.
pub(super) const UNFINISHED: &str = ".unfinished-";

/// The most bytes that a note may have.
const LARGEST_NOTE: u64 = 1 << 16;

/// The longest name, in bytes, that leaves room for both.
pub(super) const LONGEST_NAME: usize = 240;

/// A file that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The folder that it is in.
    folder: PathBuf,
    /// Its name.
    pub(crate) name: String,
    /// What is written beside it.
    pub(crate) note: ClaimNote,
}

/// What is written beside a file that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimNote {
    version: u32,
    /// Where the file was left for us: absolute.
    pub(crate) file: String,
    /// The folder of its run: absolute.
    pub(crate) run: PathBuf,
    /// When it was taken.
    pub(crate) taken_at: Timestamp,
}

impl ClaimNote {
    /// One for a file and its run.
    pub(super) fn new(file: String, run: PathBuf, taken_at: Timestamp) -> Self {
        Self { version: VERSION, file, run, taken_at }
    }

    /// The note that a file holds, if it is one about a file of this name.
    fn read(path: &Path, name: &str) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        fs::File::open(path)?.take(LARGEST_NOTE).read_to_end(&mut text)?;
        let note = serde_json::from_slice::<Self>(&text).ok();
        Ok(note.filter(|note| Path::new(&note.file).file_name().is_some_and(|own| own == name)))
    }
}

impl Claim {
    /// Writes down, on the disk, which run a file will have. The file is not there yet.
    pub(super) fn write(folder: PathBuf, name: String, note: ClaimNote) -> io::Result<Self> {
        let claim = Self { folder, name, note };
        let text = serde_json::to_vec_pretty(&claim.note)?;
        write_whole(&claim.beside(NOTE), &text)?;
        sync(&claim.folder)?;
        Ok(claim)
    }

    /// The file that was taken into a folder; `None` where there is no note of any.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?.file_name().to_string_lossy().into_owned();
            let Some(name) = entry.strip_suffix(NOTE) else { continue };
            // The file that was taken may have such a name itself.
            if let Some(note) = ClaimNote::read(&folder.join(&entry), name)? {
                return Ok(Some(Self { folder: folder.to_owned(), name: name.to_owned(), note }));
            }
        }
        Ok(None)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes beside the file why it could not be worked on.
    pub(super) fn write_reason(&self, reason: &str) -> io::Result<()> {
        write_whole(&self.beside(REASON), format!("{reason}\n").as_bytes())
    }

    /// Removes what was written down for a file that never came.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.beside(NOTE))?;
        fs::remove_dir(&self.folder)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.name))
    }
}

/// Writes a file that only its owner can read: whole and on the disk, or not at all.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Nothing that is taken has a name that begins with a dot.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
