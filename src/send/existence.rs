//! Users come and go: many made, or taken away, in one request.
//!
//! Neither is ever sent again blindly. Rows are in the journal before they are sent; where an answer is
//! lost, the users are read, and only those for whom nothing was done are sent again.

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::Client;
use super::batch::{Sending, body};
use super::row::RowAttempt;
use super::settling::{is_deletion, reconciled};
use crate::api::load::{Found, Load};
use crate::api::reconcile::Reconciled;
use crate::api::response::Reply;
use crate::api::transport::Wire;
use crate::catalog::{CREATE_BATCH, DELETE_BATCH, Operation, OperationKind};
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::work::{Completed, UserOutcomes, UserRows};
use crate::outcome::Status;
use crate::requester::{End, Request, Tries};
use crate::stop::{Stop, StopReason};

/// A batch that must not be sent twice, by its body.
struct Once<'a> {
    operation: &'static Operation,
    body: Bytes,
    rows: Vec<u64>,
    recorder: &'a RecorderHandle,
}

impl<W: Wire> Request<W> for Once<'_> {
    fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// What must not be sent twice is written down first.
    async fn prepare(&self, stop: &Stop) -> bool {
        let is_written = self.recorder.about_to_send(self.rows.clone()).await;
        if !is_written {
            stop.drain(StopReason::not_recorded());
        }
        is_written
    }

    async fn send(&self, wire: &W) -> Reply {
        wire.send(self.operation, self.body.clone()).await
    }
}

/// What became of users whose request may have been applied.
struct Settled {
    /// Those for whom nothing was done.
    left: Vec<UserRows>,
    /// Whether the run stops.
    stopped: bool,
}

impl<W: Wire> Client<W> {
    /// Makes users, or takes them away, until each has an outcome or is to be worked on further.
    pub(super) async fn send_once(
        &self,
        users: Vec<UserRows>,
        completed: &mut Completed,
        stop: &Stop,
    ) {
        let is_ambiguous = |own: &UserRows| own.ambiguous || own.first.ambiguous;
        let (ambiguous, mut users): (Vec<_>, Vec<_>) = users.into_iter().partition(is_ambiguous);
        let (started, mut tries) = (Instant::now(), Tries::default());
        let settled = self.settle(ambiguous, (started, &tries), completed, stop).await;
        users.extend(settled.left);
        if settled.stopped {
            return completed.leave(users);
        }
        // What it comes to, unless reading shows that it was applied all the same.
        let mut failed: Option<(Status, Reply)> = None;
        while !users.is_empty() {
            if let Some((status, reply)) = &failed {
                return fail(users, (started, &tries), (*status, reply), completed);
            }
            let request = self.once(&users);
            let sending = Sending { started, tries: &tries.clone() };
            let Some((end, reply)) = self.requester.insist(&request, &mut tries, stop).await else {
                return completed.leave(users);
            };
            let sending = Sending { tries: &tries, ..sending };
            match end {
                End::Done if request.operation.kind == OperationKind::Delete => {
                    return self.finish_deletions(users, sending, &reply, completed, stop).await;
                }
                End::Done => return self.finish_each(users, sending, &reply, completed),
                End::Failed(_) => {
                    return self.finish_all(users, sending, (&end, &reply), completed);
                }
                End::Ambiguous { after } => {
                    // The wait also lets a slow server finish before it is asked.
                    if self.requester.back_off(tries.attempts, after, stop).await.is_none() {
                        return completed.leave(users);
                    }
                    let settled = self.settle(users, (started, &tries), completed, stop).await;
                    users = settled.left;
                    if settled.stopped {
                        return completed.leave(users);
                    }
                    // It may take effect yet: whatever becomes of the next one is looked at, too.
                    for own in &mut users {
                        own.ambiguous = true;
                    }
                    let last = self.requester.ends_with(tries.attempts);
                    failed = last.then_some((Status::GaveUp, reply));
                }
            }
        }
    }

