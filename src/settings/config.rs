//! The configuration: what the arguments and the environment mean, validated.
//!
//! One conversion meets the world and may refuse; behind it nothing is optional that has a
//! default. The management key is read here, kept in a secret type, and written nowhere.

use std::ffi::OsString;
use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::api::address::{
    base_url, check_project_id, check_project_id_length, is_loopback, regional_base_url,
};
use crate::api::retry::Backoff;
use crate::api::transport::Endpoint;
use crate::catalog::{Operation, OperationKind, RateClass};
use crate::change::cells;
use crate::engine::breaker::{CircuitBreaker, MaxFailures};
use crate::exit::Error;
use crate::input::{HeaderRow, InputRequest, Selection, Stated};
use crate::limiter::Rates;
use crate::limiter::limit::Limit;
use crate::objects::ObjectUrl;
use crate::rows::{Mapping, header_names};
use crate::seal::Recipients;
use crate::send::{LookRules, MaxDeletes, Protected};
use crate::settings::Environment;
use crate::settings::budget::{BudgetSettings, budget};
use crate::settings::cli::findings::FindingArgs;
use crate::settings::cli::leaving::LeavingArgs;
use crate::settings::cli::run::{PaceArgs, ProjectArgs, Rate, RowArgs, RunArgs};
use crate::settings::cli::{self, Command, Parsed, Unparsed};
use crate::settings::hours::HourSettings;
use crate::settings::management_key::{REHEARSE, is_at_hand, management_key};
use crate::settings::shard::shard;
use crate::settings::table::{self, Resolved};
use crate::shard::Shard;
use crate::simulator;
use crate::store::{KeepUsers, OutputRules};

/// The settings of a run.
#[derive(Clone)]
pub struct Config {
    /// What to read.
    pub inputs: Vec<InputRequest>,
    /// Which part of the rows it is, if it is not all of them.
    pub shard: Option<Shard>,
    /// How rows are understood.
    pub mapping: Mapping,
    /// The codes of warnings that are allowed, if all rows are to be checked first and problems
    /// stop the run.
    pub strict: Option<Vec<String>>,
    /// Whether inputs may hold no row at all.
    pub allow_empty: bool,
    /// How many invalid rows a run bears, if all rows are checked before the first is sent.
    pub preflight: Option<MaxFailures>,
    /// The most users in a batch.
    pub batch_size: usize,
    /// What is done about users before anything is sent for them.
    pub looking: LookRules,
    /// How fast to send.
    pub pace: PaceSettings,
    /// When to send again, and how often.
    pub backoff: Backoff,
    /// When to stop for failures.
    pub breaker: CircuitBreaker,
    /// When to stop in any case.
    pub max_duration: Option<Duration>,
    /// In which hours of the day to send.
    pub hours: HourSettings,
    /// How many rows are sent before all others, and looked at.
    pub canary: Option<u64>,
    /// How many users may be deleted.
    pub max_deletes: MaxDeletes,
    /// Whether nothing but a plan may be run.
    pub is_protected: bool,
    /// Whose users to update.
    pub target: Target,
    /// Where the run keeps its files.
    pub folders: Folders,
    /// Where its folder is mirrored, if it is.
    pub mirror: Option<MirrorSettings>,
    /// How long finished runs of the same job keep users' data, if not forever.
    pub retention: Option<Duration>,
    /// What it leaves behind besides what it must.
    pub outputs: OutputRules,
    /// The SSH key that signs the run, if one does.
    pub sign_with: Option<PathBuf>,
    /// The settings in force, for the summary; without secrets.
    pub settings: Map<String, Value>,
    /// The settings that decide what is sent and to whom: a run is resumed with the same ones only.
    pub identity: Map<String, Value>,
}

/// Whose users are updated.
#[derive(Clone)]
pub enum Target {
    /// A project's.
    Project(Endpoint),
    /// Nobody's: a simulator inside the process, like this.
    Rehearsal(simulator::Settings),
}

/// Where a run keeps its files, and whether it is to be resumed.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder in which each run gets a folder of its own.
    pub runs_dir: PathBuf,
    /// The folder of this run, if it was named.
    pub out: Option<PathBuf>,
    /// Whether to resume the unfinished run of the same inputs and settings.
    pub resume: bool,
    /// Whether to wait for a process that has the same run open.
    pub wait: bool,
}

/// Where the folder of a run is mirrored.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    /// The folder of a bucket.
    pub url: ObjectUrl,
    /// How long the lease lasts unless it is renewed.
    pub lease: Duration,
}

