//! Merging: the shards of one job become one run folder, once they are known to be all of it.
//!
//! Nothing is taken on trust: which shards they are, that all were split alike, that no row is in two of
//! them, and that none is missing. Lines are passed through as they are; memory holds a bit for each row
//! and a line for each shard.

mod failures;
mod lines;
mod shard_run;
mod totals;

use std::io;
use std::path::{Path, PathBuf};

use crate::exit::Error;
use crate::store::bitmap::RowSet;
use crate::store::journal::Recovered;
use crate::store::summary::Summary;
use crate::store::{self, RunFolder};
use lines::MergedRows;
use shard_run::ShardRun;

/// Merges the shards of a job. `unfinished` takes those, too, that could still be resumed.
///
/// # Errors
///
/// Shards that are missing, doubled, not finished or of another job, and files that cannot be read or
/// written: then there is no folder.
pub(crate) fn merge(runs: &[PathBuf], to: &Path, unfinished: bool) -> Result<Summary, Error> {
    let shards = shard_run::all_of_a_job(runs, unfinished)?;
    let rows = rows(&shards)?;
    // Before anything is written: nobody could say what the run came to.
    let facts = totals::JobFacts::of(&shards, &rows)?;
    store::make_whole(to, |folder| write(&shards, rows, &facts, folder))
}

/// The rows of all shards that have an outcome; each belongs to one of them.
fn rows(shards: &[ShardRun]) -> Result<RowSet, Error> {
    let mut rows = RowSet::default();
    for own in shards {
        for row in own.recovered.finished.iter() {
            if !rows.insert(row) {
                let other = shards.iter().find(|other| other.recovered.finished.contains(row));
                return Err(Error::refused(format!(
                    "row {row} is in two shards: {own} and {}",
                    other.map(ToString::to_string).unwrap_or_default()
                )));
            }
        }
    }
    Ok(rows)
}

fn write(
    shards: &[ShardRun],
    rows: RowSet,
    facts: &totals::JobFacts<'_>,
    folder: &RunFolder,
) -> Result<Summary, Error> {
    let stopped = |error: io::Error| Error::Stopped(format!("cannot merge: {error}"));
    let MergedRows { rows: written, tally } = lines::results(shards, folder)?;
    if written != rows || tally.finished() != rows.len() {
        return Err(Error::refused(
            "the results do not hold every row that has an outcome, so the books do not close: a file of a shard was changed",
        ));
    }
    lines::before(shards, folder)?;
    let failures = failures::concatenate(shards, folder)?;
    let summary = facts.summary(tally, folder, failures);
    store::write_summary(folder, &summary).map_err(stopped)?;
    if let Some(first) = shards.first() {
        let told = Recovered {
            identity: first.merged_identity(),
            finished: rows,
            sent: shards.iter().flat_map(|own| own.recovered.sent.iter().copied()).collect(),
            tally: summary.tally,
            complete: summary.complete,
            ..first.recovered.clone()
        };
        folder.begin_journal(&told).map_err(stopped)?;
    }
    Ok(summary)
}
