//! `run`: reads rows, sends updates, writes what became of each.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli::run::{LogFormat, OutputArgs, RunArgs};
use crate::client::Client;
use crate::client::gate::Gate;
use crate::client::wire::{Endpoint, Handshake, Wire};
use crate::config::{self, Config};
use crate::engine::{Engine, Observer, Row};
use crate::exit::{Error, Exit};
use crate::input::{self, Input};
use crate::instruction::Builder;
use crate::outcome::{Finished, Reasons};
use crate::recorder::{self, Place, Recorder, RunFolder};
use crate::report::{Kind, LogWriter, Pace, Progress, Reporter, Waiting};
use crate::simulator::{self, Simulator};
use crate::stop::{Reason, Stop};

mod books;
mod signals;

/// Rows that may wait between two threads.
const CHANNEL: usize = 256;

/// Runs the files and says how it ended.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Error> {
    let output = &args.output;
    let log = crate::logging::start(output.verbose, output.quiet, output.log_format);
    let environment =
        |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let config = Config::resolve(args, &environment)?;
    let input = input::open(&config.inputs)?;
    let builder = Builder::new(config.rules.clone(), input.sources())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))?;
    let exit = runtime.block_on(async {
        let simulator = start_simulator(args).await?;
        let run = Run::prepare(args, config, simulator.as_ref(), &input).await?;
        let exit = run.go(output, input, builder, &log).await;
        if let Some(simulator) = simulator {
            simulator.stop().await;
        }
        exit
    });
    // A reader that still waits for standard input must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit
}

async fn start_simulator(args: &RunArgs) -> Result<Option<Simulator>, Error> {
    if !args.simulate {
        return Ok(None);
    }
    // A rehearsal has the users that the files name, and goes as fast as it can.
    let settings = simulator::Settings {
        create_missing: true,
        ..args.simulator.clone().settings(simulator::Limit::Off)
    };
    simulator::start(settings).await.map(Some)
}

/// A run whose parts are there and of which nothing has been sent.
struct Run {
    config: Config,
    client: Arc<Client>,
    folder: RunFolder,
    recorder: Recorder,
    simulated: bool,
    started_at: Timestamp,
}

impl Run {
    async fn prepare(
        args: &RunArgs,
        config: Config,
        simulator: Option<&Simulator>,
        input: &Input,
    ) -> Result<Self, Error> {
        let endpoint = match (&config.endpoint, simulator) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, Some(simulator)) => inside(simulator, &config)?,
            (None, None) => return Err(Error::refused("there is no server to speak to")),
        };
        let (wire, handshake) = connect(&endpoint).await?;
        let rates = config.pace.rates(handshake.simulator.as_deref());
        let client = Client::new(wire, Gate::new(config.pace.concurrency, &rates), config.backoff);
        let started_at = Timestamp::now();
        let folder = RunFolder::create(match &args.output.out {
            Some(path) => Place::Exactly(path.clone()),
            None => Place::Under {
                runs: args.output.runs_dir.clone(),
                name: config::run_name(&config.inputs),
                at: started_at,
            },
        })?;
        let recorder = Recorder::new(&folder, input.sources())?;
        Ok(Self {
            config,
            client: Arc::new(client),
            folder,
            recorder,
            simulated: handshake.simulator.is_some(),
            started_at,
        })
    }

    async fn go(
        self,
        output: &OutputArgs,
        input: Input,
        builder: Builder,
        log: &LogWriter,
    ) -> Result<Exit, Error> {
        let begun = Instant::now();
        let stop = Stop::default();
        signals::watch(stop.clone(), log.clone())?;
        self.announce(output, log);
        let sources = input.sources().to_vec();
        let progress = Arc::new(Progress::new(input.total_bytes(), self.simulated));
        let reporter = self.report(output, &progress, log);
        let (to_recorder, from_engine) = mpsc::channel(CHANNEL);
        let recorder = recorder::spawn(self.recorder, from_engine);
        let (to_engine, rows) = mpsc::channel(CHANNEL);
        let reader = read(input, builder, Arc::clone(&progress), to_engine);
        let reasons = Arc::new(Mutex::new(Reasons::default()));
        let watcher = Watcher { progress, reasons: Arc::clone(&reasons) };
        let engine = Engine::new(
            Arc::clone(&self.client),
            to_recorder,
            watcher,
            stop.clone(),
            self.config.tripwire.clone(),
            self.config.pace.window(),
        );
        let ended = engine.run(rows).await;
        reporter.finish().await;
        let closed = join(recorder).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if ended.complete || reader.is_finished() {
            // Its end was seen; a reader that broke must not pass for the end of the input.
            join(reader).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        let reasons = reasons.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let facts = books::Facts {
            config: &self.config,
            client: &self.client,
            sources: &sources,
            simulated: self.simulated,
            started_at: self.started_at,
            elapsed: begun.elapsed(),
            reasons,
        };
        books::close(&facts, &self.folder, ended, stop.reason(), closed, output)
    }

    /// One line on what begins, so that a log tells where to look.
    fn announce(&self, output: &OutputArgs, log: &LogWriter) {
        if output.quiet || output.log_format == LogFormat::Json {
            tracing::info!(folder = %self.folder.path().display(), simulated = self.simulated, "run");
            return;
        }
        let rate = self.client.gate().allowed_per_second(crate::catalog::RateClass::Users);
        let rate = rate.map_or("no limit".to_owned(), |rate| {
            format!("{:.0} calls a minute", (rate * 60.0).floor())
        });
        let label = if self.simulated { "SIMULATED " } else { "" };
        let line = format!("{label}run in {}, {rate}\n", self.folder.path().display());
        // Without a reader of stderr the run goes on.
        let _ = log.clone().write_all(line.as_bytes());
    }

    fn report(&self, output: &OutputArgs, progress: &Arc<Progress>, log: &LogWriter) -> Reporter {
        let kind = match output {
            OutputArgs { quiet: true, .. } => Kind::Quiet,
            OutputArgs { log_format: LogFormat::Json, .. } => Kind::Events,
            _ if io::stderr().is_terminal() => Kind::Bar,
            _ => Kind::Lines,
        };
        let client = Arc::clone(&self.client);
        let class = self
            .config
            .rules
            .operation
            .map_or(crate::catalog::RateClass::Users, |operation| operation.rate_class);
        Reporter::start(kind, Arc::clone(progress), move || pace(&client, class), log)
    }
}

