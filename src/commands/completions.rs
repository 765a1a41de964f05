//! `completions`: prints what a shell reads to complete command lines, and answers it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic;

use clap::ValueEnum as _;

use crate::completion;
use crate::exit::{Error, Exit};
use crate::settings::Environment;
use crate::settings::cli::completions::CompletionsArgs;

/// Prints the script of a shell.
pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Error> {
    let shell = args.shell.to_possible_value();
    let script = shell.and_then(|shell| completion::script(shell.get_name()));
    let script = script.ok_or_else(|| Error::refused("there is no script for this shell"))?;
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(&script);
    Ok(Exit::Success)
}

/// Answers a script that asks what can be typed next; `None` if no script is asking.
pub(super) fn answer(arguments: &[OsString], environment: Environment<'_>) -> Option<Exit> {
    let shell = environment(completion::ASKING)?;
    // Nothing may be printed into somebody's line, not even by a defect.
    panic::set_hook(Box::new(|_| {}));
    let answer = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        completion::answer(&shell, arguments, environment)
    }));
    // Without an answer the shell falls back to what it can do itself.
    let _ = io::stdout().write_all(&answer.ok().flatten().unwrap_or_default());
    Some(Exit::Success)
}
