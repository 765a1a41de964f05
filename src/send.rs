//! The client: a work item → an outcome for each of its instructions, attempts and all.
//!
//! Every attempt enters the gate, is sent once, and is judged; nothing else sends. The only
//! sleep is the back-off, and it listens for the stop. What must not be sent twice and may have
//! been applied is reconciled by reading the user.

mod batch;
mod row;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::api::explain;
use crate::api::load::{self, Found, Load};
use crate::api::reconcile::{Reconciled, reconcile};
use crate::api::response::{
    Body, MAX_COOL_DOWN, Reply, Response, Sent, TransportCause, TransportError,
};
use crate::api::retry::{self, Backoff, Verdict};
use crate::api::transport::{Transport, Wire};
use crate::catalog::{self, Operation};
use crate::change::{User, compare};
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::work::{Completed, Executor, UserOutcomes, UserRows, WorkItem};
use crate::limiter::Gate;
use crate::outcome::Trouble;
use crate::outcome::{Outcome, Status};
use crate::rows::{Call, Instruction, OnConflict};
use crate::stop::{Stop, StopReason};
use row::{RowAttempt, Tries};

/// What the client has done, for the progress and the summary.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    calls: AtomicU64,
    retries: AtomicU64,
    rate_limited: AtomicU64,
    back_off_ms: AtomicU64,
    batch_rows: AtomicU64,
    batch_calls: AtomicU64,
    merged: AtomicU64,
}

impl Meters {
    /// Requests sent.
    #[must_use]
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Requests sent again, or sent to reconcile one whose answer was lost; rate limits not counted.
    #[must_use]
    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Answers that said "too many requests".
    #[must_use]
    pub(crate) fn rate_limited(&self) -> u64 {
        self.rate_limited.load(Ordering::Relaxed)
    }

    /// Requests that batching has saved: one for each row that had its outcome from a batch,
    /// less the batches and the searches before them.
    #[must_use]
    pub(crate) fn saved(&self) -> u64 {
        let [rows, calls] =
            [&self.batch_rows, &self.batch_calls].map(|count| count.load(Ordering::Relaxed));
        rows.saturating_sub(calls)
    }

    /// Rows whose update merged another user into theirs.
    #[must_use]
    pub(crate) fn merged(&self) -> u64 {
        self.merged.load(Ordering::Relaxed)
    }

    /// Time that rows slept between attempts, added up.
    #[must_use]
    pub(crate) fn back_off(&self) -> Duration {
        Duration::from_millis(self.back_off_ms.load(Ordering::Relaxed))
    }
}

/// Sends work items over the wire.
#[derive(Debug)]
pub(crate) struct Client<W = Transport> {
    transport: W,
    gate: Gate,
    backoff: Backoff,
    recorder: RecorderHandle,
    meters: Meters,
    /// The most users in a batch; it only shrinks.
    batch_size: AtomicUsize,
    /// Rows between two attempts, and word of each that falls asleep.
    asleep: AtomicUsize,
    fell_asleep: Notify,
    /// Why the last of them is to be sent again.
    trouble: Mutex<Option<Trouble>>,
}

impl<W: Wire> Client<W> {
    /// Joins the components. At most `batch_size` users go in one batch.
    #[must_use]
    pub(crate) fn new(
        transport: W,
        gate: Gate,
        backoff: Backoff,
        recorder: RecorderHandle,
        batch_size: usize,
    ) -> Self {
        let (meters, asleep, fell_asleep, trouble) = Default::default();
        let batch_size = AtomicUsize::new(batch_size);
        Self {
            transport,
            gate,
            backoff,
            recorder,
            meters,
            batch_size,
            asleep,
            fell_asleep,
            trouble,
        }
    }

    /// The gate that every request passes.
    #[must_use]
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What has been done so far.
    #[must_use]
    pub(crate) fn meters(&self) -> &Meters {
        &self.meters
    }

