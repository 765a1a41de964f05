//! Arguments of `attributes`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::run::{PaceArgs, ProjectArgs};

/// Arguments of `attributes`.
#[derive(Debug, Args)]
pub(crate) struct AttributesArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AttributesCommand,
}

/// What can be done about the custom attributes of a project.
#[derive(Debug, Subcommand)]
pub(crate) enum AttributesCommand {
    /// Show the custom attributes that the project declares
    ///
    /// Exit codes: 0 done; 2 refused; 3 they could not be read.
    List(ListAttributesArgs),
    /// Create the custom attributes of a file that the project lacks
    ///
    /// The file is CSV or JSON Lines with the columns name, type, displayName and options. Types are
    /// text, number, boolean, singleselect, multiselect, date and monthday; options are `a;b`, or a
    /// list. Reads what is there, and shows it beside what is new. Where an attribute is there with
    /// another type, nothing is created. On a terminal, asks first. What is there is never created
    /// again, so the command can be repeated.
    ///
    /// Exit codes: 0 all are there; 2 refused, nothing was created; 3 not all could be created.
    Create(CreateAttributesArgs),
}

/// Arguments of `attributes list`.
#[derive(Debug, Args)]
pub(crate) struct ListAttributesArgs {
    /// Print them as one JSON object
    #[arg(long)]
    pub json: bool,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Arguments of `attributes create`.
#[derive(Debug, Args)]
pub(crate) struct CreateAttributesArgs {
    /// The file of definitions
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Do not ask before anything is created. Nobody is asked anyway unless there is a terminal
    #[arg(short, long)]
    pub yes: bool,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// How fast to send.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}
