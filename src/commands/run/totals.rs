//! Closing the books: the summary, written and shown, and the exit code that it means.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::signals;
use crate::engine::Ended;
use crate::exit::{Error, Exit};
use crate::input::record::Source;
use crate::outcome::{Tally, milliseconds};
use crate::report;
use crate::report::{FailureCauses, NoteCounts};
use crate::rows::OnConflict;
use crate::send::Client;
use crate::settings::cli::run::OutputArgs;
use crate::settings::config::Config;
use crate::stop::Reason;
use crate::store::journal::{Identity, InputIdentity};
use crate::store::summary::{Files, InputSummary, SUMMARY_VERSION, Stopped, Summary, Tool, Waited};
use crate::store::{self, Closed, RunFolder};

/// The stable word for an input that cannot be read to its end.
pub(super) const UNREADABLE_INPUT: &str = "unreadable_input";

/// Causes of failures that the summary names.
const REASONS: usize = 20;

/// What is known of a run besides what became of its rows.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) client: &'a Client,
    pub(super) sources: &'a [Arc<Source>],
    pub(super) identity: &'a Identity,
    pub(super) simulated: bool,
    pub(super) started_at: Timestamp,
    pub(super) elapsed: Duration,
    /// What was done before, when the run was taken up again.
    pub(super) earlier: Tally,
    pub(super) reasons: FailureCauses,
    pub(super) noted: NoteCounts,
}

/// Writes and shows the summary; the exit code says the same in a number.
pub(super) fn close(
    facts: &Facts<'_>,
    folder: &RunFolder,
    ended: Ended,
    stopped: Option<Reason>,
    closed: io::Result<Closed>,
    output: &OutputArgs,
) -> Result<Exit, Error> {
    let (ended, stopped, files, unwritten) = match closed {
        Ok(closed) => {
            let files = Files { results: closed.results, failures: closed.failures };
            (ended, stopped.filter(|_| !ended.complete), files, None)
        }
        Err(error) => {
            let stopped = Some(stopped.unwrap_or_else(Reason::not_recorded));
            (recorded_only(ended, folder), stopped, Files::default(), Some(error))
        }
    };
    let exit = verdict(ended, stopped.as_ref(), unwritten.is_some());
    let summary = summary(facts, folder, ended, stopped, files, exit);
    let written = store::write_summary(folder, &summary);
    // A closed stdout is no reason to fail: the same is in the run folder.
    let _ = show(&summary, output.json);
    let Some(error) = unwritten.or(written.err()) else { return Ok(exit) };
    let advice = if folder.path().exists() {
        format!("make room or mend the folder, then go on:\n  {}", resume_command(facts, folder))
    } else {
        "the run folder is gone, and with it what is known of the run: begin again".to_owned()
    };
    Err(Error::Stopped(format!("{error}\n  nothing was sent since that was noticed; {advice}")))
}

/// What a run came to whose recorder failed: only what the journal bears out. The rest is sent
/// again, or settled, by going on.
fn recorded_only(ended: Ended, folder: &RunFolder) -> Ended {
    let recorded = folder.recover().ok().flatten().map_or_else(Tally::default, |r| r.tally);
    let read = ended.tally.read;
    let not_attempted = read.saturating_sub(recorded.finished());
    Ended { tally: Tally { read, not_attempted, ..recorded }, complete: false }
}

fn verdict(ended: Ended, stopped: Option<&Reason>, unrecorded: bool) -> Exit {
    match stopped {
        _ if !ended.tally.balances() => Exit::Broken,
        _ if unrecorded => Exit::Stopped,
        Some(reason) => signals::exit(reason),
        None if ended.tally.clean() => Exit::Success,
        None => Exit::Failures,
    }
}

fn summary(
    facts: &Facts<'_>,
    folder: &RunFolder,
    ended: Ended,
    stopped: Option<Reason>,
    files: Files,
    exit: Exit,
) -> Summary {
    let meters = facts.client.meters();
    let waits = facts.client.gate().waits();
    let merging = facts.config.mapping.on_conflict == OnConflict::Merge;
    Summary {
        version: SUMMARY_VERSION,
        tool: Tool::THIS,
        simulated: facts.simulated,
        started_at: facts.started_at,
        finished_at: Timestamp::now(),
        elapsed_ms: milliseconds(facts.elapsed),
        inputs: facts.sources.iter().zip(&facts.identity.inputs).map(input).collect(),
        done_before: facts.earlier.finished(),
        tally: ended.tally,
        complete: ended.complete,
        balanced: ended.tally.balances(),
        calls: meters.calls(),
        calls_saved: meters.saved(),
        retries: meters.retries(),
        rate_limited: meters.rate_limited(),
        merge_allowed: if merging { ended.tally.updated } else { 0 },
        waited: Waited {
            limit_ms: milliseconds(waits.limit()),
            cool_down_ms: milliseconds(waits.cool_down()),
            back_off_ms: milliseconds(meters.back_off()),
        },
        reasons: facts.reasons.top(REASONS),
        repairs: facts.noted.repairs.clone(),
        warnings: facts.noted.warnings.clone(),
        settings: facts.config.settings.clone(),
        stopped: stopped.map(|reason| Stopped {
            reason: reason.code().to_owned(),
            message: reason.to_string(),
            hint: reason.hint().map(str::to_owned),
            resume: goes_on(&reason, folder).then(|| resume_command(facts, folder)),
        }),
        exit_code: exit as u8,
        files,
    }
}

/// Whether going on can help: not where the same place in the input stops it again, nor where
/// nothing is known of the run any more.
fn goes_on(reason: &Reason, folder: &RunFolder) -> bool {
    reason.code() != UNREADABLE_INPUT && folder.path().exists()
}

/// The command that goes on with this run: the one that was typed, with what it takes.
fn resume_command(facts: &Facts<'_>, folder: &RunFolder) -> String {
    let typed: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        // What takes back a job's `resume` would take back ours.
        .filter(|word| !word.starts_with("--resume="))
        .collect();
    let mut words = vec![Tool::THIS.name.to_owned()];
    let has = |name: &str| typed.iter().any(|word| word == name);
    // An input that could be read only once is in the folder.
    let kept = facts.identity.inputs.iter().any(|input| !Path::new(&input.path).is_absolute());
    for word in &typed {
        words.push(report::quoted(word));
        if word == "run" && words.len() == 2 {
            if !has("--resume") {
                words.push("--resume".to_owned());
            }
            if kept && !typed.iter().any(|word| word.starts_with("--out")) {
                words.push("--out".to_owned());
                words.push(report::quoted(&folder.path().to_string_lossy()));
            }
        }
    }
    words.join(" ")
}

fn input((source, identity): (&Arc<Source>, &InputIdentity)) -> InputSummary {
    InputSummary {
        name: source.name.clone(),
        format: source.format.extension(),
        bytes: identity.bytes,
        fingerprint: identity.fingerprint.clone(),
    }
}

fn show(summary: &Summary, json: bool) -> io::Result<()> {
    if json {
        let mut text = serde_json::to_string(summary)?;
        text.push('\n');
        return io::stdout().write_all(text.as_bytes());
    }
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut page = Vec::new();
    report::print_summary(&mut page, summary, color)?;
    io::stdout().write_all(&page)
}
