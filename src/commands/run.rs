//! `run`: reads rows, sends updates, writes what became of each.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Permit, PermitIterator};
use tokio::time::Instant;

use crate::api::transport::{Endpoint, Handshake, Transport};
use crate::catalog::RateClass;
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::{Engine, Observer, Row};
use crate::exit::{Error, Exit};
use crate::limiter::{Gate, Rates, SharedBudget};
use crate::outcome::{Finished, Tally};
use crate::report::logging::LogFormat;
use crate::report::{
    FailureCauses, Kind, LogWriter, NoteCounts, Pace, Progress, Reporter, Waiting,
};
use crate::rows::{AssignedContacts, Instruction};
use crate::send::Client;
use crate::settings::cli::run::{OutputArgs, RunArgs};
use crate::settings::config::{self, Config};
use crate::simulator;
use crate::stop::{Reason, Stop};
use crate::store::journal::Recovered;
use crate::store::{self, RunFolder};
use intake::{Chosen, Intake, Reading};

mod intake;
mod open_files;
mod signals;
mod totals;

/// Rows that may wait between two threads.
const CHANNEL: usize = 256;

/// Runs the files and says how it ended.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let output = &args.output;
    let log = crate::report::logging::start(output.verbose, output.quiet, output.log_format);
    let environment =
        |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let config = Arc::new(Config::resolve(args, &environment)?);
    open_files::allow(&config)?;
    let runtime = runtime(config.endpoint.is_none())
        .enable_all()
        .build()
        .map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))?;
    let exit = runtime.block_on(async {
        let stop = Stop::default();
        signals::watch(stop.clone(), log.clone())?;
        let Some(chosen) = choose(&config, args, &stop).await? else {
            return Ok(stopped_before(&stop));
        };
        match chosen {
            Chosen::Nothing(folder) => {
                nothing_to_do(&folder, output, &log);
                Ok(Exit::Success)
            }
            Chosen::Go(intake) => go(args, config, *intake, stop, &log).await,
        }
    });
    // A reader that still waits for its file must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}

/// One thread sends more than any limit allows, and is done sooner than several that wake each
/// other for every reply. A rehearsal has the server to run as well.
fn runtime(rehearsal: bool) -> tokio::runtime::Builder {
    if rehearsal {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    }
}

/// The exit code when a signal comes before the first row.
fn stopped_before(stop: &Stop) -> Exit {
    stop.reason().map_or(Exit::Stopped, |reason| signals::exit(&reason))
}

/// Which run it is; `None` when a signal comes before that is known.
async fn choose(
    config: &Arc<Config>,
    args: &RunArgs,
    stop: &Stop,
) -> Result<Option<Chosen>, Error> {
    let (config, output, going_on) = (Arc::clone(config), args.output.clone(), args.going_on);
    let keeping = Arc::new(OnceLock::new());
    let kept = Arc::clone(&keeping);
    let choosing = tokio::task::spawn_blocking(move || {
        intake::choose(&config, &output, going_on, Timestamp::now(), &kept)
    });
    tokio::select! {
        chosen = join_task(choosing) => chosen.map(Some),
        () = stop.draining() => {
            if let Some(folder) = keeping.get() {
                store::abandon(folder);
            }
            Ok(None)
        }
    }
}

fn nothing_to_do(folder: &Path, output: &OutputArgs, log: &LogWriter) {
    let summary = output.json.then(|| store::summary_text(folder)).flatten();
    let summary = summary.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    if let Some(summary) = summary {
        // A closed stdout has read enough.
        let _ = writeln!(io::stdout(), "{summary}");
    }
    if !output.quiet {
        let line = format!("the run in {} is finished: nothing to do\n", folder.display());
        // Without a reader of stderr there is nobody to tell.
        let _ = log.clone().write_all(line.as_bytes());
    }
}

/// Runs what was chosen, with the simulator inside if it is a rehearsal.
async fn go(
    args: &RunArgs,
    config: Arc<Config>,
    intake: Intake,
    stop: Stop,
    log: &LogWriter,
) -> Result<Exit, Error> {
    let mut simulator = None;
    let endpoint = match &config.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => {
            // A rehearsal has the users that the files name, and goes as fast as it can.
            let settings = simulator::Settings {
                create_missing: true,
                ..args.simulator.clone().settings(simulator::Limit::Off)
            };
            let inside = simulator.insert(simulator::start(settings).await?);
            let url = inside.base_url().parse().map_err(Error::refused)?;
            config::simulated_endpoint(url, &config.pace)
        }
    };
    let connected = tokio::select! {
        connected = connect(&endpoint) => connected.map(Some),
        () = stop.draining() => Ok(None),
    };
    let exit = match connected {
        Ok(Some(transport)) => session(&args.output, &config, intake, transport, stop, log).await,
        Ok(None) => {
            intake.give_up();
            Ok(stopped_before(&stop))
        }
        Err(error) => {
            intake.give_up();
            Err(error)
        }
    };
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    exit
}

