//! Arguments of `operations`.

use clap::{Args, ValueEnum};

/// Arguments of `operations`.
#[derive(Debug, Args)]
pub(crate) struct OperationsArgs {
    /// Show the fields of these operations only
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    /// The form to print them in
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: Form,
}

/// A form of the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For a terminal.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For documents: this is how `docs/operations.md` is made.
    Markdown,
}
