//! Past runs: what can be told of a folder without reading what became of each row.
//!
//! A folder that holds no run, or one that is damaged, is told like any other: looking at it never fails.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use crate::exit::Error;
use crate::outcome::Tally;
use crate::store::journal::Identity;
use crate::store::marks::{self, PurgeMark};
use crate::store::results::ResultLine;
use crate::store::summary::Summary;
use crate::store::{self, KeepUsers, RunFolder, before};

/// How a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    /// Every row has its outcome.
    Complete,
    /// It stopped, or was killed, and can be resumed.
    Stopped,
    /// A process holds it.
    InProgress,
    /// It was killed before its first row, or has not got there yet.
    NeverBegan,
    /// Its files do not tell what was sent; why.
    Damaged(String),
    /// There is no run; what is there instead.
    NoRun(&'static str),
}

impl RunState {
    /// The word for it.
    #[must_use]
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::InProgress => "in_progress",
            Self::NeverBegan => "never_began",
            Self::Damaged(_) => "damaged",
            Self::NoRun(_) => "no_run",
        }
    }

    /// What is wrong with the folder, if anything is.
    #[must_use]
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Damaged(why) => Some(why),
            Self::NoRun(what) => Some(what),
            Self::Complete | Self::Stopped | Self::InProgress | Self::NeverBegan => None,
        }
    }
}

/// What can be told of a folder among the runs.
#[derive(Clone, Debug)]
pub(crate) struct PastRun {
    pub(crate) folder: PathBuf,
    pub(crate) state: RunState,
    /// When it began; of one without a summary, when its folder was made.
    pub(crate) began: Option<Timestamp>,
    /// When it ended; of one without a summary, when its journal was last written to.
    pub(crate) ended: Option<Timestamp>,
    /// What it read, as the user named it.
    pub(crate) inputs: Vec<String>,
    /// The operation that was stated, or that of the first row.
    pub(crate) operation: Option<String>,
    pub(crate) tally: Tally,
    pub(crate) exit_code: Option<u8>,
    /// The project's ID and base URL; nothing of a rehearsal.
    pub(crate) project: Option<(String, String)>,
    /// The job file, if there was one.
    pub(crate) job: Option<String>,
    /// Whether it went to a simulator, inside the process or not.
    pub(crate) simulated: bool,
    /// The files of its folder, and their bytes.
    pub(crate) size: (u64, u64),
    /// Whether something can be taken back, or why not.
    pub(crate) undo: Result<(), &'static str>,
    /// Its mark, if it was purged.
    pub(crate) purged: Option<PurgeMark>,
    /// Whether a purge did not come to its end.
    pub(crate) is_purge_unfinished: bool,
    pub(crate) redacted: bool,
    /// How much of the returned users its results hold.
    keeps: KeepUsers,
    /// Which run it is, where the journal says so.
    pub(crate) identity: Option<Identity>,
}

/// The folders below a folder, the latest run first. Links are not followed.
///
/// # Errors
///
/// A folder that cannot be read.
pub(crate) fn past_runs(runs: &Path) -> Result<Vec<PastRun>, Error> {
    let refuse = |error: io::Error| {
        Error::refused(format!(
            "cannot read the runs folder {}: {error}; name another with --runs-dir",
            runs.display()
        ))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(runs).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(PastRun::look(&entry.path()));
        }
    }
    let key = |run: &PastRun| (run.began, run.folder.clone());
    found.sort_by_cached_key(|run| std::cmp::Reverse(key(run)));
    Ok(found)
}

impl PastRun {
    /// Looks at a folder.
    #[must_use]
    pub(crate) fn look(folder: &Path) -> Self {
        Self::look_at(folder, store::is_held)
    }

    /// Looks at a folder that this process holds.
    #[must_use]
    pub(crate) fn look_held(folder: &RunFolder) -> Self {
        Self::look_at(folder.path(), |_| false)
    }

    fn look_at(folder: &Path, is_held: fn(&Path) -> bool) -> Self {
        let mut run = Self {
            folder: folder.to_owned(),
            state: RunState::NoRun("it is not the folder of a run"),
            began: store::lock_time(folder),
            ended: None,
            inputs: Vec::new(),
            operation: None,
            tally: Tally::default(),
            exit_code: None,
            project: None,
            job: None,
            simulated: false,
            size: (0, 0),
            undo: Err("there is no run"),
            purged: None,
            is_purge_unfinished: false,
            redacted: marks::is_redacted(folder),
            keeps: KeepUsers::Full,
            identity: None,
        };
        // What is no run may be anything, and as large as it likes.
        if run.began.is_some() {
            if let Err(error) = run.take_files(is_held) {
                run.state = RunState::Damaged(error.to_string());
            }
            run.measure();
        }
        run.undo = run.undoable();
        run
    }

