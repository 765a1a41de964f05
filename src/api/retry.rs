//! What a reply means: done, again, or never. Pure; no clock, no I/O.
//!
//! [`judge`] is the retry table of `docs/retries.md`, which its tests spell out row by row.
//! The rules follow section 7 of the API reference. "Not sent" is never guessed: only
//! where there was no connection for a request does it count as that.

use std::time::Duration;

use super::response::{Body, Reply, Response, Sent, TransportCause, TransportError};
use crate::catalog::{Answers, Operation};
use crate::outcome::{Failure, Status};
use crate::stop::Reason;

/// What a reply means for the instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
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
    Halt(Reason),
}

/// How long a rate limit lasts when the server does not say (API reference, 7.3).
pub const DEFAULT_COOL_DOWN: Duration = Duration::from_secs(60);

const RATE_LIMITED: &str = "E130429";
const USER_NOT_FOUND: [&str; 2] = ["E112102", "E062108"];
const CONFLICT: [&str; 2] = ["E111127", "E062125"];

/// What a reply means for an instruction of an operation.
#[must_use]
pub fn judge(operation: &Operation, reply: &Reply) -> Verdict {
    match reply {
        Reply::Response(answer) => judge_answer(operation, answer),
        Reply::Failed(TransportError { sent: Sent::No, .. }) => {
            Verdict::Again { then: Status::GaveUp, after: None }
        }
        Reply::Failed(TransportError { cause: TransportCause::Aborted, .. }) => {
            Verdict::Final(Status::Unknown)
        }
        Reply::Failed(_) => lost_answer(operation, Status::Unknown, None),
    }
}

fn judge_answer(operation: &Operation, answer: &Response) -> Verdict {
    let after = answer.retry_after;
    if answer.status == 429 || (answer.status >= 400 && code(answer) == Some(RATE_LIMITED)) {
        return Verdict::CoolDown(after.unwrap_or(DEFAULT_COOL_DOWN));
    }
    // The code says it more exactly than the status (API reference, 7.2).
    let refused = |code: &str| USER_NOT_FOUND.contains(&code) || CONFLICT.contains(&code);
    if matches!(answer.status, 400 | 402 | 404..=599) && code(answer).is_some_and(refused) {
        return Verdict::Final(Status::Rejected);
    }
    match answer.status {
        200..=299 => match answer.body {
            Body::User(_) | Body::Whole(_) => Verdict::Done,
            // The status says that the update is done; only the user is missing.
            Body::BrokenOff if !operation.needs_body() => Verdict::Done,
            Body::Object if operation.answers == Answers::Nothing => Verdict::Done,
            _ => lost_answer(operation, Status::Unknown, after),
        },
        401 | 403 => Verdict::Halt(Reason::halted(
            "credentials_refused",
            format!("the server refuses the credentials (HTTP {})", answer.status),
            "check DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY: the key may have expired, or be limited to other projects or addresses",
        )),
        300..=399 => Verdict::Halt(Reason::halted(
            "redirected",
            format!(
                "the server redirects requests (HTTP {}), and writes are not sent on",
                answer.status
            ),
            "check --base-url: it must be the API itself",
        )),
        // Nothing was applied: the request was not taken in, or turned away at the door.
        408 | 503 | 521 | 530 => Verdict::Again { then: Status::GaveUp, after },
        500..=599 => lost_answer(operation, Status::GaveUp, after),
        // Nothing can be told without the body.
        _ if operation.needs_body() && matches!(answer.body, Body::BrokenOff) => {
            lost_answer(operation, Status::GaveUp, after)
        }
        400..=499 => Verdict::Final(Status::Rejected),
        // No status of a final answer: nobody can tell what became of it.
        _ => lost_answer(operation, Status::Unknown, after),
    }
}

/// It may have been applied: send it again where that is harmless, else look first.
fn lost_answer(operation: &Operation, then: Status, after: Option<Duration>) -> Verdict {
    if operation.idempotent { Verdict::Again { then, after } } else { Verdict::Reconcile { after } }
}

/// Whether the server says that nobody has the name.
#[must_use]
pub fn says_not_found(reply: &Reply) -> bool {
    let Reply::Response(answer) = reply else { return false };
    code(answer).is_some_and(|code| answer.status == 404 || USER_NOT_FOUND.contains(&code))
}

fn code(answer: &Response) -> Option<&str> {
    match &answer.body {
        Body::Error(error) => Some(&error.error_code),
        _ => None,
    }
}

