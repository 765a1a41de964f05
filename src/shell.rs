//! Commands that people give as one text.

use std::process::Command;

/// The command as the system's shell runs it.
pub(crate) fn shell(command: &str) -> Command {
    let (shell, option) = if cfg!(unix) { ("sh", "-c") } else { ("cmd", "/C") };
    let mut run = Command::new(shell);
    run.args([option, command]);
    run
}