async fn session(
    output: &OutputArgs,
    config: &Config,
    intake: Intake,
    (transport, handshake): (Transport, Handshake),
    stop: Stop,
    log: &LogWriter,
) -> Result<Exit, Error> {
    let (started_at, begun) = (Timestamp::now(), Instant::now());
    let Intake { folder, reading, recorder, recovered } = intake;
    let earlier = recovered.as_ref().map_or_else(Tally::default, |recovered| recovered.tally);
    let (to_recorder, from_engine) = mpsc::channel(CHANNEL);
    let rates = config.pace.rates(handshake.simulator.as_deref());
    let gate = gate(config, &rates);
    let ledger = RecorderHandle::new(&to_recorder);
    let client = Arc::new(Client::new(transport, gate, config.backoff, ledger, config.batch_size));
    let simulated = handshake.simulator.is_some();
    announce(&folder, &client, simulated, &earlier, output, log);
    let sources = reading.input.sources().to_vec();
    let progress = Arc::new(Progress::new(reading.input.total_bytes(), simulated));
    progress.done_before(earlier);
    let reporter = report(config, &client, output, &progress, log);
    let recorder = store::spawn(recorder, from_engine);
    let (to_engine, rows) = mpsc::channel(CHANNEL);
    let identity = reading.identity.clone();
    let reader = read(reading, recovered, Arc::clone(&progress), to_engine);
    let told = Arc::new(Mutex::new(RunNotes::default()));
    let watcher = Watcher { progress, told: Arc::clone(&told) };
    limit_duration(config.max_duration, &stop);
    let engine = Engine::new(
        Arc::clone(&client),
        to_recorder,
        watcher,
        stop.clone(),
        config.breaker.clone(),
        config.pace.window(),
    );
    // Beside the connections: every reply would otherwise wake another thread.
    let ended = join_task(tokio::spawn(engine.run(earlier, rows))).await;
    reporter.finish().await;
    // Off the runtime, which goes on to listen for signals.
    let closing = tokio::task::spawn_blocking(move || {
        let recorded = join(recorder);
        if ended.complete || reader.is_finished() {
            // Its end was seen; a reader that broke must not pass for the end of the input.
            join(reader);
        }
        recorded.and_then(|recorder| recorder.close(ended.complete))
    });
    let closed = join_task(closing).await;
    let RunNotes { reasons, noted } = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let elapsed = begun.elapsed();
    let facts = totals::Facts {
        config,
        client: &client,
        sources: &sources,
        identity: &identity,
        simulated,
        started_at,
        elapsed,
        earlier,
        reasons,
        noted,
    };
    totals::close(&facts, &folder, ended, stop.reason(), closed, output)
}

/// The gate, which shares the limits with this machine's other runs for the project.
fn gate(config: &Config, rates: &Rates) -> Gate {
    let gate = Gate::new(config.pace.concurrency, rates);
    let (Some(folder), Some(endpoint), true) =
        (&config.pace.budget, &config.endpoint, rates.users.is_some())
    else {
        return gate;
    };
    match SharedBudget::open(folder, endpoint.base_url.as_str(), &endpoint.project_id) {
        Ok(budget) => gate.sharing(budget),
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "no shared budget: other runs for this project are not heeded");
            gate
        }
    }
}

/// One line on what begins, so that a log tells where to look.
fn announce(
    folder: &RunFolder,
    client: &Client,
    simulated: bool,
    earlier: &Tally,
    output: &OutputArgs,
    log: &LogWriter,
) {
    let resumed = earlier.finished();
    if output.quiet || output.log_format == LogFormat::Json {
        tracing::info!(folder = %folder.path().display(), simulated, resumed, "run");
        return;
    }
    let rate = client.gate().allowed_per_second(RateClass::Users);
    let rate = rate.map_or("no limit".to_owned(), |rate| {
        format!("{:.0} calls a minute", (rate * 60.0).floor())
    });
    let label = if simulated { "SIMULATED " } else { "" };
    let goes_on = if resumed > 0 { format!(", {resumed} rows done before") } else { String::new() };
    let line = format!("{label}run in {}, {rate}{goes_on}\n", folder.path().display());
    // Without a reader of stderr the run goes on.
    let _ = log.clone().write_all(line.as_bytes());
}

fn report(
    config: &Config,
    client: &Arc<Client>,
    output: &OutputArgs,
    progress: &Arc<Progress>,
    log: &LogWriter,
) -> Reporter {
    let kind = match output {
        OutputArgs { quiet: true, .. } => Kind::Quiet,
        OutputArgs { log_format: LogFormat::Json, .. } => Kind::Events,
        _ if io::stderr().is_terminal() => Kind::Bar,
        _ => Kind::Lines,
    };
    let client = Arc::clone(client);
    let class = config.mapping.operation.map_or(RateClass::Users, |operation| operation.rate_class);
    Reporter::start(kind, Arc::clone(progress), move || pace(&client, class), log)
}

