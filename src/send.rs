//! The client: a work item → an outcome for each of its instructions.
//!
//! What must not be sent twice and may have been applied is reconciled by reading the user.

mod batch;
mod existence;
mod look;
mod row;
mod rules;
mod settling;

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::api::explain;
use crate::api::load::{self, Found, Load};
use crate::api::reconcile::{Reconciled, reconcile};
use crate::api::response::{Body, Reply, Response};
use crate::api::transport::{Transport, Wire};
use crate::catalog::{Operation, OperationKind};
use crate::change::{User, compare};
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::work::{Before, Completed, Executor, UserOutcomes, UserRows, WorkItem};
use crate::outcome::{Outcome, Status};
use crate::requester::{End, Request, Requester, Tries};
use crate::rows::{Call, Instruction, OnConflict};
use crate::stop::{Stop, StopReason};
use row::RowAttempt;
pub(crate) use rules::{LookRules, MaxDeletes, OnDrift, Protected};
use settling::reconciled;

/// What batching has saved, and what was merged.
#[derive(Debug, Default)]
pub(crate) struct BatchCounts {
    rows: AtomicU64,
    calls: AtomicU64,
    merged: AtomicU64,
}

impl BatchCounts {
    /// Requests that batching has saved: one for each row that had its outcome from a batch,
    /// less the batches and the searches before them.
    #[must_use]
    pub(crate) fn saved(&self) -> u64 {
        let [rows, calls] = [&self.rows, &self.calls].map(|count| count.load(Ordering::Relaxed));
        rows.saturating_sub(calls)
    }

    /// Rows whose update merged another user into theirs.
    #[must_use]
    pub(crate) fn merged(&self) -> u64 {
        self.merged.load(Ordering::Relaxed)
    }
}

/// How long a search may lag behind what was written (API reference, section 4), with room to spare.
const LAG: Duration = Duration::from_secs(60);

/// Sends work items over the wire.
#[derive(Debug)]
pub(crate) struct Client<W = Transport> {
    requester: Requester<W>,
    recorder: RecorderHandle,
    looking: LookRules,
    /// Until when a search is not believed: an earlier process of the run may have written just before.
    distrusts_until: Option<Instant>,
    /// Users who were to be kept as they were, and could not be read.
    not_kept: AtomicU64,
    batches: BatchCounts,
    /// The most users in a batch; it only shrinks.
    batch_size: AtomicUsize,
}

impl<W: Wire> Client<W> {
    /// Joins the components. At most `batch_size` users go in one batch.
    #[must_use]
    pub(crate) fn new(
        requester: Requester<W>,
        recorder: RecorderHandle,
        looking: LookRules,
        batch_size: usize,
    ) -> Self {
        let batch_size = AtomicUsize::new(batch_size);
        let (not_kept, batches) = Default::default();
        let distrusts_until = None;
        Self { requester, recorder, looking, distrusts_until, not_kept, batches, batch_size }
    }

    /// The same, in a run that is resumed: an earlier process of it may have written just before.
    #[must_use]
    pub(crate) fn resumed(self, is_resumed: bool) -> Self {
        Self { distrusts_until: is_resumed.then(|| Instant::now() + LAG), ..self }
    }

    /// What sends its requests.
    #[must_use]
    pub(crate) fn requester(&self) -> &Requester<W> {
        &self.requester
    }

    /// Users who were to be kept as they were, and could not be read, so far.
    #[must_use]
    pub(crate) fn not_kept(&self) -> u64 {
        self.not_kept.load(Ordering::Relaxed)
    }

    /// What batching has saved so far, and what was merged.
    #[must_use]
    pub(crate) fn batches(&self) -> &BatchCounts {
        &self.batches
    }

    /// Works on a user's instructions one after the other, each by its own endpoint.
    async fn work_user(&self, user_rows: UserRows, stop: &Stop) -> Completed {
        if !user_rows.first.operation.is_idempotent() {
            return self.work_once(user_rows, stop).await;
        }
        let mut outcomes = Vec::with_capacity(user_rows.rows());
        let found = if user_rows.ambiguous {
            self.requester.load(&user_rows.first.login_id, stop).await
        } else {
            None
        };
        let mut before = Cow::Borrowed(&user_rows.before);
        for instruction in user_rows.instructions() {
            let row = RowAttempt::begin(instruction, user_rows.attempts);
            let decided = self.decided(instruction, &before, stop);
            let outcome = match &found {
                Some(Load::Found(found)) if is_done(instruction, found) => Some(row.found(found)),
                None if user_rows.ambiguous => None,
                _ if decided.is_some() => decided.map(|decided| row.decided(decided, &before)),
                _ => self.work_on(row, instruction, stop).await,
            };
            if let Some(user) = outcome.as_ref().and_then(|outcome| outcome.user.clone()) {
                before = Cow::Owned(Before::Seen(user));
            }
            outcomes.push(outcome);
        }
        Completed { done: vec![UserOutcomes { user_rows, outcomes }], ..Completed::default() }
    }

