//! Arguments of the subcommands that look after what past runs left behind.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::run::some_time;

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The folder in which each run has a folder of its own
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs_dir: PathBuf,

    /// Print a JSON object for each run, one a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `purge`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct PurgeArgs {
    /// The folders of the runs
    #[arg(required_unless_present = "older_than", value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Purge only runs that ended longer ago, such as 30d; without a RUN, all of them in the runs folder
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub older_than: Option<Duration>,

    /// Keep settings, causes of failures and names of files, too, as far as they hold no user's data
    #[arg(long)]
    pub keep_summary: bool,

    /// Purge runs, too, that are damaged or could be resumed. They can then be neither resumed nor undone,
    /// and nobody can tell any more which rows were sent
    #[arg(long)]
    pub unfinished: bool,

    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask before removing
    #[arg(long)]
    pub yes: bool,

    /// The folder in which each run has a folder of its own
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs_dir: PathBuf,
}

/// Arguments of `decrypt`.
#[derive(Debug, Args)]
pub(crate) struct DecryptArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// The file with the secret key, as `age-keygen` writes it
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,

    /// The folder of the copy; it must not exist yet, or be empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Arguments of `redact`.
#[derive(Debug, Args)]
pub(crate) struct RedactArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// The folder of the copy; it must not exist yet, or be empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}
