//! A file that a user asked for by name: private, never over another, and there only when whole.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Error;

/// A file in the making.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl NewFile {
    /// Begins a file, which only its owner can read. One that exists is refused.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        if path.exists() {
            return Err(Error::refused(format!(
                "{} exists, and nothing is overwritten: name another file",
                path.display()
            )));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let temporary = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
        let temporary = temporary
            .map_err(|error| Error::refused(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(temporary) })
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| cannot_write(&self.path, &error))
    }

    /// Ends the file: it is on the disk, and has its name.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let failed = |error: &io::Error| cannot_write(&self.path, error);
        let temporary = self.out.into_inner().map_err(|error| failed(error.error()))?;
        temporary.as_file().sync_all().map_err(|error| failed(&error))?;
        temporary.persist_noclobber(&self.path).map_err(|error| failed(&error.error))?;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::Stopped(format!("cannot write {}: {error}", path.display()))
}
