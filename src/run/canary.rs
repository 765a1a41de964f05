//! The canary: a few rows are sent before all others, and looked at.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::checked::Checked;
use crate::api::load::Load;
use crate::change::{User, all_changes, touched};
use crate::engine::events::{CanaryReport, Event, Sink, Sinks};
use crate::input::InputRequest;
use crate::outcome::{Finished, Status};
use crate::rows::Instruction;
use crate::send::Client;
use crate::stop::{Stop, StopReason};
use crate::tasks;

/// Rows that may be sent before all others: the first of their users, so that no order changes.
pub(super) struct Candidates {
    wanted: usize,
    /// Lanes of the rows so far.
    seen: HashSet<u64>,
    by_operation: BTreeMap<&'static str, Vec<u64>>,
}

/// Lanes that are remembered at most; rows behind them are not chosen.
const MOST_SEEN: usize = 1_000_000;

impl Candidates {
    pub(super) fn new(wanted: u64) -> Self {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Self { wanted, seen: HashSet::new(), by_operation: BTreeMap::new() }
    }

    /// Takes a row into account.
    pub(super) fn take(&mut self, instruction: &Instruction) {
        if self.seen.len() >= MOST_SEEN {
            return;
        }
        let is_first = !instruction.lanes.iter().any(|lane| self.seen.contains(lane));
        self.seen.extend(&instruction.lanes);
        let of_operation = self.by_operation.entry(instruction.operation.name).or_default();
        if is_first && of_operation.len() < self.wanted {
            of_operation.push(instruction.record.position.row);
        }
    }

    /// The rows, spread over the operations, in order.
    pub(super) fn chosen(self) -> Vec<u64> {
        let mut chosen = Vec::new();
        let longest = self.by_operation.values().map(Vec::len).max().unwrap_or(0);
        for turn in 0..longest {
            chosen.extend(self.by_operation.values().filter_map(|rows| rows.get(turn)));
        }
        chosen.truncate(self.wanted);
        chosen.sort_unstable();
        chosen
    }
}

/// Rows that go before all others.
pub(super) struct CanaryPass {
    /// The rows, in order.
    pub(super) rows: Vec<u64>,
    /// The inputs, to be read up to the last of them.
    pub(super) requests: Vec<InputRequest>,
    /// Told when the others may go; dropped when they may not.
    pub(super) go_on: oneshot::Receiver<()>,
}

/// A canary that is about to be sent.
pub(super) struct Canary {
    watch: CanaryWatch,
    go_on: oneshot::Sender<()>,
}

impl Canary {
    /// The canary of rows that were chosen, if there are any, and what the reader is to know of it.
    pub(super) fn of(
        checked: Option<&Checked>,
        requests: &[InputRequest],
        sinks: &mut Vec<Box<dyn Sink>>,
    ) -> Option<(Self, CanaryPass)> {
        let rows = checked.map(|checked| &checked.canary).filter(|rows| !rows.is_empty())?;
        let watch = CanaryWatch::new(rows.len());
        sinks.push(Box::new(watch.clone()));
        let (go_on, wait) = oneshot::channel();
        let pass = CanaryPass { rows: rows.clone(), requests: requests.to_vec(), go_on: wait };
        Some((Self { watch, go_on }, pass))
    }

    /// Watches it beside the run.
    pub(super) fn spawn(
        self,
        client: &Arc<Client>,
        sinks: &Sinks,
        stop: &Stop,
        ask: Option<AskCanary>,
    ) -> JoinHandle<()> {
        let told = (sinks.clone(), stop.clone());
        tasks::spawn(watch(self, Arc::clone(client), told, ask))
    }
}

/// A row of the canary that has its outcome.
struct CanaryRow {
    row: u64,
    status: Status,
    /// How the user is named now.
    name: String,
    wanted: Option<User>,
    finished: Box<Finished>,
}

