//! Arguments of `fleet`.

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::Args;

use super::log::LogArgs;
use super::run::NotifyArgs;
use super::shard::{ShardChoice, shard};

/// Arguments of `fleet`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct FleetArgs {
    /// A folder, each of whose `*.toml` files is the job of a project; or a text file with the path of
    /// a job file on each line, seen from its own folder (# begins a comment)
    #[arg(value_name = "DIR|LIST")]
    pub jobs: PathBuf,

    /// The most runs at a time; the others wait for their turn
    #[arg(long, default_value = "300", value_name = "N")]
    pub side_by_side: NonZeroU16,

    /// Go on with the last start of this fleet: its unfinished runs are resumed, jobs that had not begun
    /// begin, and finished ones are left as they are. Where nothing is unfinished, each job is
    /// run as by `run --resume`
    #[arg(long)]
    pub resume: bool,

    /// Take one of N parts of the jobs, such as 0/4 to 3/4, by their names. auto reads which one from
    /// the environment of an array of Slurm, Kubernetes, AWS Batch, Cloud Run or Nomad
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<ShardChoice>,

    /// Send nothing if any job file is wrong; without it, such a job alone is refused
    #[arg(long)]
    pub strict: bool,

    /// Rehearse: each run has a simulator of its own inside the process. No account is needed
    #[arg(long)]
    pub simulate: bool,

    /// Do not ask before the first update. Nobody is asked anyway unless there is a terminal
    #[arg(short, long)]
    pub yes: bool,

    /// The folder of the fleet, with its record, its summary and the runs of its jobs; by default
    /// fleets/NAME, after the DIR or LIST
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Write a page about all runs when the fleet ends: one HTML file, without users' values. A number
    /// is added to the name where the file exists
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,

    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,

    /// Who is told, once for the whole fleet.
    #[command(flatten)]
    pub notify: NotifyArgs,
}