    /// Takes in what the files of the run say.
    fn take_files(&mut self, is_held: fn(&Path) -> bool) -> io::Result<()> {
        if let Some(mark) = marks::purged(&self.folder)? {
            self.state = if mark.complete { RunState::Complete } else { RunState::Stopped };
            self.tally = mark.tally;
            self.began = mark.began_at.or(self.began);
            self.ended = mark.ended_at;
            self.purged = Some(mark);
        } else {
            let Some(glance) = store::glance(&self.folder)? else {
                self.state =
                    if is_held(&self.folder) { RunState::InProgress } else { RunState::NeverBegan };
                return Ok(());
            };
            // A run that is complete is over, and whoever holds it only looks at it.
            self.state = match glance.complete {
                true => RunState::Complete,
                false if is_held(&self.folder) => RunState::InProgress,
                false => RunState::Stopped,
            };
            self.ended = store::journal_time(&self.folder);
            self.take_identity(glance.identity);
        }
        match store::read_summary(&self.folder) {
            Ok(summary) => self.take_summary(&summary),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.purged.is_some() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.tally = store::finished_tally(&self.folder)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take_identity(&mut self, identity: Identity) {
        let text =
            |key: &str| identity.settings.get(key).and_then(Value::as_str).map(str::to_owned);
        self.operation = text("operation").or_else(|| first_operation(&self.folder));
        self.project = text("projectId").zip(text("baseUrl"));
        self.simulated = identity.settings.get("simulate").and_then(Value::as_bool) == Some(true);
        self.inputs = identity.inputs.iter().map(|input| input.name.clone()).collect();
        self.identity = Some(identity);
    }

    fn take_summary(&mut self, summary: &Summary) {
        let text = |key: &str| summary.settings.get(key).and_then(Value::as_str).map(str::to_owned);
        (self.began, self.ended) = (Some(summary.started_at), Some(summary.finished_at));
        self.tally = summary.tally;
        self.exit_code = Some(summary.exit_code);
        self.simulated = summary.simulated;
        self.job = text("job");
        if text("keepUsers").as_deref() == Some("none") {
            self.keeps = KeepUsers::None;
        }
        if self.identity.is_none() {
            self.operation = text("operation");
            self.project = text("projectId").zip(text("baseUrl"));
            let names = summary.inputs.iter().map(|input| input.name.clone());
            self.inputs = names.filter(|name| !name.is_empty()).collect();
        }
    }

    /// What there is of it on the disk.
    fn measure(&mut self) {
        let entries = store::contents(&self.folder).unwrap_or_default();
        self.size = entries
            .iter()
            .fold((0, 0), |(files, bytes), entry| (files + entry.files, bytes + entry.bytes));
        let left = entries.iter().any(|entry| !entry.is_kept_when_purged());
        self.is_purge_unfinished = self.purged.is_some() && left;
    }

    /// Whether something of it can be taken back.
    fn undoable(&self) -> Result<(), &'static str> {
        let has = |name: &str| self.folder.join(name).exists();
        match &self.state {
            RunState::NoRun(what) => Err(what),
            RunState::Damaged(_) => Err("it is damaged"),
            RunState::NeverBegan => Err("it never began"),
            _ if self.purged.is_some() => Err("it was purged"),
            _ if self.redacted => Err("it is a redacted copy"),
            RunState::InProgress => Err("it is in progress"),
            _ if self.project.is_none() => Err("it was a rehearsal"),
            _ if self.tally.changed() == 0 => Err("it changed no user"),
            _ if store::is_encrypted(&self.folder) => Err("it is encrypted: see `decrypt`"),
            _ if store::open_results(&self.folder).is_err() => Err("its results are gone"),
            _ if self.keeps == KeepUsers::None => {
                Err("its results hold no users (--keep-users none)")
            }
            _ if !has(before::NAME) => Err("users were not kept as they were"),
            RunState::Complete | RunState::Stopped => Ok(()),
        }
    }
}

/// The operation of the first row that has an outcome.
fn first_operation(folder: &Path) -> Option<String> {
    let mut line = String::new();
    store::open_results(folder).ok()?.read_line(&mut line).ok()?;
    ResultLine::parse(&line).ok()?.operation.map(std::borrow::Cow::into_owned)
}
