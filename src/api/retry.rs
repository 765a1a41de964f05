//! What a reply means: done, again, or never. Pure; no clock, no I/O.
//!
//! [`judge`] is the retry table of `docs/retries.md`, which its tests spell out row by row.
//! The rules follow section 7 of the API reference. "Not sent" is never guessed: only
//! where there was no connection for a request does it count as that.

use std::time::Duration;

use super::codes::{self, Meaning};
use super::explain::CREDENTIALS_HINT;
use super::response::{Body, Reply, Response, Sent, TransportCause, TransportError};
use crate::catalog::{Answers, Operation};
use crate::outcome::Status;
use crate::stop::StopReason;

/// What a reply means for the instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has done it.
    Done,
    /// Too many requests: nobody sends for so long, then this one goes again.
    CoolDown(Duration),
    /// It may work another time; when the attempts are used up, it ends as `then`.
    Again {
        /// `gave_up` if it was surely not applied, else `unknown`.
        then: Status,
        /// The shortest wait that the server asked for.
        after: Option<Duration>,
    },
    /// It may have been applied, and sending it again could do harm: read the user first.
    Reconcile {
        /// The shortest wait that the server asked for.
        after: Option<Duration>,
    },
    /// The final word: `rejected` or `unknown`.
    Final(Status),
    /// Every further row would fare alike.
    Stop(StopReason),
}

/// How long a rate limit lasts when the server does not say (API reference, 7.3).
pub(crate) const DEFAULT_COOL_DOWN: Duration = Duration::from_secs(60);

/// What a reply means for an instruction of an operation.
#[must_use]
pub(crate) fn judge(operation: &Operation, reply: &Reply) -> Verdict {
    match reply {
        Reply::Response(response) => judge_response(operation, response),
        Reply::Failed(TransportError { sent: Sent::No, .. }) => {
            Verdict::Again { then: Status::GaveUp, after: None }
        }
        Reply::Failed(TransportError { cause: TransportCause::Aborted, .. }) => {
            Verdict::Final(Status::Unknown)
        }
        Reply::Failed(_) => lost_answer(operation, Status::Unknown, None),
    }
}

fn judge_response(operation: &Operation, response: &Response) -> Verdict {
    let after = response.retry_after;
    if response.status == 429
        || (response.status >= 400 && response.code() == Some(codes::RATE_LIMITED))
    {
        return Verdict::CoolDown(after.unwrap_or(DEFAULT_COOL_DOWN));
    }
    // The code says it more exactly than the status (API reference, 7.2).
    let refused = matches!(
        response.code().and_then(codes::meaning),
        Some(Meaning::UserNotFound | Meaning::Conflict | Meaning::UserExists)
    );
    if refused && matches!(response.status, 400 | 402 | 404..=599) {
        return Verdict::Final(Status::Rejected);
    }
    match response.status {
        200..=299 => match response.body {
            Body::User(_) | Body::Whole(_) => Verdict::Done,
            // The status says that the update is done; only the user is missing.
            Body::BrokenOff if !operation.needs_body() => Verdict::Done,
            Body::Object if operation.answers == Answers::Nothing => Verdict::Done,
            _ => lost_answer(operation, Status::Unknown, after),
        },
        // A page of a firewall or a proxy is about this request, not about the key.
        401 | 403 if response.code().is_none() => Verdict::Final(Status::Rejected),
        401 | 403 => Verdict::Stop(StopReason::stopped(
            "credentials_refused",
            format!("the server refuses the credentials (HTTP {})", response.status),
            CREDENTIALS_HINT,
        )),
        300..=399 => Verdict::Stop(StopReason::stopped(
            "redirected",
            format!(
                "the server redirects requests (HTTP {}), and updates are not redirected",
                response.status
            ),
            "check --base-url: it must be the API itself",
        )),
        // Nothing was applied: the request was not taken in, or turned away at the door.
        408 | 503 | 521 | 530 => Verdict::Again { then: Status::GaveUp, after },
        500..=599 => lost_answer(operation, Status::GaveUp, after),
        // Nothing can be told without the body.
        _ if operation.needs_body() && matches!(response.body, Body::BrokenOff) => {
            lost_answer(operation, Status::GaveUp, after)
        }
        400..=499 => Verdict::Final(Status::Rejected),
        // No status of a final answer: nobody can tell what became of it.
        _ => lost_answer(operation, Status::Unknown, after),
    }
}

/// It may have been applied: send it again where that is harmless, else look first.
fn lost_answer(operation: &Operation, then: Status, after: Option<Duration>) -> Verdict {
    if operation.is_idempotent() {
        Verdict::Again { then, after }
    } else {
        Verdict::Reconcile { after }
    }
}

/// Exponential back-off with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Requests for one row, the first included; at least 1.
    pub max_attempts: u32,
    /// The ceiling of the wait after the first attempt; it doubles with each.
    pub base: Duration,
    /// The ceiling of any wait.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { max_attempts: 6, base: Duration::from_millis(500), cap: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// Whether the n-th attempt (from 1) is the last.
    #[must_use]
    pub fn ends_with(&self, attempt: u32) -> bool {
        attempt >= self.max_attempts
    }

    /// The wait after the n-th attempt.
    ///
    /// `jitter` is from 0 to 1 and takes that part of the ceiling.
    #[must_use]
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let doublings = attempt.saturating_sub(1);
        let doubled = self.base.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        doubled.min(self.cap).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests;