/// Stops the run after a time.
fn limit_duration(most: Option<Duration>, stop: &Stop) {
    let Some(most) = most else { return };
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(most).await;
        stop.drain(Reason::halted(
            "time_is_up",
            format!("--max-duration {} is over", humantime::format_duration(most)),
            "",
        ));
    });
}

/// What the gate knows of the near future.
fn pace(client: &Client, class: RateClass) -> Pace {
    let gate = client.gate();
    let cool_down = gate.cool_down();
    let waiting = if !cool_down.is_zero() {
        Waiting::CoolDown(cool_down)
    } else if gate.is_at_limit() {
        Waiting::Limit(gate.full_for())
    } else {
        Waiting::Sending
    };
    Pace {
        calls: client.meters().calls(),
        retries: client.meters().retries(),
        saved: client.meters().saved(),
        calls_per_second: gate.allowed_per_second(class),
        waiting,
    }
}

/// Shakes hands, a few times if nobody is there: a network may just be coming up.
async fn connect(endpoint: &Endpoint) -> Result<(Transport, Handshake), Error> {
    const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
    let mut transport = Transport::new(endpoint)?;
    let mut pauses = PAUSES.iter();
    loop {
        let lost = match transport.handshake().await {
            Ok(handshake) => return Ok((transport, handshake)),
            Err(lost) => lost,
        };
        let Some(pause) = pauses.next() else {
            return Err(Error::Stopped(format!(
                "cannot reach {}: {}; nothing was sent\n  check the network, the project ID's region and --base-url, then run it again",
                transport.host(),
                lost.detail
            )));
        };
        tokio::time::sleep(*pause).await;
    }
}

/// Reads on a thread of its own: files block. Rows that have their outcome are passed over.
fn read(
    reading: Reading,
    recovered: Option<Recovered>,
    progress: Arc<Progress>,
    to_engine: mpsc::Sender<Row>,
) -> JoinHandle<()> {
    let Reading { mut input, mut builder, .. } = reading;
    let (finished, sent) = recovered.map(|r| (r.finished, r.sent)).unwrap_or_default();
    let (mut claims, claiming) = (AssignedContacts::default(), builder.may_batch_contacts());
    let runtime = Handle::current();
    thread::spawn(move || {
        let mut bytes = 0;
        let mut places = None;
        while let Some(item) = input.next() {
            progress.read(1, input.bytes_read() - bytes);
            bytes = input.bytes_read();
            let row = match item {
                Ok(record) if finished.contains(record.position.row) => {
                    // What it has given its user is claimed all the same.
                    if claiming && let Ok(mut instruction) = builder.build(record) {
                        claims.take(&mut instruction);
                    }
                    continue;
                }
                Ok(record) => {
                    let ambiguous = sent.contains(&record.position.row);
                    match builder.build(record) {
                        Ok(mut instruction) => {
                            if claiming {
                                claims.take(&mut instruction);
                            }
                            Row::Ready(Instruction { ambiguous, ..instruction })
                        }
                        Err(invalid) => Row::Invalid(invalid),
                    }
                }
                Err(unreadable) => Row::Unreadable(Reason::halted(
                    totals::UNREADABLE_INPUT,
                    unreadable.to_string(),
                    "mend the file at that place, and run the rows from there on, under the header, as a file of their own",
                )),
            };
            let Some(place) = place(&runtime, &to_engine, &mut places) else { return };
            place.send(row);
        }
        progress.all_read();
    })
}

/// A place in the channel; nothing when its other end is closed.
///
/// Waits for many places at a time: a thread that is woken for each costs more than the row.
fn place<'a>(
    runtime: &Handle,
    to_engine: &'a mpsc::Sender<Row>,
    places: &mut Option<PermitIterator<'a, Row>>,
) -> Option<Permit<'a, Row>> {
    match places.as_mut().and_then(Iterator::next) {
        Some(place) => Some(place),
        None => {
            let many = runtime.block_on(to_engine.reserve_many(CHANNEL / 2)).ok()?;
            places.insert(many).next()
        }
    }
}

/// The end of a thread; what broke it breaks us.
fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The end of a task; what broke it breaks us.
async fn join_task<T>(task: tokio::task::JoinHandle<T>) -> T {
    task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// What rows told of themselves when they ended.
#[derive(Clone, Debug, Default)]
struct RunNotes {
    reasons: FailureCauses,
    noted: NoteCounts,
}

/// Tells the progress of every row that ends, and counts what rows tell.
struct Watcher {
    progress: Arc<Progress>,
    told: Arc<Mutex<RunNotes>>,
}

impl Observer for Watcher {
    fn finished(&mut self, finished: &Finished) {
        self.progress.finished(finished.outcome.status);
        if finished.outcome.error.is_some() || finished.notes.is_some() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.reasons.count(finished);
            told.noted.count(finished);
        }
    }
}
