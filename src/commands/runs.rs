//! `runs`: past runs, listed.

use std::io::{self, Write};

use super::caller::Caller;
use crate::exit::{Error, Exit};
use crate::report;
use crate::runs::past_runs;
use crate::settings::cli::past::RunsArgs;

/// Lists the runs below the runs folder.
pub(super) fn run(args: &RunsArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let runs = past_runs(&args.runs_dir)?;
    let mut page = Vec::new();
    let printed = if args.json {
        runs.iter().try_for_each(|run| writeln!(page, "{}", report::run_json(run)))
    } else {
        report::print_runs(&mut page, &runs, &args.runs_dir, caller.look())
    };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(Exit::Success)
}
