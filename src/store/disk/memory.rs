//! A disk in memory, for tests: it fills up, and loses what was not synced, on demand.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, Handle};

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// How many bytes may still be written; without it, any number.
    room: Option<usize>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// How much of it outlives a power failure.
    durable: usize,
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it fill up after some more bytes; `None` makes room again.
    pub(crate) fn room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    /// The power fails: of what was not synced, each file keeps what `keep` says of its bytes.
    pub(crate) fn lose_power(&self, mut keep: impl FnMut(usize) -> usize) {
        for content in self.state().files.values_mut() {
            let unsynced = content.bytes.len() - content.durable;
            let kept = content.durable + keep(unsynced).min(unsynced);
            content.bytes.truncate(kept);
            content.durable = kept;
        }
    }

    /// What a file holds; nothing for one that is not there.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        self.state().files.get(name).map(|content| content.bytes.clone()).unwrap_or_default()
    }
}

impl Disk for MemoryDisk {
    fn path(&self, name: &str) -> PathBuf {
        name.into()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Handle>> {
        let mut state = self.state();
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), Content::default());
        Ok(Box::new(MemoryFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn reopen(&self, name: &str, length: u64) -> io::Result<Box<dyn Handle>> {
        let mut file = MemoryFile { disk: self.clone(), name: name.to_owned() };
        file.cut(length)?;
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(io::Cursor::new(self.read(name))))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().files.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn lengths(&self) -> io::Result<BTreeMap<String, u64>> {
        let state = self.state();
        let length =
            |(name, content): (&String, &Content)| (name.clone(), content.bytes.len() as u64);
        Ok(state.files.iter().map(length).collect())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    name: String,
}

impl MemoryFile {
    fn change<T>(&self, how: impl FnOnce(&mut Content) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        state.files.get_mut(&self.name).map(how).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Handle for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.disk.state().room;
        let fits = room.unwrap_or(usize::MAX).min(bytes.len());
        self.change(|content| content.bytes.extend_from_slice(&bytes[..fits]))?;
        self.disk.room(room.map(|room| room - fits));
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.change(|content| {
            content.bytes.resize(length, 0);
            content.durable = content.durable.min(length);
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.change(|content| content.durable = content.bytes.len())
    }
}
