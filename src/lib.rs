//! Bulk updates of users against the Descope management API.

use std::ffi::OsString;

pub mod call;
pub mod catalog;
pub mod check;
pub mod clean;
pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod engine;
pub mod exit;
pub mod input;
pub mod instruction;
pub mod ledger;
pub mod limit;
pub mod logging;
pub mod outcome;
pub mod record;
pub mod recorder;
pub mod report;
pub mod simulator;
pub mod stop;

use exit::Exit;

/// Runs the program with its arguments, the program's name first, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = match cli::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors; both go where they belong, and so does the code.
            let _ = error.print();
            return if error.use_stderr() { Exit::Refused } else { Exit::Success };
        }
    };
    // A broken promise of ours is one line and a code of its own, not a page and 101.
    std::panic::set_hook(Box::new(|panic| {
        anstream::eprintln!("descope-bulk: a fault of ours, please report it: {panic}");
    }));
    let ended = std::panic::catch_unwind(|| commands::run(parsed.command));
    let _ = std::panic::take_hook();
    match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            anstream::eprintln!("descope-bulk: {error}");
            error.exit()
        }
        Err(_) => Exit::Broken,
    }
}
