//! A file of the run folder, appended to in batches.
//!
//! Knows three ends of the file: what is buffered, what was handed to the system, and what was
//! committed. A file whose name says so is packed. Its errors name the file.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::Appended;
use super::digest::Digester;
use super::disk::{Disk, Handle, at};
use super::pack::{self, Packer};
use crate::seal::{self, Recipients};

/// The buffer is written out when it holds this much.
const SPILL: usize = 64 * 1024;

/// What is kept of an empty buffer: many runs may go on in one process.
const KEPT: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct AppendFile {
    name: String,
    path: PathBuf,
    handle: Box<dyn Handle>,
    buffer: Vec<u8>,
    /// What packs that which is handed to the system; nothing for a plain file.
    packer: Option<Box<Packer>>,
    /// Those who alone can read it; nobody in particular for one that is not encrypted.
    recipients: Option<Recipients>,
    written: u64,
    committed: u64,
    /// The bytes behind the last link of the chain.
    unlinked: Digester,
    /// How much of the file the chain covers.
    linked: u64,
}

impl AppendFile {
    /// Creates the file; one that exists is an error.
    pub(super) fn create(disk: &dyn Disk, name: &str) -> io::Result<Self> {
        Ok(Self::over(disk, name, disk.create(name)?, 0))
    }

    /// Opens a file at a length that it had before; what is behind it is dropped.
    pub(super) fn reopen(disk: &dyn Disk, name: &str, length: u64) -> io::Result<Self> {
        Ok(Self::over(disk, name, disk.reopen(name, length)?, length))
    }

    fn over(disk: &dyn Disk, name: &str, handle: Box<dyn Handle>, length: u64) -> Self {
        // Its name without what says that it is encrypted.
        let open = name.strip_suffix(seal::EXTENSION).unwrap_or(name);
        Self {
            name: name.to_owned(),
            path: disk.path(name),
            handle,
            buffer: Vec::new(),
            packer: open.ends_with(pack::EXTENSION).then(Box::default),
            recipients: disk.recipients().filter(|_| open != name).cloned(),
            written: length,
            committed: length,
            unlinked: Digester::default(),
            linked: length,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what is appended is packed.
    pub(super) fn is_packed(&self) -> bool {
        self.packer.is_some()
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
        if self.buffer.is_empty() {
            return Ok(());
        }
        let wrapped = self.wrapped().map_err(|error| at("write", &self.path, &error))?;
        let bytes = wrapped.as_ref().unwrap_or(&self.buffer);
        self.handle.append(bytes).map_err(|error| at("write", &self.path, &error))?;
        self.written += bytes.len() as u64;
        self.unlinked.add(bytes);
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        Ok(())
    }

    /// What is buffered, packed and encrypted; nothing where it is handed over as it is.
    fn wrapped(&mut self) -> io::Result<Option<Vec<u8>>> {
        let packed = self.packer.as_mut().map(|packer| packer.pack(&self.buffer)).transpose()?;
        match &self.recipients {
            Some(recipients) => {
                let bytes = packed.as_ref().unwrap_or(&self.buffer);
                seal::seal(recipients, bytes).map(Some)
            }
            None => Ok(packed),
        }
    }

    /// What was handed to the system since the last link of the chain, if anything was.
    pub(super) fn link(&mut self) -> Option<Appended> {
        if !self.is_ahead() {
            return None;
        }
        self.linked = self.written;
        let sha256 = std::mem::take(&mut self.unlinked).finish();
        Some(Appended { to: self.written, sha256 })
    }

    /// Whether there is more in the file than the chain covers.
    pub(super) fn is_ahead(&self) -> bool {
        self.linked < self.written
    }

    /// Takes in that the chain covers so much of the file only, which was opened again.
    pub(super) fn linked_to(&mut self, disk: &dyn Disk, length: u64) -> io::Result<()> {
        if length >= self.written {
            return Ok(());
        }
        let mut file = disk.open(&self.name)?;
        io::copy(&mut file.by_ref().take(length), &mut io::sink())?;
        let mut rest = BufReader::new(file.take(self.written - length));
        loop {
            let bytes = rest.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            self.unlinked.add(bytes);
            let read = bytes.len();
            rest.consume(read);
        }
        self.linked = length;
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
        let _ = self.handle.cut(self.committed);
    }

    /// How long the file is with everything handed over in.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Waits until the file is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.handle.sync().map_err(|error| at("write", &self.path, &error))
    }
}
