//! The split: which rows belong to a shard.
//!
//! One pass over the rows notes who is named by what, on disk; the notes are sorted, and what one name
//! connects is connected; then the rows are dealt out. The hash of a person is XXH3 (64 bits, seed 0) of
//! the login ID, folded as lanes are; of several connected ones it is the smallest. The shard is that
//! number modulo the number of shards.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use serde_json::{Value, json};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::connections::{Connections, MOST};
use super::identity::Shard;
use crate::check::sorter::{self, Sortable, Sorter};
use crate::exit::Error;
use crate::input::bitmap::RowSet;
use crate::input::record::Record;
use crate::report;
use crate::rows::{Builder, Instruction, lane};
use crate::store;

/// The rows of a shard.
#[derive(Debug)]
pub(crate) struct Split {
    /// Its rows, by their numbers.
    pub(crate) rows: RowSet,
    /// How many they are.
    pub(crate) own: u64,
    /// How many rows all shards have.
    pub(crate) all: u64,
    /// A hash of which row belongs to which shard: the same on all shards of a job.
    fingerprint: u64,
}

impl Split {
    /// What a run's settings tell of it: a shard is resumed, and shards are merged, only where they
    /// were split alike.
    pub(crate) fn told(&self) -> Value {
        let fingerprint = format!("{:016x}", self.fingerprint);
        json!({"own": self.own, "all": self.all, "fingerprint": fingerprint})
    }
}

/// Splits rows.
///
/// # Errors
///
/// Temporary files that cannot be written, and more connections than are held.
pub(crate) fn split(
    builder: &mut Builder,
    rows: impl Iterator<Item = Record>,
    shard: Shard,
) -> Result<Split, Error> {
    let failed = |error: io::Error| Error::Stopped(format!("the rows cannot be split: {error}"));
    let mut notes = SplitNotes::begin().map_err(failed)?;
    for record in rows {
        notes.take(builder, record).map_err(failed)?;
    }
    let connections = connections(notes.names, MOST).map_err(failed)?;
    let Some(connections) = connections else { return Err(too_many()) };
    deal(notes.rows, connections, shard).map_err(failed)
}

fn too_many() -> Error {
    Error::refused(format!(
        "more than {} of the users are connected with others by login IDs, phone numbers or addresses that rows share, and no more can be held; nothing was sent\n  \
         split the file into several by yourself, each with all rows of its users, or run it as a whole, without --shard",
        report::thousands(MOST as u64)
    ))
}

/// A name, and a person whom a row names by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct NamedBy {
    name: u64,
    person: u64,
}

impl Sortable for NamedBy {
    type Encoded = [u8; 16];

    fn encode(&self) -> [u8; 16] {
        ((u128::from(self.name) << 64) | u128::from(self.person)).to_le_bytes()
    }

    fn decode(bytes: &[u8; 16]) -> Self {
        let both = u128::from_le_bytes(*bytes);
        let half = |half: u128| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default();
        Self { name: half(both >> 64), person: half(both) }
    }
}

/// What a pass over the rows has noted.
struct SplitNotes {
    names: Sorter<NamedBy>,
    /// The number of each row, and the person whom it is about, in a file without a name.
    rows: BufWriter<File>,
}

impl SplitNotes {
    fn begin() -> io::Result<Self> {
        let rows = BufWriter::with_capacity(1 << 16, store::unnamed_file()?);
        Ok(Self { names: Sorter::new(), rows })
    }

    fn take(&mut self, builder: &mut Builder, record: Record) -> io::Result<()> {
        let row = record.position.row;
        let person = match builder.build(record) {
            Ok(instruction) => self.named(&instruction)?,
            Err(invalid) => match invalid.login_id.filter(|name| !name.is_empty()) {
                Some(name) => {
                    let person = lane(&name);
                    self.names.push(NamedBy { name: person, person })?;
                    Some(person)
                }
                None => None,
            },
        };
        // A row that names nobody goes anywhere, but always to the same place.
        let person = person.unwrap_or_else(|| xxh3_64(&row.to_le_bytes()));
        self.rows.write_all(&row.to_le_bytes())?;
        self.rows.write_all(&person.to_le_bytes())
    }

    /// Notes all names that a row gives its user. Phone numbers and addresses are among them: two users
    /// who are given one must not be worked on by two hosts, neither of which could see the other.
    fn named(&mut self, instruction: &Instruction) -> io::Result<Option<u64>> {
        let given = instruction.given_names().map(|name| lane(&name));
        let names: Vec<u64> = instruction.lanes.iter().copied().chain(given).collect();
        let person = match &*instruction.login_id {
            "" => names.first().copied(),
            login_id => Some(lane(login_id)),
        };
        let Some(person) = person else { return Ok(None) };
        self.names.push(NamedBy { name: person, person })?;
        for name in names.into_iter().filter(|name| *name != person) {
            self.names.push(NamedBy { name, person })?;
        }
        Ok(Some(person))
    }
}

/// Connects the persons who share a name; `None` if they are more than can be held.
fn connections(names: Sorter<NamedBy>, most: usize) -> io::Result<Option<Connections>> {
    let mut connections = Connections::default();
    let mut last: Option<NamedBy> = None;
    let mut is_full = false;
    sorter::merge(vec![names], |own: NamedBy| {
        let same = last.filter(|last| last.name == own.name && last.person != own.person);
        if let Some(other) = same.filter(|_| !is_full) {
            connections.connect(own.person, other.person);
            is_full = connections.len() > most;
        }
        last = Some(own);
    })?;
    Ok((!is_full).then_some(connections))
}

/// Deals out the rows that were noted.
fn deal(rows: BufWriter<File>, mut connections: Connections, shard: Shard) -> io::Result<Split> {
    let mut file = rows.into_inner().map_err(io::IntoInnerError::into_error)?;
    let noted = file.seek(SeekFrom::End(0))? / 16;
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let (mut set, mut fingerprint) = (RowSet::default(), Xxh3::new());
    for _ in 0..noted {
        let (mut row, mut person) = ([0; 8], [0; 8]);
        file.read_exact(&mut row)?;
        file.read_exact(&mut person)?;
        let person = connections.find(u64::from_le_bytes(person));
        let index = person % u64::from(shard.of());
        fingerprint.update(&row);
        fingerprint.update(&index.to_le_bytes());
        if index == u64::from(shard.index()) {
            set.insert(u64::from_le_bytes(row));
        }
    }
    Ok(Split { own: set.len(), all: noted, rows: set, fingerprint: fingerprint.digest() })
}

#[cfg(test)]
mod tests;