    fn remember(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    /// Why requests are about to be sent again, if any are.
    #[must_use]
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.filter(|_| self.asleep.load(Ordering::Relaxed) > 0)
    }

    /// Reads a user; `None` when the run stops before there is something to say.
    pub(crate) async fn load(&self, login_id: &str, stop: &Stop) -> Option<Load> {
        let mut tries = Tries::default();
        // Rare and large: what most rows take should stay small.
        let read = Box::pin(self.insist(Request::Read(login_id), &mut tries, stop));
        Some(Load::of(read.await?.1))
    }

    /// Works on a user's instructions one after the other, each by its own endpoint.
    async fn work_user(&self, user_rows: UserRows, stop: &Stop) -> Completed {
        let mut outcomes = Vec::with_capacity(user_rows.rows());
        let found = if user_rows.ambiguous {
            self.load(&user_rows.first.login_id, stop).await
        } else {
            None
        };
        for instruction in user_rows.instructions() {
            let row = RowAttempt::begin(instruction, user_rows.attempts);
            outcomes.push(match &found {
                Some(Load::Found(found)) if is_done(instruction, found) => Some(row.found(found)),
                None if user_rows.ambiguous => None,
                _ => self.work_on(row, instruction, stop).await,
            });
        }
        Completed { done: vec![UserOutcomes { user_rows, outcomes }], further: Vec::new() }
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
            let (end, reply) = self.insist(Request::Update(call), &mut row.tries, stop).await?;
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
            let (end, reply) = self.insist(Request::Update(call), &mut row.tries, stop).await?;
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
                    self.back_off(row.tries.attempts, after, stop).await?;
                    let last = self.backoff.ends_with(row.tries.attempts);
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
            match self.load(&name, stop).await? {
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
        let old = self.load(&instruction.login_id, stop).await?;
        let new = match (&old, instruction.renames_to()) {
            (Load::Missing, Some(name)) => Some(self.load(name, stop).await?),
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
        self.meters.merged.fetch_add(u64::from(outcome.merged.is_some()), Ordering::Relaxed);
        outcome
    }

    /// Sends a request until there is something to say about it; `None` when the run stops first.
    async fn insist(
        &self,
        request: Request<'_>,
        tries: &mut Tries,
        stop: &Stop,
    ) -> Option<(End, Reply)> {
        loop {
            let reply = self.attempt(request, stop).await?;
            tries.attempts += 1;
            tries.http_status = reply.http_status();
            self.gate.answered(tries.http_status);
            let end = match retry::judge(request.operation(), &reply) {
                Verdict::CoolDown(wait) => {
                    tries.attempts -= 1;
                    self.meters.rate_limited.fetch_add(1, Ordering::Relaxed);
                    let wait = self.gate.close_for(wait);
                    tracing::info!(seconds = wait.as_secs(), "rate limited: pausing all requests");
                    if wait >= MAX_COOL_DOWN {
                        tracing::warn!(
                            "the server asks for a pause of a day or more; the run waits for a day, and can be stopped and resumed"
                        );
                    }
                    continue;
                }
                Verdict::Again { then, after } => {
                    tries.maybe_applied |= then == Status::Unknown;
                    if !self.backoff.ends_with(tries.attempts) {
                        self.remember(explain::trouble(&reply));
                        let (attempt, status) = (tries.attempts, tries.http_status);
                        tracing::debug!(row = request.row(), attempt, status, "sending again");
                        self.back_off(tries.attempts, after, stop).await?;
                        continue;
                    }
                    End::Failed(if tries.maybe_applied { Status::Unknown } else { then })
                }
                Verdict::Stop(reason) => {
                    stop.drain(reason);
                    return None;
                }
                Verdict::Done => End::Done,
                Verdict::Reconcile { after } => End::Ambiguous { after },
                Verdict::Final(status) => End::Failed(status),
            };
            return Some((end, reply));
        }
    }

    /// One request through the gate; `None` when the run stops before it is sent.
    async fn attempt(&self, request: Request<'_>, stop: &Stop) -> Option<Reply> {
        let _pass = tokio::select! {
            biased;
            () = stop.draining() => return None,
            pass = self.gate.enter(request.operation().rate_class) => pass,
        };
        if let Some(row) = request.must_not_repeat()
            && !self.recorder.about_to_send(row).await
        {
            stop.drain(StopReason::not_recorded());
            return None;
        }
        self.meters.calls.fetch_add(1, Ordering::Relaxed);
        let batched = u64::from(matches!(request, Request::Batch { .. }));
        self.meters.batch_calls.fetch_add(batched, Ordering::Relaxed);
        let sent = async {
            match request {
                Request::Read(login_id) => Box::pin(self.transport.load(login_id)).await,
                Request::Update(call) => self.transport.send(call.operation(), call.body()).await,
                Request::Batch { operation, body } => {
                    self.transport.send(operation, body.clone()).await
                }
            }
        };
        Some(tokio::select! {
            biased;
            reply = sent => reply,
            () = stop.aborting() => {
                Reply::Failed(TransportError { sent: Sent::Maybe, cause: TransportCause::Aborted, detail: String::new() })
            }
        })
    }

    /// Sleeps after the n-th attempt, at least as long as the server asked for.
    async fn back_off(&self, attempt: u32, after: Option<Duration>, stop: &Stop) -> Option<()> {
        let delay = self.backoff.delay(attempt, fastrand::f64()).max(after.unwrap_or_default());
        let started = Instant::now();
        self.asleep.fetch_add(1, Ordering::Relaxed);
        self.fell_asleep.notify_one();
        let slept = tokio::select! {
            biased;
            () = stop.draining() => None,
            () = tokio::time::sleep(delay) => Some(()),
        };
        self.asleep.fetch_sub(1, Ordering::Relaxed);
        let slept_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.meters.back_off_ms.fetch_add(slept_ms, Ordering::Relaxed);
        self.meters.retries.fetch_add(u64::from(slept.is_some()), Ordering::Relaxed);
        slept
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
        }
    }

    fn batch_size(&self) -> usize {
        self.batch_size.load(Ordering::Relaxed)
    }

    async fn room(&self, begun: usize) {
        // A row asleep holds no slot.
        while begun >= self.gate.slots() + self.asleep.load(Ordering::Relaxed) {
            self.fell_asleep.notified().await;
        }
    }

    fn whole_job(&self, requests: u64) {
        self.gate.whole_job(requests);
    }
}

/// Something to send.
#[derive(Clone, Copy)]
enum Request<'a> {
    /// A row's update, or a part of it.
    Update(Call<'a>),
    /// A read of the user who has a name.
    Read(&'a str),
    /// The updates of many rows, or the search before them.
    Batch {
        /// What it is.
        operation: &'static Operation,
        /// Its body, JSON.
        body: &'a Bytes,
    },
}

impl Request<'_> {
    /// By whose rules it is sent and judged.
    fn operation(&self) -> &'static Operation {
        match self {
            Self::Update(call) => call.operation(),
            Self::Read(_) => &catalog::LOAD,
            Self::Batch { operation, .. } => operation,
        }
    }

    fn row(&self) -> Option<u64> {
        match self {
            Self::Update(call) => Some(call.instruction().record.position.row),
            Self::Read(_) | Self::Batch { .. } => None,
        }
    }

    /// The row, where it must be written down before it is sent.
    fn must_not_repeat(&self) -> Option<u64> {
        self.row().filter(|_| !self.operation().is_idempotent())
    }
}

/// What sending a request until there is something to say came to.
enum End {
    /// The server has done it.
    Done,
    /// It has not, or nobody can tell.
    Failed(Status),
    /// It may have; only reading can tell.
    Ambiguous {
        /// The shortest wait that the server asked for.
        after: Option<Duration>,
    },
}

#[cfg(test)]
mod tests;
