//! Lines of several shards as one file, in the order of their times: that of completion, which is the
//! order that results and before-images have in any run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use jiff::Timestamp;
use serde::Deserialize;

use super::shard_run::ShardRun;
use crate::exit::Error;
use crate::outcome::Tally;
use crate::store::bitmap::RowSet;
use crate::store::results::ResultLine;
use crate::store::{self, RESULTS, RunFolder, before};

/// What was written of the results.
#[derive(Default)]
pub(super) struct MergedRows {
    /// The rows.
    pub(super) rows: RowSet,
    /// What became of them.
    pub(super) tally: Tally,
}

/// A line, and what it is ordered by.
struct TimedLine {
    at: Timestamp,
    text: Vec<u8>,
}

/// Writes the results of all shards.
///
/// # Errors
///
/// Results that cannot be read, that are not there, or in which a row is twice.
pub(super) fn results(shards: &[ShardRun], folder: &RunFolder) -> Result<MergedRows, Error> {
    let mut written = MergedRows::default();
    let mut take = |own: &ShardRun, text: &str| {
        let line = ResultLine::parse(text)?;
        // What was written and never committed is done again when the shard is resumed.
        if !own.recovered.finished.contains(line.row) {
            return Ok(None);
        }
        if !written.rows.insert(line.row) {
            return Err(io::Error::other(format!("row {} is there twice", line.row)));
        }
        written.tally.count(line.status);
        Ok(Some(line.finished_at))
    };
    merge(shards, folder, RESULTS, &mut take)?;
    Ok(written)
}

/// Writes the before-images of all shards, if there are any.
///
/// # Errors
///
/// Images that cannot be read.
pub(super) fn before(shards: &[ShardRun], folder: &RunFolder) -> Result<(), Error> {
    /// What a before-image is ordered by.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ReadAt {
        read_at: Timestamp,
    }
    if !shards.iter().any(|own| own.folder.join(before::NAME).exists()) {
        return Ok(());
    }
    merge(shards, folder, before::NAME, &mut |_, text| {
        Ok(Some(serde_json::from_str::<ReadAt>(text)?.read_at))
    })
}

/// Says of a line of a shard when it was written; `None` for one that is left out.
type Take<'a> = &'a mut dyn FnMut(&ShardRun, &str) -> io::Result<Option<Timestamp>>;

fn merge(shards: &[ShardRun], folder: &RunFolder, name: &str, take: Take<'_>) -> Result<(), Error> {
    let cannot = |error: io::Error| Error::Stopped(format!("cannot write {name}: {error}"));
    let mut to = BufWriter::with_capacity(1 << 16, folder.begin_file(name).map_err(cannot)?);
    let mut files: Vec<_> =
        shards.iter().map(|own| ShardLines::open(own, name)).collect::<Result<_, _>>()?;
    let mut heads = BinaryHeap::new();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for (index, file) in files.iter_mut().enumerate() {
        let line = file.next(take)?;
        heads.extend(line.as_ref().map(|line| Reverse((line.at, index))));
        lines.push(line.map(|line| line.text).unwrap_or_default());
    }
    while let Some(Reverse((_, index))) = heads.pop() {
        to.write_all(&lines[index]).map_err(cannot)?;
        if let Some(line) = files[index].next(take)? {
            heads.push(Reverse((line.at, index)));
            lines[index] = line.text;
        }
    }
    let file = to.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.sync_all().map_err(cannot)
}

/// The lines of a file of a shard.
struct ShardLines<'a> {
    own: &'a ShardRun,
    name: &'a str,
    number: u64,
    /// Nothing where there is no such file, and behind its end.
    lines: Option<Box<dyn BufRead>>,
}

impl<'a> ShardLines<'a> {
    fn open(own: &'a ShardRun, name: &'a str) -> Result<Self, Error> {
        let mut file = Self { own, name, number: 0, lines: None };
        let opened = match name {
            RESULTS => store::open_results(&own.folder),
            _ => File::open(own.folder.join(name))
                .map(|opened| Box::new(BufReader::with_capacity(1 << 16, opened)) as _),
        };
        match opened {
            Ok(lines) => file.lines = Some(lines),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file.unreadable(&error)),
        }
        Ok(file)
    }

    /// The next line that is taken.
    fn next(&mut self, take: Take<'_>) -> Result<Option<TimedLine>, Error> {
        while let Some(text) = self.line()? {
            let taken = std::str::from_utf8(&text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
                .and_then(|text| take(self.own, text.trim_end()));
            match taken {
                Ok(Some(at)) => return Ok(Some(TimedLine { at, text })),
                Ok(None) => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(None)
    }

    /// The next whole line; a last one that is torn was not committed.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let mut text = Vec::new();
        match lines.read_until(b'\n', &mut text) {
            Ok(_) if text.ends_with(b"\n") => {
                self.number += 1;
                Ok(Some(text))
            }
            Ok(_) => {
                self.lines = None;
                Ok(None)
            }
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        let place = match self.number {
            0 => String::new(),
            number => format!(":{number}"),
        };
        Error::refused(format!("{}/{}{place}: {error}", self.own.folder.display(), self.name))
    }
}
