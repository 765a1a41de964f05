//! The requester: a request → the last reply to it, attempts and all.
//!
//! Every attempt enters the gate, is sent once, and is judged; nothing else sends. The only sleep
//! is the back-off, and it listens for the stop. What can be sent follows from the wire: over one
//! that only reads, nothing can be written.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::api::explain;
use crate::api::response::{MAX_COOL_DOWN, Reply, Sent, TransportCause, TransportError};
use crate::api::retry::{self, Backoff, Verdict};
use crate::catalog::Operation;
use crate::limiter::Gate;
use crate::outcome::{SentRequest, Status, Trouble, milliseconds};
use crate::stop::Stop;

/// Something to send over a kind of wire.
pub(crate) trait Request<W>: Sync {
    /// By whose rules it is sent and judged.
    fn operation(&self) -> &'static Operation;

    /// The row that it is of, if it is of one.
    fn row(&self) -> Option<u64> {
        None
    }

    /// What must have happened before it may go; false if it cannot be had, and then nothing is
    /// sent.
    fn prepare(&self, stop: &Stop) -> impl Future<Output = bool> + Send {
        let _ = stop;
        std::future::ready(true)
    }

    /// Whether nothing but this one request is given up where the server refuses the credentials.
    fn is_dispensable(&self) -> bool {
        false
    }

    /// Sends it once.
    fn send(&self, wire: &W) -> impl Future<Output = Reply> + Send;
}

/// How often a request was sent, and what may have come of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tries {
    /// Attempts, those refused for their rate not counted.
    pub(crate) attempts: u32,
    /// Whether an answer was lost.
    pub(crate) maybe_applied: bool,
    /// The status of the last reply, if it was an answer.
    pub(crate) http_status: Option<u16>,
    /// The requests, in order.
    pub(crate) requests: Vec<SentRequest>,
}

/// What sending a request until there is something to say came to.
pub(crate) enum End {
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

/// What was sent, for the progress and the summary.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts {
    calls: AtomicU64,
    retries: AtomicU64,
    rate_limited: AtomicU64,
    back_off_ms: AtomicU64,
}

impl RequestCounts {
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

    /// Time that rows slept between attempts, added up.
    #[must_use]
    pub(crate) fn back_off(&self) -> Duration {
        Duration::from_millis(self.back_off_ms.load(Ordering::Relaxed))
    }
}

/// Sends requests over a wire.
#[derive(Debug)]
pub(crate) struct Requester<W> {
    wire: W,
    gate: Gate,
    backoff: Backoff,
    counts: RequestCounts,
    /// Rows between two attempts, and word of each that falls asleep.
    asleep: AtomicUsize,
    fell_asleep: Notify,
    /// Why the last of them is to be sent again.
    trouble: Mutex<Option<Trouble>>,
}

impl<W> Requester<W> {
    /// Joins the components.
    #[must_use]
    pub(crate) fn new(wire: W, gate: Gate, backoff: Backoff) -> Self {
        let (counts, asleep, fell_asleep, trouble) = Default::default();
        Self { wire, gate, backoff, counts, asleep, fell_asleep, trouble }
    }

    /// The gate that every request passes.
    #[must_use]
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What was sent so far.
    #[must_use]
    pub(crate) fn counts(&self) -> &RequestCounts {
        &self.counts
    }

    /// Whether a request that was sent so often is not sent again.
    #[must_use]
    pub(crate) fn ends_with(&self, attempts: u32) -> bool {
        self.backoff.ends_with(attempts)
    }

    /// Waits until another row is of use, with so many begun and not ended: a row asleep holds no
    /// slot.
    pub(crate) async fn room(&self, begun: usize) {
        while begun >= self.gate.slots() + self.asleep.load(Ordering::Relaxed) {
            self.fell_asleep.notified().await;
        }
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

    /// Sends a request until there is something to say about it; `None` when the run stops first.
    pub(crate) async fn insist(
        &self,
        request: &impl Request<W>,
        tries: &mut Tries,
        stop: &Stop,
    ) -> Option<(End, Reply)>
    where
        W: Sync,
    {
        loop {
            let (reply, sent) = self.attempt(request, stop).await?;
            tries.requests.push(sent);
            tries.attempts += 1;
            tries.http_status = reply.http_status();
            self.gate.answered(tries.http_status);
            let end = match retry::judge(request.operation(), &reply) {
                Verdict::CoolDown(wait) => {
                    tries.attempts -= 1;
                    self.cool_down(wait);
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
                Verdict::Stop(_) if request.is_dispensable() => End::Failed(Status::Rejected),
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

    fn cool_down(&self, wait: Duration) {
        self.counts.rate_limited.fetch_add(1, Ordering::Relaxed);
        let wait = self.gate.close_for(wait);
        tracing::info!(seconds = wait.as_secs(), "rate limited: pausing all requests");
        if wait >= MAX_COOL_DOWN {
            tracing::warn!(
                "the server asks for a pause of a day or more; the run waits for a day, and can be stopped and resumed"
            );
        }
    }

    /// One request through the gate; `None` when the run stops before it is sent.
    async fn attempt(&self, request: &impl Request<W>, stop: &Stop) -> Option<(Reply, SentRequest)>
    where
        W: Sync,
    {
        let lined_up = Instant::now();
        let _pass = tokio::select! {
            biased;
            () = stop.draining() => return None,
            pass = self.gate.enter(request.operation().rate_class) => pass,
        };
        if !request.prepare(stop).await {
            return None;
        }
        tokio::select! {
            biased;
            () = self.gate.throttle().has_leave() => {}
            () = stop.draining() => return None,
        }
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        let (at, begun) = (Timestamp::now(), Instant::now());
        let reply = tokio::select! {
            biased;
            reply = request.send(&self.wire) => reply,
            () = stop.aborting() => {
                Reply::Failed(TransportError { sent: Sent::Maybe, cause: TransportCause::Aborted, detail: String::new() })
            }
        };
        let sent = SentRequest {
            at,
            path: request.operation().path.into(),
            waited_ms: milliseconds(begun - lined_up),
            took_ms: milliseconds(begun.elapsed()),
            http_status: reply.http_status(),
            lost: explain::lost_words(&reply).map(Into::into),
        };
        Some((reply, sent))
    }

    /// Sleeps after the n-th attempt, at least as long as the server asked for.
    pub(crate) async fn back_off(
        &self,
        attempt: u32,
        after: Option<Duration>,
        stop: &Stop,
    ) -> Option<()> {
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
        self.counts.back_off_ms.fetch_add(slept_ms, Ordering::Relaxed);
        self.counts.retries.fetch_add(u64::from(slept.is_some()), Ordering::Relaxed);
        slept
    }
}
