//! Works on the jobs of a fleet: those of a project one after the other, projects side by side.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

use super::judged::JudgedJobs;
use crate::commands::{open_files, signals};
use crate::exit::{Error, Exit};
use crate::fleet::board::{Board, FleetSink};
use crate::fleet::job::{FleetEnvironment, FleetJob};
use crate::fleet::record::{FleetRecord, RecordedJob};
use crate::fleet::whole::{FleetReport, JobEnd, JobFate};
use crate::report::{FleetProgress, LogWriter, ProgressForm, Supervisor};
use crate::run::{Run, RunEnd, RunVerdict};
use crate::settings::cli::fleet::FleetArgs;
use crate::settings::config::Config;
use crate::stop::{Stop, StopReason};
use crate::store;
use crate::tasks;

/// How far apart it is looked at how far the fleet is.
const TICK: Duration = Duration::from_millis(200);

/// Threads that send: more would wake each other for every reply.
const MOST_THREADS: usize = 4;

/// Runs that begin at the same moment.
const BEGINNING: usize = 4;

/// How long others wait at most for a run to begin.
const LONGEST_BEGINNING: Duration = Duration::from_millis(250);

/// Files that a run has open besides its connections.
const FILES_OF_A_RUN: u64 = 12;

/// The work on a fleet.
pub(super) struct FleetWork {
    lanes: Vec<Vec<Arc<FleetJob>>>,
    /// Jobs that have ended, in no order.
    ends: Mutex<Vec<JobEnd>>,
    environment: FleetEnvironment,
    folder: PathBuf,
    record: Arc<Mutex<FleetRecord>>,
    board: Arc<Board>,
    /// What stops all runs.
    stop: Stop,
    /// Leave to begin.
    beginning: Semaphore,
    side_by_side: usize,
    resume: bool,
    simulated: bool,
}

impl FleetWork {
    /// The work on judged jobs, in the folder of a fleet.
    pub(super) fn new(
        mut judged: JudgedJobs,
        (folder, record): (&Path, FleetRecord),
        args: &FleetArgs,
    ) -> Self {
        let board = Board::of(judged.jobs() + judged.refused.len());
        judged.refused.iter().for_each(|_| board.ended(false));
        let side_by_side = side_by_side(&mut judged, args);
        let shared = |lane: Vec<FleetJob>| lane.into_iter().map(Arc::new).collect();
        Self {
            lanes: judged.lanes.into_iter().map(shared).collect(),
            ends: Mutex::new(judged.refused),
            environment: judged.environment,
            folder: folder.to_owned(),
            record: Arc::new(Mutex::new(record)),
            board: Arc::new(board),
            stop: Stop::default(),
            beginning: Semaphore::new(BEGINNING),
            side_by_side,
            resume: args.resume,
            simulated: args.simulate,
        }
    }

    /// Works on all jobs, and says what it came to.
    ///
    /// # Errors
    ///
    /// Threads that cannot be started. Nothing was sent then.
    pub(super) fn finish(
        self,
        (form, log): (Option<ProgressForm>, &LogWriter),
        supervisor: Option<&Supervisor>,
    ) -> Result<FleetReport, Error> {
        let started_at = Timestamp::now();
        let runtime = runtime(self.side_by_side)?;
        runtime.block_on(async {
            signals::watch(self.stop.clone(), log.clone())?;
            self.stop.begin_sending();
            let progress = form.map(|form| FleetProgress::new(form, log));
            let lanes = stream::iter(&self.lanes);
            let work = lanes.for_each_concurrent(self.side_by_side, |lane| self.work_on(lane));
            tokio::select! {
                () = work => {}
                () = self.show(progress, supervisor) => {}
            }
            Ok::<_, Error>(())
        })?;
        // A reader that still waits for its file must not hold up the end.
        runtime.shutdown_timeout(Duration::from_millis(100));
        Ok(self.report(started_at))
    }

