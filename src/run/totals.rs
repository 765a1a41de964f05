//! The totals: the summary, which is written, and the exit code that it means.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::parts::{RunEnd, UNREADABLE_INPUT};
use crate::engine::Ended;
use crate::exit::{Error, Exit};
use crate::input::record::Source;
use crate::input::{HeaderRow, Skipped};
use crate::outcome::{Tally, milliseconds};
use crate::report::{self, FailureCauses, NoteCounts};
use crate::rows::OnConflict;
use crate::send::Client;
use crate::settings::config::Config;
use crate::stop::StopReason;
use crate::store::journal::{Identity, InputIdentity};
use crate::store::summary::{
    ChainSummary, Files, InputSummary, SUMMARY_VERSION, SkippedRows, Stopped, Summary, Tool, Waited,
};
use crate::store::{self, Chain, Closed, Digest, RunFolder, signature};

/// Causes of failures that the summary names.
const REASONS: usize = 20;

/// What is known of a run besides what became of its rows.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) client: &'a Client,
    pub(super) folder: &'a RunFolder,
    pub(super) sources: &'a [Arc<Source>],
    pub(super) identity: &'a Identity,
    /// The rows that were passed over.
    pub(super) skipped: &'a Skipped,
    /// The words that were typed, if any.
    pub(super) typed: &'a [String],
    pub(super) simulated: bool,
    pub(super) started_at: Timestamp,
    pub(super) elapsed: Duration,
    /// What was done before, before the run was resumed.
    pub(super) earlier: Tally,
    pub(super) counts: (FailureCauses, NoteCounts),
}

impl Facts<'_> {
    /// Why the run folder does not hold what happened, and what to do.
    fn unrecorded(&self, error: &io::Error) -> Error {
        let advice = match self.resume_command() {
            _ if !self.folder.path().exists() => {
                "the run folder is gone, and with it the record of the run: start a new run"
                    .to_owned()
            }
            Some(command) => {
                format!("free up space or fix the folder, then resume the run:\n  {command}")
            }
            None => "free up space or fix the folder, then resume the run".to_owned(),
        };
        Error::Stopped(format!("{error}\n  nothing has been sent since; {advice}"))
    }

    /// The command that resumes this run: the one that was typed, with what it takes.
    fn resume_command(&self) -> Option<String> {
        // What takes back a job's `resume` would take back ours.
        let typed = || self.typed.iter().filter(|word| !word.starts_with("--resume="));
        let shard = self.config.shard.map(|shard| format!("--shard={shard}"));
        let has = |name: &str| typed().any(|word| word == name);
        // An input that could be read only once is in the folder.
        let kept = self.identity.inputs.iter().any(InputIdentity::is_kept);
        let mut words = vec![Tool::THIS.name.into_owned()];
        for word in without_shard(typed()) {
            words.push(report::quoted(word));
            if word == "run" && words.len() == 2 {
                if !has("--resume") {
                    words.push("--resume".to_owned());
                }
                // Whoever resumes it may not be the engine that knows which shard it is.
                words.extend(shard.clone());
                if kept && !typed().any(|word| word.starts_with("--out")) {
                    words.push("--out".to_owned());
                    words.push(report::quoted(&self.folder.path().to_string_lossy()));
                }
            }
        }
        (!self.typed.is_empty()).then(|| words.join(" "))
    }
}

/// Words without those that say which shard it is.
fn without_shard<'a>(words: impl Iterator<Item = &'a String>) -> impl Iterator<Item = &'a String> {
    let mut is_value = false;
    words.filter(move |word| {
        let is_shard = std::mem::replace(&mut is_value, *word == "--shard");
        !is_shard && *word != "--shard" && !word.starts_with("--shard=")
    })
}

