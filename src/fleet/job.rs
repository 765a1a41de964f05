//! One job of a fleet: what `run --job` takes, judged before anything is sent.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Dispatch;
use tracing::dispatcher::with_default;

use super::listing::ListedJob;
use crate::api::transport::Transport;
use crate::exit::Error;
use crate::settings::Environment;
use crate::settings::cli::run::RunArgs;
use crate::settings::cli::{self, Command, Parsed, Unparsed};
use crate::settings::config::Config;
use crate::settings::job::{InForce, Origin};

/// Variables that jobs of a fleet may take a value from. A project is not among them: all jobs would
/// go to the same one. Nor is the number of a shard, which is the fleet's.
const VARIABLES: [&str; 7] = [
    "HOME",
    "XDG_STATE_HOME",
    "CREDENTIALS_DIRECTORY",
    "DESCOPE_BASE_URL",
    KEY,
    "DESCOPE_MANAGEMENT_KEY_FILE",
    "DESCOPE_BUDGET_PASSWORD",
];

const KEY: &str = "DESCOPE_MANAGEMENT_KEY";

/// What a job says about how one run is shown and told of. In a fleet that is said once for all.
const SAID_BY_THE_FLEET: [&str; 15] = [
    "notify",
    "notify-webhook",
    "notify-slack",
    "notify-command",
    "notify-when",
    "metrics-file",
    "report",
    "serve",
    "serve-public",
    "otlp",
    "json",
    "quiet",
    "log-format",
    "resume",
    "wait",
];

/// Rows that all runs hold together, and what each may hold at the least. A row that is worked on takes a
/// few kilobytes, with its user and its request.
const ROWS_OF_ALL: usize = 9_600;
const LEAST_ROWS: usize = 32;

/// Rows that a run holds which has a process for itself.
const ROWS_OF_ONE: usize = 512;

/// Requests that all runs have in flight together, and what each may have at the least: enough for the
/// documented limits where a server answers within half a second.
const REQUESTS_OF_ALL: usize = 1_200;
const LEAST_REQUESTS: usize = 4;

/// The variables that jobs of a fleet go by, where a job itself says nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct FleetEnvironment(Arc<HashMap<&'static str, String>>);

impl FleetEnvironment {
    /// What they are just now.
    pub(crate) fn of(environment: Environment<'_>) -> Self {
        let given = |name: &'static str| environment(name).map(|value| (name, value));
        Self(Arc::new(VARIABLES.into_iter().filter_map(given).collect()))
    }

    /// The value of a variable.
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// A job that can be run.
#[derive(Debug)]
pub(crate) struct FleetJob {
    /// What it is called.
    pub(crate) name: String,
    /// Whose users it updates: the base URL and the project's ID; nothing of a rehearsal.
    pub(crate) project: Option<(String, String)>,
    /// What it says that a fleet does not heed.
    pub(crate) unheeded: BTreeSet<String>,
    path: PathBuf,
    /// Whether it says itself how many requests it has in flight at a time.
    says_concurrency: bool,
    /// The most rows that it holds at a time, where there are many runs.
    held_rows: Option<usize>,
    /// The folder for its runs within the fleet's, unless it names one.
    folder: Option<String>,
    args: Box<RunArgs>,
}

impl FleetJob {
    /// Reads a job file, and judges all that can be judged without its key and without reading rows.
    ///
    /// # Errors
    ///
    /// What would keep its run from beginning, with its place.
    pub(crate) fn read(
        listed: &ListedJob,
        simulate: bool,
        environment: &FleetEnvironment,
    ) -> Result<Self, Error> {
        let (args, settings) = parsed(&listed.path, simulate)?;
        refuse_unfit(&args, &settings)?;
        let at = |error: Error| match error {
            Error::Refused(why) => Error::refused(format!("{}: {why}", listed.path.display())),
            other => other,
        };
        if args.project.project_id.is_none() && !simulate {
            return Err(at(Error::refused(
                "it names no project: write project-id below [project]; a fleet does not take it from the environment",
            )));
        }
        let mut job = Self {
            name: listed.name.clone(),
            project: None,
            unheeded: unheeded(&settings),
            path: listed.path.clone(),
            says_concurrency: is_of_job(&settings, "concurrency"),
            held_rows: None,
            folder: (!is_of_job(&settings, "runs-dir")).then(|| listed.folder()),
            args,
        };
        let config = job.without_asking(environment).map_err(at)?;
        config.mapping.check().map_err(at)?;
        config.endpoint().map(Transport::new).transpose().map_err(at)?;
        job.find_inputs(&settings)?;
        let project = config.endpoint();
        job.project = project.map(|own| (own.base_url.to_string(), own.project_id.clone()));
        Ok(job)
    }

    /// Takes its share of what one process may hold, as one of so many runs that go on at a time.
    pub(crate) fn share(&mut self, runs: usize) {
        let share = |of_all: usize, least: usize| (of_all / runs.max(1)).max(least);
        let rows = share(ROWS_OF_ALL, LEAST_ROWS);
        self.held_rows = (rows < ROWS_OF_ONE).then_some(rows);
        if !self.says_concurrency {
            let requests = share(REQUESTS_OF_ALL, LEAST_REQUESTS);
            let own = &mut self.args.pace.concurrency;
            *own = u16::try_from(requests).map_or(*own, |requests| requests.min(*own));
        }
    }