    /// Shows how far it is, until it is dropped.
    async fn show(&self, progress: Option<FleetProgress>, supervisor: Option<&Supervisor>) {
        let mut progress = progress.map(DroppedProgress);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let course = self.board.course();
            if let Some(DroppedProgress(progress)) = &mut progress {
                progress.tick(&course);
            }
            if let Some(supervisor) = supervisor {
                supervisor.waits(&course.jobs_in_words());
            }
        }
    }

    /// Works on the jobs of a project, one after the other.
    async fn work_on(&self, lane: &[Arc<FleetJob>]) {
        for job in lane {
            let known = self.record().job(&job.name);
            let end = match before(&known).filter(|_| self.resume) {
                Some(verdict) => waiting(job).ended(verdict, known.run, true),
                None if self.stop.is_draining() => return,
                None => self.begin(job).await,
            };
            self.board.ended(end.exit == Exit::Success);
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.push(end);
        }
    }

    /// Runs a job. Few begin at the same moment, which takes more than to go on; one that takes long to
    /// begin does not hold up the others.
    async fn begin(&self, job: &Arc<FleetJob>) -> JobEnd {
        let leave = self.beginning.acquire().await;
        let (begins, begun) = oneshot::channel();
        let mut run = pin!(self.run(job, begins).instrument(tasks::job(&job.name)));
        tokio::select! {
            end = &mut run => return end,
            _ = tokio::time::timeout(LONGEST_BEGINNING, begun) => drop(leave),
        }
        run.await
    }

    /// Runs a job, and tells when it has begun.
    async fn run(&self, job: &Arc<FleetJob>, begins: oneshot::Sender<()>) -> JobEnd {
        if self.stop.is_draining() {
            return waiting(job);
        }
        self.board.begins();
        let config = tokio::select! {
            config = self.config(job) => config.map_err(Err),
            // Whoever prints a key may be waited for no longer.
            reason = self.stop.stopped() => Err(Ok(RunEnd::NotBegun(reason))),
        };
        let (verdict, finished) = match config {
            Ok(config) => self.run_to_the_end(job, (config, begins)).await,
            Err(ended) => (RunVerdict::of(&ended), None),
        };
        self.board.is_over();
        let run = finished.clone().or_else(|| self.record().job(&job.name).run);
        if let Some(why) = verdict.why.as_ref().filter(|_| !self.stop.is_draining()) {
            tracing::error!("{why}");
        }
        let end = waiting(job).ended(verdict, run, finished.is_some());
        self.write_down(&end, finished.as_deref());
        end
    }

    /// Its settings and its key, which a command may take long to print.
    async fn config(&self, job: &Arc<FleetJob>) -> Result<Config, Error> {
        let (job, folder, environment) =
            (Arc::clone(job), self.folder.clone(), self.environment.clone());
        let resume = self.resume;
        let config = tasks::spawn_blocking(move || job.config((&folder, resume), &environment));
        config.await.unwrap_or_else(|_| Err(Error::Stopped(DEFECT.to_owned())))
    }

    /// Runs it. Beside what it came to, the folder of its run if that was complete before.
    async fn run_to_the_end(
        &self,
        job: &FleetJob,
        (config, begins): (Config, oneshot::Sender<()>),
    ) -> (RunVerdict, Option<PathBuf>) {
        let sink = FleetSink {
            job: job.name.clone(),
            board: Arc::clone(&self.board),
            record: Arc::clone(&self.record),
            stop: self.stop.clone(),
            is_counted: false,
            begins: Some(begins),
        };
        let run = Run::new(config).typed(job.words(&self.folder)).sink(sink).start();
        let (own, above) = (run.stop().clone(), self.stop.clone());
        let following = tokio::spawn(async move { own.follow(&above).await });
        // In a task of its own: a defect that one run brings to light is not the end of the others.
        let ended = tasks::spawn(run.wait()).await;
        following.abort();
        let Ok(ended) = ended else {
            let why = Some(DEFECT.to_owned());
            return (RunVerdict { exit: Exit::Broken, summary: None, why }, None);
        };
        let finished = match &ended {
            Ok(RunEnd::AlreadyFinished { folder, .. }) => Some(folder.clone()),
            _ => None,
        };
        (RunVerdict::of(&ended), finished)
    }

    /// Writes down how a job has ended, and which run it has, if that was complete before. Where that
    /// cannot be written, nothing more is begun.
    fn write_down(&self, end: &JobEnd, finished: Option<&Path>) {
        let mut record = self.record();
        let written = finished.map_or(Ok(()), |run| record.has_run(&end.name, run));
        let is_complete = end.fate == JobFate::Complete;
        let written = written.and_then(|()| record.ended(&end.name, end.exit.code(), is_complete));
        if let Err(error) = written {
            tracing::error!("{error}");
            self.stop.drain(StopReason::not_recorded());
        }
    }

    fn record(&self) -> MutexGuard<'_, FleetRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it came to.
    fn report(self, started_at: Timestamp) -> FleetReport {
        let mut ends = self.ends.into_inner().unwrap_or_else(PoisonError::into_inner);
        let begun: std::collections::HashSet<_> = ends.iter().map(|end| end.name.clone()).collect();
        let left = self.lanes.iter().flatten().filter(|job| !begun.contains(&job.name));
        ends.extend(left.map(|job| waiting(job)));
        let stopped = self.stop.reason().map(|reason| (reason.exit(), reason.to_string()));
        let report = FleetReport {
            jobs: PathBuf::new(),
            folder: self.folder,
            shard: None,
            simulated: self.simulated,
            started_at,
            finished_at: Timestamp::now(),
            ends,
            stopped,
            resume: None,
        };
        if report.is_complete() {
            let record = self.record.lock();
            if let Err(error) = record.unwrap_or_else(PoisonError::into_inner).complete() {
                tracing::error!("{error}; the runs are not affected");
            }
        }
        report
    }
}

