//! An output file: created new, readable by the owner only, appended to in batches.
//!
//! Knows three ends of the file: what is buffered, what was handed to the system, and
//! what was committed. Its errors name the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The buffer is written out when it holds this much.
const SPILL: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    written: u64,
    committed: u64,
}

impl Output {
    /// Creates the file; one that exists is an error.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        match private().create_new(true).open(&path) {
            Ok(file) => Ok(Self::over(path, file)),
            Err(error) => Err(at("create", &path, &error)),
        }
    }

    /// Goes on with a file at a length that it had before; what is behind it is dropped.
    pub(super) fn reopen(path: PathBuf, length: u64) -> io::Result<Self> {
        use std::io::{Seek, SeekFrom};

        let open = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
            Ok(file)
        };
        let file = open().map_err(|error| at("go on with", &path, &error))?;
        let mut output = Self::over(path, file);
        (output.written, output.committed) = (length, length);
        Ok(output)
    }

    /// An output over an empty file that is open.
    pub(super) fn over(path: PathBuf, file: File) -> Self {
        Self { path, file, buffer: Vec::with_capacity(SPILL), written: 0, committed: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where to append the next row.
    pub(super) fn row(&mut self) -> io::Result<&mut Vec<u8>> {
        if self.buffer.len() >= SPILL {
            self.flush()?;
        }
        Ok(&mut self.buffer)
    }

    /// Hands what is buffered to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer).map_err(|error| at("write", &self.path, &error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Declares what was flushed committed.
    pub(super) fn commit(&mut self) {
        self.committed = self.written;
    }

    /// Takes back what was not committed, as well as the system lets it.
    pub(super) fn cut(&mut self) {
        self.buffer.clear();
        // It follows another error, which is the one to report.
        let _ = self.file.set_len(self.committed);
    }

    /// How long the file is with everything handed over in.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Waits until the file is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all().map_err(|error| at("write", &self.path, &error))
    }
}

/// Options for writing a file that only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The error with the path in its text.
pub(super) fn at(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}
