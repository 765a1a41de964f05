//! Where the files of a run are kept: a folder; in tests, memory that fails on demand.

#[cfg(test)]
pub(crate) mod memory;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::seal::{self, Recipients};

/// The place of a run's files. Errors name the file.
pub(crate) trait Disk: Debug + Send {
    /// Those who alone can read what is written about users; nothing where it is not encrypted.
    fn recipients(&self) -> Option<&Recipients> {
        None
    }

    /// What a file about users is called: encrypted ones say so.
    fn named(&self, name: &str) -> String {
        let extension = self.recipients().map_or("", |_| seal::EXTENSION);
        format!("{name}{extension}")
    }

    /// Where a file is, for people.
    fn path(&self, name: &str) -> PathBuf;

    /// Creates a file; one that exists is an error.
    fn create(&self, name: &str) -> io::Result<Box<dyn Handle>>;

    /// Opens a file to append at a length that it had before; what is behind it is dropped.
    fn reopen(&self, name: &str, length: u64) -> io::Result<Box<dyn Handle>>;

    /// Opens a file to read it.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read>>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The files that are there, with their lengths in bytes.
    fn lengths(&self) -> io::Result<BTreeMap<String, u64>>;

    /// Waits until the names of the files are on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// An open file. Errors do not name it.
pub(crate) trait Handle: Debug + Send {
    /// Appends all of it.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to a length.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Waits until the content is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    recipients: Option<Recipients>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, recipients: None }
    }

    /// The same, with files about users encrypted to somebody.
    pub(super) fn encrypted_to(self, recipients: Option<Recipients>) -> Self {
        Self { recipients, ..self }
    }
}

impl Disk for Folder {
    fn recipients(&self) -> Option<&Recipients> {
        self.recipients.as_ref()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Handle>> {
        let path = self.path(name);
        match private().create_new(true).open(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(at("create", &path, &error)),
        }
    }

    fn reopen(&self, name: &str, length: u64) -> io::Result<Box<dyn Handle>> {
        let path = self.path(name);
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
            Ok(file)
        };
        open().map(|file| Box::new(file) as _).map_err(|error| at("open", &path, &error))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let path = self.path(name);
        let opened = File::open(&path).map(|file| Box::new(file) as _);
        opened.map_err(|error| at("read", &path, &error))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        fs::remove_file(&path).map_err(|error| at("remove", &path, &error))
    }

    fn lengths(&self) -> io::Result<BTreeMap<String, u64>> {
        let length = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.metadata()?.len()))
        };
        let entries = fs::read_dir(&self.path).and_then(|entries| entries.map(length).collect());
        entries.map_err(|error| at("read", &self.path, &error))
    }

    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            File::open(&self.path)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| at("write", &self.path, &error))?;
        }
        Ok(())
    }
}

impl Handle for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A file without a name in the system's folder for such, for what does not fit into memory: it is gone with
/// the process.
pub(crate) fn unnamed_file() -> io::Result<File> {
    tempfile::tempfile().map_err(|error| {
        let folder = std::env::temp_dir();
        let why = format!(
            "cannot make a temporary file in {}: {error}; name a folder that can be written in TMPDIR",
            folder.display()
        );
        io::Error::new(error.kind(), why)
    })
}

/// Options for writing a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Puts a file in the place of one of its name: complete and on the disk, or not at all.
pub(crate) fn replace(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
    let write = || {
        let mut file = private().create(true).truncate(true).open(&part)?;
        file.write_all(text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&part, &path)
    };
    write().map_err(|error| at("write", &path, &error))?;
    Folder::new(folder.to_owned()).sync()
}

/// The error with the path in its text.
pub(crate) fn at(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}
