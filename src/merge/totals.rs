//! The totals of all shards: one summary, whose books close over every row of the input.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::exit::{Error, Exit};
use crate::outcome::{Tally, milliseconds};
use crate::shard::SHARD;
use crate::store::bitmap::RowSet;
use crate::store::summary::{FailureCause, Files, Stopped, Summary, Tool, Waited};
use crate::store::{RESULTS, RunFolder};

use super::shard_run::ShardRun;

/// Causes of failures that the summary names.
const REASONS: usize = 20;

/// What is known of the job besides what became of its rows.
pub(super) struct JobFacts<'a> {
    shards: &'a [ShardRun],
    /// The summaries that there are; the first is one of a shard that has read its input to the end,
    /// if there is one.
    summaries: Vec<&'a Summary>,
    /// Rows in the input, and how many of them any shard was to take.
    rows: (u64, u64),
    complete: bool,
}

impl<'a> JobFacts<'a> {
    /// Gathers them.
    ///
    /// # Errors
    ///
    /// Shards that have read other numbers of rows, or none of which has come to an end.
    pub(super) fn of(shards: &'a [ShardRun], finished: &RowSet) -> Result<Self, Error> {
        let mut summaries: Vec<&Summary> =
            shards.iter().filter_map(|own| own.summary.as_ref()).collect();
        summaries.sort_by_key(|summary| !summary.complete);
        let Some(first) = summaries.first() else {
            return Err(Error::refused(
                "no shard has come to an end that its folder tells of: resume one of them first",
            ));
        };
        let whole = || summaries.iter().filter(|summary| summary.complete);
        if whole().any(|other| other.tally.read != first.tally.read) {
            return Err(Error::refused("the shards have read different numbers of rows"));
        }
        let all = shards.first().map_or(0, |own| own.rows("all"));
        let read = if first.complete { first.tally.read } else { all };
        let complete = shards.iter().all(|own| own.recovered.complete);
        if finished.len() > all || all > read || (complete && finished.len() != all) {
            return Err(Error::refused(format!(
                "the books do not close: of {read} rows the shards were to take {all}, and {} have an outcome",
                finished.len()
            )));
        }
        Ok(Self { shards, rows: (read, all), complete, summaries })
    }

    /// The summary of all shards.
    pub(super) fn summary(
        &self,
        tally: Tally,
        folder: &RunFolder,
        failures: Vec<PathBuf>,
    ) -> Summary {
        let (read, all) = self.rows;
        let not_attempted = all - tally.finished();
        let tally = Tally { read, not_attempted, left_out: read - all, ..tally };
        let sum = |of: fn(&Summary) -> u64| self.summaries.iter().map(|own| of(own)).sum();
        let first = self.summaries[0];
        let began = self.summaries.iter().map(|own| own.started_at).min();
        let ended = self.summaries.iter().map(|own| own.finished_at).max();
        let (began, ended) =
            (began.unwrap_or(first.started_at), ended.unwrap_or(first.finished_at));
        let mut settings = first.settings.clone();
        let merged = self.shards.first().map(|own| own.shard.merged());
        settings.insert(SHARD.to_owned(), merged.into());
        let took = ended.duration_since(began).try_into().unwrap_or_default();
        Summary {
            tool: Tool::THIS,
            simulated: self.summaries.iter().any(|own| own.simulated),
            started_at: began,
            finished_at: ended,
            elapsed_ms: milliseconds(took),
            tally,
            done_before: 0,
            complete: self.complete,
            balanced: tally.balances(),
            calls: sum(|own| own.calls),
            calls_saved: sum(|own| own.calls_saved),
            retries: sum(|own| own.retries),
            rate_limited: sum(|own| own.rate_limited),
            invited: sum(|own| own.invited),
            merge_allowed: sum(|own| own.merge_allowed),
            merged: first.merged.map(|_| sum(|own| own.merged.unwrap_or_default())),
            not_kept: sum(|own| own.not_kept),
            waited: Waited {
                limit_ms: sum(|own| own.waited.limit_ms),
                cool_down_ms: sum(|own| own.waited.cool_down_ms),
                back_off_ms: sum(|own| own.waited.back_off_ms),
                held_ms: sum(|own| own.waited.held_ms),
            },
            interventions: self
                .summaries
                .iter()
                .flat_map(|own| own.interventions.clone())
                .collect(),
            reasons: self.reasons(),
            repairs: self.counts(|own| &own.repairs),
            warnings: self.counts(|own| &own.warnings),
            settings,
            stopped: self.stopped(),
            exit_code: if self.complete { tally.exit() } else { Exit::Stopped } as u8,
            next: None,
            files: Files { results: folder.path().join(RESULTS), failures, ..Files::default() },
            // The merged files are no shard's.
            chain: None,
            ..first.clone()
        }
    }

    /// Why not every row has its outcome.
    fn stopped(&self) -> Option<Stopped> {
        let unfinished = self.shards.iter().filter(|own| !own.recovered.complete);
        let names: Vec<String> = unfinished.map(|own| own.shard.to_string()).collect();
        (!self.complete).then(|| Stopped {
            reason: "unfinished_shards".to_owned(),
            message: format!("not finished: shard {}", names.join(", ")),
            hint: Some("resume these shards, and merge all of them again".to_owned()),
            resume: None,
        })
    }

    /// The commonest reasons for failures over all shards.
    fn reasons(&self) -> Vec<FailureCause> {
        let mut reasons: Vec<FailureCause> = Vec::new();
        for reason in self.summaries.iter().flat_map(|own| &own.reasons) {
            let same = |own: &&mut FailureCause| {
                let coded = reason.code.is_some();
                (&own.kind, &own.code) == (&reason.kind, &reason.code)
                    && (coded || own.message == reason.message)
            };
            match reasons.iter_mut().find(same) {
                Some(own) => own.count += reason.count,
                None => reasons.push(reason.clone()),
            }
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        reasons.truncate(REASONS);
        reasons
    }

    fn counts<K: Ord + Clone>(&self, of: fn(&Summary) -> &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
        let mut counts = BTreeMap::new();
        for (kind, count) in self.summaries.iter().flat_map(|own| of(own)) {
            *counts.entry(kind.clone()).or_default() += count;
        }
        counts
    }
}
