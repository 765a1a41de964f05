//! A run and its mirror: what happens before the run begins, when it does, and when it is over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parts::RunEnd;
use crate::exit::{Error, Exit};
use crate::limiter::Throttle;
use crate::mirror::{LeaseTerms, Mirror, MirroredRun};
use crate::settings::config::Config;
use crate::stop::Stop;
use crate::tasks;

/// Takes the lease of a run that is mirrored, and what the mirror holds of it. From then on the settings
/// name the folder of the run that is resumed.
pub(super) async fn take(
    mut config: Config,
    stop: &Stop,
    throttle: &Throttle,
) -> Result<(Config, Option<Arc<Mirror>>), Error> {
    let Some(settings) = config.mirror.clone() else { return Ok((config, None)) };
    let url = match config.shard {
        // Each shard is a run of its own.
        Some(shard) => settings.url.join(&shard.folder("shard")),
        None => settings.url,
    };
    let folders = config.folders.clone();
    let terms = LeaseTerms { lasts: settings.lease, wait: folders.wait };
    let (stop, throttle) = (stop.clone(), throttle.clone());
    let taking = tasks::spawn_blocking(move || {
        let run = MirroredRun {
            runs: &folders.runs_dir,
            out: folders.out.as_deref(),
            resume: folders.resume,
        };
        Mirror::take(&url, &terms, &run, (&stop, &throttle))
    });
    let (mirror, folder) = tasks::joined(taking.await)?;
    if let Some(folder) = folder {
        config.folders.out = Some(folder);
    }
    Ok((config, Some(Arc::new(mirror))))
}

/// Ships the rest of a run that is over, and releases its lease. What cannot be shipped is told, and
/// makes the run one that is to be resumed.
pub(super) async fn end(
    mirror: Option<Arc<Mirror>>,
    ended: Result<RunEnd, Error>,
) -> Result<RunEnd, Error> {
    let Some(mirror) = mirror else { return ended };
    let finished = match &ended {
        Ok(RunEnd::AlreadyFinished { folder, .. }) => unpurged(folder),
        _ => None,
    };
    let ending = tasks::spawn_blocking(move || mirror.end(finished.as_deref()));
    match (tasks::joined(ending.await), ended) {
        (Ok(()), ended) => ended,
        (Err(error), Ok(RunEnd::Finished { summary, unrecorded, .. })) => {
            let unrecorded = Some(unrecorded.unwrap_or(error));
            Ok(RunEnd::Finished { summary, exit: Exit::Stopped, unrecorded })
        }
        (Err(error), Ok(_)) => Err(error),
        (Err(_), Err(earlier)) => Err(earlier),
    }
}

/// A folder whose users' data is there: what was purged here is not taken from the mirror.
fn unpurged(folder: &Path) -> Option<PathBuf> {
    let purged = crate::store::marks::purged(folder).ok()?;
    purged.is_none().then(|| folder.to_owned())
}
