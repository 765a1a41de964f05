//! What `runs` tells: past runs as a table, and as JSON.

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{cut, size, tame, thousands};
use super::summary::Look;
use super::table::table;
use crate::runs::{PastRun, RunState};

/// The least that folder and files are cut to.
const SHORTEST: usize = 30;

/// Prints the runs that were found in a folder.
pub(crate) fn print_runs(
    out: &mut impl Write,
    runs: &[PastRun],
    of: &Path,
    look: Look,
) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "there are no runs in {}", of.display());
    }
    let head =
        ["began (UTC)", "rows", "failed", "state", "exit", "size", "undo", "operation", "run"];
    // Folders and files have the rest of the line, and a name is never cut where nobody looks.
    let most = look.columns.map_or(usize::MAX, |columns| (columns / 2).max(SHORTEST));
    let text = table(&head, runs.iter().map(|run| cells(run, most)));
    out.write_all(text.as_bytes())?;
    for run in runs {
        if let Some(why) = run.state.reason() {
            let why = tame(why.lines().next().unwrap_or_default());
            writeln!(out, "{}: {why}", tame(&name_of(run)))?;
        }
    }
    Ok(())
}

fn cells(run: &PastRun, most: usize) -> Vec<String> {
    let is_run = !matches!(run.state, RunState::NoRun(_) | RunState::Damaged(_));
    let number = |number: u64| if is_run { thousands(number) } else { "-".to_owned() };
    let dash = || "-".to_owned();
    let rows = run.tally.read.max(run.tally.finished());
    vec![
        run.began.map_or_else(dash, |time| time.strftime("%Y-%m-%d %H:%M").to_string()),
        number(rows),
        number(run.tally.failed()),
        state(run),
        run.exit_code.map_or_else(dash, |code| code.to_string()),
        size(run.size.1),
        if run.undo.is_ok() { "yes".to_owned() } else { "no".to_owned() },
        run.operation.as_deref().map_or_else(dash, tame),
        cut(&name_and_inputs(run), most),
    ]
}

/// The state in a few words.
fn state(run: &PastRun) -> String {
    let mut words = vec![run.state.word().replace('_', " ")];
    if run.is_purge_unfinished {
        words.push("purge unfinished".to_owned());
    } else if run.purged.is_some() {
        words.push("purged".to_owned());
    }
    if run.simulated {
        words.push("simulated".to_owned());
    }
    if run.redacted {
        words.push("redacted".to_owned());
    }
    words.join(", ")
}

fn name_of(run: &PastRun) -> String {
    let name = run.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| run.folder.display().to_string())
}

fn name_and_inputs(run: &PastRun) -> String {
    let name = tame(&name_of(run));
    match &run.inputs[..] {
        [] => name,
        inputs => format!("{name} ({})", tame(&inputs.join(", "))),
    }
}

/// A run for machines.
#[must_use]
pub(crate) fn run_json(run: &PastRun) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| format!("{time:.3}"));
    json!({
        "version": 1,
        "folder": run.folder.display().to_string(),
        "state": run.state.word(),
        "reason": run.state.reason(),
        "startedAt": time(run.began),
        "finishedAt": time(run.ended),
        "inputs": run.inputs,
        "operation": run.operation,
        "tally": run.tally,
        "exitCode": run.exit_code,
        "files": run.size.0,
        "bytes": run.size.1,
        "undoable": run.undo.is_ok(),
        "notUndoable": run.undo.err(),
        "purgedAt": time(run.purged.as_ref().map(|mark| mark.purged_at)),
        "purgeUnfinished": run.is_purge_unfinished,
        "simulated": run.simulated,
        "redacted": run.redacted,
    })
}
