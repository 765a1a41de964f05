//! Arguments of `run`, in the groups in which they are documented.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::findings::FindingArgs;
use super::hours::HourArgs;
use super::inbox::InboxArgs;
use super::job::JobArgs;
use super::leaving::LeavingArgs;
use super::log::LogArgs;
use super::mirror::MirrorArgs;
use super::shard::ShardArgs;
use super::simulate::SimulatorOptions;
use crate::catalog::Operation;
use crate::engine::breaker::MaxFailures;
use crate::input::record::{Delimiter, Encoding, Format};
use crate::input::{HiddenRows, ShortRows};
use crate::limiter::limit::Limit;
use crate::notify::NotifyWhen;
use crate::rows::values::{AttributeType, ListSeparator};
use crate::rows::{Batching, Blank, OnConflict, Phones, Region, is_field};
use crate::send::{MaxDeletes, OnDrift};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// CSV, TSV, JSONL, JSON, .xlsx or .ods files, plain or compressed with gzip or zstd, in order; `-`
    /// is standard input, and `s3://BUCKET/KEY`, `gs://…` and `az://…` are objects (feature
    /// `object-storage`)
    #[arg(required_unless_present_any = ["job", "show_settings", "inbox"], value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which job it is.
    #[command(flatten)]
    pub job: JobArgs,

    /// How rows are understood.
    #[command(flatten)]
    pub rows: RowArgs,

    /// How fast to send.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// At which hours of the day to send.
    #[command(flatten)]
    pub hours: HourArgs,

    /// What is done about users before anything is sent for them.
    #[command(flatten)]
    pub before: BeforeArgs,

    /// When to give up.
    #[command(flatten)]
    pub limits: FailureArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,

    /// What is written and shown.
    #[command(flatten)]
    pub output: OutputArgs,

    /// What the run leaves behind besides what it must.
    #[command(flatten)]
    pub leaving: LeavingArgs,

    /// Whether to resume an earlier run.
    #[command(flatten)]
    pub resuming: ResumeArgs,

    /// Check all rows first, as `check` does, and send nothing if there is any problem
    #[arg(long, help_heading = "Findings")]
    pub strict: bool,

    /// What counts as a problem.
    #[command(flatten)]
    pub findings: FindingArgs,

    /// Rehearse: start a simulator that has the users named in the files. No account is needed,
    /// nothing leaves this machine, and the rate is limited only by --rate-limit
    #[arg(long, help_heading = "Simulator", conflicts_with = "base_url_flag")]
    pub simulate: bool,

    /// How the simulator behaves.
    #[command(flatten)]
    pub simulator: SimulatorOptions,

    /// Who is told, and how.
    #[command(flatten)]
    pub notify: NotifyArgs,

    /// Where files come from, one by one.
    #[command(flatten)]
    pub inbox: InboxArgs,

    /// Which part of the rows it is.
    #[command(flatten)]
    pub shard: ShardArgs,

    /// Where its folder is mirrored.
    #[command(flatten)]
    pub mirror: MirrorArgs,
}

/// How rows are understood.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(next_help_heading = "Rows")]
pub struct RowArgs {
    /// The format of the files; by default detected from each file's content and name
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// What separates the cells of text files; by default the one delimiter that is in the header
    #[arg(long, value_enum, value_name = "DELIMITER")]
    pub delimiter: Option<Delimiter>,

    /// The encoding of text files; by default UTF-8, or UTF-16 if a byte order mark says so
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub encoding: Option<Encoding>,

    /// The sheet of a workbook; by default the only one that holds rows
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,

    /// The line of a text, or the row of a sheet, that the header is in; by default the first that
    /// is not blank, or one below titles that names the user
    #[arg(long, value_name = "N")]
    pub header_row: Option<NonZeroU64>,

    /// What becomes of rows of a sheet that are hidden or filtered out; a sheet that has some is
    /// refused where this is not said
    #[arg(long, value_enum, value_name = "WHAT")]
    pub hidden: Option<HiddenRows>,

