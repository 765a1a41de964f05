//! Asking whoever sits at the terminal.

use std::io::{self, IsTerminal};

/// Whether somebody can be asked.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether the person at the terminal types `yes`.
pub(super) fn says_yes() -> bool {
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
