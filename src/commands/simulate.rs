//! `simulate`: serves the simulator until it is stopped.

use crate::cli::simulate::SimulateArgs;
use crate::exit::{Error, Exit};

/// Serves until SIGINT or SIGTERM.
#[allow(clippy::needless_pass_by_value)]
pub fn run(_args: SimulateArgs) -> Result<Exit, Error> {
    Err(Error::refused("not there yet"))
}
