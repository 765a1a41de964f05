//! Arguments of `merge`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The folders of the runs of all shards
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// The folder of the merged run; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Merge shards, too, that are not finished; their rows without an outcome are counted as not
    /// attempted
    #[arg(long)]
    pub unfinished: bool,

    /// Print the merged summary as JSON
    #[arg(long)]
    pub json: bool,
}