/// What the gate knows of the near future.
fn pace(client: &Client, class: crate::catalog::RateClass) -> Pace {
    let gate = client.gate();
    let cool_down = gate.cool_down();
    let waiting = if !cool_down.is_zero() {
        Waiting::CoolDown(cool_down)
    } else if gate.is_at_limit() {
        Waiting::Limit
    } else {
        Waiting::Sending
    };
    Pace {
        calls: client.meters().calls(),
        retries: client.meters().retries(),
        calls_per_second: gate.allowed_per_second(class),
        waiting,
    }
}

fn inside(simulator: &Simulator, config: &Config) -> Result<Endpoint, Error> {
    let url = simulator.base_url().parse().map_err(Error::refused)?;
    Ok(config::simulated_endpoint(url, &config.pace))
}

/// Shakes hands, a few times if nobody is there: a network may just be coming up.
async fn connect(endpoint: &Endpoint) -> Result<(Wire, Handshake), Error> {
    const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
    let mut wire = Wire::new(endpoint)?;
    let mut pauses = PAUSES.iter();
    loop {
        let lost = match wire.handshake().await {
            Ok(handshake) => return Ok((wire, handshake)),
            Err(lost) => lost,
        };
        let Some(pause) = pauses.next() else {
            return Err(Error::Stopped(format!(
                "cannot reach {}: {}; nothing was sent\n  check the network, the project ID's region and --base-url, then run it again",
                wire.host(),
                lost.detail
            )));
        };
        tokio::time::sleep(*pause).await;
    }
}

/// Reads on a thread of its own: files block.
fn read(
    mut input: Input,
    mut builder: Builder,
    progress: Arc<Progress>,
    to_engine: mpsc::Sender<Row>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut bytes = 0;
        while let Some(item) = input.next() {
            let row = match item {
                Ok(record) => builder.build(record).map_or_else(Row::Invalid, Row::Ready),
                Err(unreadable) => Row::Unreadable(Reason::halted(
                    "unreadable_input",
                    unreadable.to_string(),
                    "mend the file at that place, then run it again from there",
                )),
            };
            progress.read(1, input.bytes_read() - bytes);
            bytes = input.bytes_read();
            if to_engine.blocking_send(row).is_err() {
                return;
            }
        }
        progress.all_read();
    })
}

fn join<T>(thread: JoinHandle<T>) -> thread::Result<T> {
    thread.join()
}

/// Tells the progress and the reasons of every row that ends.
struct Watcher {
    progress: Arc<Progress>,
    reasons: Arc<Mutex<Reasons>>,
}

impl Observer for Watcher {
    fn finished(&mut self, finished: &Finished) {
        self.progress.finished(finished.outcome.status);
        if finished.outcome.error.is_some() {
            self.reasons.lock().unwrap_or_else(PoisonError::into_inner).count(finished);
        }
    }
}
