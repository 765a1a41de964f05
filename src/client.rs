//! The client: one call → one outcome for each of its instructions, attempts and all.
//!
//! Every attempt enters the gate, is sent once, and is judged; nothing else sends. The only
//! sleep is the back-off, and it listens for the stop.

pub mod gate;
pub mod retry;
pub mod wire;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::call::{Call, Step};
use crate::instruction::Instruction;
use crate::ledger::Ledger;
use crate::outcome::{Outcome, Status};
use crate::stop::{Reason, Stop};
use gate::Gate;
use retry::{Backoff, Body, How, Lost, Reply, Sent, Verdict};
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

    /// Requests sent for rows that had been sent before, rate limits not counted.
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
}

impl Client {
    /// Joins the parts.
    #[must_use]
    pub fn new(wire: Wire, gate: Gate, backoff: Backoff, ledger: Ledger) -> Self {
        Self { wire, gate, backoff, ledger, meters: Meters::default() }
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

    async fn work_on(&self, instruction: &Instruction, stop: &Stop) -> Option<Outcome> {
        let mut row = Row { started: Instant::now(), attempts: 0, maybe_applied: false };
        loop {
            let reply = self.attempt(instruction, stop).await?;
            row.attempts += 1;
            match retry::judge(instruction.operation, &reply) {
                Verdict::Done => return Some(row.done(reply)),
                Verdict::Final(status) => return Some(row.failed(status, &reply)),
                Verdict::CoolDown(wait) => {
                    row.attempts -= 1;
                    self.meters.rate_limited.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(seconds = wait.as_secs(), "rate limited: the gate closes");
                    self.gate.close_for(wait);
                }
                Verdict::Again { then, after } => {
                    row.maybe_applied |= then == Status::Unknown;
                    let Some(delay) = self.backoff.delay(row.attempts, fastrand::f64()) else {
                        let then = if row.maybe_applied { Status::Unknown } else { then };
                        return Some(row.failed(then, &reply));
                    };
                    let delay = delay.max(after.unwrap_or_default());
                    tracing::debug!(
                        row = instruction.record.position.row,
                        attempt = row.attempts,
                        status = reply.http_status(),
                        delay_ms = delay.as_millis(),
                        "sending again"
                    );
                    self.sleep(delay, stop).await?;
                    self.meters.retries.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::Halt(reason) => {
                    stop.drain(reason);
                    return None;
                }
            }
        }
    }

    /// One request through the gate; `None` when the run stops before it is sent.
    async fn attempt(&self, instruction: &Instruction, stop: &Stop) -> Option<Reply> {
        let _pass = tokio::select! {
            biased;
            () = stop.draining() => return None,
            pass = self.gate.enter(instruction.rate_class()) => pass,
        };
        let row = instruction.record.position.row;
        if !instruction.operation.repeatable && !self.ledger.about_to_send(row).await {
            stop.drain(Reason::not_recorded());
            return None;
        }
        self.meters.calls.fetch_add(1, Ordering::Relaxed);
        let sent = self.wire.send(instruction.operation, instruction.body.clone());
        Some(tokio::select! {
            biased;
            reply = sent => reply,
            () = stop.aborting() => {
                Reply::Lost(Lost { sent: Sent::Maybe, how: How::Aborted, detail: String::new() })
            }
        })
    }

    async fn sleep(&self, delay: Duration, stop: &Stop) -> Option<()> {
        let started = Instant::now();
        let slept = tokio::select! {
            biased;
            () = stop.draining() => None,
            () = tokio::time::sleep(delay) => Some(()),
        };
        let slept_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.meters.back_off_ms.fetch_add(slept_ms, Ordering::Relaxed);
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
}

/// A row on its way to an outcome.
struct Row {
    started: Instant,
    attempts: u32,
    maybe_applied: bool,
}

impl Row {
    fn done(&self, reply: Reply) -> Outcome {
        let http_status = reply.http_status();
        let user = match reply {
            Reply::Answer(answer) => match answer.body {
                Body::User(user) => Some(user),
                _ => None,
            },
            Reply::Lost(_) => None,
        };
        Outcome {
            status: Status::Updated,
            attempts: self.attempts,
            http_status,
            duration: self.started.elapsed(),
            finished_at: Timestamp::now(),
            user,
            error: None,
        }
    }

    fn failed(&self, status: Status, reply: &Reply) -> Outcome {
        Outcome {
            status,
            attempts: self.attempts,
            http_status: reply.http_status(),
            duration: self.started.elapsed(),
            finished_at: Timestamp::now(),
            user: None,
            error: Some(retry::describe(reply)),
        }
    }
}
