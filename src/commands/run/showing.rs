//! What is to be seen of a run that has ended.

use std::io::{self, Write};
use std::path::Path;

use super::runner::Runner;
use crate::commands::caller::Caller;
use crate::commands::check::CheckScreen;
use crate::commands::report::after_run;
use crate::exit::{Error, Exit};
use crate::report::{self, LogWriter};
use crate::run::{RunEnd, STRICT, exit_before_first_row};
use crate::store;
use crate::store::summary::Summary;

/// Shows how it ended.
pub(super) fn show(end: RunEnd, runner: &Runner<'_>) -> Result<Exit, Error> {
    let Runner { args, caller, log, .. } = *runner;
    let output = &args.output;
    match end {
        RunEnd::Finished { summary, exit, unrecorded } => {
            // A closed stdout is no reason to fail: the same is in the run folder.
            let _ = show_summary(&summary, output.json, caller);
            show_signature(&summary, log);
            if let (Some(path), Some(folder)) = (&output.report, summary.files.results.parent()) {
                let _ = log.clone().write_all(after_run(folder, path).as_bytes());
            }
            unrecorded.map_or(Ok(exit), Err)
        }
        RunEnd::AlreadyFinished { folder, exit } => {
            if let Some(path) = output.report.as_ref().filter(|path| !path.exists()) {
                let _ = log.clone().write_all(after_run(&folder, path).as_bytes());
            }
            nothing_to_do(&folder, exit, runner);
            Ok(exit)
        }
        RunEnd::Problems { report, files } => {
            CheckScreen::new(output.json, caller.color()).report(&report, &files, None);
            Err(Error::refused(STRICT))
        }
        RunEnd::NotBegun(reason) => {
            let hint = reason.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            let page = format!("{reason} before the first request: nothing was sent{hint}\n");
            let _ = log.clone().write_all(page.as_bytes());
            Ok(exit_before_first_row(&reason))
        }
    }
}

/// Says where the signature of the run is, if it is signed.
fn show_signature(summary: &Summary, log: &LogWriter) {
    let folder = summary.files.results.parent();
    let signature = folder.map(|folder| folder.join(store::SIGNATURE)).filter(|path| path.exists());
    if let Some(signature) = signature {
        // Without a reader of stderr there is nobody to tell.
        let _ = log.clone().write_all(format!("signature: {}\n", signature.display()).as_bytes());
    }
}

fn show_summary(summary: &Summary, json: bool, caller: &Caller<'_>) -> io::Result<()> {
    let mut page = Vec::new();
    if json {
        serde_json::to_writer(&mut page, summary)?;
        page.push(b'\n');
    } else {
        report::print_summary(&mut page, summary, caller.look())?;
    }
    io::stdout().write_all(&page)
}

fn nothing_to_do(folder: &Path, exit: Exit, runner: &Runner<'_>) {
    let Runner { args, caller, log, .. } = *runner;
    let output = &args.output;
    let summary = output.json.then(|| store::read_summary(folder).ok()).flatten();
    if let Some(summary) = summary {
        // A closed stdout has read enough.
        let _ = show_summary(&summary, true, caller);
    }
    if !output.log.quiet {
        let failed = if exit == Exit::Success {
            ""
        } else {
            "; rows have failed, and are in its failures file"
        };
        let purged = store::marks::purged(folder).ok().flatten();
        let failed = match &purged {
            Some(mark) => format!("; it was purged at {:.0}", mark.purged_at),
            None => failed.to_owned(),
        };
        let line = format!("the run in {} is finished: nothing to do{failed}\n", folder.display());
        // Without a reader of stderr there is nobody to tell.
        let _ = log.clone().write_all(line.as_bytes());
    }
}
