//! Bulk updates of users against the Descope management API.

use std::ffi::OsString;

use clap::Parser;

pub mod call;
pub mod catalog;
pub mod clean;
pub mod cli;
pub mod client;
pub mod commands;
pub mod engine;
pub mod exit;
pub mod input;
pub mod instruction;
pub mod outcome;
pub mod record;
pub mod recorder;
pub mod report;
pub mod simulator;
pub mod stop;

use exit::Exit;

/// Runs the program with its arguments, the program's name first, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = match cli::Cli::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors; both go where they belong, and so does the code.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Refused
            } else {
                Exit::Success
            };
        }
    };
    match commands::run(parsed.command) {
        Ok(exit) => exit,
        Err(error) => {
            anstream::eprintln!("descope-bulk: {error}");
            error.exit()
        }
    }
}
