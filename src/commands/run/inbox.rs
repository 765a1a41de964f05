//! An inbox: the work on its files, and what is said of it as a whole, here and to whom it may concern.

use std::path::Path;
use std::thread::JoinHandle;

use jiff::Timestamp;

use super::runner::Runner;
use crate::commands::printing::print;
use crate::commands::teller::{self, Teller};
use crate::exit::{Error, Exit};
use crate::inbox::ending::Fate;
use crate::inbox::whole::InboxReport;
use crate::notify::{Ending, Occasion};
use crate::report::metrics::{self, InboxNumbers};
use crate::settings::cli::run::RunArgs;
use crate::store::summary::Summary;
use work::InboxWork;

mod work;

/// Works on the inbox in a folder, and says what it came to, here and to whom it may concern.
pub(super) fn run(
    runner: &Runner<'_>,
    folder: &Path,
    (teller, begun): (Option<&Teller>, Option<JoinHandle<()>>),
) -> Result<Exit, Error> {
    let args = runner.args;
    let opened = InboxWork::begin(runner, folder, teller);
    let ended = opened.map(InboxWork::finish);
    begun.map(JoinHandle::join);
    let (report, last) = ended.inspect_err(|error| {
        let ending = ending(error.exit(), error.to_string());
        teller.inspect(|teller| teller.ended(&ending));
    })?;
    show(&report, args.output.json);
    write_metrics(args, &report, last.as_deref());
    if let Some(teller) = teller {
        let whole = ending(report.exit(), report.line());
        teller.check_ended(&whole);
        if let Some(why) = &report.missing {
            let why = format!("{}: {why}", report.inbox.display());
            let told = ending(Exit::Missing, why);
            teller.others_ended(&Ending { occasion: Occasion::FileMissing, ..told });
        }
        if report.stopped.is_some() || !report.refused.is_empty() {
            teller.others_ended(&whole);
        }
    }
    Ok(report.exit())
}

/// What is told of the inbox as a whole.
fn ending(exit: Exit, why: String) -> Ending {
    let (occasion, why) = (Occasion::RunEnded, Some(why));
    Ending { occasion, file: None, exit, summary: None, why, is_repeat: false, fleet: None }
}

fn show(report: &InboxReport, json: bool) {
    print(&if json { format!("{}\n", report.json()) } else { report.page() });
}

/// Metrics of the last run and of the inbox. Those of an earlier start stay where this one had nothing
/// to do.
fn write_metrics(args: &RunArgs, report: &InboxReport, last: Option<&Summary>) {
    if report.files.is_empty() && report.missing.is_none() && report.stopped.is_none() {
        return;
    }
    let numbers = InboxNumbers {
        inbox: &report.inbox,
        files: Fate::ALL.into_iter().map(|fate| (fate.word(), report.count(fate))).collect(),
        is_missing: report.missing.is_some(),
        exit_code: report.exit().code(),
        finished_at: Timestamp::now(),
    };
    let text = last.map(metrics::of_summary).unwrap_or_default() + &metrics::of_inbox(&numbers);
    teller::write_metrics(&args.notify, &text);
}
