//! The journal: the truth about a run, one line at a time.
//!
//! The first line says which run it is. Each later one commits a batch of finished rows with
//! the lengths that the output files have with it in, or says that a row which must not be
//! sent twice is about to be sent, or that the run is complete. A line ends with a checksum,
//! so a torn one is told from a whole one, and reading ends there. [`recover`] is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::bitmap::RowSet;
use super::chain::{Chain, Link};
use super::names::is_waiting;
use crate::objects::is_object_url;
use crate::outcome::Tally;

/// The name of the file.
pub const NAME: &str = "journal";

/// The version of the journal's format. Version 1 had the lengths of the failures files without
/// their names.
pub const JOURNAL_VERSION: u32 = 2;

/// The setting of a run that says which shard of a job it is.
pub const SHARD: &str = "shard";

/// How long the output files are, in bytes, by their names; those not begun are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Lengths(BTreeMap<String, u64>);

impl Lengths {
    /// Of a file; 0 for one not begun.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// The files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether no file is begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether files of some lengths hold all that these count. Rows that wait for their workbook
    /// are gone once it is there.
    #[must_use]
    pub fn are_held_by(&self, files: &BTreeMap<String, u64>) -> bool {
        self.0.iter().all(|(name, length)| match files.get(name) {
            Some(held) => held >= length,
            None => is_waiting(name),
        })
    }
}

impl FromIterator<(String, u64)> for Lengths {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(lengths: I) -> Self {
        Self(lengths.into_iter().filter(|(_, length)| *length > 0).collect())
    }
}

impl From<Map<String, Value>> for Lengths {
    /// Version 1 called the results `results`, and gave the failures files as a list: these are
    /// not told, and a run of that version is read, never resumed.
    fn from(written: Map<String, Value>) -> Self {
        let name = |key: String| if key == "results" { "results.jsonl".to_owned() } else { key };
        let known = |(key, value): (String, Value)| Some((name(key), value.as_u64()?));
        written.into_iter().filter_map(known).collect()
    }
}

/// Which run it is: what must be the same to resume it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// [`JOURNAL_VERSION`].
    pub version: u32,
    /// The inputs, in order.
    pub inputs: Vec<InputIdentity>,
    /// The settings that decide what is sent, and to whom.
    pub settings: Map<String, Value>,
}

/// Which input it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputIdentity {
    /// The name as the user gave it.
    pub name: String,
    /// Where it is: an absolute path, or the URL of an object; `-` for standard input.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// XXH3 (128 bits) of its content, in hexadecimal.
    pub fingerprint: String,
}

impl InputIdentity {
    /// Whether it could be read only once, so that a copy of it is in the run folder.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let path = Path::new(&self.path);
        !path.is_absolute() && !is_object_url(path)
    }
}

impl Identity {
    /// Whether it is about the same inputs by name, whatever they hold now.
    #[must_use]
    pub fn same_inputs(&self, other: &Self) -> bool {
        self.inputs.len() == other.inputs.len()
            && self.inputs.iter().zip(&other.inputs).all(|(own, other)| own.path == other.path)
    }

    /// What differs, in words; empty when the run may be resumed.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.version != now.version {
            let (then, now) = (self.version, now.version);
            differences.push(format!("the format of the journal: it was {then}, now {now}"));
        }
        for (then, now) in self.inputs.iter().zip(&now.inputs) {
            if then.fingerprint != now.fingerprint {
                differences.push(format!("the content of {}", now.name));
            }
        }
        let keys: BTreeSet<&String> = self.settings.keys().chain(now.settings.keys()).collect();
        for key in keys {
            let (then, now) = (self.settings.get(key), now.settings.get(key));
            // A setting that there was not yet was not set.
            let is_set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
            if then != now && (is_set(then) || is_set(now)) {
                let shown =
                    |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
                differences.push(format!("{key}: it was {}, now {}", shown(then), shown(now)));
            }
        }
        differences
    }
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum JournalLine {
    /// The first line.
    Begin(Identity),
    /// A batch of finished rows.
    Commit(Commit),
    /// Everything before is on the disk, the output files included.
    Synced,
    /// A row that must not be sent twice is about to be sent.
    Sent(u64),
    /// Every row of the input has its outcome.
    Complete,
}

/// A batch of finished rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    /// The rows, as ranges: `1-5,7`.
    pub(super) rows: String,
    /// How long the output files are with the batch in.
    pub(super) lengths: Lengths,
    /// All outcomes so far, by status.
    pub(super) tally: Tally,
    /// How it is linked to the commits before; earlier versions did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) chain: Option<Link>,
}

impl JournalLine {
    /// Appends it with its checksum.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len();
        serde_json::to_writer(&mut *out, self)?;
        let sum = xxh3_64(&out[start..]);
        out.extend_from_slice(format!("\t{sum:016x}\n").as_bytes());
        Ok(())
    }

    /// The line that a text is, if it is whole.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(json_of(text)?).ok()
    }
}

/// The JSON of a line, if it is whole.
pub(super) fn json_of(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b"\n")?;
    let (json, sum) = text.split_at_checked(text.len().checked_sub(17)?)?;
    let sum = std::str::from_utf8(sum.strip_prefix(b"\t")?).ok()?;
    (u64::from_str_radix(sum, 16) == Ok(xxh3_64(json))).then_some(json)
}

