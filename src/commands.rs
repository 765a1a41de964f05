//! The subcommands: each builds the parts and joins them.

mod check;
mod operations;
mod run;
mod simulate;

use crate::cli::Command;
use crate::exit::{Error, Exit};

/// Runs a subcommand.
pub fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Simulate(args) => simulate::run(*args),
        Command::Operations(args) => operations::run(&args),
    }
}
