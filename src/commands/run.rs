//! `run`: arguments in, a run, and what is to be seen of it out.

use std::thread::JoinHandle;

use super::caller::Caller;
use super::supervision;
use super::teller::{Teller, write_metrics};
use crate::exit::{Error, Exit};
use crate::notify::{Ending, Occasion};
use crate::report::metrics;
use crate::run::RunEnd;
use crate::settings::cli::run::RunArgs;
use crate::settings::config::Config;
use runner::Runner;
use showing::show;

mod collector;
mod inbox;
mod live_page;
mod runner;
mod showing;

/// Runs the files and says how it ended, here and to whom it may concern.
pub(super) fn run(args: &RunArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let output = &args.output;
    let log = caller.start_log(output.log);
    // A rehearsal is nobody else's business.
    let teller = if args.simulate { None } else { Teller::of(&args.notify, caller.environment) };
    let begun = teller.as_ref().map(Teller::began);
    let supervisor = supervision::supervisor(caller.environment);
    let runner = Runner { args, caller, log: &log, supervisor: supervisor.as_ref() };
    if let Some(folder) = &args.inbox.inbox {
        let ended = inbox::run(&runner, folder, (teller.as_ref(), begun));
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
            (show(end, &runner), summary, is_repeat)
        }
        Err(error) => (Err(error), None, false),
    };
    if let Some(summary) = &summary {
        write_metrics(&args.notify, &metrics::of_summary(summary));
    }
    let exit = ended.as_ref().map_or_else(Error::exit, |exit| *exit);
    if let Some(teller) = teller {
        begun.map(JoinHandle::join);
        let why = ended.as_ref().err().map(ToString::to_string);
        let occasion = Occasion::RunEnded;
        teller.ended(&Ending { occasion, file: None, exit, summary, why, is_repeat, fleet: None });
    }
    // Whoever is told may take its time, and the program is alive meanwhile.
    if let Some(supervisor) = supervisor {
        supervisor.ended(exit);
    }
    ended
}