/// What a journal tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// Which run it is.
    pub identity: Identity,
    /// The rows that have their outcome.
    pub finished: RowSet,
    /// The rows that were about to be sent, must not be sent twice, and have no outcome.
    pub sent: BTreeSet<u64>,
    /// The outcomes so far.
    pub tally: Tally,
    /// How long the output files are with everything committed in.
    pub lengths: Lengths,
    /// Whether every row has its outcome.
    pub complete: bool,
    /// How much of the journal is whole, in bytes.
    pub whole: u64,
    /// Where the chain stands.
    pub chain: Chain,
    /// How much of each file the chain covers.
    pub linked: Lengths,
}

/// Reads a journal up to its end, its first torn line, or the first line that tells of more
/// than the output files hold (`holds` says whether they do).
///
/// The files may be behind by what was not synced when the power failed. If they are behind by
/// more, somebody has cut or removed them, and rows that were done would pass for not done:
/// an error. `None` when not even the first line is whole: nothing was sent then.
pub fn recover(
    mut journal: impl BufRead,
    holds: impl Fn(&Lengths) -> bool,
) -> io::Result<Option<Recovered>> {
    let mut text = Vec::new();
    let mut recovered: Option<Recovered> = None;
    let mut behind = false;
    loop {
        text.clear();
        journal.read_until(b'\n', &mut text)?;
        let Some(line) = JournalLine::read(&text) else { break };
        if behind {
            if !matches!(line, JournalLine::Commit(_)) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the results or failures files hold less than was written to them",
                ));
            }
            continue;
        }
        let taken = match (line, &mut recovered) {
            (JournalLine::Begin(identity), None) => {
                let chain = Chain::begin(json_of(&text).unwrap_or_default());
                recovered = Some(Recovered::begin(identity, chain));
                true
            }
            (line, Some(recovered)) => recovered.take(line, &holds),
            (_, None) => false,
        };
        if !taken && recovered.is_some() {
            behind = true;
            continue;
        }
        let Some(recovered) = recovered.as_mut().filter(|_| taken) else { break };
        recovered.whole += text.len() as u64;
    }
    Ok(recovered)
}

impl Recovered {
    fn begin(identity: Identity, chain: Chain) -> Self {
        Self {
            identity,
            finished: RowSet::default(),
            sent: BTreeSet::new(),
            tally: Tally::default(),
            lengths: Lengths::default(),
            complete: false,
            whole: 0,
            chain,
            linked: Lengths::default(),
        }
    }

    /// Takes a later line in; a line that cannot be is as good as torn.
    fn take(&mut self, line: JournalLine, holds: impl Fn(&Lengths) -> bool) -> bool {
        match line {
            JournalLine::Begin(_) => return false,
            JournalLine::Synced => {}
            JournalLine::Sent(row) => {
                self.sent.insert(row);
            }
            JournalLine::Complete => self.complete = true,
            JournalLine::Commit(commit) => {
                let Some(ranges) = parse_ranges(&commit.rows).filter(|_| holds(&commit.lengths))
                else {
                    return false;
                };
                for (first, last) in ranges {
                    self.finished.insert_range(first, last);
                }
                let finished = &self.finished;
                self.sent.retain(|row| !finished.contains(*row));
                if let Some(Link { link, files }) = commit.chain {
                    self.chain = Chain { last: link, links: self.chain.links + 1 };
                    let ends = files.into_iter().map(|(name, appended)| (name, appended.to));
                    self.linked.0.extend(ends);
                }
                self.lengths = commit.lengths;
                self.tally = commit.tally;
            }
        }
        true
    }
}

/// A journal of few lines that tells the same: of which run it is, and which rows have their outcome.
/// It says nothing of the lengths of output files.
pub fn retell(recovered: &Recovered) -> io::Result<Vec<u8>> {
    let rows = in_ranges(recovered.finished.iter());
    let lengths = Lengths::default();
    let commit = Commit { rows, lengths, tally: recovered.tally, chain: None };
    let sent = recovered.sent.iter().copied().map(JournalLine::Sent);
    let lines = [JournalLine::Begin(recovered.identity.clone()), JournalLine::Commit(commit)];
    let last = recovered.complete.then_some(JournalLine::Complete);
    let mut text = Vec::new();
    lines.into_iter().chain(sent).chain(last).try_for_each(|line| line.write(&mut text))?;
    Ok(text)
}

/// Rows as ranges; sorts them.
pub(super) fn ranges(rows: &mut [u64]) -> String {
    rows.sort_unstable();
    in_ranges(rows.iter().copied())
}

/// Rows in order, as ranges.
fn in_ranges(rows: impl Iterator<Item = u64>) -> String {
    let mut text = String::new();
    let mut range: Option<(u64, u64)> = None;
    for row in rows {
        range = match range {
            Some((first, last)) if last + 1 == row => Some((first, row)),
            _ => {
                add_range(&mut text, range);
                Some((row, row))
            }
        };
    }
    add_range(&mut text, range);
    text
}

fn add_range(text: &mut String, range: Option<(u64, u64)>) {
    use std::fmt::Write;

    let Some((first, last)) = range else { return };
    let comma = if text.is_empty() { "" } else { "," };
    // Writing to a string cannot fail.
    let _ = if first == last {
        write!(text, "{comma}{first}")
    } else {
        write!(text, "{comma}{first}-{last}")
    };
}

/// The last row that a journal can be about: so many rows that no file has them. What names one
/// behind it is damaged.
const MAX_ROW: u64 = 1 << 36;

pub(super) fn parse_ranges(text: &str) -> Option<Vec<(u64, u64)>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last && last <= MAX_ROW).then_some((first, last))
        })
        .collect()
}