/// How fast to send.
#[derive(Clone, Debug)]
pub struct PaceSettings {
    /// The most requests on the wire at a time.
    pub concurrency: usize,
    /// The most rows held at a time, where that is not for this run alone to say.
    pub held_rows: Option<usize>,
    /// The rate that was asked for, if one was.
    pub rate: Option<Rate>,
    /// The part of a server's limits to use, in percent.
    pub max_share: u32,
    /// Who keeps the limits together.
    pub budget: BudgetSettings,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// The longest that a request may take.
    pub timeout: Duration,
}

impl PaceSettings {
    /// The most rows held at a time: enough that rows asleep or waiting for their user's
    /// earlier rows do not keep the wire idle.
    #[must_use]
    pub fn window(&self) -> usize {
        const LEAST: usize = 512;
        self.held_rows.unwrap_or((4 * self.concurrency).max(LEAST))
    }

    /// For one request, whose project has nothing else to fear.
    #[must_use]
    pub(crate) fn for_one_request() -> Self {
        Self {
            concurrency: 1,
            held_rows: None,
            rate: None,
            max_share: 80,
            budget: BudgetSettings::Alone,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
        }
    }

    /// The limits that a rate, or a share of the documented limits, comes to, class by class.
    #[must_use]
    pub fn limits(rate: Option<Rate>, max_share: u32) -> Vec<(RateClass, Limit)> {
        let rates = match rate {
            Some(Rate::Off) => Rates::default(),
            Some(Rate::Limit(limit)) => Rates { users: Some(limit), lower: Vec::new() },
            None => Rates::documented(max_share),
        };
        let users = rates.users.map(|limit| (RateClass::Users, limit));
        users.into_iter().chain(rates.lower).collect()
    }

    /// The rates to keep: those asked for, else a share of the server's limits.
    ///
    /// `simulator` is what a simulator says of its own limit; the documented limits hold
    /// for everyone else.
    #[must_use]
    pub fn rates(&self, simulator: Option<&str>) -> Rates {
        let fixed = |limit| Rates { users: Some(limit), lower: Vec::new() };
        match (self.rate, simulator) {
            (Some(Rate::Off), _) | (None, Some("off")) => Rates::default(),
            (Some(Rate::Limit(limit)), _) => fixed(limit),
            (None, Some(told)) if told != "documented" => told.parse().map_or_else(
                |_| Rates::documented(self.max_share),
                |limit: Limit| fixed(limit.share(self.max_share)),
            ),
            (None, _) => Rates::documented(self.max_share),
        }
    }
}

impl Config {
    /// What the arguments of `run` mean: files and flags, as documented by `run --help`.
    ///
    /// `environment` gives the variables to go by, such as `DESCOPE_MANAGEMENT_KEY`.
    ///
    /// # Errors
    ///
    /// An argument that is unknown or malformed, and whatever is missing.
    pub fn from_words(
        words: impl IntoIterator<Item = impl Into<OsString>>,
        environment: Environment<'_>,
    ) -> Result<Self, Error> {
        let command = ["descope-bulk", "run"].map(OsString::from);
        let words = command.into_iter().chain(words.into_iter().map(Into::into));
        match cli::parse(words, environment) {
            Ok(Parsed { command: Command::Run(args), .. }) => Self::resolve(&args, environment),
            Ok(_) => Err(Error::refused("these are not arguments of `run`")),
            Err(Unparsed::Job(error)) => Err(error),
            Err(Unparsed::Usage(error)) => Err(Error::refused(error)),
        }
    }

    /// What the arguments of `run` mean.
    ///
    /// Refuses what is missing or malformed, saying what to set.
    pub fn resolve(args: &RunArgs, environment: Environment<'_>) -> Result<Self, Error> {
        some_input(&args.files)?;
        Self::for_each_file(args, environment)
    }

