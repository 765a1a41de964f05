//! The subcommands: each builds the parts and joins them.

mod check;
mod operations;
mod run;
mod settings;
mod simulate;

use std::io::Write as _;

use crate::exit::{Error, Exit};
use crate::settings::cli::{self, Command, Parsed};

/// Runs a subcommand.
pub fn run(parsed: Parsed) -> Result<Exit, Error> {
    let Parsed { command, settings } = parsed;
    match command {
        Command::Run(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.output.json))
        }
        Command::Run(args) => run::run(&args),
        Command::Check(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.json))
        }
        Command::Check(args) => check::run(&args),
        Command::Simulate(args) => simulate::run(*args),
        Command::Operations(args) => operations::run(&args),
        Command::JobSchema => job_schema(),
    }
}

/// Prints the schema of job files.
fn job_schema() -> Result<Exit, Error> {
    let mut root = cli::command();
    root.build();
    let run = root.find_subcommand("run").ok_or_else(|| Error::refused("there is no run"))?;
    let schema = crate::settings::job::schema(run);
    // A closed stdout has read enough.
    let _ = writeln!(std::io::stdout(), "{schema:#}");
    Ok(Exit::Success)
}
