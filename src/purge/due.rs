//! Which runs are old enough, and which belong together. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::runs::PastRun;

/// Whether a run ended so long ago; one of which nobody knows when it ended did not.
#[must_use]
pub(crate) fn ended_before(run: &PastRun, now: Timestamp, age: Duration) -> bool {
    let ended = run.ended.or(run.began);
    ended.is_some_and(|ended| {
        Duration::try_from(now.duration_since(ended)).is_ok_and(|own| own > age)
    })
}

/// What makes runs those of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobRuns {
    /// The job file, if there is one.
    pub(crate) file: Option<String>,
    /// The inputs, as they are named.
    pub(crate) inputs: Vec<String>,
    /// The project's ID and base URL.
    pub(crate) project: Option<(String, String)>,
}

/// Whether a run is of a job: by its job file, or without one by its inputs; and for the same project, or
/// a rehearsal.
#[must_use]
pub(crate) fn of_same_job(run: &PastRun, job: &JobRuns) -> bool {
    let same = match (&run.job, &job.file) {
        (Some(own), Some(other)) => own == other,
        (None, None) => run.inputs == job.inputs,
        _ => false,
    };
    same && (run.project.is_none() || run.project == job.project)
}