/// Why a row ends in a status that is a failure, from the last reply to it.
#[must_use]
pub fn describe(reply: &Reply, status: Status) -> Failure {
    let mut failure = match reply {
        Reply::Response(answer) => describe_answer(answer),
        Reply::Failed(lost) => describe_lost(lost),
    };
    if status == Status::Unknown {
        failure.message.push_str("; it may have been applied");
        failure.hint = Some(UNKNOWN_HINT.to_owned());
    }
    failure
}

const UNKNOWN_HINT: &str = "look at the user; sending the row again is safe unless it renames";

const LATER_HINT: &str = "send the row again later: feed the failures file to run";

/// Why one user of a batch failed, from the free text that the server has for it.
#[must_use]
pub fn describe_text(text: &str) -> Failure {
    let code = text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_code(word));
    let (kind, hint) = match code.and_then(kind_of_code) {
        Some(known) => known,
        None if says_no_user(text) => NOT_FOUND,
        None => REFUSED,
    };
    let message = if text.trim().is_empty() { "the server does not say why" } else { text };
    Failure {
        kind,
        code: code.map(str::to_owned),
        column: None,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

/// Whether a failure of one user of a batch may be gone another time.
#[must_use]
pub fn may_pass(failure: &Failure) -> bool {
    const WORDS: [&str; 8] = [
        "internal",
        "timeout",
        "timed out",
        "deadline",
        "unavailable",
        "try again",
        "temporar",
        "rate limit",
    ];
    failure.code.as_deref() == Some(RATE_LIMITED) || says(&failure.message, &WORDS)
}

/// Whether a text that has no code says that there is no such user.
fn says_no_user(text: &str) -> bool {
    says(text, &["user not found", "cannot find the user", "user does not exist", "no such user"])
}

/// Whether a text has any of some words, whatever the case of its letters.
pub fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|words| text.contains(words))
}

/// Whether a word is an error code, such as `E112102`.
fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix('E').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why a row fails whose value another user has.
#[must_use]
pub fn describe_conflict() -> Failure {
    let (kind, hint) = CONFLICTING;
    Failure {
        kind,
        code: None,
        column: None,
        message: "another user has this value as login ID".to_owned(),
        hint: Some(hint.to_owned()),
    }
}

/// A kind of failure, and what to do about it.
type Kind = (&'static str, &'static str);

const NOT_FOUND: Kind =
    ("user_not_found", "no user has this login ID or user ID: check its spelling");
const CONFLICTING: Kind = ("conflict", CONFLICT_HINT);
const REFUSED: Kind =
    ("refused", "mend the row as the server's message says, then feed the failures file to run");

fn kind_of_code(code: &str) -> Option<Kind> {
    match code {
        _ if USER_NOT_FOUND.contains(&code) => Some(NOT_FOUND),
        _ if CONFLICT.contains(&code) => Some(CONFLICTING),
        _ => None,
    }
}

fn describe_answer(answer: &Response) -> Failure {
    let code = code(answer).map(str::to_owned);
    let (kind, hint) = match answer.status {
        _ if let Some(known) = code.as_deref().and_then(kind_of_code) => known,
        409 => CONFLICTING,
        404 if code.is_none() => {
            ("not_found", "the server does not know the path: check --base-url")
        }
        200..=299 => ("bad_answer", LATER_HINT),
        500..=599 | 408 => ("server_error", LATER_HINT),
        _ => REFUSED,
    };
    let message = match &answer.body {
        Body::Error(error) => [&error.error_message, &error.error_description]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_else(|| format!("HTTP {}", answer.status)),
        Body::User(_) | Body::Whole(_) | Body::Object | Body::BrokenOff => {
            format!("HTTP {} without the user", answer.status)
        }
        Body::Unreadable => {
            format!("HTTP {} with a body that is not the API's", answer.status)
        }
    };
    Failure { kind, code, column: None, message, hint: Some(hint.to_owned()) }
}

const CONFLICT_HINT: &str = "another user holds this value; nothing was changed (--on-conflict merge would merge and delete that user)";

fn describe_lost(lost: &TransportError) -> Failure {
    let (kind, message, hint) = match lost.cause {
        TransportCause::Unreachable => (
            "unreachable",
            "no connection to the server",
            "check the network and --base-url, then feed the failures file to run",
        ),
        TransportCause::Timeout => ("timeout", "no answer in time", LATER_HINT),
        TransportCause::Broken => {
            ("connection_lost", "the connection broke before the answer", LATER_HINT)
        }
        TransportCause::Aborted => (
            "aborted",
            "the run was told to stop at once while the request was on the wire",
            LATER_HINT,
        ),
    };
    let detail = if lost.detail.is_empty() { String::new() } else { format!(": {}", lost.detail) };
    Failure {
        kind,
        code: None,
        column: None,
        message: format!("{message}{detail}"),
        hint: Some(hint.to_owned()),
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
