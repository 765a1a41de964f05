//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

/// Failed rows on a page, unless another number is asked for.
pub(crate) const MAX_FAILURES: usize = 20_000;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The folders of the runs, in any order
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Write the page to this file, which only its owner can read; a file that exists is refused
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// Show users' values: login IDs in full, and the server's words. Without it, login IDs are shortened
    /// and words that may hold values are left out
    #[arg(long)]
    pub with_values: bool,

    /// The most failed rows on the page; of several runs, each has an equal share
    #[arg(long, default_value_t = MAX_FAILURES, value_name = "N")]
    pub max_failures: usize,

    /// Take runs of several projects
    #[arg(long)]
    pub any_project: bool,
}
