//! Arguments of `man`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write all pages into this folder; without it, the page of the program goes to stdout
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
