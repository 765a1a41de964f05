//! Arguments of `init`.

use std::path::PathBuf;

use clap::Args;

use super::findings::FindingArgs;
use super::run::RowArgs;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The files that the job is for, as `run` takes them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Write the job to this file, which must not exist; without it, the job goes to stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Show the first values of each column as they are, and not their form only. The job then holds
    /// users' data
    #[arg(long)]
    pub with_values: bool,

    /// How rows are understood.
    #[command(flatten)]
    pub rows: RowArgs,

    /// What counts as a problem.
    #[command(flatten)]
    pub findings: FindingArgs,
}
