//! Arguments of `plan`.

use std::path::PathBuf;

use clap::Args;

use super::findings::FindingArgs;
use super::job::JobArgs;
use super::run::{PaceArgs, ProjectArgs, RowArgs};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Files to plan, in the order in which they would run; `-` is standard input
    #[arg(required_unless_present_any = ["job", "show_settings"], value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which job it is.
    #[command(flatten)]
    pub job: JobArgs,

    /// What is written and shown.
    #[command(flatten)]
    pub output: PlanOutputArgs,

    /// How rows are understood.
    #[command(flatten)]
    pub rows: RowArgs,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,

    /// What counts as a problem.
    #[command(flatten)]
    pub findings: FindingArgs,
}

/// What a plan writes and shows.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(next_help_heading = "Plan")]
pub(crate) struct PlanOutputArgs {
    /// Write the plan to a file that `run` takes. It holds personal data, and only its owner can read
    /// it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write the changes as a table for a spreadsheet, too
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,

    /// Write a summary for a ticket or a pull request, too: numbers, classes and a few examples, at
    /// most 60,000 characters, without values
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Have values in the summary for a ticket
    #[arg(long, requires = "markdown")]
    pub with_values: bool,

    /// Show every change, and not only the first ten of each kind
    #[arg(long)]
    pub all: bool,

    /// Print what the plan comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// Exit with 0 when nothing would change, and with 5 when something would
    #[arg(long)]
    pub detailed_exitcode: bool,
}
