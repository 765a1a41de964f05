//! Arguments of every subcommand that takes a job file.

use std::path::PathBuf;

use clap::Args;

/// Which job it is, and what it comes to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Job")]
pub struct JobArgs {
    /// Read files and settings from a job file (TOML). Flags override the environment, and the
    /// environment overrides the job; --map, --set and --ignore add to the job's, and a FILE replaces
    /// its files. Turn a switch of the job off with `=false`, such as --resume=false
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,

    /// Print the settings in force and where each comes from, but never a key, and exit
    #[arg(long)]
    pub show_settings: bool,
}
