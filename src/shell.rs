//! Commands as one text: run, and written.

use std::process::Command;

/// The command as the system's shell runs it.
pub(crate) fn shell(command: &str) -> Command {
    let (shell, option) = if cfg!(unix) { ("sh", "-c") } else { ("cmd", "/C") };
    let mut run = Command::new(shell);
    run.args([option, command]);
    run
}

/// The text as one word of a shell's command line.
#[must_use]
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
