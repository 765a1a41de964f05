//! What a fleet came to as a whole.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::outcome::Tally;
use crate::report;
use crate::run::RunVerdict;

/// The version of the JSON.
const VERSION: u32 = 1;

/// The most jobs that people are shown one by one.
const MOST: usize = 50;

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobFate {
    /// Every row has its outcome.
    Complete,
    /// It stopped early, and can be resumed.
    Stopped,
    /// It was refused: nothing was sent.
    Refused,
    /// It has not begun.
    Waiting,
}

impl JobFate {
    /// All of them, in the order in which people are shown them.
    pub(crate) const ALL: [Self; 4] = [Self::Complete, Self::Stopped, Self::Refused, Self::Waiting];

    /// A stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub(crate) struct JobEnd {
    /// What it is called.
    pub(crate) name: String,
    /// The ID of its project, if that is known.
    pub(crate) project: Option<String>,
    /// What became of it.
    pub(crate) fate: JobFate,
    /// The exit code of its run.
    pub(crate) exit: Exit,
    /// What became of its rows.
    pub(crate) rows: Tally,
    /// The folder of its run, if it has one.
    pub(crate) run: Option<PathBuf>,
    /// Why it is not complete, on one line without a user's data.
    pub(crate) why: Option<String>,
    /// The command that runs its failed rows, if there is one.
    pub(crate) next: Option<String>,
}

impl JobEnd {
    /// One that has not begun.
    pub(crate) fn waiting(name: &str, project: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            project: project.map(str::to_owned),
            fate: JobFate::Waiting,
            exit: Exit::Success,
            rows: Tally::default(),
            run: None,
            why: None,
            next: None,
        }
    }

    /// The same, ended so; `run` is the folder of its run, if it has one, and `is_complete` says whether
    /// it was complete before, where there is no summary to say it.
    pub(crate) fn ended(
        self,
        verdict: RunVerdict,
        run: Option<PathBuf>,
        is_complete: bool,
    ) -> Self {
        let RunVerdict { exit, summary, why } = verdict;
        let summary = summary.as_deref();
        let is_complete = summary.map_or(is_complete, |summary| summary.complete);
        let fate = match exit {
            Exit::Success | Exit::Failures if is_complete => JobFate::Complete,
            Exit::Refused | Exit::Busy => JobFate::Refused,
            _ => JobFate::Stopped,
        };
        let why = why.and_then(|why| why.lines().next().map(str::to_owned));
        let next = summary.and_then(|summary| summary.next.clone());
        let rows = summary.map_or_else(Tally::default, |summary| summary.tally);
        Self { fate, exit, rows, run, why, next, ..self }
    }

    /// What there is to say of it.
    fn what(&self) -> String {
        let failed = self.rows.failed();
        let word = self.fate.word();
        match &self.why {
            Some(why) => format!("{word}: {why}"),
            None if failed > 0 => format!("{word}: {} failed", report::count(failed, "row")),
            None => word.to_owned(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "project": self.project,
            "outcome": self.fate.word(),
            "exitCode": (self.fate != JobFate::Waiting).then(|| self.exit.code()),
            "rows": self.rows,
            "run": self.run.as_ref().map(|run| run.display().to_string()),
            "why": self.why,
            "next": self.next,
        })
    }
}

/// What a fleet came to.
#[derive(Clone, Debug)]
pub(crate) struct FleetReport {
    /// Where its jobs are named.
    pub(crate) jobs: PathBuf,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Which part of the jobs it is, if it is not all of them.
    pub(crate) shard: Option<String>,
    /// Whether it was a rehearsal.
    pub(crate) simulated: bool,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    /// Its jobs, the worst first.
    pub(crate) ends: Vec<JobEnd>,
    /// Why all of it stopped early, and with which code.
    pub(crate) stopped: Option<(Exit, String)>,
    /// The command that goes on with it, if that can help.
    pub(crate) resume: Option<String>,
}

impl FleetReport {
    /// The same with its jobs in order, the worst first, and what is to be typed next.
    pub(crate) fn in_order(mut self, resume: String) -> Self {
        let worse = |end: &JobEnd| std::cmp::Reverse(end.exit.code());
        self.ends.sort_by(|one, other| (worse(one), &one.name).cmp(&(worse(other), &other.name)));
        self.resume = (!self.is_complete()).then_some(resume);
        self
    }

    /// The exit code: the worst of all.
    pub(crate) fn exit(&self) -> Exit {
        let stopped = self.stopped.iter().map(|(exit, _)| *exit);
        Exit::worst(self.ends.iter().map(|end| end.exit).chain(stopped))
    }

    /// Whether every row of every job has its outcome.
    pub(crate) fn is_complete(&self) -> bool {
        self.count(JobFate::Complete) == self.ends.len()
    }

    /// How many jobs came to what.
    pub(crate) fn count(&self, fate: JobFate) -> usize {
        self.ends.iter().filter(|end| end.fate == fate).count()
    }

    /// What became of all rows.
    pub(crate) fn rows(&self) -> Tally {
        self.ends.iter().fold(Tally::default(), |sum, end| sum.and(end.rows))
    }

