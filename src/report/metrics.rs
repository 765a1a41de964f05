//! What a run comes to, as metrics for Prometheus: a file for `node_exporter`'s textfile collector.
//!
//! Few labels, and never a user: the run by the name of its first input, and a status.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::Tally;
use crate::store::summary::Summary;

/// A metric: its name, what it is, and its values, each with the labels behind the run's.
struct Metric<'a> {
    name: &'a str,
    help: &'a str,
    values: Vec<(String, f64)>,
}

/// A run in numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunNumbers {
    pub(crate) tally: Tally,
    pub(crate) calls: u64,
    pub(crate) retries: u64,
    pub(crate) rate_limited: u64,
    pub(crate) elapsed: Duration,
    pub(crate) started_at: Timestamp,
    /// Whether it is paused, or outside its hours.
    pub(crate) is_held: bool,
    /// Whether it goes on.
    pub(crate) is_in_progress: bool,
    /// When it ended, with which exit code, and whether every row has its outcome; `None` where that is
    /// not known.
    pub(crate) ended: Option<(Timestamp, u8, bool)>,
}

impl From<&Summary> for RunNumbers {
    fn from(summary: &Summary) -> Self {
        Self {
            tally: summary.tally,
            calls: summary.calls,
            retries: summary.retries,
            rate_limited: summary.rate_limited,
            elapsed: Duration::from_millis(summary.elapsed_ms),
            started_at: summary.started_at,
            is_held: false,
            is_in_progress: false,
            ended: Some((summary.finished_at, summary.exit_code, summary.complete)),
        }
    }
}

/// The metrics of a run that has ended.
#[must_use]
pub(crate) fn of_summary(summary: &Summary) -> String {
    let first = summary.inputs.first().map_or("", |input| input.name.as_str());
    prometheus(first, &summary.into())
}

/// The metrics of a run, in the text format of Prometheus, by the name of its first input. All are
/// gauges: they are about one run.
#[must_use]
pub(crate) fn prometheus(first_input: &str, numbers: &RunNumbers) -> String {
    in_text(&format!("run=\"{}\"", label(&name_of(first_input))), metrics(numbers))
}

/// Metrics in the text format, each with a label in front of its own.
fn in_text(first: &str, metrics: Vec<Metric<'_>>) -> String {
    let mut text = String::new();
    for Metric { name, help, values } in metrics {
        let _ = writeln!(text, "# HELP descope_bulk_{name} {help}");
        let _ = writeln!(text, "# TYPE descope_bulk_{name} gauge");
        for (more, value) in values {
            let _ = writeln!(text, "descope_bulk_{name}{{{first}{more}}} {value}");
        }
    }
    text
}

/// What working on an inbox came to, in numbers.
pub(crate) struct InboxNumbers<'a> {
    /// Where it is.
    pub(crate) inbox: &'a Path,
    /// How many files came to what.
    pub(crate) files: Vec<(&'static str, usize)>,
    /// Whether no file came in time.
    pub(crate) is_missing: bool,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// When it ended.
    pub(crate) finished_at: Timestamp,
}

/// The metrics of an inbox, to stand behind those of its last run.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
pub(crate) fn of_inbox(numbers: &InboxNumbers<'_>) -> String {
    let outcome = |(word, number): &(&str, usize)| (format!(",outcome=\"{word}\""), *number as f64);
    let metrics = vec![
        Metric {
            name: "inbox_files",
            help: "Files that the last start took from the inbox, by what became of them.",
            values: numbers.files.iter().map(outcome).collect(),
        },
        one(
            "inbox_file_missing",
            "Whether the last start waited for a file in vain.",
            f64::from(u8::from(numbers.is_missing)),
        ),
        one("inbox_exit_code", "The exit code of the last start.", f64::from(numbers.exit_code)),
        one(
            "inbox_finished_timestamp_seconds",
            "When the last start ended.",
            numbers.finished_at.as_second() as f64,
        ),
    ];
    in_text(&format!("inbox=\"{}\"", label(&numbers.inbox.to_string_lossy())), metrics)
}