    /// What the arguments of `run` mean, whatever the files are.
    pub(crate) fn for_each_file(
        args: &RunArgs,
        environment: Environment<'_>,
    ) -> Result<Self, Error> {
        let mapping = mapping(&args.rows, &args.findings);
        let pace = pace(&args.pace, environment)?;
        let target = target(args, &pace, environment)?;
        let backoff = Backoff { max_attempts: args.limits.max_attempts, ..Backoff::default() };
        let max_failures = args.limits.max_failures.unwrap_or(MaxFailures::Unlimited);
        let breaker = CircuitBreaker::new(max_failures, args.limits.max_same_failures);
        let inputs = requests(&args.files, &args.rows);
        let project = match &target {
            Target::Project(endpoint) => {
                Some((endpoint.project_id.as_str(), endpoint.base_url.as_str()))
            }
            Target::Rehearsal(_) => None,
        };
        let shard = shard(args.shard.shard, environment)?;
        let run = Resolved { args, project, shard };
        let (identity, settings) = (table::identity(&run), table::recorded(&run));
        Ok(Self {
            inputs,
            shard,
            mapping,
            allow_empty: args.rows.allow_empty,
            strict: args.strict.then(|| args.findings.allow.clone()),
            // A strict run checks all rows anyway.
            preflight: (!args.limits.no_preflight && !args.strict)
                .then_some(args.limits.max_invalid),
            batch_size: usize::from(args.rows.batch_size),
            looking: LookRules {
                keep: !args.before.no_keep_before,
                skip_unchanged: args.before.skip_unchanged,
                on_drift: args.before.on_drift,
                protected: protected(&args.before.protect)?,
            },
            max_deletes: args.before.max_deletes,
            pace,
            backoff,
            breaker,
            max_duration: args.limits.max_duration,
            hours: HourSettings::of(&args.hours),
            canary: args.before.canary.map(NonZeroU64::get),
            // A rehearsal changes nobody.
            is_protected: args.before.protected && !args.simulate,
            target,
            folders: Folders {
                runs_dir: args.output.runs_dir.clone(),
                out: args.output.out.clone(),
                resume: args.resuming.resume,
                wait: args.resuming.wait,
            },
            mirror: args
                .mirror
                .mirror
                .clone()
                .map(|url| MirrorSettings { url, lease: args.mirror.mirror_lease }),
            retention: args.output.retention,
            outputs: outputs(&args.leaving, args.output.report.is_some())?,
            sign_with: signing_key(args.leaving.sign_with.as_deref())?,
            settings,
            identity,
        })
    }

    /// The same for a file of an inbox: where it is, what it is known as, and the folder of its run,
    /// which is resumed if it was begun.
    pub(crate) fn for_file(
        &self,
        (path, known_as): (PathBuf, String),
        run: PathBuf,
        rows: &RowArgs,
    ) -> Self {
        let mut config = self.clone();
        config.inputs = requests(&[path], rows);
        for request in &mut config.inputs {
            request.known_as = Some(known_as.clone());
        }
        config.folders.out = Some(run);
        config.folders.resume = true;
        config
    }

    /// The endpoint of the project that is updated; nothing for a rehearsal.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.target {
            Target::Project(endpoint) => Some(endpoint),
            Target::Rehearsal(_) => None,
        }
    }

    /// The ID of the project that is updated; nothing for a rehearsal.
    #[must_use]
    pub fn project_id(&self) -> Option<&str> {
        self.endpoint().map(|endpoint| &*endpoint.project_id)
    }
}

/// What a run leaves behind besides what it must.
fn outputs(args: &LeavingArgs, has_report: bool) -> Result<OutputRules, Error> {
    if !args.result_fields.is_empty() && args.results.is_empty() {
        return Err(Error::refused("--result-fields is about --results: use both, or omit it"));
    }
    let told = args.result_fields.iter().map(|field| field.trim().to_owned());
    let fields: Vec<String> = match args.keep_users {
        _ if !args.result_fields.is_empty() => told.filter(|field| !field.is_empty()).collect(),
        // Who does not want users to be kept does not want them here.
        KeepUsers::None => Vec::new(),
        KeepUsers::Ids => ["userId", "loginIds"].map(str::to_owned).into(),
        KeepUsers::Full => RESULT_FIELDS.map(str::to_owned).into(),
    };
    let refused = |why| Error::refused(format!("--result-fields: {why}"));
    fields.iter().try_for_each(|field| cells::check(field)).map_err(refused)?;
    if !args.encrypt_to.is_empty() && !args.results.is_empty() {
        return Err(Error::refused(
            "--results makes tables that would not be encrypted: omit it, or --encrypt-to",
        ));
    }
    if !args.encrypt_to.is_empty() && has_report {
        return Err(Error::refused(
            "--report reads the results, which only their recipients can: omit --report, or --encrypt-to",
        ));
    }
    let recipients = (!args.encrypt_to.is_empty()).then(|| Recipients::named(&args.encrypt_to));
    let recipients = recipients.transpose();
    Ok(OutputRules {
        recipients: recipients.map_err(|why| Error::refused(format!("--encrypt-to: {why}")))?,
        keep_users: args.keep_users,
        compress_results: args.compress_results,
        tables: args.results.clone(),
        fields,
    })
}

