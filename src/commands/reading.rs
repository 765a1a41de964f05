//! What the subcommands share that only read: a project, and the stop.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::caller::Caller;
use super::runtime::runtime;
use super::signals;
use crate::connect::{self, ReadableProject};
use crate::exit::Error;
use crate::report::logging::{self, LogLook};
use crate::settings::cli::run::{PaceArgs, ProjectArgs};
use crate::settings::config;
use crate::stop::{Stop, StopReason};
use crate::store::NewFile;
use crate::store::summary::Tool;

/// Connects to a project, and has something done with it that only reads.
pub(super) fn with_project<T>(
    project: &ProjectArgs,
    pace: &PaceArgs,
    caller: &Caller<'_>,
    work: impl AsyncFnOnce(&ReadableProject, &Stop) -> Result<T, Error>,
) -> Result<T, Error> {
    let log = logging::start(0, false, LogLook::Screen(caller.log_color()));
    let pace = config::pace(pace, caller.environment)?;
    let endpoint = config::endpoint(project, &pace, caller.environment)?;
    runtime()?.block_on(async {
        let stop = Stop::default();
        signals::watch(stop.clone(), log.clone())?;
        let project = tokio::select! {
            project = connect::to_read(&endpoint, &pace) => project?,
            reason = stop.stopped() => {
                return Err(Error::Signalled(
                    format!("{reason} before the first request"),
                    reason.exit(),
                ));
            }
        };
        let worked = work(&project, &stop).await;
        worked.map_err(|error| match (error, stop.reason()) {
            (
                Error::Stopped(what),
                Some(reason @ (StopReason::Interrupted | StopReason::Terminated)),
            ) => Error::Signalled(what, reason.exit()),
            (error, _) => error,
        })
    })
}

/// Begins a file of rows that come of a run and a look at its project; a header says of which.
pub(super) fn begin_rows(
    path: &Path,
    header: &str,
    (run, project): (&Path, &ReadableProject),
) -> Result<NewFile, Error> {
    let mut file = NewFile::create(path)?;
    let header = json!({(header): {
        "version": 1,
        "tool": format!("{} {}", Tool::THIS.name, Tool::THIS.version),
        "projectId": project.id,
        "baseUrl": project.base_url,
        "run": run.display().to_string(),
        "readAt": format!("{:.3}", Timestamp::now()),
    }});
    file.line(header.to_string().as_bytes())?;
    Ok(file)
}

/// Refuses a project that is not the one of the run in a folder, by its ID and its base URL.
pub(super) fn is_of_project(
    run: &Path,
    of: Option<&(String, String)>,
    project: &ReadableProject,
) -> Result<(), Error> {
    match of {
        Some((id, url)) if *id != project.id || *url != project.base_url => {
            Err(Error::refused(format!(
                "the run in {} was for project {id} at {url}, and this is {} at {}",
                run.display(),
                project.id,
                project.base_url
            )))
        }
        _ => Ok(()),
    }
}