    /// Its settings, as far as they are known without running a command for its key, which may take long,
    /// or ask somebody: that is done when it is its turn.
    fn without_asking(&mut self, environment: &FleetEnvironment) -> Result<Config, Error> {
        const STAND_IN: &str = "K0";
        let Some(command) = self.args.project.key_command.take() else {
            return Config::resolve(&self.args, &|name| environment.get(name));
        };
        let stand_in = |name: &str| match name {
            KEY => Some(STAND_IN.to_owned()),
            name => environment.get(name),
        };
        let config = Config::resolve(&self.args, &stand_in);
        self.args.project.key_command = Some(command);
        config
    }

    /// Refuses inputs that are not there.
    fn find_inputs(&self, settings: &[InForce]) -> Result<(), Error> {
        for file in &self.args.files {
            let place = || place_of(settings, "files", &file.to_string_lossy());
            if file == Path::new("-") {
                return Err(Error::refused(format!(
                    "{}: jobs of a fleet cannot share standard input: name a file",
                    place()
                )));
            }
            if let Err(error) = fs::metadata(file) {
                let file = file.display();
                return Err(Error::refused(format!(
                    "{}: {file}: cannot be read: {error}",
                    place()
                )));
            }
        }
        Ok(())
    }

    /// The settings of its run within the folder of a fleet, with its key. Blocks.
    ///
    /// # Errors
    ///
    /// A key that cannot be had, and whatever has changed for the worse since it was judged.
    pub(crate) fn config(
        &self,
        (fleet, resume): (&Path, bool),
        environment: &FleetEnvironment,
    ) -> Result<Config, Error> {
        let resolve = || Config::resolve(&self.args, &|name| environment.get(name));
        // What it warns of was told when it was judged, but of a key that was not known then.
        let is_judged = self.args.project.key_command.is_none();
        let mut config =
            if is_judged { with_default(&Dispatch::none(), resolve)? } else { resolve()? };
        if let Some(folder) = &self.folder {
            config.folders.runs_dir = fleet.join(folder);
        }
        (config.folders.resume, config.folders.wait) = (resume, false);
        config.pace.held_rows = self.held_rows;
        Ok(config)
    }

    /// The words that run it by itself.
    pub(crate) fn words(&self, fleet: &Path) -> Vec<String> {
        let mut words = vec!["run".to_owned(), "--job".to_owned(), text(&self.path)];
        if let Some(folder) = &self.folder {
            words.extend(["--runs-dir".to_owned(), text(&fleet.join(folder))]);
        }
        words.extend(self.args.simulate.then(|| "--simulate".to_owned()));
        words
    }

    /// The most requests that it has in flight at a time.
    pub(crate) fn concurrency(&self) -> u64 {
        self.args.pace.concurrency.into()
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The job as arguments of `run`, and where each came from. No variable is above it.
fn parsed(path: &Path, simulate: bool) -> Result<(Box<RunArgs>, Vec<InForce>), Error> {
    let mut words = ["descope-bulk", "run", "--job"].map(OsString::from).to_vec();
    words.push(path.into());
    words.extend(simulate.then(|| "--simulate".into()));
    match cli::parse(words, &|_| None) {
        Ok(Parsed { command: Command::Run(args), settings, .. }) => Ok((args, settings)),
        Ok(_) => Err(Error::refused("a job file is for `run`")),
        Err(Unparsed::Job(error)) => Err(error),
        Err(Unparsed::Usage(error)) => {
            let why = error.to_string();
            let why = why.trim().trim_start_matches("error: ");
            Err(Error::refused(format!("{}: {why}", path.display())))
        }
    }
}

/// Refuses what a fleet has no use for and cannot pass over.
fn refuse_unfit(args: &RunArgs, settings: &[InForce]) -> Result<(), Error> {
    let Some(inbox) = &args.inbox.inbox else { return Ok(()) };
    let place = place_of(settings, "inbox", &inbox.to_string_lossy());
    Err(Error::refused(format!(
        "{place}: a fleet does not take files from an inbox: name files, or use `run --job` for this one"
    )))
}

/// Where a job says something.
fn place_of(settings: &[InForce], name: &str, value: &str) -> String {
    let mut own = settings.iter().filter(|setting| setting.name == name);
    let found = own.find(|setting| setting.value.as_deref() == Some(value));
    found.and_then(|setting| setting.origin.place()).unwrap_or_else(|| value.to_owned())
}

fn is_of_job(settings: &[InForce], name: &str) -> bool {
    settings.iter().any(|own| own.name == name && matches!(own.origin, Origin::Job(..)))
}

/// What a job says that a fleet does not heed.
fn unheeded(settings: &[InForce]) -> BTreeSet<String> {
    let names = SAID_BY_THE_FLEET.iter().filter(|name| is_of_job(settings, name));
    names.map(ToString::to_string).collect()
}
