//! The client: one call → one outcome for each of its instructions, attempts and all.
//!
//! Every attempt enters the gate, is sent once, and is judged; nothing else sends. The only
//! sleep is the back-off, and it listens for the stop. What must not be sent twice and may have
//! been applied is settled by reading the user.

pub mod gate;
pub mod load;
pub mod retry;
mod row;
pub mod settle;
pub mod wire;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::call::{Call, Step};
use crate::catalog::{self, Operation};
use crate::instruction::Instruction;
use crate::ledger::Ledger;
use crate::outcome::{Outcome, Status};
use crate::stop::{Reason, Stop};
use gate::Gate;
use load::Load;
use retry::{Backoff, How, Lost, Reply, Sent, Verdict};
use row::{Row, Tries};
use settle::{Settled, settle};
use wire::Wire;

/// What the client has done, for the progress and the summary.
#[derive(Debug, Default)]
pub struct Meters {
    calls: AtomicU64,
    retries: AtomicU64,
    rate_limited: AtomicU64,
    back_off_ms: AtomicU64,
}

impl Meters {
    /// Requests sent.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Requests sent again, or sent to settle one that was lost; rate limits not counted.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Answers that said "too many requests".
    #[must_use]
    pub fn rate_limited(&self) -> u64 {
        self.rate_limited.load(Ordering::Relaxed)
    }

    /// Time that rows slept between attempts, added up.
    #[must_use]
    pub fn back_off(&self) -> Duration {
        Duration::from_millis(self.back_off_ms.load(Ordering::Relaxed))
    }
}

/// Performs calls on the wire.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    gate: Gate,
    backoff: Backoff,
    ledger: Ledger,
    meters: Meters,
    /// Rows between two attempts, and word of each that falls asleep.
    asleep: AtomicUsize,
    fell_asleep: Notify,
}

impl Client {
    /// Joins the parts.
    #[must_use]
    pub fn new(wire: Wire, gate: Gate, backoff: Backoff, ledger: Ledger) -> Self {
        let (meters, asleep, fell_asleep) = Default::default();
        Self { wire, gate, backoff, ledger, meters, asleep, fell_asleep }
    }

    /// The gate that every request passes.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What has been done so far.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Reads a user; `None` when the run stops before there is something to say.
    pub async fn load(&self, login_id: &str, stop: &Stop) -> Option<Load> {
        let mut tries = Tries::default();
        let (_, reply) = self.insist(Request::Read(login_id), &mut tries, stop).await?;
        Some(Load::of(reply))
    }

    /// Works on a row until there is a final word on it.
    ///
    /// `None` when the run stops before, even where a lost answer is still to be settled: the
    /// resumed run knows from the journal that the row was sent, and settles it first.
    async fn work_on(&self, instruction: &Instruction, stop: &Stop) -> Option<Outcome> {
        let mut row = Row::begin(instruction);
        // What the row comes to, unless reading shows that it was applied all the same.
        let mut failed = None;
        loop {
            if row.in_doubt {
                let settled = self.settle(instruction, row.user_id.as_deref(), stop).await?;
                if let Some(outcome) = row.settled(settled) {
                    return Some(outcome);
                }
            }
            if let Some((status, reply)) = &failed {
                return Some(row.failed(*status, reply));
            }
            let request = Request::Update(instruction);
            let (end, reply) = self.insist(request, &mut row.tries, stop).await?;
            failed = match end {
                End::Done => return Some(row.done(reply)),
                // Nobody may read any more, or reading would tell nothing.
                End::Failed(Status::Unknown) => return Some(row.failed(Status::Unknown, &reply)),
                End::Failed(status) => Some((status, reply)),
                End::InDoubt { after } => {
                    row.in_doubt = true;
                    // The wait also lets a slow server finish before it is asked.
                    self.back_off(row.tries.attempts, after, stop).await?;
                    let last = self.backoff.ends_with(row.tries.attempts);
                    last.then_some((Status::GaveUp, reply))
                }
            };
        }
    }

