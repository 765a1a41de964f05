//! What a run is about to do, for who is asked whether it may.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::checked::Checked;
use super::deletions::Deletions;
use super::parts::Parts;
use crate::api::transport::Endpoint;
use crate::catalog::{Operation, OperationKind};
use crate::check;
use crate::plan::file::Plan;
use crate::report;

/// What a run is about to do.
#[derive(Clone, Debug, Default)]
pub struct Intention {
    /// The project's ID.
    pub project: String,
    /// The base URL of its API.
    pub base_url: String,
    /// Whether its users are a simulator's.
    pub is_simulated: bool,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// Rows, and how many of them are invalid, if all were checked.
    pub rows: Option<(u64, u64)>,
    /// Rows that had their outcome before the run was resumed.
    pub done_before: u64,
    /// Rows that can be sent, by operation.
    pub operations: BTreeMap<String, u64>,
    /// What the changes of a plan can do, by class.
    pub classes: BTreeMap<String, u64>,
    /// The calls that it takes at least, and the time, if all rows were checked.
    pub calls: Option<(u64, Duration)>,
    /// Rows that may create a user who is invited.
    pub invitations: u64,
    /// Users who are deleted, and how many the project has, if it says so.
    pub deletions: Option<(u64, Option<u64>)>,
    /// The calls that read users before.
    pub reads: u64,
}

impl Intention {
    pub(super) fn of(
        parts: &Parts,
        endpoint: &Endpoint,
        simulator: Option<&str>,
        (plan, deletions): (Option<&Plan>, Option<Deletions>),
    ) -> Self {
        let (config, intake) = (&parts.config, &parts.intake);
        let checked = intake.checked.as_ref();
        let rates = config.pace.rates(simulator);
        let users = rates.users.map(|limit| (crate::catalog::RateClass::Users, limit));
        let limits: Vec<_> = users.into_iter().chain(rates.lower).collect();
        let calls = checked.map(|checked| {
            let lines = check::forecast(&checked.needed, config.batch_size as u64, &limits);
            let time = lines.iter().map(|line| line.time).max().unwrap_or_default();
            (lines.first().map_or(0, |line| line.calls), time)
        });
        let sources = intake.reading.input.sources();
        Self {
            project: endpoint.project_id.clone(),
            base_url: endpoint.base_url.to_string(),
            is_simulated: simulator.is_some(),
            inputs: sources.iter().map(|source| source.name.clone()).collect(),
            rows: checked.map(|checked| (checked.rows, checked.invalid)),
            done_before: intake.recovered.as_ref().map_or(0, |before| before.tally.finished()),
            operations: checked.map_or_else(BTreeMap::new, |checked| {
                checked.operations.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()
            }),
            classes: plan.map_or_else(BTreeMap::new, |plan| plan.totals.classes.clone()),
            calls,
            invitations: if config.mapping.invites { made_by(checked) } else { 0 },
            deletions: deletions.map(|own| (own.users, own.of)),
            reads: checked
                .filter(|_| config.looking.keep)
                .map_or(0, |checked| checked.needed.reads()),
        }
    }
}

/// Rows that may create a user.
fn made_by(checked: Option<&Checked>) -> u64 {
    let makes = |name: &&str| {
        let kind = Operation::named(name).map(|operation| operation.kind);
        matches!(kind, Some(OperationKind::Create | OperationKind::Upsert))
    };
    let operations = checked.into_iter().flat_map(|checked| &checked.operations);
    operations.filter(|(name, _)| makes(name)).map(|(_, rows)| rows).sum()
}

impl fmt::Display for Intention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.is_simulated { "simulated users" } else { "real users" };
        writeln!(f, "project {} at {} ({whose})", self.project, self.base_url)?;
        let inputs = self.inputs.join(", ");
        match self.rows {
            Some((rows, invalid)) => {
                write!(f, "{} of {inputs}", report::count(rows, "row"))?;
                if invalid > 0 {
                    write!(f, ", of which {} are invalid", report::thousands(invalid))?;
                }
                writeln!(f)?;
            }
            None => writeln!(f, "the rows of {inputs}, which were not checked")?,
        }
        if self.done_before > 0 {
            writeln!(f, "{} done before", report::count(self.done_before, "row"))?;
        }
        for (of, numbers) in [("to send", &self.operations), ("classes", &self.classes)] {
            let told =
                numbers.iter().map(|(name, rows)| format!("{name} {}", report::thousands(*rows)));
            if !numbers.is_empty() {
                writeln!(f, "{of}: {}", told.collect::<Vec<_>>().join(", "))?;
            }
        }
        if self.invitations > 0 {
            let users = report::count(self.invitations, "user");
            writeln!(f, "a mail or an SMS goes out to every user who is created: up to {users}")?;
        }
        match self.deletions {
            Some((users, Some(of))) => {
                let (users, of) = (report::count(users, "user"), report::thousands(of));
                writeln!(f, "to be deleted: {users} of {of}")?;
            }
            Some((users, None)) => writeln!(f, "to be deleted: {}", report::count(users, "user"))?,
            None => {}
        }
        let Some((calls, time)) = self.calls else { return Ok(()) };
        let calls = calls + self.reads;
        match time.as_secs() {
            0 => writeln!(f, "about {}", report::count(calls, "call")),
            _ => writeln!(
                f,
                "about {}, at least {}",
                report::count(calls, "call"),
                report::span(time)
            ),
        }
    }
}
