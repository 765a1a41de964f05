//! `run`: arguments in, a run, and what is to be seen of it out.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use super::asking::{is_interactive, says_yes};
use super::caller::Caller;
use super::check::CheckScreen;
use super::signals;
use crate::engine::events::CanaryReport;
use crate::exit::{Error, Exit};
use crate::notify::Ending;
use crate::report::logging::{self, LogFormat, LogLook};
use crate::report::metrics;
use crate::report::{self, Announcer, LogWriter, ProgressForm, ProgressSink};
use crate::run::{Intention, NOT_CONFIRMED, Run, RunEnd};
use crate::settings::cli::run::{OutputArgs, RunArgs};
use crate::settings::config::{Config, Target};
use crate::store;
use crate::store::summary::Summary;
use teller::Teller;

mod open_files;
mod teller;

/// Runs the files and says how it ended, here and to whom it may concern.
pub(super) fn run(args: &RunArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let output = &args.output;
    let log = logging::start(output.verbose, output.quiet, log_look(output, caller));
    // A rehearsal is nobody else's business.
    let teller = if args.simulate { None } else { Teller::of(&args.notify, caller.environment) };
    let begun = teller.as_ref().map(Teller::began);
    let (ended, summary) = match run_files(args, caller, &log) {
        Ok(end) => {
            let summary = match &end {
                RunEnd::Finished { summary, .. } => Some(summary.clone()),
                _ => None,
            };
            (show(end, output, &log, caller), summary)
        }
        Err(error) => (Err(error), None),
    };
    if let (Some(path), Some(summary)) = (&args.notify.metrics_file, &summary)
        && let Err(error) = metrics::write(path, &metrics::prometheus(summary))
    {
        tracing::warn!("--metrics-file {}: {error}; the run is not affected", path.display());
    }
    if let Some(teller) = teller {
        begun.map(JoinHandle::join);
        let exit = ended.as_ref().map_or_else(Error::exit, |exit| *exit);
        let why = ended.as_ref().err().map(ToString::to_string);
        teller.ended(&Ending { exit, summary, why });
    }
    ended
}

/// Runs the files.
fn run_files(args: &RunArgs, caller: &Caller<'_>, log: &LogWriter) -> Result<RunEnd, Error> {
    let output = &args.output;
    let config = Config::resolve(args, caller.environment)?;
    open_files::allow(&config)?;
    super::report::can_be_written(output.report.as_deref())?;
    let runtime = runtime(&config.target)
        .enable_all()
        .build()
        .map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))?;
    let end = runtime.block_on(async {
        let asks = !args.before.yes && !args.simulate && is_interactive();
        let run = with_sinks(Run::new(config), output, log).typed(caller.typed.to_vec());
        let run = if asks { run.confirm(ask).confirm_canary(ask_canary) } else { run };
        let run = run.start();
        signals::watch(run.stop().clone(), log.clone())?;
        run.wait().await
    });
    // A reader that still waits for its file must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    end
}

/// Says what is about to happen, and asks. Only `yes` is yes.
fn ask(intention: &Intention) -> bool {
    let mut screen = io::stderr();
    let asked = write!(screen, "{intention}Type yes to go on: ").and_then(|()| screen.flush());
    asked.is_ok() && says_yes()
}

/// Asks whether the rest may go, after rows that went well.
fn ask_canary(_: &CanaryReport) -> bool {
    let mut screen = io::stderr();
    let asked = write!(screen, "Type yes to send the rest: ").and_then(|()| screen.flush());
    asked.is_ok() && says_yes()
}

/// One thread sends more than any limit allows, and is done sooner than several that wake each
/// other for every reply. A rehearsal has the server to run as well.
fn runtime(target: &Target) -> tokio::runtime::Builder {
    match target {
        Target::Project(_) => tokio::runtime::Builder::new_current_thread(),
        Target::Rehearsal(_) => tokio::runtime::Builder::new_multi_thread(),
    }
}

fn log_look(output: &OutputArgs, caller: &Caller<'_>) -> LogLook {
    match output.log_format {
        LogFormat::Json => LogLook::Json,
        // Who asks for more wants to see when it was.
        LogFormat::Text if output.verbose > 0 || !io::stderr().is_terminal() => LogLook::Lines,
        LogFormat::Text => LogLook::Screen(caller.color()),
    }
}

/// What people and logs are told meanwhile.
fn with_sinks(run: Run, output: &OutputArgs, log: &LogWriter) -> Run {
    let form = match output {
        OutputArgs { quiet: true, .. } => return run.sink(Announcer::default()),
        OutputArgs { log_format: LogFormat::Json, .. } => {
            return run
                .sink(Announcer::default())
                .sink(ProgressSink::new(ProgressForm::Events, log));
        }
        _ if io::stderr().is_terminal() => ProgressForm::Bar,
        _ => ProgressForm::Lines,
    };
    run.sink(Announcer::on(log)).sink(ProgressSink::new(form, log))
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
            let _ = writeln!(log.clone(), "{reason} before the first request: nothing was sent");
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
        let line = format!("the run in {} is finished: nothing to do{failed}\n", folder.display());
        // Without a reader of stderr there is nobody to tell.
        let _ = log.clone().write_all(line.as_bytes());
    }
}
