//! The run: the one pipeline, from inputs to their summary.
//!
//! A [`Run`] is built of its settings and of sinks that are told what happens, and is started.
//! Everything between is private: which run it is (intake), the reader, the session that joins
//! reader, engine and recorder, and the totals at the end. It prints nothing and reads neither
//! arguments nor environment; any number of runs may proceed in one process.

mod canary;
mod checked;
mod deletions;
mod earlier;
mod hours;
mod intake;
mod intention;
mod mirroring;
#[cfg(test)]
mod model;
mod parts;
mod planned;
mod reader;
mod retention;
mod session;
mod shards;
mod totals;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::api::transport::{Endpoint, Handshake, Transport};
use crate::connect;
use crate::engine::events::{CanaryReport, Event, Sink};
use crate::exit::Error;
use crate::limiter::Throttle;
use crate::mirror::Mirror;
use crate::plan::file::Plan;
use crate::requester::Requester;
use crate::settings::config::{self, Config, Target};
use crate::simulator::{self, Simulator};
use crate::stop::{Stop, StopReason};
use crate::store;
use crate::tasks;
use canary::AskCanary;
use deletions::{Deletions, RowsToDelete};
use intake::{Declares, Intended};
pub use intention::Intention;
pub use parts::RunEnd;
use parts::{Connection, NOT_CONFIRMED, Parts};
pub(crate) use parts::{RunVerdict, STRICT, exit_before_first_row};
use planned::Prepared;
use retention::Retention;

/// A run that has not begun.
///
/// ```
/// use descope_bulk::{Config, Run, RunEnd};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let runs = folder.path().to_str().ok_or("a strange folder")?;
/// let words = ["samples/phones.csv", "--operation", "phone", "--simulate", "--runs-dir", runs];
/// let config = Config::from_words(words, &|_| None)?;
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let end = runtime.block_on(async { Run::new(config).start().wait().await })?;
/// let RunEnd::Finished { summary, .. } = end else { return Err("no row was read".into()) };
/// assert!(summary.complete);
/// # Ok(())
/// # }
/// ```
///
/// Files are read and written on the runtime's threads for what blocks. A run that was stopped while it
/// waited for a pipe leaves one of them there: `Runtime::shutdown_timeout` does not wait for it.
pub struct Run {
    config: Config,
    sinks: Vec<Box<dyn Sink>>,
    typed: Vec<String>,
    confirm: Option<Confirm>,
    ask_canary: Option<AskCanary>,
}

/// Asks whether a run is to begin.
type Confirm = Box<dyn FnOnce(&Intention) -> bool + Send>;

impl Run {
    /// One with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, sinks: Vec::new(), typed: Vec::new(), confirm: None, ask_canary: None }
    }

    /// Has somebody asked after the canary (`--canary`) whether the other rows may go. Nobody is asked
    /// where it went wrong: the run stops then.
    #[must_use]
    pub fn confirm_canary(
        mut self,
        ask: impl FnOnce(&CanaryReport) -> bool + Send + 'static,
    ) -> Self {
        self.ask_canary = Some(Box::new(ask));
        self
    }

    /// Has somebody asked before the first update whether the run is to begin. Where the answer is no,
    /// nothing is sent, and nothing stays behind.
    #[must_use]
    pub fn confirm(mut self, ask: impl FnOnce(&Intention) -> bool + Send + 'static) -> Self {
        self.confirm = Some(Box::new(ask));
        self
    }

    /// Adds a sink, which is told what happens.
    #[must_use]
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// The words that were typed after the program's name. With them the summary of a run that
    /// stops early holds the command that resumes it.
    #[must_use]
    pub fn typed(mut self, words: Vec<String>) -> Self {
        self.typed = words;
        self
    }

    /// Starts it on the current Tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn start(self) -> RunHandle {
        let (stop, throttle) = (Stop::default(), Throttle::default());
        let task = tasks::spawn(within_hours(self, stop.clone(), throttle.clone()));
        RunHandle { stop, throttle, task }
    }
}

/// A run in progress. Dropping it neither stops nor hastens the run.
#[derive(Debug)]
pub struct RunHandle {
    stop: Stop,
    throttle: Throttle,
    task: JoinHandle<Result<RunEnd, Error>>,
}

impl RunHandle {
    /// What stops the run.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What pauses the run, resumes it and changes its pace.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// What was refused before the first row was read, or the simulator or the network that was
    /// not there. Nothing was sent then.
    pub async fn wait(self) -> Result<RunEnd, Error> {
        tasks::join(self.task).await
    }
}

