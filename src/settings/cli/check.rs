//! Arguments of `check`.

use std::path::PathBuf;

use clap::Args;

use super::findings::FindingArgs;
use super::job::JobArgs;
use super::run::{ProjectArgs, Rate, RowArgs, rate, share};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files to check, in the order in which they would run; `-` is standard input
    #[arg(required_unless_present_any = ["job", "show_settings"], value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which job it is.
    #[command(flatten)]
    pub job: JobArgs,

    /// How rows are understood.
    #[command(flatten)]
    pub rows: RowArgs,

    /// What counts as a problem.
    #[command(flatten)]
    pub findings: FindingArgs,

    /// Whose custom attributes are read.
    #[command(flatten)]
    pub project: ProjectArgs,

    /// Send nothing, even if there are a project ID and a management key: the types of custom
    /// attributes are told from the values then
    #[arg(long, help_heading = "Project")]
    pub offline: bool,

    /// Show every problem as it is found, not only the first few of each kind
    #[arg(long, help_heading = "Findings")]
    pub all: bool,

    /// Print the report as one JSON object; with --all, first a line of JSON for each problem
    #[arg(long, help_heading = "Findings")]
    pub json: bool,

    /// Forecast for this rate instead of the documented limits; `off` for no limit
    #[arg(long, value_name = "N/WINDOW", value_parser = rate, conflicts_with = "max_share", help_heading = "Forecast")]
    pub rate: Option<Rate>,

    /// Forecast for this share of the documented limits
    #[arg(long, value_name = "PERCENT", value_parser = share, default_value = "80%", help_heading = "Forecast")]
    pub max_share: u32,
}
