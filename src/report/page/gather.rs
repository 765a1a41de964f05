//! A run read for its page: the summary, and the results in one pass.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::changed::{ChangedFields, UsersBefore};
use super::failed::FailedRows;
use super::privacy::visible;
use super::timeline::Timeline;
use crate::exit::Error;
use crate::outcome::{Status, Tally};
use crate::store::results::ResultLine;
use crate::store::summary::Summary;
use crate::store::{self, RESULTS};

/// Different operations, repairs and warnings kept apart.
const KINDS: usize = 200;

/// What of a run a page shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRules {
    /// Whether values of users are shown.
    pub(crate) with_values: bool,
    /// The most failed rows on the page.
    pub(crate) max_failures: usize,
}

/// A run, read for its page.
#[derive(Debug)]
pub(crate) struct RunFacts {
    pub(super) folder: PathBuf,
    /// What the run said when it ended; `None` of one that goes on or was killed.
    pub(super) summary: Option<Summary>,
    /// The settings in force; of a run without a summary those that it would be resumed with.
    pub(super) settings: Map<String, Value>,
    /// What became of the rows, counted from the results.
    pub(super) counted: Tally,
    pub(super) by_operation: BTreeMap<String, Tally>,
    pub(super) repairs: BTreeMap<String, u64>,
    pub(super) warnings: BTreeMap<String, u64>,
    pub(super) timeline: Timeline,
    pub(super) failed: FailedRows,
    pub(super) changed: ChangedFields,
    /// When the first request went out, or the first row ended; and when the last row ended.
    pub(super) seen: Option<(Timestamp, Timestamp)>,
    /// Whether the last line is torn.
    pub(super) torn: bool,
}

impl RunFacts {
    /// Reads a run.
    ///
    /// # Errors
    ///
    /// A folder without a run, and files that cannot be read; a line that is damaged is named.
    pub(crate) fn read(folder: &Path, rules: PageRules) -> Result<Self, Error> {
        let refuse = |why: String| Error::refused(format!("{}: {why}", folder.display()));
        let glance = store::glance_at_run(folder)?;
        let summary = store::summary_if_any(folder).map_err(Error::refused)?;
        let settings = summary.as_ref().map_or(&glance.identity.settings, |own| &own.settings);
        let mut facts = Self {
            folder: folder.to_owned(),
            settings: settings.clone(),
            counted: Tally::default(),
            by_operation: BTreeMap::new(),
            repairs: BTreeMap::new(),
            warnings: BTreeMap::new(),
            timeline: Timeline::default(),
            failed: FailedRows::new(rules.max_failures, rules.with_values),
            changed: ChangedFields::new(rules.with_values),
            seen: None,
            torn: false,
            summary,
        };
        facts.read_results().map_err(|error| {
            refuse(format!("{error}\n  restore the file, or make the report of another run"))
        })?;
        facts.failed.sort();
        if let Some(summary) = &facts.summary {
            facts.timeline.cover(summary.started_at);
            facts.timeline.cover(summary.finished_at);
        }
        Ok(facts)
    }

    fn read_results(&mut self) -> io::Result<()> {
        let mut results = match store::open_results(&self.folder) {
            Ok(results) => results,
            // A run that was read to its end without a row has none.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.has_outcomes() => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut users = UsersBefore::open(&self.folder)?;
        let invites = self.settings.get("invite").and_then(Value::as_bool) == Some(true);
        let (mut place, mut text) = (0, Vec::new());
        for number in 1_u64.. {
            let damaged = |why: &dyn std::fmt::Display| {
                io::Error::other(format!("{RESULTS}: line {number}: {why}"))
            };
            text.clear();
            let read = results.read_until(b'\n', &mut text)?;
            if !text.ends_with(b"\n") {
                self.torn = read > 0;
                break;
            }
            let words = std::str::from_utf8(&text).map_err(|error| damaged(&error))?;
            let line = ResultLine::parse(words).map_err(|error| damaged(&error))?;
            self.count(&line);
            if line.status.is_change() || line.status == Status::Unchanged {
                let before = users.before(&line, place).map_err(|error| damaged(&error))?;
                if line.status.is_change() {
                    self.changed.count(&line, before.as_ref(), invites);
                }
            }
            place += read as u64;
        }
        Ok(())
    }

    fn has_outcomes(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.tally.finished() > 0)
    }

    fn count(&mut self, line: &ResultLine<'_>) {
        self.counted.count(line.status);
        let operation = line.operation.as_deref().unwrap_or("(none)");
        kind(&mut self.by_operation, operation).count(line.status);
        for repair in line.repairs.iter() {
            *kind(&mut self.repairs, &repair.kind) += 1;
        }
        for warning in &line.warnings {
            *kind(&mut self.warnings, &warning.code) += 1;
        }
        for request in line.requests.iter() {
            self.timeline.count(request);
            self.see(request.at);
        }
        self.see(line.finished_at);
        self.failed.count(line);
    }

    fn see(&mut self, time: Timestamp) {
        let (first, last) = self.seen.unwrap_or((time, time));
        self.seen = Some((first.min(time), last.max(time)));
    }

    /// What became of the rows: as the run said, or as far as the results tell.
    #[must_use]
    pub(super) fn tally(&self) -> Tally {
        let counted = || Tally { read: self.counted.finished(), ..self.counted };
        self.summary.as_ref().map_or_else(counted, |summary| summary.tally)
    }

    /// Whether the run is over, and all of its rows have their outcome.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.complete)
    }

    /// Whether the results hold what the summary says.
    #[must_use]
    pub(super) fn agrees(&self) -> bool {
        let same = |status: &Status| self.counted.of(*status) == self.tally().of(*status);
        Status::ALL.iter().all(same) && !(self.torn && self.summary.is_some())
    }

    /// The project's ID and base URL; nothing of a rehearsal.
    #[must_use]
    pub(crate) fn project(&self) -> Option<(&str, &str)> {
        let text = |key: &str| self.settings.get(key).and_then(Value::as_str);
        text("projectId").zip(text("baseUrl"))
    }

    /// Whether no real user was touched, as far as is known.
    #[must_use]
    pub(super) fn simulated(&self) -> bool {
        let rehearsed = self.settings.get("simulate").and_then(Value::as_bool) == Some(true);
        self.summary.as_ref().map_or(rehearsed, |summary| summary.simulated)
    }

    /// When it began, as far as is known.
    #[must_use]
    pub(crate) fn began(&self) -> Option<Timestamp> {
        let told = self.summary.as_ref().map(|summary| summary.started_at);
        let seen = self.seen.map(|(first, _)| first);
        told.into_iter().chain(seen).min()
    }

    /// Its folder's name.
    #[must_use]
    pub(super) fn name(&self) -> String {
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        visible(&name.unwrap_or_else(|| self.folder.display().to_string()))
    }
}

/// The count of a kind; those beyond the bound are counted together.
fn kind<'m, T: Default>(counts: &'m mut BTreeMap<String, T>, name: &str) -> &'m mut T {
    let mut name = visible(name);
    if counts.len() >= KINDS && !counts.contains_key(&name) {
        "(others)".clone_into(&mut name);
    }
    counts.entry(name).or_default()
}