    /// Accept files without rows: those that hold a header alone, or nothing
    #[arg(long)]
    pub allow_empty: bool,

    /// The operation of rows that have none in a column `operation`; by default the one that the
    /// columns fit. `descope-bulk operations` lists them
    #[arg(long, value_name = "NAME", value_parser = operation)]
    pub operation: Option<&'static Operation>,

    /// Take only rows whose column holds this text, such as --where "status=invited"; may be repeated,
    /// and then all must hold
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = pair)]
    pub conditions: Vec<(String, String)>,

    /// Leave out the first N rows, of those that --where takes
    #[arg(long, value_name = "N", default_value_t)]
    pub skip: u64,

    /// Take N rows at most, of those that --where and --skip leave
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroU64>,

    /// Map a column to a field, such as --map "Cell phone=phone"
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = column_pair)]
    pub map: Vec<(String, String)>,

    /// Omit a column; may be repeated
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,

    /// Omit all columns that are no field of any operation, and those without a name
    #[arg(long)]
    pub ignore_unknown: bool,

    /// Take only these columns, and omit all others
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub only: Vec<String>,

    /// What becomes of rows of text with fewer cells than the header: `blank` takes those that are
    /// missing at the end for blank
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub short_rows: ShortRows,

    /// Set a field to a value where the row has none, such as --set verified=true
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,

    /// The type of a custom attribute, such as --attribute price=number: text, number, boolean,
    /// singleselect, multiselect, date, monthday or json. By default the one that the project declares,
    /// or else the one that all cells of its column have
    #[arg(long, value_name = "NAME=TYPE", value_parser = attribute)]
    pub attribute: Vec<(String, AttributeType)>,

    /// What separates the items of a list in a cell
    #[arg(long, value_enum, default_value_t, value_name = "SEPARATOR")]
    pub list_separator: ListSeparator,

    /// What a blank cell or a JSON null means
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub blank: Blank,

    /// What a blank means for one field, where that differs, such as --blank-of phone=clear
    #[arg(long, value_name = "FIELD=POLICY", value_parser = blank_of)]
    pub blank_of: Vec<(String, Blank)>,

    /// The region of phone numbers without `+`, such as GB, by its two letters of ISO 3166. A column
    /// `region` wins over it
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,

    /// How phone numbers are handled: `check` writes them as E.164 and warns about those not in use,
    /// `strict` refuses those, `as-is` sends them unchanged
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub phones: Phones,

    /// What happens when the new phone number or e-mail address belongs to another user. `merge`
    /// lets the server merge that user into this one and delete it; this cannot be undone
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub on_conflict: OnConflict,

    /// Allow `update`, which clears what a row does not set, `delete`, what deletes passkeys and other
    /// credentials, and empty lists of SSO apps, which open all apps
    #[arg(long)]
    pub allow_destructive: bool,

    /// Invite the users who are created: the project's mail or SMS goes out to each. Without it nobody
    /// is sent anything
    #[arg(long)]
    pub invite: bool,

    /// Send rows of many users in one call where a patch can set what they set, so that 100,000 rows
    /// take some 2,000 calls. `--batch` alone means `values`: all rows but those with custom
    /// attributes, whose patch may remove the attributes that it does not name; `all` includes these
    #[arg(
        long,
        value_enum,
        default_value_t,
        default_missing_value = "values",
        num_args = 0..=1,
        require_equals = true,
        value_name = "WHICH"
    )]
    pub batch: Batching,

    /// The most users in a batch; halved whenever the server finds it too large
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub batch_size: u16,
}