/// What a fleet came to, in numbers.
pub(crate) struct FleetNumbers<'a> {
    /// Where its jobs are named.
    pub(crate) fleet: &'a Path,
    /// How many jobs came to what.
    pub(crate) jobs: Vec<(&'static str, usize)>,
    /// The exit code of each job.
    pub(crate) exit_codes: Vec<(&'a str, u8)>,
    /// What became of all rows.
    pub(crate) rows: Tally,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// When it ended.
    pub(crate) finished_at: Timestamp,
}

/// The metrics of a fleet.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
pub(crate) fn of_fleet(numbers: &FleetNumbers<'_>) -> String {
    let outcome = |(word, number): &(&str, usize)| (format!(",outcome=\"{word}\""), *number as f64);
    let code =
        |(job, code): &(&str, u8)| (format!(",job_file=\"{}\"", label(job)), f64::from(*code));
    let metrics = vec![
        Metric {
            name: "fleet_jobs",
            help: "Jobs of the last start by what became of them.",
            values: numbers.jobs.iter().map(outcome).collect(),
        },
        Metric {
            name: "fleet_job_exit_code",
            help: "The exit code of each job of the last start.",
            values: numbers.exit_codes.iter().map(code).collect(),
        },
        Metric {
            name: "fleet_rows",
            help: "Rows of all jobs by what became of them.",
            values: rows(numbers.rows),
        },
        one("fleet_exit_code", "The exit code of the last start.", f64::from(numbers.exit_code)),
        one(
            "fleet_finished_timestamp_seconds",
            "When the last start ended.",
            numbers.finished_at.as_second() as f64,
        ),
    ];
    in_text(&format!("fleet=\"{}\"", label(&numbers.fleet.to_string_lossy())), metrics)
}

/// A metric with one value.
fn one<'a>(name: &'a str, help: &'a str, value: f64) -> Metric<'a> {
    Metric { name, help, values: vec![(String::new(), value)] }
}

/// What a run is called: its first input, without folder and extension.
fn name_of(first_input: &str) -> String {
    let stem = Path::new(first_input).file_stem();
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| stem != "-").unwrap_or_else(|| "stdin".to_owned())
}

/// The value of a label, as the text format wants it.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn metrics(numbers: &RunNumbers) -> Vec<Metric<'static>> {
    let flag = |is: bool| f64::from(u8::from(is));
    let mut metrics = vec![
        Metric {
            name: "run_rows",
            help: "Rows of the last run by what became of them.",
            values: rows(numbers.tally),
        },
        one("run_calls", "Requests that the last run sent.", numbers.calls as f64),
        one("run_retries", "Requests that the last run sent again.", numbers.retries as f64),
        one(
            "run_rate_limited",
            "Requests of the last run that were refused for their rate.",
            numbers.rate_limited as f64,
        ),
        one(
            "run_duration_seconds",
            "How long the last run took, or has taken so far.",
            numbers.elapsed.as_secs_f64(),
        ),
        one(
            "run_started_timestamp_seconds",
            "When the last run began.",
            numbers.started_at.as_second() as f64,
        ),
        one("run_in_progress", "Whether the last run goes on.", flag(numbers.is_in_progress)),
        one(
            "run_held",
            "Whether the run sends nothing, since it is paused or outside its hours.",
            flag(numbers.is_held),
        ),
    ];
    if let Some((at, exit_code, complete)) = numbers.ended {
        metrics.extend([
            one(
                "run_finished_timestamp_seconds",
                "When the last run ended.",
                at.as_second() as f64,
            ),
            one("run_exit_code", "The exit code of the last run.", f64::from(exit_code)),
            one(
                "run_complete",
                "Whether every row of the last run has its outcome.",
                flag(complete),
            ),
        ]);
    }
    metrics
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn rows(tally: Tally) -> Vec<(String, f64)> {
    tally
        .by_word()
        .chain([("left_out", tally.left_out)])
        .map(|(word, number)| (format!(",status=\"{word}\""), number as f64))
        .collect()
}

/// Writes a file whole: whoever reads it sees the old one or the new one. Other users may read it, as
/// `node_exporter` has to.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".descope-bulk-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