/// Runs it, and keeps it to its hours meanwhile.
async fn within_hours(own: Run, stop: Stop, throttle: Throttle) -> Result<RunEnd, Error> {
    let hours = own.config.hours.clone();
    if let Err(reason) = hours::heed(&hours, &throttle) {
        return Ok(RunEnd::NotBegun(reason));
    }
    let keeping = (!hours.hours.is_empty())
        .then(|| tasks::spawn(hours::keep(hours, throttle.clone(), stop.clone())));
    let end = Box::pin(run(own, stop, throttle)).await;
    keeping.iter().for_each(JoinHandle::abort);
    end
}

async fn run(run: Run, stop: Stop, throttle: Throttle) -> Result<RunEnd, Error> {
    let retention = Retention::of(&run.config);
    let end = Box::pin(work(run, stop, throttle)).await?;
    if let Some(retention) = retention {
        retention.apply(&end).await;
    }
    Ok(end)
}

async fn work(run: Run, stop: Stop, throttle: Throttle) -> Result<RunEnd, Error> {
    let Run { config, sinks, typed, confirm, ask_canary } = run;
    let Prepared { config, plan } = prepared(config).await?;
    let taken = mirroring::take(config, &stop, &throttle).await;
    let (config, mirror) = match (taken, stop.reason()) {
        (Err(_), Some(reason)) => return Ok(RunEnd::NotBegun(reason)),
        (taken, _) => taken?,
    };
    let run = Run { config, sinks, typed, confirm, ask_canary };
    let end = Box::pin(mirrored(run, plan, mirror.clone(), (stop, throttle))).await;
    mirroring::end(mirror, end).await
}

/// The settings of a run whose input may be a plan, which is read.
async fn prepared(config: Config) -> Result<Prepared, Error> {
    let preparing = tasks::spawn_blocking(move || planned::prepare(config));
    tasks::joined(preparing.await)
}

async fn mirrored(
    run: Run,
    plan: Option<Plan>,
    mirror: Option<Arc<Mirror>>,
    (stop, throttle): (Stop, Throttle),
) -> Result<RunEnd, Error> {
    let Run { config, sinks, typed, confirm, ask_canary } = run;
    let config = Arc::new(config);
    let intake = match intend(&config, plan.is_some(), &stop).await? {
        Ok(Intended::Run(intake)) => intake,
        Ok(Intended::Nothing { folder, tally }) => {
            return Ok(RunEnd::AlreadyFinished { folder, exit: tally.exit() });
        }
        Ok(Intended::Problems { report, files }) => return Ok(RunEnd::Problems { report, files }),
        Err(reason) => return Ok(RunEnd::NotBegun(reason)),
    };
    let (endpoint, simulator) = match target(&config).await {
        Ok(target) => target,
        Err(error) => {
            intake.give_up();
            return Err(error);
        }
    };
    let question = confirm.map(|ask| (ask, plan));
    let parts = Parts { config, sinks, typed, stop, throttle, intake, mirror, ask_canary };
    let end = Box::pin(connected(parts, &endpoint, question)).await;
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    end
}

