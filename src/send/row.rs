//! A row on its way to an outcome: what is remembered between its requests.

use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::api::explain;
use crate::api::load::Found;
use crate::api::reconcile::Reconciled;
use crate::api::response::{Body, Reply};
use crate::change::User;
use crate::engine::work::{Before, UserRows};
use crate::issue::Issue;
use crate::outcome::{Outcome, SentRequest, Status};
use crate::requester::Tries;
use crate::rows::Instruction;

/// A row on its way to an outcome.
#[derive(Debug)]
pub(super) struct RowAttempt {
    started: Instant,
    /// What it comes to once the server has done it.
    done_as: Status,
    /// Whether it was decided whether the user is there.
    is_upsert: bool,
    /// Attempts of the requests that it was in before.
    earlier: u32,
    /// The requests of these, as far as they are known.
    earlier_requests: Vec<SentRequest>,
    pub(super) tries: Tries,
    /// Whether it may have been applied and sending it again could do harm. Once it is, it stays
    /// so: a request that timed out may take effect at any later time.
    pub(super) ambiguous: bool,
    /// Who had the old name when it was last read.
    pub(super) user_id: Option<String>,
    /// Another user who has one of its contacts, and whom the server is to merge into this one.
    pub(super) holder: Option<Found>,
    /// Calls that are done, where there are several.
    done: Option<Done>,
}

/// How many of a row's calls are done.
#[derive(Clone, Copy, Debug)]
struct Done {
    calls: usize,
    of: usize,
}

impl RowAttempt {
    /// A row that has nothing on the transport, after so many attempts of earlier requests.
    pub(super) fn begin(instruction: &Instruction, earlier: u32) -> Self {
        Self {
            started: Instant::now(),
            done_as: Status::done(instruction.operation),
            is_upsert: instruction.patched.is_some(),
            earlier,
            earlier_requests: Vec::new(),
            tries: Tries::default(),
            ambiguous: instruction.ambiguous && !instruction.operation.is_idempotent(),
            user_id: None,
            holder: None,
            done: None,
        }
    }

    /// A row of a batch, after the request.
    pub(super) fn batched(started: Instant, user_rows: &UserRows, tries: &Tries) -> Self {
        Self {
            started,
            done_as: Status::done(user_rows.first.operation),
            is_upsert: user_rows.first.patched.is_some(),
            earlier: user_rows.attempts,
            earlier_requests: Vec::new(),
            tries: tries.clone(),
            ambiguous: false,
            user_id: None,
            holder: None,
            done: None,
        }
    }

    /// One of several calls is done; the next begins with tries of its own.
    pub(super) fn one_call_is_done(&mut self, of: usize) {
        let calls = self.done.map_or(1, |done| done.calls + 1);
        self.done = Some(Done { calls, of });
        let tries = std::mem::take(&mut self.tries);
        self.earlier += tries.attempts;
        self.earlier_requests.extend(tries.requests);
    }

    /// The server has done it, and this is the user, if it showed one.
    pub(super) fn applied(&self, user: Option<Box<RawValue>>) -> Outcome {
        self.outcome(self.done_as, self.tries.http_status, user, None)
    }

    /// The server has done it.
    pub(super) fn done(self, reply: Reply) -> Outcome {
        let http_status = reply.http_status();
        let user = match reply {
            Reply::Response(answer) => match answer.body {
                Body::User(user) => Some(user),
                _ => None,
            },
            Reply::Failed(_) => None,
        };
        let outcome = self.outcome(self.done_as, http_status, user, None);
        // The user has login IDs now that were the other's.
        let merged = self.holder.filter(|holder| {
            let after = outcome.user.as_deref().and_then(User::read).unwrap_or_default();
            let before = User::read(&holder.user).unwrap_or_default();
            before.list("loginIds").iter().any(|own| after.list("loginIds").contains(own))
        });
        Outcome { merged: merged.map(|holder| holder.user), ..outcome }
    }

    /// It ends in a failure, after this reply.
    pub(super) fn failed(&self, status: Status, reply: &Reply) -> Outcome {
        let mut issue = explain::failure(reply, status);
        if let Some(Done { calls, of }) = self.done {
            let message =
                format!("{}; {calls} of the row's {of} calls were applied before", issue.message);
            issue.message = message.into();
        }
        self.outcome(status, reply.http_status(), None, Some(Box::new(issue)))
    }

    /// It comes to this without being sent, by what is known of its user.
    pub(super) fn decided(
        &self,
        (status, why): (Status, Option<Box<Issue>>),
        before: &Before,
    ) -> Outcome {
        let user = match before {
            Before::Seen(user) if status == Status::Unchanged => Some(user.clone()),
            Before::Seen(_) | Before::Unread | Before::Missing | Before::Failed(_) => None,
        };
        self.outcome(status, None, user, why)
    }

    /// It was not done, for this reason.
    pub(super) fn refused(&self, status: Status, mut why: Box<Issue>) -> Outcome {
        if self.is_upsert && why.code == explain::EXISTS {
            why = Box::new(why.hint("the user came into being meanwhile: run the row again"));
        }
        self.outcome(status, self.tries.http_status, None, Some(why))
    }

    /// Reading the user shows that it is done.
    pub(super) fn found(&self, found: &Found) -> Outcome {
        self.outcome(self.done_as, Some(found.http_status), Some(found.user.clone()), None)
    }

    /// What reading showed; `None` where it leaves the row as it was before.
    ///
    /// A row that was applied has the user, and the HTTP status, of the read that showed it; one
    /// that remains unknown has the HTTP status of the last answer to the update, if one came.
    pub(super) fn reconciled(&mut self, reconciled: Reconciled) -> Option<Outcome> {
        match reconciled {
            Reconciled::Applied(found) => Some(self.found(&found)),
            Reconciled::NotApplied { user_id } => {
                self.user_id = user_id;
                None
            }
            Reconciled::Gone => {
                Some(self.outcome(Status::Deleted, self.tries.http_status, None, None))
            }
            Reconciled::Unknown(why) => {
                Some(self.outcome(Status::Unknown, self.tries.http_status, None, Some(why)))
            }
        }
    }

    fn outcome(
        &self,
        status: Status,
        http_status: Option<u16>,
        user: Option<Box<RawValue>>,
        error: Option<Box<Issue>>,
    ) -> Outcome {
        Outcome {
            status,
            attempts: self.earlier + self.tries.attempts,
            http_status,
            duration: self.started.elapsed(),
            finished_at: Timestamp::now(),
            user,
            merged: None,
            error,
            requests: [&self.earlier_requests[..], &self.tries.requests].concat(),
        }
    }
}
