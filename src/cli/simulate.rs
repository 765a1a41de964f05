//! Arguments of `simulate`, and the simulator's options that `run --simulate` shares.

use clap::Args;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {}
