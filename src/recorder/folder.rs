//! The run folder: where the files of one run are.
//!
//! It is created new, for its owner only, and never taken over from another run:
//! creating the folder, and each file in it, fails when it exists already.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::output::{at, private};
use crate::exit;
use crate::outcome::Summary;

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

/// The folder of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder. It belongs to this run alone.
    pub fn create(place: Place) -> Result<Self, exit::Error> {
        let path = match place {
            Place::Exactly(path) => exactly(&path).map(|()| path),
            Place::Under { runs, name, at } => under(&runs, &name, at),
        };
        path.map(|path| Self { path }).map_err(exit::Error::refused)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
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

/// Accepts a folder that exists and is empty.
fn take_empty(path: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(path).map_err(|error| at("use", path, &error))?;
    if entries.next().is_some() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "{} is not empty, and nothing is overwritten: name a folder that does not exist",
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

fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Waits until the folder's entries are on the disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| at("write", path, &error))?;
    }
    Ok(())
}

/// Writes `summary.json`: complete and on the disk, or not at all.
pub fn write_summary(folder: &RunFolder, summary: &Summary) -> io::Result<()> {
    let path = folder.path.join("summary.json");
    let part = folder.path.join("summary.json.part");
    let write = || {
        let mut text = serde_json::to_vec_pretty(summary)?;
        text.push(b'\n');
        let mut file = private().create(true).truncate(true).open(&part)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&part, &path)
    };
    write().map_err(|error| at("write", &path, &error))?;
    sync(&folder.path)
}