/// How fast to send.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// The most requests in flight at a time
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,

    /// Send at most N requests in any WINDOW, such as 200/60s, instead of the documented limits;
    /// `off` for no limit
    #[arg(long, value_name = "N/WINDOW", value_parser = rate, conflicts_with = "max_share")]
    pub rate: Option<Rate>,

    /// The share of the documented limits to use. Your product's own calls count against them, too
    #[arg(long, value_name = "PERCENT", value_parser = share, default_value = "80%")]
    pub max_share: u32,

    /// Do not share the limits with other runs for this project on this machine
    #[arg(long)]
    pub no_shared_budget: bool,

    /// Share the limits with runs on other hosts through Redis or Valkey, such as
    /// `redis://redis.example.com:6379/0`; `rediss://` for TLS, `unix:///PATH` for a socket. The URL holds
    /// no password
    #[arg(long, value_name = "URL", conflicts_with = "no_shared_budget")]
    pub budget: Option<String>,

    /// A file with the password of --budget; without it, `DESCOPE_BUDGET_PASSWORD` is used
    #[arg(long, value_name = "FILE", requires = "budget")]
    pub budget_password_file: Option<PathBuf>,

    /// What to do while the server of --budget cannot be reached
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", requires = "budget")]
    pub budget_lost: BudgetLost,

    /// How many hosts send to the project, for --budget-lost share
    #[arg(long, value_name = "N", requires = "budget")]
    pub budget_hosts: Option<NonZeroU32>,

    /// How long connecting may take
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "10s")]
    pub connect_timeout: Duration,

    /// How long a request may take, connecting included
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "60s")]
    pub timeout: Duration,
}

/// What a run does while the server that keeps its budget cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BudgetLost {
    /// Wait until it is back
    #[default]
    Halt,
    /// After a window of waiting, go on with the limit divided by --budget-hosts
    Share,
}

/// What is done about users before anything is sent for them.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(next_help_heading = "Before sending")]
pub struct BeforeArgs {
    /// Send nothing where the user is already as the row wants; such rows end as `unchanged`. Users
    /// are read 100 at a time, so it pays where more than one row in a hundred changes nothing
    #[arg(long)]
    pub skip_unchanged: bool,

    /// What becomes of a row of a plan or an undo whose user somebody else has changed since: `skip`
    /// sets it aside as `drifted`, `apply` sends it all the same, `halt` stops the run
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub on_drift: OnDrift,

    /// Send N rows first, spread over the operations, read their users again, and continue only if each
    /// shows what was written; on a terminal, ask before continuing
    #[arg(long, value_name = "N")]
    pub canary: Option<NonZeroU64>,

    /// Send nothing when more than N users, or N% of the project's users, would be deleted
    #[arg(long, value_name = "N|N%", value_parser = max_deletes, default_value = "5%")]
    pub max_deletes: MaxDeletes,

    /// Never delete the users whom a file names: a login ID or a user ID on each line
    #[arg(long, value_name = "FILE")]
    pub protect: Vec<PathBuf>,

    /// Refuse to run anything but a plan. It is meant for job files: `project.protected = true`
    #[arg(long)]
    pub protected: bool,

    /// Do not ask before the first update. Nobody is asked anyway unless there is a terminal
    #[arg(short, long)]
    pub yes: bool,

    /// Do not keep the users as they were before. Without that, a run cannot be undone
    #[arg(long)]
    pub no_keep_before: bool,
}

/// Who is told, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Telling others")]
pub struct NotifyArgs {
    /// Tell a check in the manner of healthchecks.io: its URL when all is well, URL/start at the start, and
    /// URL/CODE with the exit code otherwise
    #[arg(long, value_name = "URL")]
    pub notify: Option<Url>,

    /// Post the outcome of the run as JSON, without users' data; signed if the environment variable
    /// `DESCOPE_BULK_NOTIFY_SECRET` is set; may be repeated
    #[arg(long, value_name = "URL")]
    pub notify_webhook: Vec<Url>,

    /// Post a line to an incoming webhook of Slack; may be repeated
    #[arg(long, value_name = "URL")]
    pub notify_slack: Vec<Url>,

