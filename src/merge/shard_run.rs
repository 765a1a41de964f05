//! The shards of a job: what each says of itself, and whether they are all of one job.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exit::Error;
use crate::report;
use crate::shard::{SHARD, SPLIT, Shard};
use crate::store::journal::{Identity, Recovered};
use crate::store::summary::Summary;
use crate::store::{self, marks};

/// The run of a shard.
pub(super) struct ShardRun {
    pub(super) folder: PathBuf,
    pub(super) shard: Shard,
    pub(super) recovered: Recovered,
    /// What it came to; nothing of one that was killed.
    pub(super) summary: Option<Summary>,
}

impl fmt::Display for ShardRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (shard {})", self.folder.display(), self.shard)
    }
}

/// The shards of a job, in order.
///
/// # Errors
///
/// Folders that hold no shard, shards of different jobs, one that is missing or doubled, and, unless
/// `unfinished`, one that is not finished.
pub(super) fn all_of_a_job(runs: &[PathBuf], unfinished: bool) -> Result<Vec<ShardRun>, Error> {
    let mut shards = runs.iter().map(|run| ShardRun::read(run)).collect::<Result<Vec<_>, _>>()?;
    if let Some((first, others)) = shards.split_first() {
        others.iter().try_for_each(|other| other.belongs_to(first))?;
    }
    shards.sort_by_key(|own| own.shard);
    if let Some([one, other]) = shards.array_windows().find(|[a, b]| a.shard == b.shard) {
        return Err(Error::refused(format!(
            "shard {} is there twice: {} and {}; name one of them",
            one.shard,
            one.folder.display(),
            other.folder.display()
        )));
    }
    refuse_missing(&shards)?;
    shards.iter().try_for_each(|own| own.is_whole(unfinished))?;
    Ok(shards)
}

/// Refuses shards that are not all of a job.
fn refuse_missing(shards: &[ShardRun]) -> Result<(), Error> {
    /// Those that are named.
    const NAMED: usize = 10;
    let of = shards.first().map_or(0, |own| own.shard.of());
    let is_there = |index: &u32| shards.iter().any(|own| own.shard.index() == *index);
    let missing: Vec<String> =
        (0..of).filter(|index| !is_there(index)).map(|index| format!("{index}/{of}")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    Err(Error::refused(format!(
        "of {of} shards {} missing: {named}{more}; name their folders, too",
        if missing.len() == 1 { "one is" } else { "some are" }
    )))
}

impl ShardRun {
    fn read(folder: &Path) -> Result<Self, Error> {
        let refuse = |why: &str| Error::refused(format!("{}: {why}", folder.display()));
        marks::refuse_redacted(folder).map_err(Error::refused)?;
        if store::is_held(folder) {
            return Err(Error::Busy(format!(
                "a process holds the run in {}: wait for it",
                folder.display()
            )));
        }
        let recovered = store::read_journal(folder).map_err(Error::refused)?;
        let recovered = recovered
            .ok_or_else(|| refuse("there is no run here: name the folder of a shard's run"))?;
        let shard = Shard::of_settings(&recovered.identity.settings).ok_or_else(|| {
            refuse(
                "the run is not a shard of a job: it was run without --shard, or is merged already",
            )
        })?;
        let summary = store::summary_if_any(folder).map_err(Error::refused)?;
        Ok(Self { folder: folder.to_owned(), shard, recovered, summary })
    }

    /// Refuses a shard of another job.
    fn belongs_to(&self, first: &Self) -> Result<(), Error> {
        let refuse = |why: &str| {
            Err(Error::refused(format!("{self} and {first} are not of one job: {why}")))
        };
        if self.shard.of() != first.shard.of() {
            return refuse("they have different numbers of shards");
        }
        let (own, other) = (self.job(), first.job());
        if own.inputs.len() != other.inputs.len() {
            return refuse("they have different numbers of input files");
        }
        let differences = other.differences(&own);
        if !differences.is_empty() {
            // Settings may hold users' values.
            let names = differences.iter().map(|own| own.split(": ").next().unwrap_or_default());
            let names = names.collect::<Vec<_>>().join("; ");
            return refuse(&format!("they differ in: {names}"));
        }
        if self.split("fingerprint") != first.split("fingerprint") {
            return refuse(
                "their rows were split otherwise, such as by another version of this program",
            );
        }
        Ok(())
    }

    /// Refuses a shard whose rows do not all have an outcome.
    fn is_whole(&self, unfinished: bool) -> Result<(), Error> {
        if !self.recovered.complete {
            return if unfinished {
                Ok(())
            } else {
                Err(Error::refused(format!(
                    "{self} is not finished: resume it first, or merge what there is with --unfinished"
                )))
            };
        }
        let (there, wanted) = (self.recovered.finished.len(), self.rows("own"));
        if there == wanted {
            return Ok(());
        }
        Err(Error::refused(format!(
            "{self}: {} of {} have an outcome, though the run is finished; its journal was changed",
            report::thousands(there),
            report::count(wanted, "row")
        )))
    }

    /// The identity of the job that it is a part of.
    fn job(&self) -> Identity {
        let mut identity = self.recovered.identity.clone();
        identity.settings.remove(SHARD);
        identity.settings.remove(SPLIT);
        identity
    }

    /// The identity of all shards, merged. It is that of no run that can be resumed.
    pub(super) fn merged_identity(&self) -> Identity {
        let mut identity = self.job();
        identity.settings.insert(SHARD.to_owned(), self.shard.merged().into());
        identity
    }

    fn split(&self, key: &str) -> Option<&Value> {
        self.recovered.identity.settings.get(SPLIT)?.get(key)
    }

    /// How many rows the split says that there are: `own` ones of this shard, or `all`.
    pub(super) fn rows(&self, whose: &str) -> u64 {
        self.split(whose).and_then(Value::as_u64).unwrap_or_default()
    }
}