    /// Reads whether a rename was applied. The old name goes first: once it is gone, it stays
    /// gone, while the new one could appear between the two reads.
    async fn settle(
        &self,
        instruction: &Instruction,
        user_id: Option<&str>,
        stop: &Stop,
    ) -> Option<Settled> {
        let old = self.load(&instruction.login_id, stop).await?;
        let new = match (&old, &instruction.renames_to) {
            (Load::Missing, Some(name)) => Some(self.load(name, stop).await?),
            _ => None,
        };
        tracing::debug!(row = instruction.record.position.row, "read to settle a lost answer");
        Some(settle(old, new, user_id))
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
            let end = match retry::judge(request.operation(), &reply) {
                Verdict::CoolDown(wait) => {
                    tries.attempts -= 1;
                    self.meters.rate_limited.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(seconds = wait.as_secs(), "rate limited: the gate closes");
                    self.gate.close_for(wait);
                    continue;
                }
                Verdict::Again { then, after } => {
                    tries.maybe_applied |= then == Status::Unknown;
                    if !self.backoff.ends_with(tries.attempts) {
                        let (attempt, status) = (tries.attempts, tries.http_status);
                        tracing::debug!(row = request.row(), attempt, status, "sending again");
                        self.back_off(tries.attempts, after, stop).await?;
                        continue;
                    }
                    End::Failed(if tries.maybe_applied { Status::Unknown } else { then })
                }
                Verdict::Halt(reason) => {
                    stop.drain(reason);
                    return None;
                }
                Verdict::Done => End::Done,
                Verdict::Settle { after } => End::InDoubt { after },
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
            && !self.ledger.about_to_send(row).await
        {
            stop.drain(Reason::not_recorded());
            return None;
        }
        self.meters.calls.fetch_add(1, Ordering::Relaxed);
        let sent = async {
            match request {
                Request::Read(login_id) => self.wire.load(login_id).await,
                Request::Update(instruction) => {
                    self.wire.send(instruction.operation, instruction.body.clone()).await
                }
            }
        };
        Some(tokio::select! {
            biased;
            reply = sent => reply,
            () = stop.aborting() => {
                Reply::Lost(Lost { sent: Sent::Maybe, how: How::Aborted, detail: String::new() })
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

impl Step for Client {
    async fn perform(&self, call: &Call, stop: &Stop) -> Vec<Option<Outcome>> {
        let mut outcomes = Vec::with_capacity(call.instructions.len());
        for instruction in &call.instructions {
            outcomes.push(self.work_on(instruction, stop).await);
        }
        outcomes
    }

    async fn room(&self, begun: usize) {
        // A row asleep holds no slot.
        while begun >= self.gate.slots() + self.asleep.load(Ordering::Relaxed) {
            self.fell_asleep.notified().await;
        }
    }

    fn whole_job(&self, calls: u64) {
        self.gate.whole_job(calls);
    }
}

/// Something to send.
#[derive(Clone, Copy)]
enum Request<'a> {
    /// A row's update.
    Update(&'a Instruction),
    /// A read of the user who has a name.
    Read(&'a str),
}

impl Request<'_> {
    /// By whose rules it is sent and judged.
    fn operation(&self) -> &'static Operation {
        match self {
            Self::Update(instruction) => instruction.operation,
            Self::Read(_) => &catalog::LOAD,
        }
    }

    fn row(&self) -> Option<u64> {
        match self {
            Self::Update(instruction) => Some(instruction.record.position.row),
            Self::Read(_) => None,
        }
    }

    /// The row, where it must be written down before it is sent.
    fn must_not_repeat(&self) -> Option<u64> {
        self.row().filter(|_| !self.operation().repeatable)
    }
}

/// What sending a request until there is something to say came to.
enum End {
    /// The server has done it.
    Done,
    /// It has not, or nobody can tell.
    Failed(Status),
    /// It may have; only reading can tell.
    InDoubt {
        /// The shortest wait that the server asked for.
        after: Option<Duration>,
    },
}

#[cfg(test)]
mod tests;
