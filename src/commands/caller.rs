//! Who calls the program.

use std::io::{self, IsTerminal};

use crate::report::logging::{LogFormat, LogLook};
use crate::report::{self, Look};
use crate::settings::Environment;

/// Who calls the program.
pub(super) struct Caller<'a> {
    /// The words that were typed after the program's name.
    pub(super) typed: &'a [String],
    pub(super) environment: Environment<'a>,
}

impl Caller<'_> {
    /// Options with their values as they were typed, for another command line.
    pub(super) fn options(&self, names: &[&str]) -> String {
        let mut words = self.typed.iter();
        let mut options = String::new();
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').map_or((&**word, None), |(n, v)| (n, Some(v)));
            if names.contains(&name) {
                let value = value.map(str::to_owned).or_else(|| words.next().cloned());
                let value = report::quoted(&value.unwrap_or_default());
                options.extend([" ", name, " ", &value]);
            }
        }
        options
    }

    /// Whether to print in colour.
    pub(super) fn color(&self) -> bool {
        io::stdout().is_terminal() && (self.environment)("NO_COLOR").is_none()
    }

    /// What log lines look like.
    pub(super) fn log_look(&self, verbose: u8, format: LogFormat) -> LogLook {
        match format {
            LogFormat::Json => LogLook::Json,
            // Who asks for more wants to see when it was.
            LogFormat::Text if verbose > 0 || !io::stderr().is_terminal() => LogLook::Lines,
            LogFormat::Text => LogLook::Screen(self.color()),
        }
    }

    /// How what is printed looks.
    pub(super) fn look(&self) -> Look {
        let columns =
            terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
        Look { color: self.color(), columns }
    }
}
