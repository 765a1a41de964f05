//! A run that is one shard of a job: which rows it takes, and what its folder is called.

use crate::exit::Error;
use crate::input::{Input, InputRequest};
use crate::rows::Builder;
use crate::settings::config::{self, Config};
use crate::shard::{self, Shard, Split};
use crate::stop::Stop;

/// Which of the rows of inputs belong to a shard.
pub(super) fn split(
    (input, mut builder): (Input, Builder),
    shard: Shard,
    stop: &Stop,
) -> Result<Split, Error> {
    // What cannot be read stops the run at that row, in each shard.
    let rows = input.map_while(Result::ok).take_while(|_| !stop.is_draining());
    let split = shard::split(&mut builder, rows, shard)?;
    tracing::info!("shard {shard} has {} of {} rows", split.own, split.all);
    Ok(split)
}

/// The inputs with the rows of all shards.
pub(super) fn whole(requests: &[InputRequest]) -> Vec<InputRequest> {
    requests.iter().map(|request| request.clone().with_only(None)).collect()
}

/// The stem of the name of a run's folder, and that of all folders among which an earlier run of it, or
/// of another shard of it, may be.
pub(super) fn folder_names(config: &Config) -> (String, String) {
    /// Long names are cut, and the number of the shard must not be.
    const KEPT: usize = 40;
    let name = config::run_name(&config.inputs);
    match config.shard {
        None => (name.clone(), name),
        Some(shard) => {
            let name: String = name.chars().take(KEPT).collect();
            (shard.folder(&name), name)
        }
    }
}
