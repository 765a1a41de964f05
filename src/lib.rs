//! Bulk updates of users against the Descope management API.

use std::ffi::OsString;

pub mod api;
pub mod catalog;
pub mod change;
pub mod check;
pub mod commands;
pub mod engine;
pub mod exit;
pub mod input;
pub mod issue;
pub mod limiter;
pub mod outcome;
pub mod report;
pub mod rows;
pub mod send;
pub mod settings;
pub mod simulator;
pub mod stop;
pub mod store;

use exit::Exit;
use settings::cli;

/// Runs the program with its arguments, the program's name first, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let environment =
        |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    // A broken promise of ours is one line and a code of its own, not a page and 101.
    std::panic::set_hook(Box::new(|panic| {
        anstream::eprintln!("descope-bulk: a fault of ours, please report it: {panic}");
    }));
    let ended = std::panic::catch_unwind(|| match cli::parse(arguments, &environment) {
        Ok(parsed) => commands::run(parsed),
        Err(cli::Unparsed::Job(error)) => Err(error),
        Err(cli::Unparsed::Usage(error)) => {
            // Help and version are no errors; both go where they belong, and so does the code.
            let _ = error.print();
            Ok(if error.use_stderr() { Exit::Refused } else { Exit::Success })
        }
    });
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