    /// Works on a user's rows of which none may be sent twice.
    async fn work_once(&self, user_rows: UserRows, stop: &Stop) -> Completed {
        if user_rows.first.is_in_batches_only() {
            return self.make_one(user_rows, stop).await;
        }
        let mut outcomes = Vec::with_capacity(user_rows.rows());
        let mut before = Cow::Borrowed(&user_rows.before);
        for instruction in user_rows.instructions() {
            let mut row = RowAttempt::begin(instruction, user_rows.attempts);
            row.ambiguous |= user_rows.ambiguous;
            let outcome = match self.decided(instruction, &before, stop) {
                Some(decided) => Some(row.decided(decided, &before)),
                None => self.work_on(row, instruction, stop).await,
            };
            let outcome = outcome.map(|mut outcome| {
                if outcome.status == Status::Deleted {
                    outcome.user = user_rows.seen();
                }
                outcome
            });
            if let Some(user) = outcome.as_ref().and_then(|outcome| outcome.user.clone()) {
                before = Cow::Owned(Before::Seen(user));
            }
            outcomes.push(outcome);
        }
        Completed { done: vec![UserOutcomes { user_rows, outcomes }], ..Completed::default() }
    }

    /// Makes a user in a batch of one, which takes what no other request does.
    async fn make_one(&self, user_rows: UserRows, stop: &Stop) -> Completed {
        let mut completed = Completed::default();
        let mut row = RowAttempt::begin(&user_rows.first, user_rows.attempts);
        match self.guard(&mut row, &user_rows.first, stop).await {
            None => completed.leave(vec![user_rows]),
            Some(Some(refused)) => {
                completed.done.push(UserOutcomes::alike(user_rows, Some(&refused)));
            }
            Some(None) => self.send_once(vec![user_rows], &mut completed, stop).await,
        }
        completed
    }

    /// Works on a row until there is a final word on it.
    ///
    /// `None` when the run stops before, even where a lost answer is still to be reconciled: the
    /// resumed run knows from the journal that the row was sent, and reconciles it first.
    async fn work_on(
        &self,
        mut row: RowAttempt,
        instruction: &Instruction,
        stop: &Stop,
    ) -> Option<Outcome> {
        if let Some(refused) = self.guard(&mut row, instruction, stop).await? {
            return Some(refused);
        }
        let mut calls = instruction.calls();
        let (Some(mut call), many) = (calls.next(), calls.len()) else { return None };
        for next in calls {
            let (end, reply) = self.update(call, &mut row.tries, stop).await?;
            match end {
                End::Done if is_of_another(&reply, instruction) => {
                    return Some(row.refused(Status::Unknown, Box::new(explain::of_another())));
                }
                End::Done => row.one_call_is_done(many + 1),
                End::Failed(status) => return Some(row.failed(status, &reply)),
                // Of several calls each can be sent again.
                End::Ambiguous { .. } => return Some(row.failed(Status::Unknown, &reply)),
            }
            call = next;
        }
        self.work_on_call(row, call, stop).await
    }

    /// Works on a row's last call, until there is a final word on it.
    async fn work_on_call(
        &self,
        mut row: RowAttempt,
        call: Call<'_>,
        stop: &Stop,
    ) -> Option<Outcome> {
        let instruction = call.instruction();
        // What the row comes to, unless reading shows that it was applied all the same.
        let mut failed = None;
        loop {
            if row.ambiguous {
                let reconciled = self.reconcile(instruction, row.user_id.as_deref(), stop).await?;
                if let Some(outcome) = row.reconciled(reconciled) {
                    return Some(outcome);
                }
            }
            if let Some((status, reply)) = &failed {
                return Some(row.failed(*status, reply));
            }
            let (end, reply) = self.update(call, &mut row.tries, stop).await?;
            failed = match end {
                End::Done if is_of_another(&reply, instruction) => {
                    return Some(row.refused(Status::Unknown, Box::new(explain::of_another())));
                }
                End::Done => return Some(self.done(row, reply)),
                // Nobody may read any more, or reading would tell nothing.
                End::Failed(Status::Unknown) => return Some(row.failed(Status::Unknown, &reply)),
                End::Failed(status) => Some((status, reply)),
                End::Ambiguous { after } => {
                    row.ambiguous = true;
                    // The wait also lets a slow server finish before it is asked.
                    self.requester.back_off(row.tries.attempts, after, stop).await?;
                    let last = self.requester.ends_with(row.tries.attempts);
                    last.then_some((Status::GaveUp, reply))
                }
            };
        }
    }

