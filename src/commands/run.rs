//! `run`: arguments in, a run, and what is to be seen of it out.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::thread::JoinHandle;

use super::caller::Caller;
use super::check::CheckScreen;
use crate::exit::{Error, Exit};
use crate::inbox::ending::FileEnd;
use crate::notify::{Ending, Occasion};
use crate::report::logging::{self, LogFormat, LogLook};
use crate::report::metrics;
use crate::report::{self, LogWriter};
use crate::run::{NOT_CONFIRMED, RunEnd};
use crate::settings::cli::run::{OutputArgs, RunArgs};
use crate::settings::config::Config;
use crate::stop::Stop;
use crate::store;
use crate::store::summary::Summary;
use runner::Runner;
use teller::Teller;

mod collector;
mod inbox;
mod live_page;
mod open_files;
mod runner;
mod supervision;
mod teller;

/// Runs the files and says how it ended, here and to whom it may concern.
pub(super) fn run(args: &RunArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let output = &args.output;
    let log = logging::start(output.verbose, output.quiet, log_look(output, caller));
    // A rehearsal is nobody else's business.
    let teller = if args.simulate { None } else { Teller::of(&args.notify, caller.environment) };
    let begun = teller.as_ref().map(Teller::began);
    let supervisor = supervision::supervisor(caller.environment);
    let runner = Runner { args, caller, log: &log, supervisor: supervisor.as_ref() };
    if args.inbox.inbox.is_some() {
        let ended = work_on_inbox(&runner, teller.as_ref(), begun);
        if let Some(supervisor) = supervisor {
            supervisor.ended(ended.as_ref().map_or_else(Error::exit, |exit| *exit));
        }
        return ended;
    }
    let config = Config::resolve(args, caller.environment);
    let ended = config.and_then(|config| runner.run_files(config, None));
    let (ended, summary, is_repeat) = match ended {
        Ok(end) => {
            let summary = match &end {
                RunEnd::Finished { summary, .. } => Some(summary.clone()),
                _ => None,
            };
            let is_repeat = matches!(end, RunEnd::AlreadyFinished { .. });
            (show(end, output, &log, caller), summary, is_repeat)
        }
        Err(error) => (Err(error), None, false),
    };
    if let (Some(path), Some(summary)) = (&args.notify.metrics_file, &summary)
        && let Err(error) = metrics::write(path, &metrics::of_summary(summary))
    {
        tracing::error!("--metrics-file {}: {error}; the run is not affected", path.display());
    }
    let exit = ended.as_ref().map_or_else(Error::exit, |exit| *exit);
    if let Some(teller) = teller {
        begun.map(JoinHandle::join);
        let why = ended.as_ref().err().map(ToString::to_string);
        let occasion = Occasion::RunEnded;
        teller.ended(&Ending { occasion, file: None, exit, summary, why, is_repeat });
    }
    // Whoever is told may take its time, and the program is alive meanwhile.
    if let Some(supervisor) = supervisor {
        supervisor.ended(exit);
    }
    ended
}

/// Works on the files of an inbox, one run each.
fn work_on_inbox(
    runner: &Runner<'_>,
    teller: Option<&Teller>,
    begun: Option<JoinHandle<()>>,
) -> Result<Exit, Error> {
    let work_on = |config: Config, above: &Stop, has_begun: bool| {
        let ended = runner.run_files(config, Some(above));
        let end = FileEnd::of(&ended, has_begun);
        let shown = ended.and_then(|end| show(end, &runner.args.output, runner.log, runner.caller));
        (end, shown.err())
    };
    inbox::run(runner, (teller, begun), &work_on)
}

fn log_look(output: &OutputArgs, caller: &Caller<'_>) -> LogLook {
    match output.log_format {
        LogFormat::Json => LogLook::Json,
        // Who asks for more wants to see when it was.
        LogFormat::Text if output.verbose > 0 || !io::stderr().is_terminal() => LogLook::Lines,
        LogFormat::Text => LogLook::Screen(caller.color()),
    }
}

/// Shows how it ended.
fn show(
    end: RunEnd,
    output: &OutputArgs,
    log: &LogWriter,
    caller: &Caller<'_>,
) -> Result<Exit, Error> {
    match end {
        RunEnd::Finished { summary, exit, unrecorded } => {
            // A closed stdout is no reason to fail: the same is in the run folder.
            let _ = show_summary(&summary, output.json, caller);
            show_signature(&summary, log);
            if let (Some(path), Some(folder)) = (&output.report, summary.files.results.parent()) {
                let _ = log.clone().write_all(super::report::after_run(folder, path).as_bytes());
            }
            unrecorded.map_or(Ok(exit), Err)
        }
        RunEnd::AlreadyFinished { folder, exit } => {
            if let Some(path) = output.report.as_ref().filter(|path| !path.exists()) {
                let _ = log.clone().write_all(super::report::after_run(&folder, path).as_bytes());
            }
            nothing_to_do(&folder, exit, output, log, caller);
            Ok(exit)
        }
        RunEnd::Problems { report, files } => {
            CheckScreen::new(output.json, caller.color()).report(&report, &files);
            Err(Error::refused("the check found problems, so nothing was sent (--strict)"))
        }
        RunEnd::NotBegun(reason) => {
            let hint = reason.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            let page = format!("{reason} before the first request: nothing was sent{hint}\n");
            let _ = log.clone().write_all(page.as_bytes());
            Ok(if reason.code() == NOT_CONFIRMED { Exit::Refused } else { reason.exit() })
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

fn nothing_to_do(
    folder: &Path,
    exit: Exit,
    output: &OutputArgs,
    log: &LogWriter,
    caller: &Caller<'_>,
) {
    let summary = output.json.then(|| store::read_summary(folder).ok()).flatten();
    if let Some(summary) = summary {
        // A closed stdout has read enough.
        let _ = show_summary(&summary, true, caller);
    }
    if !output.quiet {
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
