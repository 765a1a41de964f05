//! The jobs of a fleet, judged before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::exit::Error;
use crate::fleet::job::{FleetEnvironment, FleetJob};
use crate::fleet::listing::ListedJob;
use crate::fleet::whole::JobEnd;
use crate::run::RunVerdict;
use crate::settings::Environment;
use crate::settings::cli::fleet::FleetArgs;
use crate::tasks;

/// Jobs that can be run and jobs that cannot.
pub(super) struct JudgedJobs {
    /// Those that can: the jobs of each project, in order.
    pub(super) lanes: Vec<Vec<FleetJob>>,
    /// Those that cannot.
    pub(super) refused: Vec<JobEnd>,
    /// What they go by where they say nothing themselves.
    pub(super) environment: FleetEnvironment,
}

impl JudgedJobs {
    /// Judges jobs, and says at once what is wrong with any.
    ///
    /// # Errors
    ///
    /// A job that is wrong, where none may be.
    pub(super) fn of(
        jobs: Vec<ListedJob>,
        args: &FleetArgs,
        environment: Environment<'_>,
    ) -> Result<Self, Error> {
        let environment = FleetEnvironment::of(environment);
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for listed in jobs {
            let read = || FleetJob::read(&listed, args.simulate, &environment);
            match tasks::job(&listed.name).in_scope(read) {
                Ok(job) => good.push(job),
                Err(error) => {
                    anstream::eprintln!("descope-bulk: {error}");
                    let verdict = RunVerdict::of(&Err(error));
                    refused.push(JobEnd::waiting(&listed.name, None).ended(verdict, None, false));
                }
            }
        }
        if args.strict && !refused.is_empty() {
            return Err(Error::refused("job files are wrong, so nothing was sent (--strict)"));
        }
        warn_of_unheeded(&good);
        Ok(Self { lanes: lanes(good), refused, environment })
    }

    /// How many can be run.
    pub(super) fn jobs(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// Has each take its share of the process, where so many runs go on at a time.
    pub(super) fn share(&mut self, runs: usize) {
        self.lanes.iter_mut().flatten().for_each(|job| job.share(runs));
    }

    /// The most requests that any of them has in flight.
    pub(super) fn concurrency(&self) -> u64 {
        self.lanes.iter().flatten().map(FleetJob::concurrency).max().unwrap_or(0)
    }
}

/// Says once what jobs say in vain.
fn warn_of_unheeded(jobs: &[FleetJob]) {
    let unheeded: BTreeSet<&str> =
        jobs.iter().flat_map(|job| &job.unheeded).map(String::as_str).collect();
    if !unheeded.is_empty() {
        let names = unheeded.into_iter().collect::<Vec<_>>().join(", ");
        tracing::warn!("job files set {names}, which a fleet does not heed: use its own flags");
    }
}

/// The jobs by project, in the order of the first of each: two of one project would take its limit twice,
/// and rows of one user would overtake each other.
fn lanes(jobs: Vec<FleetJob>) -> Vec<Vec<FleetJob>> {
    let mut lanes: Vec<Vec<FleetJob>> = Vec::new();
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for job in jobs {
        let next = lanes.len();
        let place = match &job.project {
            Some(project) => *places.entry(project.clone()).or_insert(next),
            // A simulator of its own.
            None => next,
        };
        match lanes.get_mut(place) {
            Some(lane) => lane.push(job),
            None => lanes.push(vec![job]),
        }
    }
    lanes
}