    /// What a row comes to whose contacts are another user's, where the server would not mind. Where
    /// it is to merge that user into the row's, the row remembers whom. `None` for a stop; nothing
    /// has been sent.
    async fn guard(
        &self,
        row: &mut RowAttempt,
        instruction: &Instruction,
        stop: &Stop,
    ) -> Option<Option<Outcome>> {
        if !instruction.looked_up {
            return Some(None);
        }
        for name in instruction.contact_names() {
            let another = |found: &Found| !found.is_named(&instruction.login_id);
            match self.requester.load(&name, stop).await? {
                Load::Found(found)
                    if another(&found) && instruction.on_conflict == OnConflict::Merge =>
                {
                    row.holder = Some(found);
                }
                Load::Found(found) if another(&found) => {
                    return Some(Some(
                        row.refused(Status::Rejected, Box::new(explain::conflict())),
                    ));
                }
                Load::Found(_) | Load::Missing => {}
                Load::Failed(why) => return Some(Some(row.refused(Status::GaveUp, why))),
            }
        }
        Some(None)
    }

    /// Reads whether a rename was applied. The old name goes first: once it is gone, it stays
    /// gone, while the new one could appear between the two reads.
    async fn reconcile(
        &self,
        instruction: &Instruction,
        user_id: Option<&str>,
        stop: &Stop,
    ) -> Option<Reconciled> {
        if instruction.operation.kind != OperationKind::Update {
            let name = instruction.user_id.as_ref().unwrap_or(&instruction.login_id);
            let load = self.requester.load(name, stop).await?;
            return Some(reconciled(instruction, load));
        }
        let old = self.requester.load(&instruction.login_id, stop).await?;
        let new = match (&old, instruction.renames_to()) {
            (Load::Missing, Some(name)) => Some(self.requester.load(name, stop).await?),
            _ => None,
        };
        tracing::debug!(
            row = instruction.record.position.row,
            "reading the user, since the answer was lost"
        );
        Some(reconcile(old, new, user_id))
    }

    /// The server has done what a row wants.
    fn done(&self, row: RowAttempt, reply: Reply) -> Outcome {
        let outcome = row.done(reply);
        self.batches.merged.fetch_add(u64::from(outcome.merged.is_some()), Ordering::Relaxed);
        outcome
    }

    /// Sends a row's update, or a part of it, until there is something to say about it; `None` when
    /// the run stops first.
    async fn update(&self, call: Call<'_>, tries: &mut Tries, stop: &Stop) -> Option<(End, Reply)> {
        let update = Update { call, recorder: &self.recorder };
        self.requester.insist(&update, tries, stop).await
    }
}

/// Whether a reply shows another user than the one that the instruction is about.
fn is_of_another(reply: &Reply, instruction: &Instruction) -> bool {
    match reply {
        Reply::Response(Response { body: Body::User(user), .. }) => {
            load::is_of_another(user, instruction)
        }
        _ => false,
    }
}

/// Whether a user as it was read shows everything that an instruction changes.
fn is_done(instruction: &Instruction, found: &Found) -> bool {
    let user = User::read(&found.user);
    user.is_some_and(|user| compare(&instruction.login_id, &instruction.changes, &user).is_empty())
}

impl<W: Wire> Executor for Client<W> {
    async fn execute(&self, item: WorkItem, stop: &Stop) -> Completed {
        match item {
            WorkItem::User(user_rows) => self.work_user(user_rows, stop).await,
            // One for many rows, and much larger than what one row takes.
            WorkItem::Batch { users, searched } => {
                Box::pin(self.work_batch(users, searched, stop)).await
            }
            WorkItem::Read(users) => Box::pin(self.read_users(users, stop)).await,
        }
    }

    fn batch_size(&self) -> usize {
        self.batch_size.load(Ordering::Relaxed)
    }

    fn reads_first(&self, instruction: &Instruction) -> bool {
        self.looking.read(instruction)
    }

    async fn room(&self, begun: usize) {
        self.requester.room(begun).await;
    }

    fn whole_job(&self, requests: u64) {
        self.requester.gate().whole_job(requests);
    }
}

/// A row's update, or a part of it.
struct Update<'a> {
    call: Call<'a>,
    recorder: &'a RecorderHandle,
}

impl<W: Wire> Request<W> for Update<'_> {
    fn operation(&self) -> &'static Operation {
        self.call.operation()
    }

    fn row(&self) -> Option<u64> {
        Some(self.call.instruction().record.position.row)
    }

    /// What must not be sent twice is written down first.
    async fn prepare(&self, stop: &Stop) -> bool {
        let instruction = self.call.instruction();
        if self.call.operation().is_idempotent()
            || self.recorder.about_to_send(vec![instruction.record.position.row]).await
        {
            return true;
        }
        stop.drain(StopReason::not_recorded());
        false
    }

    async fn send(&self, wire: &W) -> Reply {
        wire.send(self.call.operation(), self.call.body()).await
    }
}

#[cfg(test)]
mod tests;