    /// Run a command with the same JSON on its standard input; may be repeated
    #[arg(long, value_name = "COMMAND")]
    pub notify_command: Vec<String>,

    /// When webhooks, Slack and commands are told
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub notify_when: NotifyWhen,

    /// Write metrics of the run to a file for Prometheus by its textfile collector
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// When to give up.
#[derive(Debug, Args)]
#[command(next_help_heading = "Failures")]
pub struct FailureArgs {
    /// The most requests for one row; refusals by the rate limit do not count
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_attempts: u32,

    /// Send nothing when more than N rows, or N% of the rows (of 100 at least), are invalid
    #[arg(long, value_name = "N|N%", value_parser = max_failures, default_value = "10%")]
    pub max_invalid: MaxFailures,

    /// Send the first row before all rows were checked
    #[arg(long)]
    pub no_preflight: bool,

    /// Stop when more than N rows, or N% of the rows so far (100 at least), have failed
    #[arg(long, value_name = "N|N%", value_parser = max_failures)]
    pub max_failures: Option<MaxFailures>,

    /// Stop when this many consecutive rows fail with the same error at the server; 0 for never
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub max_same_failures: u32,

    /// Stop after this time, such as 4h, as if by a signal: for a nightly window. --resume continues
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub max_duration: Option<Duration>,
}

/// Whom to speak to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Project")]
pub struct ProjectArgs {
    /// The project's ID; by default the environment variable `DESCOPE_PROJECT_ID`
    #[arg(long, value_name = "ID")]
    pub project_id: Option<String>,

    /// Read the management key from a file instead of from the environment variable
    /// `DESCOPE_MANAGEMENT_KEY`, from the file that `DESCOPE_MANAGEMENT_KEY_FILE` names, or from the
    /// credential `descope-management-key` of a systemd service. The key itself cannot be given as an option: other users can read command lines
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Run a command that prints the management key, such as --key-command "pass descope/key"
    #[arg(long, value_name = "COMMAND", conflicts_with = "key_file")]
    pub key_command: Option<String>,

    /// The API's base URL; by default the environment variable `DESCOPE_BASE_URL`, else the one of
    /// the project's region. https, except on this machine
    #[arg(long = "base-url", value_name = "URL", id = "base_url_flag")]
    pub base_url: Option<String>,
}

/// What is written and shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// The folder in which each run gets a folder of its own
    #[arg(long, default_value = "runs", value_name = "DIR")]
    pub runs_dir: PathBuf,

    /// The folder of this run; it must not exist yet, or be empty, unless --resume is given
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Write a page about the run when it ends, however it ends: one HTML file, without users' values.
    /// A number is added to the name where the file exists
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Serve a page about the run while it goes on, such as 127.0.0.1:0 for any free port. It shows how
    /// the run goes, and can pause, slow and stop it; /metrics and /healthz are there, too
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = super::simulate::address)]
    pub serve: Option<SocketAddr>,

    /// Send a trace of the run and its numbers by OTLP to a collector, such as `http://127.0.0.1:4318`;
    /// in builds with the feature `otlp`
    #[arg(long, value_name = "URL")]
    pub otlp: Option<Url>,

    /// Let --serve listen on an address that other machines reach: the page is not encrypted, and
    /// anyone who knows its URL can stop the run
    #[arg(long)]
    pub serve_public: bool,

    /// When the run is over, purge earlier finished runs of the same job that ended longer ago, such as 30d:
    /// their users' data is removed, their summaries stay
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub retention: Option<Duration>,

    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,

    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Whether to resume an earlier run.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Resuming")]
pub struct ResumeArgs {
    /// Resume the unfinished run of the same files and settings, or start one if there is
    /// none; a finished run is left as it is. Rows that have their outcome are not sent again.
    /// Files or settings that have changed since are refused
    #[arg(long)]
    pub resume: bool,