    /// On one line.
    pub(crate) fn line(&self) -> String {
        let fates = JobFate::ALL.map(|fate| (self.count(fate) as u64, fate.word().to_owned()));
        let rows = self.rows();
        let words = rows.by_word().map(|(word, number)| (number, word.replace('_', " ")));
        let simulated = if self.simulated { " (simulated)" } else { "" };
        let stopped = self.stopped.as_ref().map(|(_, why)| format!("; {why}"));
        format!(
            "fleet {}{simulated}: {}: {}; {}: {}{}",
            self.jobs.display(),
            report::count(self.ends.len() as u64, "job"),
            listed(fates.into_iter()),
            report::count(rows.read, "row"),
            listed(words),
            stopped.unwrap_or_default()
        )
    }

    /// For people: a line, the jobs, and what to type next.
    pub(crate) fn page(&self) -> String {
        let mut page = self.line() + "\n";
        let row = |end: &JobEnd| {
            let code = match end.fate {
                JobFate::Waiting => "-".to_owned(),
                _ => end.exit.code().to_string(),
            };
            let (rows, failed) = (end.rows.read, end.rows.failed());
            let numbers = [rows, failed].map(report::thousands);
            let [rows, failed] = numbers;
            vec![code, end.name.clone(), rows, failed, end.what()]
        };
        let shown = self.ends.iter().take(MOST);
        let table = report::table(&["exit", "job", "rows", "failed", "what"], shown.map(row));
        page.extend(table.lines().map(|line| format!("  {line}\n")));
        if let Some(more) = self.ends.len().checked_sub(MOST).filter(|more| *more > 0) {
            let more = report::count(more as u64, "job");
            // Writing to a string cannot fail.
            let _ = writeln!(page, "  and {more} more, which are no worse");
        }
        let _ = writeln!(page, "runs: {}", self.folder.display());
        let failed = self.ends.iter().filter_map(|end| Some((end, end.next.as_ref()?)));
        for (end, next) in failed.take(MOST) {
            let _ = writeln!(page, "failed rows of {}: correct them, then: {next}", end.name);
        }
        if let Some(resume) = &self.resume {
            let _ = writeln!(page, "to go on: {resume}");
        }
        page
    }

    /// For machines.
    pub(crate) fn json(&self) -> Value {
        let counts = JobFate::ALL.map(|fate| (fate.word().to_owned(), self.count(fate).into()));
        json!({
            "version": VERSION,
            "fleet": self.jobs.display().to_string(),
            "folder": self.folder.display().to_string(),
            "shard": self.shard,
            "simulated": self.simulated,
            "startedAt": format!("{:.3}", self.started_at),
            "finishedAt": format!("{:.3}", self.finished_at),
            "exitCode": self.exit().code(),
            "complete": self.is_complete(),
            "counts": counts.into_iter().collect::<serde_json::Map<_, Value>>(),
            "rows": self.rows(),
            "jobs": self.ends.iter().map(JobEnd::json).collect::<Vec<_>>(),
            "stopped": self.stopped.as_ref().map(|(_, why)| why),
            "resume": self.resume,
        })
    }
}

/// Numbers of things, those that there are.
fn listed(numbers: impl Iterator<Item = (u64, String)>) -> String {
    let there = numbers.filter(|(number, _)| *number > 0);
    let told = there.map(|(number, word)| format!("{} {word}", report::thousands(number)));
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { "none".to_owned() } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(name: &str, fate: JobFate, exit: Exit) -> JobEnd {
        let rows = Tally { read: 2, updated: 1, rejected: 1, ..Tally::default() };
        JobEnd { fate, exit, rows, ..JobEnd::waiting(name, None) }
    }

    fn report(ends: &[(&str, JobFate, Exit)]) -> FleetReport {
        let report = FleetReport {
            jobs: PathBuf::from("jobs"),
            folder: PathBuf::from("fleets/jobs"),
            shard: None,
            simulated: false,
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            ends: ends.iter().map(|(name, fate, exit)| end(name, *fate, *exit)).collect(),
            stopped: None,
            resume: None,
        };
        report.in_order("descope-bulk fleet jobs --resume".to_owned())
    }

    #[test]
    fn the_exit_code_is_the_worst_one_and_the_worst_job_comes_first() {
        let complete = ("a", JobFate::Complete, Exit::Success);
        for (ends, expected, first) in [
            (&[complete][..], Exit::Success, "a"),
            (&[complete, ("b", JobFate::Complete, Exit::Failures)], Exit::Failures, "b"),
            (
                &[("b", JobFate::Complete, Exit::Failures), ("c", JobFate::Refused, Exit::Refused)],
                Exit::Refused,
                "c",
            ),
            (
                &[
                    ("a", JobFate::Refused, Exit::Refused),
                    ("b", JobFate::Refused, Exit::Busy),
                    ("c", JobFate::Stopped, Exit::Stopped),
                ],
                Exit::Busy,
                "b",
            ),
            (
                &[
                    ("a", JobFate::Waiting, Exit::Success),
                    ("b", JobFate::Stopped, Exit::Interrupted),
                ],
                Exit::Interrupted,
                "b",
            ),
        ] {
            let report = report(ends);
            assert_eq!((report.exit(), &*report.ends[0].name), (expected, first));
        }
    }

    #[test]
    fn only_what_is_unfinished_is_to_be_resumed() {
        let complete = report(&[("a", JobFate::Complete, Exit::Failures)]);
        assert!(complete.resume.is_none() && !complete.page().contains("to go on"));
        let waiting = report(&[("a", JobFate::Waiting, Exit::Success)]);
        assert!(waiting.page().ends_with("to go on: descope-bulk fleet jobs --resume\n"));
        assert_eq!(waiting.line(), "fleet jobs: 1 job: 1 waiting; 2 rows: 1 updated, 1 rejected");
    }
}