/// The key that signs the run. One that is not there is a mistake that is better known now.
fn signing_key(key: Option<&Path>) -> Result<Option<PathBuf>, Error> {
    match key.filter(|key| !key.exists()) {
        None => Ok(key.map(Path::to_owned)),
        Some(missing) => Err(Error::refused(format!(
            "--sign-with: there is no file {}: name a private SSH key, or the public key of one in an agent",
            missing.display()
        ))),
    }
}

/// The fields of returned users that results for spreadsheets show, unless others are asked for.
const RESULT_FIELDS: [&str; 5] = ["userId", "loginIds", "email", "phone", "status"];

/// Refuses a job that names no files where none are typed.
pub(crate) fn some_input(files: &[PathBuf]) -> Result<(), Error> {
    if files.is_empty() {
        return Err(Error::refused(
            "no input: name a FILE, or write files = [\"…\"] below [input] in the job file",
        ));
    }
    Ok(())
}

/// The inputs that are named.
#[must_use]
pub(crate) fn requests(files: &[PathBuf], rows: &RowArgs) -> Vec<InputRequest> {
    let stated = Stated {
        format: rows.format,
        encoding: rows.encoding,
        delimiter: rows.delimiter,
        sheet: rows.sheet.clone(),
        short_rows: rows.short_rows,
        hidden_rows: rows.hidden,
        selection: Selection {
            conditions: rows.conditions.clone(),
            skip: rows.skip,
            limit: rows.limit.map(NonZeroU64::get),
            rows: None,
        },
        header: match rows.header_row {
            Some(line) => HeaderRow::At(line.get()),
            None => HeaderRow::Named(header_names(&rows.map)),
        },
        may_be_empty: rows.allow_empty,
    };
    let request = |path: &PathBuf| InputRequest {
        path: path.clone(),
        stated: stated.clone(),
        known_as: None,
        promise: None,
    };
    files.iter().map(request).collect()
}

