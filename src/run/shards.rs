//! A run that is one shard of a job: it takes only the rows of its shard.

use std::sync::Arc;

use super::intake::Reading;
use crate::exit::Error;
use crate::input::InputRequest;
use crate::settings::config::{self, Config};
use crate::shard::{self, SPLIT, Shard};
use crate::stop::Stop;

/// Keeps a reading to the rows of a shard; how they were split becomes part of the run's identity.
pub(super) fn keep_to(reading: &mut Reading, shard: Shard, stop: &Stop) -> Result<(), Error> {
    let (input, mut builder) = reading.again()?;
    // What cannot be read stops the run at that row, in each shard.
    let rows = input.map_while(Result::ok).take_while(|_| !stop.is_draining());
    let split = shard::split(&mut builder, rows, shard)?;
    tracing::info!("shard {shard} has {} of {} rows", split.own, split.all);
    reading.identity.settings.insert(SPLIT.to_owned(), split.told());
    let rows = Arc::new(split.rows);
    for request in &mut reading.requests {
        *request = request.clone().with_only(Some(Arc::clone(&rows)));
    }
    reading.input.take_only(rows);
    Ok(())
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
