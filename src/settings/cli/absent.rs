//! Arguments of `absent`.

use std::path::PathBuf;

use clap::Args;

use super::export::FilterArgs;
use super::run::{PaceArgs, ProjectArgs, max_deletes};
use crate::absent::AbsentAction;
use crate::send::MaxDeletes;

/// Arguments of `absent`.
#[derive(Debug, Args)]
pub(crate) struct AbsentArgs {
    /// The folder of the run whose input names the users who stay
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// What is to become of users whom no row names: `report` only lists them
    #[arg(long, value_enum, default_value_t, value_name = "ACTION")]
    pub action: AbsentAction,

    /// Write the rows to this file. It holds personal data, and only its owner can read it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write nothing when more than N users, or N% of those who were looked at, are absent
    #[arg(long, value_name = "N|N%", value_parser = max_deletes, default_value = "5%")]
    pub max_deletes: MaxDeletes,

    /// Leave the users alone whom a file names: a login ID or a user ID on each line
    #[arg(long, value_name = "FILE")]
    pub protect: Vec<PathBuf>,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// Which users are looked at.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}
