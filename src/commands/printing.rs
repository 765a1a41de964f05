//! What goes to stdout.

use std::io::{self, Write};

/// Prints a text. A closed stdout has read enough, and is no reason to fail.
pub(super) fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