/// What is said of a run that met a defect of ours, which has said itself what it is.
const DEFECT: &str = "a defect of this program has ended the run: please report it";

/// Progress that goes from the screen when it is dropped.
struct DroppedProgress(FleetProgress);

impl Drop for DroppedProgress {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn waiting(job: &FleetJob) -> JobEnd {
    JobEnd::waiting(&job.name, job.project.as_ref().map(|(_, id)| &**id))
}

/// How a job ended before, if it is complete.
fn before(known: &RecordedJob) -> Option<RunVerdict> {
    let run = known.run.as_ref().filter(|_| known.is_complete)?;
    let tally = store::finished_tally(run).ok()?;
    Some(RunVerdict::finished(run, tally.exit()))
}

/// How many runs go on at a time: as many as was said, if the system allows their files.
fn side_by_side(judged: &mut JudgedJobs, args: &FleetArgs) -> usize {
    let wanted = usize::from(args.side_by_side.get()).min(judged.lanes.len()).max(1);
    judged.share(wanted);
    // A rehearsal has the server's end of each connection, too.
    let ends = if args.simulate { 2 } else { 1 };
    let each = ends * judged.concurrency() + FILES_OF_A_RUN;
    let most = usize::try_from(open_files::how_many(wanted as u64, each)).unwrap_or(wanted);
    if most < wanted {
        tracing::warn!(
            "only {most} runs go on at a time: each may have {each} files open; allow more (ulimit -n)"
        );
    }
    most
}

/// What all runs are driven by.
fn runtime(side_by_side: usize) -> Result<Runtime, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_THREADS))
        // What blocks for one run must not hold up another.
        .max_blocking_threads(2 * side_by_side + MOST_THREADS)
        .thread_keep_alive(Duration::from_secs(1))
        .enable_all()
        .build()
        .map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))
}
