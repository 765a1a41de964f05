//! Arguments of a run that is a part of a job.

use clap::Args;

use crate::shard::Shard;

/// Which part of the rows a run is.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rows")]
pub struct ShardArgs {
    /// Take one of N parts of the rows, such as 0/4 to 3/4, so that N hosts can share a job: all rows of
    /// a user are in one part. auto reads which one from the environment of an array of Slurm,
    /// Kubernetes, AWS Batch, Cloud Run or Nomad. `descope-bulk merge` puts the results together
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "inbox")]
    pub shard: Option<ShardChoice>,
}

/// How it is said which shard a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardChoice {
    /// By the environment.
    Auto,
    /// By its number.
    Stated(Shard),
}

/// Which part it is, as it is typed.
pub(super) fn shard(text: &str) -> Result<ShardChoice, String> {
    if text == "auto" { Ok(ShardChoice::Auto) } else { text.parse().map(ShardChoice::Stated) }
}
