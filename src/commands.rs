//! The subcommands: each builds the parts and joins them.

mod simulate;

use crate::cli::Command;
use crate::exit::{Error, Exit};

/// Runs a subcommand.
pub fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::Simulate(args) => simulate::run(args),
    }
}
