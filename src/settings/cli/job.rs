//! Arguments of every subcommand that takes a job file.

use std::path::PathBuf;

use clap::Args;

/// Which job it is, and what it comes to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Job")]
pub struct JobArgs {
    /// Take files and settings from a job file (TOML). Flags win over the environment, the
    /// environment over the job; --map, --set and --ignore add to the job's, and a FILE takes the
    /// place of its files. Switches are taken back with `=false`, such as --resume=false
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,

    /// Print the settings in force and where each came from, and do nothing else. Never a key
    #[arg(long)]
    pub show_settings: bool,
}
