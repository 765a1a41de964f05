//! Who calls the program.

use std::io::{self, IsTerminal};

use crate::report::Look;
use crate::settings::Environment;

/// Who calls the program.
pub(super) struct Caller<'a> {
    /// The words that were typed after the program's name.
    pub(super) typed: &'a [String],
    pub(super) environment: Environment<'a>,
}

impl Caller<'_> {
    /// Whether to print in colour.
    pub(super) fn color(&self) -> bool {
        io::stdout().is_terminal() && (self.environment)("NO_COLOR").is_none()
    }

    /// How what is printed looks.
    pub(super) fn look(&self) -> Look {
        let columns =
            terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
        Look { color: self.color(), columns }
    }
}
