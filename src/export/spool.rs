//! What was read of an export so far: a private file beside the one that is wanted.
//!
//! Its first line says which users were asked for; then comes a user a line. An export goes on at the
//! last whole page.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::catalog::NAMES_A_SEARCH;
use crate::exit::Error;

/// What was read so far.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    users: u64,
}

impl Spool {
    /// Begins the file, or goes on with the one that is there.
    pub(super) fn open(
        wanted: &Path,
        filter: &Map<String, Value>,
        resume: bool,
    ) -> Result<Self, Error> {
        if wanted.exists() {
            return Err(Error::refused(format!(
                "{} exists, and nothing is overwritten: name another file",
                wanted.display()
            )));
        }
        let mut name = wanted.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let path = wanted.with_file_name(name);
        let header = json!({"_export": {"version": 1, "filter": filter}}).to_string();
        match (path.exists(), resume) {
            (true, true) => Self::reopen(path, &header),
            (true, false) => Err(Error::refused(format!(
                "{} is what an export that stopped has read: go on with --resume, or remove it",
                path.display()
            ))),
            (false, _) => Self::begin(path, &header),
        }
    }

    fn begin(path: PathBuf, header: &str) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let begin = || {
            let mut file = options.open(&path)?;
            writeln!(file, "{header}")?;
            Ok(file)
        };
        let file = begin().map_err(|error: io::Error| failed(&path, &error))?;
        Ok(Self { path, file, users: 0 })
    }

    /// Goes on behind the last whole page.
    fn reopen(path: PathBuf, header: &str) -> Result<Self, Error> {
        let read = || -> io::Result<(File, String, u64, u64)> {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let mut lines = BufReader::new(&file);
            let mut first = Vec::new();
            let mut end = lines.read_until(b'\n', &mut first)? as u64;
            let (mut users, mut whole, mut at) = (0, 0, end);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
                at += line.len() as u64;
                users += 1;
                if users % NAMES_A_SEARCH as u64 == 0 {
                    (whole, end) = (users, at);
                }
                line.clear();
            }
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            Ok((file, String::from_utf8_lossy(&first).trim_end().to_owned(), whole, end))
        };
        let (file, first, users, _) = read().map_err(|error| failed(&path, &error))?;
        if first != header {
            return Err(Error::refused(format!(
                "{} is of an export of other users: use the same filter, or remove it",
                path.display()
            )));
        }
        Ok(Self { path, file, users })
    }

    /// How many users there are.
    pub(super) fn users(&self) -> u64 {
        self.users
    }

    /// Adds users.
    pub(super) fn add(&mut self, users: &[Box<RawValue>]) -> Result<(), Error> {
        let mut text = Vec::new();
        for user in users {
            let one_line: Value = serde_json::from_str(user.get()).map_err(Error::refused)?;
            text.extend_from_slice(one_line.to_string().as_bytes());
            text.push(b'\n');
        }
        self.file.write_all(&text).map_err(|error| failed(&self.path, &error))?;
        self.users += users.len() as u64;
        Ok(())
    }

    /// Hands over all users, as objects.
    pub(super) fn read(
        &mut self,
        each: &mut dyn FnMut(Map<String, Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = |error: io::Error| failed(&self.path, &error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        for line in BufReader::new(&self.file).lines().skip(1) {
            let user: Map<String, Value> =
                serde_json::from_str(&line.map_err(failed)?).map_err(Error::refused)?;
            each(user)?;
        }
        Ok(())
    }

    /// How to go on.
    pub(super) fn advice(&self) -> String {
        format!(
            "what was read is in {}; the same command with --resume goes on",
            self.path.display()
        )
    }

    /// Removes the file, which is needed no more.
    pub(super) fn remove(self) {
        // What stays behind does no harm.
        let _ = fs::remove_file(self.path);
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::Stopped(format!("cannot write {}: {error}", path.display()))
}
