//! Batches: the instructions of many users as one `patch/batch` request.
//!
//! A batch never decides what it cannot tell. Contacts are looked up before, since a patch
//! has no `failOnConflict`; what has a holder, what the answer does not mention, and what fails
//! with others is split into further calls, down to a row's own endpoint.

mod body;
mod contact_owners;
mod response;

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::row::{RowAttempt, Tries};
use super::{Client, End, Request};
use crate::api::explain;
use crate::api::response::{Body, Reply};
use crate::api::transport::Wire;
use crate::catalog::{self, NAMES_A_SEARCH};
use crate::engine::work::{Completed, UserOutcomes, UserRows, WorkItem};
use crate::outcome::Status;
use crate::stop::Stop;
use contact_owners::ContactOwners;
use response::ItemResult;

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
    /// Row by row, and nothing is batched any more: the server does not know such calls.
    Never,
    /// It does not: all of its rows fail alike.
    Fail,
}

impl<W: Wire> Client<W> {
    /// Works on a batch until each part has its word or needs a further call.
    pub(super) async fn work_batch(
        &self,
        parts: Vec<UserRows>,
        searched: bool,
        stop: &Stop,
    ) -> Completed {
        let mut completed = Completed::default();
        let most = self.batch_size.load(Ordering::Relaxed);
        if parts.len() > most {
            // It was filled before calls had to be smaller.
            completed.further = in_calls_of(most, parts, searched);
            return completed;
        }
        let parts = if searched {
            parts
        } else {
            match self.held_by_nobody(parts, &mut completed, stop).await {
                Ok(free) => free,
                Err(parts) => return left_undone(parts, completed),
            }
        };
        if parts.is_empty() {
            return completed;
        }
        let started = Instant::now();
        let mut tries = Tries::default();
        let body = body::of_batch(&parts);
        let request = Request::Batch { operation: &catalog::PATCH_BATCH, body: &body };
        match self.insist(request, &mut tries, stop).await {
            None => return left_undone(parts, completed),
            Some((End::Done, reply)) => {
                self.finish_each(parts, started, &tries, &reply, &mut completed);
            }
            Some((end, reply)) => {
                self.finish_all(parts, started, &tries, (&end, &reply), &mut completed);
            }
        }
        completed
    }

    /// Sends parts apart whose contacts somebody else has, or may have; gives back the others.
    /// `Err` for a stop.
    async fn held_by_nobody(
        &self,
        parts: Vec<UserRows>,
        completed: &mut Completed,
        stop: &Stop,
    ) -> Result<Vec<UserRows>, Vec<UserRows>> {
        let names = contact_owners::names(&parts);
        let mut holders = ContactOwners::default();
        for names in names.chunks(NAMES_A_SEARCH) {
            let body = body::of_search(names);
            let request = Request::Batch { operation: &catalog::SEARCH, body: &body };
            let Some((end, reply)) = self.insist(request, &mut Tries::default(), stop).await else {
                return Err(parts);
            };
            match reply {
                Reply::Response(answer) if matches!(end, End::Done) => {
                    holders.add(names, &answer.body);
                }
                _ => holders.unsure(names),
            }
        }
        let (held, free): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| holders.concern(part));
        completed.further.extend(held.into_iter().map(WorkItem::User));
        Ok(free)
    }

    /// Takes the answer to a batch apart.
    fn finish_each(
        &self,
        parts: Vec<UserRows>,
        started: Instant,
        tries: &Tries,
        reply: &Reply,
        completed: &mut Completed,
    ) {
        let item_results = match reply {
            Reply::Response(answer) => response::item_results(&parts, &answer.body),
            Reply::Failed(_) => vec![ItemResult::Ambiguous; parts.len()],
        };
        for (part, result) in parts.into_iter().zip(item_results) {
            let row = RowAttempt::batched(started, &part, tries);
            let outcome = match result {
                ItemResult::Updated(user) => row.updated(user),
                ItemResult::Failed(why) if part.rows() == 1 => row.refused(Status::Rejected, why),
                // Only by itself does a row show whether it is the one at fault.
                ItemResult::Failed(_) => {
                    completed.further.push(WorkItem::User(part.after(tries.attempts)));
                    continue;
                }
                ItemResult::Ambiguous => {
                    let part = UserRows { ambiguous: true, ..part.after(tries.attempts) };
                    completed.further.push(WorkItem::User(part));
                    continue;
                }
            };
            self.meters.batch_rows.fetch_add(part.rows() as u64, Ordering::Relaxed);
            completed.done.push(UserOutcomes::alike(part, Some(&outcome)));
        }
    }

    /// A batch that failed as a whole.
    fn finish_all(
        &self,
        parts: Vec<UserRows>,
        started: Instant,
        tries: &Tries,
        (end, reply): (&End, &Reply),
        completed: &mut Completed,
    ) {
        let status = match end {
            End::Failed(status) => *status,
            End::Done | End::Ambiguous { .. } => Status::Unknown,
        };
        let parts: Vec<UserRows> = parts
            .into_iter()
            .map(|part| UserRows {
                ambiguous: part.ambiguous || tries.maybe_applied,
                ..part.after(tries.attempts)
            })
            .collect();
        let next = next(status, reply);
        match next {
            Next::Fail => {
                let fail = |part: UserRows| {
                    let outcome = RowAttempt::batched(started, &part, &Tries::default())
                        .failed(status, reply);
                    UserOutcomes::alike(part, Some(&outcome))
                };
                completed.done.extend(parts.into_iter().map(fail));
                return;
            }
            Next::Never => self.batch_at_most(1),
            Next::Smaller => self.batch_at_most((parts.len() / 2).max(LEAST_LEARNED)),
            Next::Halves => {}
        }
        tracing::debug!(users = parts.len(), ?next, "a batch failed as a whole");
        let most = if next == Next::Never { 1 } else { parts.len().div_ceil(2) };
        completed.further.extend(in_calls_of(most, parts, true));
    }

    fn batch_at_most(&self, size: usize) {
        self.batch_size.fetch_min(size, Ordering::Relaxed);
    }
}

/// Calls of so many parts each; those of one go by its own endpoint.
fn in_calls_of(most: usize, mut parts: Vec<UserRows>, searched: bool) -> Vec<WorkItem> {
    if most <= 1 {
        return parts.into_iter().map(WorkItem::User).collect();
    }
    let mut calls = Vec::new();
    while !parts.is_empty() {
        let rest = parts.split_off(most.min(parts.len()));
        calls.push(WorkItem::Batch { users: parts, searched });
        parts = rest;
    }
    calls
}

fn left_undone(parts: Vec<UserRows>, mut completed: Completed) -> Completed {
    completed.done.extend(parts.into_iter().map(|part| UserOutcomes::alike(part, None)));
    completed
}

/// What follows a batch that failed as a whole, by what it came to and the last reply.
fn next(status: Status, reply: &Reply) -> Next {
    let Reply::Response(answer) = reply else { return Next::Fail };
    match (answer.status, &answer.body) {
        (404 | 405 | 501, Body::Object | Body::BrokenOff | Body::Unreadable) => Next::Never,
        (413, _) => Next::Smaller,
        (_, Body::Error(error)) if status == Status::Rejected => {
            let told = format!("{} {}", error.error_description, error.error_message);
            if explain::says_too_large(&told) { Next::Smaller } else { Next::Halves }
        }
        _ if status == Status::Rejected => Next::Halves,
        // A row may be what the server stumbles over; the others are the way's fault.
        (500, _) | (200..=299, Body::Unreadable) => Next::Halves,
        _ => Next::Fail,
    }
}

#[cfg(test)]
mod tests;