/// Watches the rows of a canary until all have their outcome.
#[derive(Clone)]
struct CanaryWatch {
    rows: Arc<Mutex<Vec<CanaryRow>>>,
    wanted: usize,
    all: Arc<Notify>,
}

impl CanaryWatch {
    fn new(wanted: usize) -> Self {
        Self { rows: Arc::default(), wanted, all: Arc::default() }
    }

    fn take(&self) -> Vec<CanaryRow> {
        std::mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for CanaryWatch {
    fn event(&mut self, event: &Event<'_>) {
        let Event::RowFinished(finished) = event else { return };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() < self.wanted {
            rows.push(CanaryRow::of(finished));
            if rows.len() == self.wanted {
                self.all.notify_one();
            }
        }
    }
}

impl CanaryRow {
    fn of(finished: &Finished) -> Self {
        let shown = finished.outcome.user.as_deref().and_then(User::read);
        let named = finished.login_id.clone().unwrap_or_default();
        let id = shown.as_ref().map(|user| user.user_id().to_owned()).filter(|id| !id.is_empty());
        Self {
            row: finished.record.position.row,
            status: finished.outcome.status,
            name: id.unwrap_or(named),
            wanted: shown,
            finished: Box::new(finished.clone()),
        }
    }

    /// What is wrong with it, by how its user is now.
    fn wrong(&self, load: &Load) -> Option<String> {
        if self.status.is_failure() {
            let why = self.finished.outcome.error.as_ref().map(|issue| issue.code.to_string());
            return Some(format!("{} ({})", self.status.word(), why.unwrap_or_default()));
        }
        if self.status == Status::Deleted {
            let is_gone = matches!(load, Load::Missing);
            return (!is_gone).then(|| "the user is there, and should be gone".to_owned());
        }
        let Load::Found(found) = load else {
            return Some("the user could not be read again".to_owned());
        };
        let now = User::read(&found.user).unwrap_or_default();
        let operation = self.finished.operation?;
        let changes = all_changes(operation, &self.finished.changes);
        let parts = touched(&changes);
        // What the row wants, on top of what the server answered.
        let login_id = self.finished.login_id.as_deref().unwrap_or_default();
        let wanted = self.wanted.as_ref().unwrap_or(&now).after(login_id, &changes);
        let differing = now.differs_in(&wanted.parts(&parts));
        (!differing.is_empty())
            .then(|| format!("the user shows otherwise: {}", differing.join(", ")))
    }
}

/// Asks whether a run goes on after its canary.
pub(super) type AskCanary = Box<dyn FnOnce(&CanaryReport) -> bool + Send>;

/// Waits for the rows of a canary, reads their users again, and lets the other rows go if all are as
/// they should be; else the run stops.
async fn watch(
    Canary { watch, go_on }: Canary,
    client: Arc<Client>,
    (sinks, stop): (Sinks, Stop),
    ask: Option<AskCanary>,
) {
    tokio::select! {
        () = watch.all.notified() => {}
        () = stop.draining() => return,
    }
    let rows = watch.take();
    let mut report = CanaryReport { rows: rows.len() as u64, wrong: Vec::new() };
    for row in rows {
        let Some(load) = client.requester().load(&row.name, &stop).await else { return };
        report.wrong.extend(row.wrong(&load).map(|what| (row.row, what)));
    }
    report.wrong.sort_unstable();
    sinks.tell(&Event::CanaryChecked(&report));
    if !report.wrong.is_empty() {
        let message = "rows of the canary are not as they should be (--canary)";
        let hint = "look at these users; `descope-bulk explain RUN ROW` tells more of a row";
        return stop.drain(StopReason::stopped("canary", message, hint));
    }
    let goes_on = match ask {
        Some(ask) => tasks::spawn_blocking(move || ask(&report)).await.unwrap_or(false),
        None => true,
    };
    if goes_on {
        let _ = go_on.send(());
    } else {
        stop.drain(StopReason::stopped("canary", "not confirmed after the canary", ""));
    }
}
