//! Batches: the instructions of many users in one request, of each kind.
//!
//! A batch never decides what it cannot tell. Contacts are looked up before, since a patch
//! has no `failOnConflict`; what has a holder, what the answer does not mention, and what fails
//! with others is split into further batches, down to a row's own endpoint.

pub(super) mod body;
mod contact_owners;
mod response;

use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::time::Instant;

use super::Client;
use super::row::RowAttempt;
use crate::api::explain;
use crate::api::response::{Body, Reply};
use crate::api::transport::Wire;
use crate::catalog::{NAMES_A_SEARCH, Operation, OperationKind, PATCH_BATCH};
use crate::engine::work::{Completed, UserOutcomes, UserRows, WorkItem};
use crate::outcome::Status;
use crate::read;
use crate::requester::{End, Request, Tries};
use crate::stop::Stop;
use contact_owners::ContactOwners;
use response::ItemResult;

/// The updates of many users in one request, by its body.
struct PatchBatch<'a>(&'a Bytes);

impl<W: Wire> Request<W> for PatchBatch<'_> {
    fn operation(&self) -> &'static Operation {
        &PATCH_BATCH
    }

    async fn send(&self, wire: &W) -> Reply {
        wire.send(&PATCH_BATCH, self.0.clone()).await
    }
}

/// A batch on its way: since when, and how often it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending<'a> {
    pub(super) started: Instant,
    pub(super) tries: &'a Tries,
}

/// Calls are never made smaller than this for being too large: the words for it may have been
/// about a single row. Whatever is too large still is cut by itself.
const LEAST_LEARNED: usize = 10;

/// What follows a batch that failed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// In halves: somebody in it may be at fault.
    Halves,
    /// In halves, and so does every later one: it was too large.
    Smaller,
    /// Row by row, and nothing is batched any more: the server does not know such requests.
    Never,
    /// It does not: all of its rows fail alike.
    Fail,
}

impl<W: Wire> Client<W> {
    /// Works on a batch until each user has outcomes or needs a further request.
    pub(super) async fn work_batch(
        &self,
        users: Vec<UserRows>,
        searched: bool,
        stop: &Stop,
    ) -> Completed {
        let mut completed = Completed::default();
        let most = self.batch_size.load(Ordering::Relaxed);
        if users.len() > most {
            // It was filled before batches had to be smaller.
            completed.further = in_batches_of(most, users, searched);
            return completed;
        }
        let users = self.undecided(users, &mut completed, stop);
        let users = if searched {
            users
        } else {
            match self.held_by_nobody(users, &mut completed, stop).await {
                Ok(free) => free,
                Err(users) => return completed.leaving(users),
            }
        };
        if users.is_empty() {
            return completed;
        }
        let kind = |own: &UserRows| own.first.operation.kind;
        let (patched, once): (Vec<_>, Vec<_>) =
            users.into_iter().partition(|own| kind(own) == OperationKind::Update);
        let (deleted, created): (Vec<_>, Vec<_>) =
            once.into_iter().partition(|own| kind(own) == OperationKind::Delete);
        self.patch(patched, &mut completed, stop).await;
        self.send_once(created, &mut completed, stop).await;
        self.send_once(deleted, &mut completed, stop).await;
        completed
    }

    /// Patches many users in one request.
    async fn patch(&self, users: Vec<UserRows>, completed: &mut Completed, stop: &Stop) {
        if users.is_empty() {
            return;
        }
        let started = Instant::now();
        let mut tries = Tries::default();
        let body = body::of_batch(&users);
        self.count_batch();
        let sent = self.requester.insist(&PatchBatch(&body), &mut tries, stop).await;
        let sending = Sending { started, tries: &tries };
        match sent {
            None => completed.leave(users),
            Some((End::Done, reply)) => self.finish_each(users, sending, &reply, completed),
            Some((end, reply)) => self.finish_all(users, sending, (&end, &reply), completed),
        }
    }

