//! Retention: at the end of a run, older finished runs of the same job are purged.
//!
//! They are those in the folder that holds this run's folder. A purge that fails is said, and changes
//! nothing of how the run ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::parts::RunEnd;
use crate::exit::Error;
use crate::input::InputRequest;
use crate::purge::{self, JobRuns, PurgeRules};
use crate::report::count;
use crate::runs::{RunState, past_runs};
use crate::settings::config::Config;
use crate::shard::are_siblings;
use crate::tasks;

/// What is purged, and when.
pub(super) struct Retention {
    age: Duration,
    job: JobRuns,
    /// The settings that say which run it is.
    identity: Map<String, Value>,
}

impl Retention {
    /// That of a run, if there is any. A rehearsal purges nothing.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let endpoint = config.endpoint()?;
        let job = JobRuns {
            file: config.settings.get("job").and_then(|job| job.as_str()).map(str::to_owned),
            inputs: config.inputs.iter().map(InputRequest::name).collect(),
            project: Some((endpoint.project_id.clone(), endpoint.base_url.to_string())),
        };
        let identity = config.identity.clone();
        config.retention.map(|age| Self { age, job, identity })
    }

    /// Purges what is too old, once the run is over.
    pub(super) async fn apply(self, end: &RunEnd) {
        let folder = match end {
            RunEnd::Finished { summary, .. } => summary.files.results.parent().map(PathBuf::from),
            RunEnd::AlreadyFinished { folder, .. } => Some(folder.clone()),
            RunEnd::Problems { .. } | RunEnd::NotBegun(_) => None,
        };
        let Some(runs) = folder.as_deref().and_then(Path::parent).map(Path::to_owned) else {
            return;
        };
        // What breaks it must not break the run.
        let _ = tasks::spawn_blocking(move || self.purge(&runs, Timestamp::now())).await;
    }

    fn purge(&self, runs: &Path, now: Timestamp) {
        let runs = if runs.as_os_str().is_empty() { Path::new(".") } else { runs };
        let found = past_runs(runs).unwrap_or_else(|error| {
            tracing::warn!("--retention: {error}; no earlier run was purged");
            Vec::new()
        });
        let rules = PurgeRules { keep_summary: true, unfinished: false };
        let too_old = found.iter().filter(|run| {
            // Other shards are still to be merged; each purges earlier runs of its own.
            let settings = run.identity.as_ref().map(|own| &own.settings);
            run.state == RunState::Complete
                && !settings.is_some_and(|own| are_siblings(own, &self.identity))
                && purge::of_same_job(run, &self.job)
                && purge::ended_before(run, now, self.age)
                && purge::may_be_purged(run, rules).is_ok()
        });
        let mut purged = 0;
        for run in too_old {
            match purge::purge(run, rules, now) {
                Ok(_) => purged += 1,
                // Another run of the same job may be at it.
                Err(Error::Busy(_)) => {}
                Err(error) => tracing::warn!("--retention: {error}; this run is not affected"),
            }
        }
        if purged > 0 {
            tracing::info!("--retention: {} purged", count(purged, "earlier run"));
        }
    }
}
