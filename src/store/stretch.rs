//! Stretches of the files of a run folder: what belongs to whole commits so far, read to be copied
//! elsewhere while the run goes on, and laid down again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::digest::Digester;
use super::disk::{Disk, Folder, at, private};
use super::folder::LOCK;
use super::journal::{self, JournalLine, Lengths};
use super::{before, failures, names, results};

/// What belongs to whole commits of a run that goes on.
#[derive(Debug)]
pub(crate) struct Growth {
    folder: PathBuf,
    /// How much of the journal was read.
    journal: u64,
    /// What its last commit says of the other files.
    lengths: Lengths,
    /// How much of the images is whole, by the name of their file.
    images: BTreeMap<String, u64>,
}

impl Growth {
    /// That of the run in a folder.
    pub(crate) fn of(folder: &Path) -> Self {
        let (lengths, images) = Default::default();
        Self { folder: folder.to_owned(), journal: 0, lengths, images }
    }

    /// How much of each file belongs to whole commits by now; nothing of these is ever cut back while
    /// the run goes on.
    pub(crate) fn so_far(&mut self) -> io::Result<BTreeMap<String, u64>> {
        // The journal speaks of files that are there, so it is looked at before them.
        self.read_journal()?;
        let present = Folder::new(self.folder.clone()).lengths()?;
        let mut lengths = BTreeMap::new();
        for (name, &length) in &present {
            if before::is_images_file(name) {
                let from = self.images.get(name).copied().unwrap_or(0);
                let whole = before::whole_part_behind(&self.folder.join(name), from)?;
                self.images.insert(name.clone(), whole);
                lengths.insert(name.clone(), whole);
            } else if is_kept_input(name) {
                lengths.insert(name.clone(), length);
            }
        }
        let committed = self.lengths.names().filter(|name| present.contains_key(*name));
        lengths.extend(committed.map(|name| (name.to_owned(), self.lengths.of(name))));
        lengths.insert(journal::NAME.to_owned(), self.journal);
        lengths.retain(|_, length| *length > 0);
        Ok(lengths)
    }

    /// All files of a run that is over.
    pub(crate) fn at_the_end(&self) -> io::Result<BTreeMap<String, u64>> {
        let mut lengths = Folder::new(self.folder.clone()).lengths()?;
        // What is being put in the place of a file is none yet.
        lengths.retain(|name, _| is_plain_name(name) && name.strip_suffix(".part").is_none());
        lengths.retain(|name, _| self.folder.join(name).is_file());
        Ok(lengths)
    }

    /// Reads the journal on, up to its last whole line.
    fn read_journal(&mut self) -> io::Result<()> {
        let path = self.folder.join(journal::NAME);
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(self.journal))?;
            let (mut lines, mut text) = (BufReader::new(file), Vec::new());
            while lines.read_until(b'\n', &mut text)? > 0 {
                let Some(line) = JournalLine::read(&text) else { break };
                self.journal += text.len() as u64;
                if let JournalLine::Commit(commit) = line {
                    self.lengths = commit.lengths;
                }
                text.clear();
            }
            Ok(())
        };
        read().map_err(|error: io::Error| at("read", &path, &error))
    }
}

/// Whether a file only grows while its run goes on, so that a longer one holds all of a shorter one.
pub(crate) fn only_grows(name: &str) -> bool {
    name == journal::NAME
        || results::is_results_file(name)
        || failures::is_failures_file(name)
        || names::is_table(name)
        || before::is_images_file(name)
        || names::is_waiting(name)
        || is_kept_input(name)
}

fn is_kept_input(name: &str) -> bool {
    name.strip_prefix("input-").is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Whether a name is one of a file in a run folder itself, and not of its lock.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']) && name != LOCK
}

/// The bytes of a file from a place on, so many.
pub(crate) fn read_stretch(
    folder: &Path,
    name: &str,
    from: u64,
    bytes: u64,
) -> io::Result<Vec<u8>> {
    let path = folder.join(name);
    let read = || {
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut stretch = Vec::new();
        file.take(bytes).read_to_end(&mut stretch)?;
        if stretch.len() as u64 == bytes {
            return Ok(stretch);
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than it was"))
    };
    read().map_err(|error| at("read", &path, &error))
}

/// Puts bytes into a file at a place, and nothing behind them. The file must reach up to there.
pub(crate) fn lay_down(folder: &Path, name: &str, from: u64, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    let write = || {
        let mut file = private().create(true).truncate(false).open(&path)?;
        if file.metadata()?.len() < from {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what comes before is missing"));
        }
        file.set_len(from)?;
        file.seek(SeekFrom::Start(from))?;
        file.write_all(bytes)
    };
    write().map_err(|error| at("write", &path, &error))
}

/// Removes what is not among these files, and waits until the others are on the disk.
pub(crate) fn settle(folder: &Path, is_one: impl Fn(&str) -> bool) -> io::Result<()> {
    let disk = Folder::new(folder.to_owned());
    for name in disk.lengths()?.into_keys().filter(|name| is_plain_name(name)) {
        let path = folder.join(&name);
        if is_one(&name) {
            let synced =
                OpenOptions::new().write(true).open(&path).and_then(|file| file.sync_all());
            synced.map_err(|error| at("write", &path, &error))?;
        } else {
            fs::remove_file(&path).map_err(|error| at("remove", &path, &error))?;
        }
    }
    disk.sync()
}

/// The digest, to be carried on, of the first bytes of a file; nothing where there are fewer.
pub(crate) fn digest_of_first(
    folder: &Path,
    name: &str,
    bytes: u64,
) -> io::Result<Option<Digester>> {
    let path = folder.join(name);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| at("read", &path, &error))?,
    };
    let mut digester = Digester::default();
    let (mut rest, mut reader) = (bytes, BufReader::new(file));
    while rest > 0 {
        let read = reader.fill_buf().map_err(|error| at("read", &path, &error))?;
        if read.is_empty() {
            return Ok(None);
        }
        let taken = read.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        digester.add(&read[..taken]);
        reader.consume(taken);
        rest -= taken as u64;
    }
    Ok(Some(digester))
}
