//! Arguments of `doctor`.

use std::path::PathBuf;

use clap::Args;

use super::job::JobArgs;
use super::run::{PaceArgs, ProjectArgs};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print what was found as one JSON object
    #[arg(long)]
    pub json: bool,

    /// The folder in which runs are to be kept
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs_dir: PathBuf,

    /// How many rows a run will have: it fails where there is no room for them
    #[arg(long, value_name = "N")]
    pub rows: Option<u64>,

    /// Which job it is.
    #[command(flatten)]
    pub job: JobArgs,

    /// How fast to send.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}