/// The command that runs the failed rows: the one that was typed, with the failures files in place of
/// the inputs, and without what is about the old run's folder.
fn next_command(facts: &Facts<'_>, files: &Files, failed: u64) -> Option<String> {
    if facts.typed.is_empty() || files.failures.is_empty() {
        return None;
    }
    let mut words = vec![Tool::THIS.name.into_owned(), "run".to_owned()];
    words.extend(files.failures.iter().map(|path| report::quoted(&path.to_string_lossy())));
    let mut typed = facts.typed.iter().skip_while(|word| *word == "run");
    while let Some(word) = typed.next() {
        let (option, value) = word.split_once('=').map_or((&**word, None), |(o, v)| (o, Some(v)));
        let is_input = facts.sources.iter().any(|source| source.name == *word);
        if OF_THE_INPUT.contains(&option) {
            if value.is_none() {
                typed.next();
            }
        } else if !is_input && !["--resume", "--wait"].contains(&option) {
            words.push(report::quoted(word));
        }
    }
    if facts.typed.iter().any(|word| word == "--job" || word.starts_with("--job=")) {
        words.extend(over_the_job(facts.config, failed));
    }
    Some(words.join(" "))
}

/// What a job file says of its own input, said otherwise for a failures file of so many rows. Its
/// conditions may stay, since rows that have failed meet them.
fn over_the_job(config: &Config, rows: u64) -> Vec<String> {
    let Some(stated) = config.inputs.first().map(|request| &request.stated) else {
        return Vec::new();
    };
    let limit = stated.selection.limit.map(|_| format!("--limit {rows}"));
    let skip = (stated.selection.skip > 0).then(|| "--skip 0".to_owned());
    // A failures file of a shard holds rows of that shard alone.
    let shard = config.shard.map(|_| "--shard 0/1".to_owned());
    let header = matches!(stated.header, HeaderRow::At(_)).then(|| "--header-row 1".to_owned());
    [shard, skip, limit, header].into_iter().flatten().collect()
}

/// Options with a value that concern a run's own inputs and folder, and not its failures file, which
/// is text in UTF-8 with its header in the first row, and holds no row that was not chosen.
const OF_THE_INPUT: [&str; 13] = [
    "--shard",
    "--inbox",
    "--settle",
    "--expect-by",
    "--out",
    "--format",
    "--encoding",
    "--sheet",
    "--hidden",
    "--header-row",
    "--where",
    "--skip",
    "--limit",
];

/// Writes the summary and says how the run ended.
pub(super) fn close(
    facts: &Facts<'_>,
    ended: Ended,
    stopped: Option<StopReason>,
    closed: io::Result<Closed>,
) -> RunEnd {
    let tally = ended.tally.leaving_out(facts.skipped.left_out());
    let ended = Ended { tally, ..ended };
    let (ended, stopped, (files, chain), unwritten) = match closed {
        Ok(closed) => {
            if let Some(why) = &closed.not_made {
                tracing::warn!(
                    "{why}; the run is not affected, and the same rows are in the CSV beside it"
                );
            }
            let chain = chained(closed.chain, closed.digests);
            let Closed { results, failures, tables, .. } = closed;
            let files = (Files { results, failures, tables }, Some(chain));
            (ended, stopped.filter(|_| !ended.complete), files, None)
        }
        Err(error) => {
            let stopped = Some(stopped.unwrap_or_else(StopReason::not_recorded));
            let (ended, chain) = recorded_only(ended, facts.folder);
            (ended, stopped, (Files::default(), chain), Some(error))
        }
    };
    let exit = verdict(ended, stopped.as_ref(), unwritten.is_some());
    let summary = Summary { chain, ..summary(facts, ended, stopped, files, exit) };
    let written = store::write_summary(facts.folder, &summary);
    // Nothing is written behind it: it is what is signed.
    if let (Some(key), Ok(())) = (&facts.config.sign_with, &written) {
        sign(facts.folder, key);
    }
    let unrecorded = unwritten.or(written.err()).map(|error| facts.unrecorded(&error));
    RunEnd::Finished { summary: Box::new(summary), exit, unrecorded }
}

/// Signs the summary. A signature that cannot be made changes nothing of how the run ended.
fn sign(folder: &RunFolder, key: &Path) {
    if let Err(why) = signature::sign(folder.path(), key) {
        tracing::warn!("--sign-with {}: {why}; the run is not signed", key.display());
    }
}