    fn once(&self, users: &[UserRows]) -> Once<'_> {
        let is_deletion = users.first().is_some_and(|own| is_deletion(&own.first));
        let (operation, body) = if is_deletion {
            (&DELETE_BATCH, body::of_deletions(users))
        } else {
            (&CREATE_BATCH, body::of_creations(users))
        };
        let rows = users.iter().map(|own| own.first.record.position.row).collect();
        self.count_batch();
        Once { operation, body, rows, recorder: &self.recorder }
    }

    /// Reads users for whom a request may have been applied: those for whom it was, and those of whom
    /// nobody can tell, have their outcome.
    async fn settle(
        &self,
        users: Vec<UserRows>,
        (started, tries): (Instant, &Tries),
        completed: &mut Completed,
        stop: &Stop,
    ) -> Settled {
        let mut settled = Settled { left: Vec::new(), stopped: false };
        if users.is_empty() {
            return settled;
        }
        tracing::debug!(users = users.len(), "reading users, since an answer was lost");
        let Some(read) = self.settled(&users, stop).await else {
            return Settled { left: users, stopped: true };
        };
        for (user_rows, reconciled) in users.into_iter().zip(read) {
            let mut row = RowAttempt::batched(started, &user_rows, tries);
            match row.reconciled(reconciled) {
                Some(mut outcome) => {
                    if outcome.status == Status::Deleted {
                        outcome.user = user_rows.seen();
                    }
                    completed.done.push(UserOutcomes::alike(user_rows, Some(&outcome)));
                }
                None => settled.left.push(user_rows),
            }
        }
        settled
    }

    /// What reading users shows of what became of them; `None` for a stop.
    async fn settled(&self, users: &[UserRows], stop: &Stop) -> Option<Vec<Reconciled>> {
        // A search that shows a user who was made is proof; one that does not, is none.
        let made: Vec<String> = users
            .iter()
            .filter(|own| !is_deletion(&own.first))
            .map(|own| own.first.login_id.clone())
            .collect();
        let found = self.requester.find_if_allowed(&made, stop).await?.unwrap_or_default();
        let reads = users.iter().map(|user_rows| {
            let found = &found;
            async move {
                let instruction = &user_rows.first;
                if let Some(shown) = found.named(&instruction.login_id) {
                    let user_id = Some(shown.user().user_id().to_owned());
                    let seen = Found { http_status: 200, user_id, user: shown.raw.clone() };
                    let reconciled = reconciled(instruction, Load::Found(seen));
                    if matches!(reconciled, Reconciled::Applied(_)) {
                        return Some(reconciled);
                    }
                }
                let name = instruction.user_id.as_ref().unwrap_or(&instruction.login_id);
                let load = self.requester.load(name, stop).await?;
                Some(reconciled(instruction, load))
            }
        });
        join_all(reads).await.into_iter().collect()
    }

    /// The server says that it has deleted users; who is still there was not.
    async fn finish_deletions(
        &self,
        users: Vec<UserRows>,
        sending: Sending<'_>,
        reply: &Reply,
        completed: &mut Completed,
        stop: &Stop,
    ) {
        let ids: Vec<String> = users.iter().filter_map(|own| own.first.user_id.clone()).collect();
        // Where the run stops meanwhile the server's word is all there is.
        let still_there = self.requester.load_many(&ids, stop).await.unwrap_or_default();
        for user_rows in users {
            let row = RowAttempt::batched(sending.started, &user_rows, sending.tries);
            let id = user_rows.first.user_id.as_deref().unwrap_or_default();
            let outcome = if still_there.named(id).is_some() {
                row.failed(Status::Unknown, reply)
            } else {
                row.applied(user_rows.seen())
            };
            self.count_batched(user_rows.rows());
            completed.done.push(UserOutcomes::alike(user_rows, Some(&outcome)));
        }
    }
}

/// All users come to the same.
fn fail(
    users: Vec<UserRows>,
    (started, tries): (Instant, &Tries),
    (status, reply): (Status, &Reply),
    completed: &mut Completed,
) {
    for user_rows in users {
        let outcome = RowAttempt::batched(started, &user_rows, tries).failed(status, reply);
        completed.done.push(UserOutcomes::alike(user_rows, Some(&outcome)));
    }
}