/// The stem of the run folder's name: that of the first input.
#[must_use]
pub(crate) fn run_name(inputs: &[InputRequest]) -> String {
    match inputs.first().map(InputRequest::key) {
        Some(path) if path == Path::new("-") => "stdin".to_owned(),
        Some(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        None => "run".to_owned(),
    }
}

/// Users who are never deleted, from files that name them.
pub(crate) fn protected(files: &[PathBuf]) -> Result<Protected, Error> {
    let mut protected = Protected::default();
    for path in files {
        let refuse = |why: String| Error::refused(format!("--protect {}{why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refuse(format!(": {error}")))?;
        let named = Protected::named_in(&text).map_err(|line| {
            refuse(format!(
                ":{line}: expected one login ID or user ID on the line, and nothing else"
            ))
        })?;
        protected = protected.and(&named);
    }
    Ok(protected)
}

/// How rows are understood.
#[must_use]
pub(crate) fn mapping(args: &RowArgs, findings: &FindingArgs) -> Mapping {
    Mapping {
        operation: args.operation,
        map: args.map.clone(),
        ignore: args.ignore.clone(),
        only: args.only.clone(),
        ignore_unknown: args.ignore_unknown,
        set: args.set.clone(),
        attributes: args.attribute.clone(),
        declared: Arc::default(),
        list_separator: args.list_separator,
        blank: args.blank,
        blank_of: args.blank_of.clone(),
        phones: args.phones,
        region: args.region,
        on_conflict: args.on_conflict,
        allow_destructive: args.allow_destructive,
        invites: args.invite,
        batching: args.batch,
        allow: findings.allow.clone(),
    }
}

pub(crate) fn pace(args: &PaceArgs, environment: Environment<'_>) -> Result<PaceSettings, Error> {
    if args.connect_timeout.is_zero() {
        return Err(Error::refused("--connect-timeout must be greater than zero"));
    }
    Ok(PaceSettings {
        concurrency: usize::from(args.concurrency),
        held_rows: None,
        rate: args.rate,
        max_share: args.max_share,
        budget: budget(args, environment)?,
        // Whoever shortens the whole shortens its parts.
        connect_timeout: args.connect_timeout.min(args.timeout),
        timeout: args.timeout,
    })
}

fn target(
    args: &RunArgs,
    pace: &PaceSettings,
    environment: Environment<'_>,
) -> Result<Target, Error> {
    if !args.simulate {
        return endpoint(&args.project, pace, environment).map(Target::Project);
    }
    // A rehearsal has the users that the files name, and is as fast as it can.
    let settings = args.simulator.clone().settings(simulator::Limit::Off);
    // Who is to be created must not be made up when somebody looks.
    let makes = |own: &Operation| matches!(own.kind, OperationKind::Create | OperationKind::Upsert);
    let create_missing = !args.rows.operation.is_some_and(makes);
    Ok(Target::Rehearsal(simulator::Settings { create_missing, ..settings }))
}

pub(crate) fn endpoint(
    args: &ProjectArgs,
    pace: &PaceSettings,
    environment: Environment<'_>,
) -> Result<Endpoint, Error> {
    let project_id = project(args, environment)?;
    let management_key = management_key(args, environment)?;
    let base_url = address(args, Some(&project_id), environment)?;
    // Servers on this machine are for trying things out, under whatever ID.
    if !is_loopback(&base_url) {
        check_project_id_length(&project_id)?;
    }
    Ok(Endpoint {
        base_url,
        project_id,
        management_key,
        connect_timeout: pace.connect_timeout,
        timeout: pace.timeout,
    })
}

/// The ID of the project that is named.
pub(crate) fn project(args: &ProjectArgs, environment: Environment<'_>) -> Result<String, Error> {
    let stated = args.project_id.clone().or_else(|| environment(table::PROJECT_ID));
    project_id(stated.as_deref())
}

/// The base URL that is named, else the one of a project's region.
pub(crate) fn address(
    args: &ProjectArgs,
    project: Option<&str>,
    environment: Environment<'_>,
) -> Result<Url, Error> {
    match args.base_url.clone().or_else(|| environment(table::BASE_URL)) {
        Some(text) => base_url(&text),
        None => base_url(&regional_base_url(project.unwrap_or_default())),
    }
}

/// The endpoint of the project that is named, if there is a key for it, too; nothing where either is
/// missing.
pub(crate) fn endpoint_at_hand(
    args: &ProjectArgs,
    pace: &PaceSettings,
    environment: Environment<'_>,
) -> Option<Result<Endpoint, Error>> {
    let has_project = args.project_id.is_some() || environment(table::PROJECT_ID).is_some();
    (has_project && is_at_hand(args, environment)).then(|| endpoint(args, pace, environment))
}

fn project_id(given: Option<&str>) -> Result<String, Error> {
    let id = given.map(str::trim).filter(|id| !id.is_empty()).ok_or_else(|| {
        Error::refused(format!(
            "no project: set DESCOPE_PROJECT_ID to the project's ID (console, Project settings); {REHEARSE}"
        ))
    })?;
    check_project_id(id)?;
    if !id.starts_with('P') {
        tracing::warn!("the project ID does not begin with P, as project IDs do");
    }
    Ok(id.to_owned())
}

/// The endpoint of a simulator inside the process.
#[must_use]
pub(crate) fn simulated_endpoint(base_url: Url, pace: &PaceSettings) -> Endpoint {
    Endpoint {
        base_url,
        project_id: "P2simulated0000000000000000".to_owned(),
        management_key: SecretString::from("K2simulated"),
        connect_timeout: pace.connect_timeout,
        timeout: pace.timeout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_checked_before_anything_is_sent() {
        assert!(project_id(None).unwrap_err().to_string().contains("DESCOPE_PROJECT_ID"));
        assert!(project_id(Some("P1 x")).is_err());
        assert!(project_id(Some("P1:K")).is_err());
    }

    #[test]
    fn rates_are_those_asked_for_else_the_servers() {
        let limit = |requests| Limit { requests, window: Duration::from_secs(60) };
        let pace = |rate| PaceSettings {
            concurrency: 1,
            held_rows: None,
            rate,
            max_share: 80,
            budget: BudgetSettings::Alone,
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
        };
        assert_eq!(pace(None).rates(None).users, Some(limit(400)));
        assert_eq!(pace(None).rates(Some("documented")), Rates::documented(80));
        assert_eq!(pace(None).rates(Some("off")), Rates::default());
        assert_eq!(pace(None).rates(Some("100/60s")).users, Some(limit(80)));
        assert_eq!(pace(None).rates(Some("nonsense")), Rates::documented(80));
        assert_eq!(pace(Some(Rate::Off)).rates(None), Rates::default());
        assert_eq!(pace(Some(Rate::Limit(limit(7)))).rates(Some("off")).users, Some(limit(7)));
    }
}