/// Which run it is; the reason when it is stopped before that is known.
async fn intend(
    config: &Arc<Config>,
    is_plan: bool,
    stop: &Stop,
) -> Result<Result<Intended, StopReason>, Error> {
    /// Long enough for a folder that was just begun to be removed again.
    const TO_GIVE_UP: Duration = Duration::from_secs(1);
    let keeping = Arc::new(OnceLock::new());
    let (settings, kept, heeded) = (Arc::clone(config), Arc::clone(&keeping), stop.clone());
    let runtime = Handle::current();
    let mut intending = tasks::spawn_blocking(move || {
        let declares = |endpoint| {
            let settings = &settings;
            let heeded = &heeded;
            move || runtime.block_on(connect::declared(endpoint, &settings.pace, heeded))
        };
        // What a plan wants has the types that it was made with, and a rehearsal has no project.
        let declares = settings.endpoint().filter(|_| !is_plan).map(declares);
        let declares = declares.as_ref().map(|declares| declares as Declares<'_>);
        intake::intend(&settings, Timestamp::now(), &kept, (declares, &heeded))
    });
    tokio::select! {
        biased;
        reason = stop.stopped() => {
            if let Some(folder) = keeping.get() {
                store::abandon(folder);
            } else if let Ok(Ok(Ok(Intended::Run(intake)))) =
                tokio::time::timeout(TO_GIVE_UP, &mut intending).await
            {
                intake.give_up();
            }
            Ok(Err(reason))
        }
        intended = &mut intending => tasks::joined(intended).map(Ok),
    }
}

/// The endpoint, with the simulator behind it if it is a rehearsal.
async fn target(config: &Config) -> Result<(Endpoint, Option<Simulator>), Error> {
    match &config.target {
        Target::Project(endpoint) => Ok((endpoint.clone(), None)),
        Target::Rehearsal(settings) => {
            let simulator = simulator::start(settings.clone()).await?;
            let url = simulator.base_url().parse().map_err(Error::refused)?;
            Ok((config::simulated_endpoint(url, &config.pace), Some(simulator)))
        }
    }
}

async fn connected(
    parts: Parts,
    endpoint: &Endpoint,
    question: Option<(Confirm, Option<Plan>)>,
) -> Result<RunEnd, Error> {
    let connected: Result<(Transport, Handshake), Error> = tokio::select! {
        connected = connect::connect(endpoint) => connected,
        reason = parts.stop.stopped() => {
            parts.intake.give_up();
            return Ok(RunEnd::NotBegun(reason));
        }
    };
    match connected {
        Ok((transport, handshake)) => {
            let config = &parts.config;
            let rates = config.pace.rates(handshake.simulator.as_deref());
            let gate = connect::gate(&config.pace, config.endpoint(), &rates)
                .heeding(parts.throttle.clone());
            let host = transport.host();
            let requester = Requester::new(transport, gate, config.backoff);
            let connection = Connection { requester, host, handshake };
            Box::pin(begin(parts, connection, endpoint, question)).await
        }
        Err(error) => {
            parts.intake.give_up();
            Err(error)
        }
    }
}

/// Looks at what is about to be done, and asks whether it may; then the session begins.
async fn begin(
    mut parts: Parts,
    connection: Connection,
    endpoint: &Endpoint,
    question: Option<(Confirm, Option<Plan>)>,
) -> Result<RunEnd, Error> {
    if deletions::may_delete(&parts.intake) {
        tell_held(&mut parts);
    }
    let deletions = match deletions(&parts, &connection).await {
        Ok(deletions) => deletions,
        Err(error) => {
            parts.intake.give_up();
            return Err(error);
        }
    };
    if let Some(reason) = parts.stop.reason() {
        parts.intake.give_up();
        return Ok(RunEnd::NotBegun(reason));
    }
    if let Some((ask, plan)) = question {
        let simulator = connection.handshake.simulator.as_deref();
        let intention = Intention::of(&parts, endpoint, simulator, (plan.as_ref(), deletions));
        if !confirmed(ask, intention, &parts.stop.clone()).await {
            parts.intake.give_up();
            let why = StopReason::stopped(NOT_CONFIRMED, "not confirmed", "");
            return Ok(RunEnd::NotBegun(why));
        }
    }
    Ok(session::session(parts, connection).await)
}

/// Tells that what is read before the first row is held back, if it is: that may be for hours.
fn tell_held(parts: &mut Parts) {
    if let Some(waiting) = session::held(&parts.throttle) {
        parts.sinks.iter_mut().for_each(|sink| sink.event(&Event::Waiting(waiting)));
    }
}

/// The users whom the run is about to delete, if there are any.
fn deletions<'a>(
    parts: &'a Parts,
    connection: &'a Connection,
) -> impl Future<Output = Result<Option<Deletions>, Error>> + Send + use<'a> {
    let (intake, config, stop) = (&parts.intake, &parts.config, &parts.stop);
    let rows = deletions::may_delete(intake)
        .then(|| (&intake.reading.requests[..], &intake.reading.builder));
    async move {
        let Some((requests, builder)) = rows else { return Ok(None) };
        let rows = RowsToDelete { requests, builder };
        deletions::check(config, rows, &connection.requester, stop).await
    }
}

/// Whether the run is to begin; asking may take as long as it likes, and a stop is no.
async fn confirmed(ask: Confirm, intention: Intention, stop: &Stop) -> bool {
    let answer = tasks::spawn_blocking(move || ask(&intention));
    tokio::select! {
        answer = answer => answer.unwrap_or(false),
        _ = stop.stopped() => false,
    }
}

#[cfg(test)]
mod tests;