/// What a run came to whose recorder failed: only what the journal bears out. The rest is sent
/// again, or reconciled, when the run is resumed.
fn recorded_only(ended: Ended, folder: &RunFolder) -> (Ended, Option<ChainSummary>) {
    let recovered = folder.recover().ok().flatten();
    let recorded = recovered.as_ref().map_or_else(Tally::default, |recovered| recovered.tally);
    let Tally { read, left_out, .. } = ended.tally;
    let not_attempted = read.saturating_sub(recorded.finished() + left_out);
    let tally = Tally { read, not_attempted, left_out, ..recorded };
    let chain = recovered.map(|recovered| chained(recovered.chain, BTreeMap::new()));
    (Ended { tally, complete: false }, chain)
}

/// What the files are checked by.
fn chained(chain: Chain, files: BTreeMap<String, Digest>) -> ChainSummary {
    ChainSummary { links: chain.links, last: chain.last, files }
}

fn verdict(ended: Ended, stopped: Option<&StopReason>, unrecorded: bool) -> Exit {
    match stopped {
        _ if !ended.tally.balances() => Exit::Broken,
        _ if unrecorded => Exit::Stopped,
        Some(reason) => reason.exit(),
        None => ended.tally.exit(),
    }
}

fn summary(
    facts: &Facts<'_>,
    ended: Ended,
    stopped: Option<StopReason>,
    files: Files,
    exit: Exit,
) -> Summary {
    let counts = facts.client.requester().counts();
    let batches = facts.client.batches();
    let gate = facts.client.requester().gate();
    let (waits, throttle) = (gate.waits(), gate.throttle());
    let merging = facts.config.mapping.on_conflict == OnConflict::Merge;
    Summary {
        version: SUMMARY_VERSION,
        tool: Tool::THIS,
        simulated: facts.simulated,
        started_at: facts.started_at,
        finished_at: Timestamp::now(),
        elapsed_ms: milliseconds(facts.elapsed),
        inputs: facts.sources.iter().zip(&facts.identity.inputs).map(input).collect(),
        skipped: SkippedRows::of(facts.skipped),
        done_before: facts.earlier.finished(),
        tally: ended.tally,
        complete: ended.complete,
        balanced: ended.tally.balances(),
        calls: counts.calls(),
        calls_saved: batches.saved(),
        retries: counts.retries(),
        rate_limited: counts.rate_limited(),
        invited: if facts.config.mapping.invites { ended.tally.created } else { 0 },
        merge_allowed: if merging { ended.tally.updated } else { 0 },
        merged: merging.then(|| batches.merged()),
        not_kept: facts.client.not_kept(),
        waited: Waited {
            limit_ms: milliseconds(waits.limit()),
            cool_down_ms: milliseconds(waits.cool_down()),
            back_off_ms: milliseconds(counts.back_off()),
            held_ms: milliseconds(throttle.held()),
        },
        interventions: throttle.interventions_from(0),
        reasons: facts.counts.0.top(REASONS),
        repairs: facts.counts.1.repairs.clone(),
        warnings: facts.counts.1.warnings.clone(),
        settings: facts.config.settings.clone(),
        stopped: stopped.map(|reason| Stopped {
            reason: reason.code().to_owned(),
            message: reason.to_string(),
            hint: reason.hint().map(str::to_owned),
            resume: facts.resume_command().filter(|_| resumable(&reason, facts.folder)),
        }),
        exit_code: exit as u8,
        next: next_command(facts, &files, ended.tally.failed()).filter(|_| ended.complete),
        files,
        chain: None,
    }
}

/// Whether to resume it can help: not where the same place in the input stops it again, nor where
/// nothing is known of the run any more.
fn resumable(reason: &StopReason, folder: &RunFolder) -> bool {
    reason.code() != UNREADABLE_INPUT && folder.path().exists()
}

fn input((source, identity): (&Arc<Source>, &InputIdentity)) -> InputSummary {
    InputSummary {
        name: source.name.clone(),
        format: source.format.extension().into(),
        bytes: identity.bytes,
        fingerprint: identity.fingerprint.clone(),
    }
}