    pub(super) fn count_batch(&self) {
        self.batches.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_batched(&self, rows: usize) {
        self.batches.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Gives back the users for whom something is to be sent. Where that is so of some rows of a user
    /// only, they go by themselves.
    fn undecided(
        &self,
        users: Vec<UserRows>,
        completed: &mut Completed,
        stop: &Stop,
    ) -> Vec<UserRows> {
        let mut left = Vec::with_capacity(users.len());
        for user_rows in users {
            let decide = |own| self.decided(own, &user_rows.before, stop);
            let decided: Vec<_> = user_rows.instructions().map(decide).collect();
            if decided.iter().all(Option::is_none) {
                left.push(user_rows);
            } else if decided.iter().any(Option::is_none) {
                completed.further.push(WorkItem::User(user_rows));
            } else {
                let outcome = |(own, decided): (_, Option<_>)| {
                    let row = RowAttempt::begin(own, user_rows.attempts);
                    decided.map(|decided| row.decided(decided, &user_rows.before))
                };
                let outcomes = user_rows.instructions().zip(decided).map(outcome).collect();
                completed.done.push(UserOutcomes { user_rows, outcomes });
            }
        }
        left
    }

    /// Sets users apart whose contacts somebody else has, or may have; gives back the others.
    /// `Err` for a stop.
    async fn held_by_nobody(
        &self,
        users: Vec<UserRows>,
        completed: &mut Completed,
        stop: &Stop,
    ) -> Result<Vec<UserRows>, Vec<UserRows>> {
        let names = contact_owners::names(&users);
        let mut holders = ContactOwners::default();
        for names in names.chunks(NAMES_A_SEARCH) {
            self.count_batch();
            match self.requester.search(&read::of_names(names), stop).await {
                Some(Some(answer)) => holders.add(names, &answer.body),
                Some(None) => holders.unsure(names),
                None => return Err(users),
            }
        }
        let (held, free): (Vec<_>, Vec<_>) =
            users.into_iter().partition(|user_rows| holders.concern(user_rows));
        completed.further.extend(held.into_iter().map(WorkItem::User));
        Ok(free)
    }

    /// Takes the response to a batch apart.
    pub(super) fn finish_each(
        &self,
        users: Vec<UserRows>,
        Sending { started, tries }: Sending<'_>,
        reply: &Reply,
        completed: &mut Completed,
    ) {
        let item_results = match reply {
            Reply::Response(answer) => response::item_results(&users, &answer.body),
            Reply::Failed(_) => vec![ItemResult::Ambiguous; users.len()],
        };
        for (user_rows, result) in users.into_iter().zip(item_results) {
            let row = RowAttempt::batched(started, &user_rows, tries);
            let outcome = match result {
                ItemResult::Updated(user) => row.applied(Some(user)),
                ItemResult::Failed(why) if user_rows.rows() == 1 && !user_rows.is_doubtful() => {
                    row.refused(Status::Rejected, why)
                }
                // Only by itself does a row show whether it is the one at fault.
                ItemResult::Failed(_) => {
                    completed.further.push(by_itself(user_rows.after(tries.attempts)));
                    continue;
                }
                ItemResult::Ambiguous => {
                    let user_rows = UserRows { ambiguous: true, ..user_rows.after(tries.attempts) };
                    completed.further.push(by_itself(user_rows));
                    continue;
                }
            };
            self.count_batched(user_rows.rows());
            completed.done.push(UserOutcomes::alike(user_rows, Some(&outcome)));
        }
    }

    /// A batch that failed as a whole.
    pub(super) fn finish_all(
        &self,
        users: Vec<UserRows>,
        Sending { started, tries }: Sending<'_>,
        (end, reply): (&End, &Reply),
        completed: &mut Completed,
    ) {
        let status = match end {
            End::Failed(status) => *status,
            End::Done | End::Ambiguous { .. } => Status::Unknown,
        };
        let users: Vec<UserRows> = users
            .into_iter()
            .map(|user_rows| UserRows {
                ambiguous: user_rows.ambiguous || tries.maybe_applied,
                ..user_rows.after(tries.attempts)
            })
            .collect();
        // Of one that goes no other way there are no halves.
        let is_last = users.len() == 1 && users[0].first.is_in_batches_only();
        let next = if is_last { Next::Fail } else { next(status, reply) };
        match next {
            Next::Fail => {
                let fail = |user_rows: UserRows| {
                    let outcome = RowAttempt::batched(started, &user_rows, &Tries::default())
                        .failed(status, reply);
                    UserOutcomes::alike(user_rows, Some(&outcome))
                };
                completed.done.extend(users.into_iter().map(fail));
                return;
            }
            Next::Never => self.batch_at_most(1),
            Next::Smaller => self.batch_at_most((users.len() / 2).max(LEAST_LEARNED)),
            Next::Halves => {}
        }
        tracing::debug!(users = users.len(), ?next, "a batch failed as a whole");
        let most = if next == Next::Never { 1 } else { users.len().div_ceil(2) };
        completed.further.extend(in_batches_of(most, users, true));
    }

    fn batch_at_most(&self, size: usize) {
        self.batch_size.fetch_min(size, Ordering::Relaxed);
    }
}

/// A user by its own endpoint, or by a batch of one where only that takes what its rows set.
fn by_itself(user_rows: UserRows) -> WorkItem {
    if user_rows.first.is_in_batches_only() {
        return WorkItem::Batch { users: vec![user_rows], searched: true };
    }
    WorkItem::User(user_rows)
}

/// Batches of so many users each; a single one goes by its own endpoint.
fn in_batches_of(most: usize, mut users: Vec<UserRows>, searched: bool) -> Vec<WorkItem> {
    if most <= 1 {
        return users.into_iter().map(by_itself).collect();
    }
    let mut items = Vec::new();
    while !users.is_empty() {
        let rest = users.split_off(most.min(users.len()));
        items.push(WorkItem::Batch { users, searched });
        users = rest;
    }
    items
}

/// What follows a batch that failed as a whole, by what it came to and the last reply.
fn next(status: Status, reply: &Reply) -> Next {
    let Reply::Response(answer) = reply else { return Next::Fail };
    match (answer.status, &answer.body) {
        (405 | 501, _) | (404, Body::Object | Body::BrokenOff | Body::Unreadable(_)) => Next::Never,
        // An error that is about no user is about the path.
        (404, Body::Error(error)) if explain::is_of_no_user(error) => Next::Never,
        (413, _) => Next::Smaller,
        (_, Body::Error(error)) if status == Status::Rejected => {
            let told = format!("{} {}", error.error_description, error.error_message);
            if explain::says_too_large(&told) { Next::Smaller } else { Next::Halves }
        }
        _ if status == Status::Rejected => Next::Halves,
        // A row may be what the server stumbles over; the others are the way's fault.
        (500, _) | (200..=299, Body::Unreadable(_)) => Next::Halves,
        _ => Next::Fail,
    }
}

#[cfg(test)]
mod tests;