    /// Wait for a process that has the same run open, instead of giving up with exit code 4
    #[arg(long, requires_if("true", "resume"))]
    pub wait: bool,
}

/// A rate that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// No limit of ours.
    Off,
    /// So many requests in any such window.
    Limit(Limit),
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Limit(Limit { requests, window }) => {
                write!(f, "{requests}/{}", humantime::format_duration(*window))
            }
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// A column and its field: a field's name holds no `=`, but a column's may.
fn column_pair(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((column, field)) if !column.trim().is_empty() => {
            Ok((column.trim().to_owned(), field.to_owned()))
        }
        _ => Err("write it as COLUMN=FIELD".to_owned()),
    }
}

/// A custom attribute and its type.
fn attribute(text: &str) -> Result<(String, AttributeType), String> {
    let (name, kind) = column_pair(text).map_err(|_| "write it as NAME=TYPE".to_owned())?;
    let kind = <AttributeType as clap::ValueEnum>::from_str(kind.trim(), true)
        .map_err(|_| "the type is one of text, number, boolean, singleselect, multiselect, date, monthday, json".to_owned())?;
    Ok((name, kind))
}

pub(super) fn operation(text: &str) -> Result<&'static Operation, String> {
    Operation::named(text).ok_or_else(|| {
        "there is no such operation; `descope-bulk operations` lists them".to_owned()
    })
}

fn blank_of(text: &str) -> Result<(String, Blank), String> {
    let (field, policy) = pair(text)?;
    if !is_field(&field) {
        return Err("there is no such field; `descope-bulk operations NAME` lists them".to_owned());
    }
    Blank::from_str(policy.trim(), false)
        .map(|blank| (field, blank))
        .map_err(|_| "write skip, clear or error after the =".to_owned())
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    if text == "off" {
        return Ok(Rate::Off);
    }
    text.parse().map(Rate::Limit)
}

pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("must be greater than zero".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

pub(super) fn share(text: &str) -> Result<u32, String> {
    match text.strip_suffix('%').unwrap_or(text).trim().parse::<u32>() {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => Err("write a percentage from 1% to 100%".to_owned()),
    }
}

fn max_failures(text: &str) -> Result<MaxFailures, String> {
    const HOW: &str = "write a number of rows, such as 100, or a percentage, such as 5%";
    if let Some(percent) = text.strip_suffix('%') {
        return match percent.trim().parse::<u32>() {
            Ok(percent @ 0..=100) => Ok(MaxFailures::Percent(percent)),
            _ => Err(HOW.to_owned()),
        };
    }
    text.parse().map(MaxFailures::Count).map_err(|_| HOW.to_owned())
}

pub(super) fn max_deletes(text: &str) -> Result<MaxDeletes, String> {
    match max_failures(text) {
        Ok(MaxFailures::Count(most)) => Ok(MaxDeletes::Count(most)),
        Ok(MaxFailures::Percent(percent)) => Ok(MaxDeletes::Percent(percent)),
        _ => Err("write a number of users, such as 100, or a percentage, such as 5%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_failure_limits_are_bounded() {
        assert_eq!(share("80%"), Ok(80));
        assert_eq!(share("100"), Ok(100));
        assert!(share("0%").is_err() && share("101%").is_err() && share("x").is_err());
        assert_eq!(max_failures("5%"), Ok(MaxFailures::Percent(5)));
        assert_eq!(max_failures("0"), Ok(MaxFailures::Count(0)));
        assert!(max_failures("101%").is_err() && max_failures("-1").is_err());
    }

    #[test]
    fn pairs_keep_what_stands_behind_the_first_equals_sign() {
        assert_eq!(pair(" a =b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("a").is_err() && pair("=b").is_err());
        assert_eq!(column_pair("a=b = phone"), Ok(("a=b".into(), " phone".into())));
        assert!(column_pair("a").is_err() && column_pair("=b").is_err());
    }
}
