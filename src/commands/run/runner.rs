//! Runs files: a run with all that shows, steers and supervises it.

use std::io::{self, Write};
use std::time::Duration;

use super::collector::Collector;
use super::live_page::WaitingPage;
use crate::commands::asking::{is_interactive, says_yes};
use crate::commands::caller::{Caller, progress_form};
use crate::commands::{open_files, report, signals};
use crate::engine::events::CanaryReport;
use crate::exit::Error;
use crate::report::{Announcer, LogWriter, ProgressForm, ProgressSink, RunWatch, Supervisor};
use crate::run::{Intention, Run, RunEnd};
use crate::serve::Serving;
use crate::settings::cli::run::{OutputArgs, RunArgs};
use crate::settings::config::{Config, Target};
use crate::stop::Stop;

/// What runs files, and what is around it.
pub(super) struct Runner<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) caller: &'a Caller<'a>,
    pub(super) log: &'a LogWriter,
    pub(super) supervisor: Option<&'a Supervisor>,
}

impl Runner<'_> {
    /// Runs the files. What is above the run, if anything is, stops it as a signal does.
    pub(super) fn run_files(&self, config: Config, above: Option<&Stop>) -> Result<RunEnd, Error> {
        let (args, output, log) = (self.args, &self.args.output, self.log);
        open_files::allow(&config)?;
        report::can_be_written(output.report.as_deref())?;
        let runtime = runtime(&config.target)
            .enable_all()
            .build()
            .map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))?;
        // One for all who watch: it keeps what failed.
        let watch = RunWatch::default();
        let page = WaitingPage::of(output, log, &watch)?;
        let run = with_sinks(Run::new(config), output, log).typed(self.caller.typed.to_vec());
        let is_watched = output.serve.is_some() || output.otlp.is_some();
        let run = if is_watched { run.sink(watch.clone()) } else { run };
        let (run, collector) = Collector::told_of(run, output.otlp.as_ref(), &watch)?;
        let run = match self.supervisor {
            Some(supervisor) => run.sink(supervisor.sink()),
            None => run,
        };
        let asks = !args.before.yes && !args.simulate && is_interactive();
        let run = if asks { run.confirm(ask).confirm_canary(ask_canary) } else { run };
        let (end, page) = runtime.block_on(go(run, page, log, above));
        collector.end();
        if let Some(page) = page {
            page.end();
        }
        // A reader that still waits for its file must not hold up the end.
        runtime.shutdown_timeout(Duration::from_millis(100));
        end
    }
}

/// Starts a run, heeds signals and the page meanwhile, and waits for its end.
async fn go(
    run: Run,
    page: Option<WaitingPage>,
    log: &LogWriter,
    above: Option<&Stop>,
) -> (Result<RunEnd, Error>, Option<Serving>) {
    let run = run.start();
    let page = page.and_then(|page| page.start(&run));
    if let Some(above) = above.cloned() {
        let stop = run.stop().clone();
        tokio::spawn(async move { stop.follow(&above).await });
    }
    match signals::watch(run.stop().clone(), log.clone()) {
        Ok(()) => (run.wait().await, page),
        Err(error) => (Err(error), page),
    }
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

/// What people and logs are told meanwhile.
fn with_sinks(run: Run, output: &OutputArgs, log: &LogWriter) -> Run {
    let Some(form) = progress_form(output.log) else { return run.sink(Announcer::default()) };
    let announcer = match form {
        ProgressForm::Events => Announcer::default(),
        ProgressForm::Bar | ProgressForm::Lines => Announcer::on(log),
    };
    run.sink(announcer).sink(ProgressSink::new(form, log))
}
