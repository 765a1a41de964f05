//! Arguments of `explain`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// The number of the row, as the results have it
    #[arg(value_name = "ROW")]
    pub row: u64,
}
