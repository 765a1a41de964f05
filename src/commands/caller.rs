//! Who calls the program.

use std::io::{self, IsTerminal};

use crate::report::logging::{self, LogFormat, LogLook};
use crate::report::{self, LogWriter, Look, ProgressForm};
use crate::settings::Environment;
use crate::settings::cli::ColorWhen;
use crate::settings::cli::log::LogArgs;

/// Who calls the program.
pub(super) struct Caller<'a> {
    /// The words that were typed after the program's name.
    pub(super) typed: &'a [String],
    pub(super) environment: Environment<'a>,
    /// What is said of colours.
    pub(super) color: ColorWhen,
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

    /// The command line for another subcommand with the same arguments, but for some switches.
    pub(super) fn retyped(&self, command: &str, but_for: &[&str]) -> String {
        let words = self.typed.iter().skip(1).filter(|word| !but_for.contains(&word.as_str()));
        let words = words.map(|word| format!(" {}", report::quoted(word)));
        format!("descope-bulk {command}{}", words.collect::<String>())
    }

    /// Whether to print in colour on standard output.
    pub(super) fn color(&self) -> bool {
        self.color_on(&io::stdout())
    }

    /// Whether log lines are in colour, which go to standard error.
    pub(super) fn log_color(&self) -> bool {
        self.color_on(&io::stderr())
    }

    /// By what is said here, then by the variables that many programs share, then by who reads it.
    fn color_on(&self, stream: &impl IsTerminal) -> bool {
        let says = |name: &str| (self.environment)(name);
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto if says("NO_COLOR").is_some() => false,
            ColorWhen::Auto if says("CLICOLOR_FORCE").is_some_and(|own| own != "0") => true,
            ColorWhen::Auto => stream.is_terminal() && says("TERM").is_none_or(|own| own != "dumb"),
        }
    }

    /// Whether paths lead somewhere when they are clicked: never in a file or a pipe, whatever is forced.
    fn links(&self) -> bool {
        let is_wanted = self.color != ColorWhen::Never && io::stdout().is_terminal();
        is_wanted && supports_hyperlinks::supports_hyperlinks()
    }

    /// Sets up logging for the process and returns the writer that the progress must share.
    pub(super) fn start_log(&self, args: LogArgs) -> LogWriter {
        let look = match args.log_format {
            LogFormat::Json => LogLook::Json,
            // Who asks for more wants to see when it was.
            LogFormat::Text if args.verbose > 0 || !io::stderr().is_terminal() => LogLook::Lines,
            LogFormat::Text => LogLook::Screen(self.log_color()),
        };
        logging::start(args.verbose, args.quiet, look)
    }

    /// How what is printed looks.
    pub(super) fn look(&self) -> Look {
        let columns =
            terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
        Look { color: self.color(), columns, links: self.links() }
    }
}

/// How progress is shown; not at all where it is to be quiet.
pub(super) fn progress_form(args: LogArgs) -> Option<ProgressForm> {
    match args.log_format {
        _ if args.quiet => None,
        LogFormat::Json => Some(ProgressForm::Events),
        LogFormat::Text if io::stderr().is_terminal() => Some(ProgressForm::Bar),
        LogFormat::Text => Some(ProgressForm::Lines),
    }
}
