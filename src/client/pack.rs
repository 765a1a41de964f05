//! Packed calls: the instructions of many users as one `patch/batch` request.
//!
//! A packed call never decides what it cannot tell. Contacts are looked up before, since a patch
//! has no `failOnConflict`; what has a holder, what the answer does not mention, and what fails
//! together with others goes on in further calls, down to a row's own endpoint.

mod body;
mod holders;
mod reply;

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::retry::{self, Body, Reply};
use super::row::{Row, Tries};
use super::{Client, End, Request};
use crate::call::{Call, Part, Performed, Worked};
use crate::catalog::{self, NAMES_A_SEARCH};
use crate::outcome::Status;
use crate::stop::Stop;
use holders::Holders;
pub(super) use holders::spellings;
use reply::Fate;

/// Calls are never made smaller than this for being too large: the words for it may have been
/// about a single row. Whatever is too large still is cut by itself.
const LEAST_LEARNED: usize = 10;

/// How a packed call goes on that failed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// In halves: somebody in it may be at fault.
    Halves,
    /// In halves, and so does every later one: it was too large.
    Smaller,
    /// Row by row, and nothing is packed any more: the server does not know such calls.
    Never,
    /// It does not: all of its rows fail alike.
    Fail,
}

impl Client {
    /// Works on a packed call until each part has its word or needs a further call.
    pub(super) async fn work_packed(
        &self,
        parts: Vec<Part>,
        searched: bool,
        stop: &Stop,
    ) -> Performed {
        let mut performed = Performed::default();
        let most = self.pack_size.load(Ordering::Relaxed);
        if parts.len() > most {
            // It was filled before calls had to be smaller.
            performed.further = in_calls_of(most, parts, searched);
            return performed;
        }
        let parts = if searched {
            parts
        } else {
            match self.held_by_nobody(parts, &mut performed, stop).await {
                Ok(free) => free,
                Err(parts) => return left_undone(parts, performed),
            }
        };
        if parts.is_empty() {
            return performed;
        }
        let started = Instant::now();
        let mut tries = Tries::default();
        let body = body::of_batch(&parts);
        let request = Request::Packed { operation: &catalog::PATCH_BATCH, body: &body };
        match self.insist(request, &mut tries, stop).await {
            None => return left_undone(parts, performed),
            Some((End::Done, reply)) => {
                self.settle_each(parts, started, &tries, &reply, &mut performed);
            }
            Some((end, reply)) => {
                self.settle_all(parts, started, &tries, (&end, &reply), &mut performed);
            }
        }
        performed
    }

    /// Sends parts apart whose contacts somebody else has, or may have; gives back the others.
    /// `Err` for a stop.
    async fn held_by_nobody(
        &self,
        parts: Vec<Part>,
        performed: &mut Performed,
        stop: &Stop,
    ) -> Result<Vec<Part>, Vec<Part>> {
        let names = holders::names(&parts);
        let mut holders = Holders::default();
        for names in names.chunks(NAMES_A_SEARCH) {
            let body = body::of_search(names);
            let request = Request::Packed { operation: &catalog::SEARCH, body: &body };
            let Some((end, reply)) = self.insist(request, &mut Tries::default(), stop).await else {
                return Err(parts);
            };
            match reply {
                Reply::Answer(answer) if matches!(end, End::Done) => {
                    holders.add(names, &answer.body);
                }
                _ => holders.unsure(names),
            }
        }
        let (held, free): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| holders.concern(part));
        performed.further.extend(held.into_iter().map(Call::Apart));
        Ok(free)
    }

    /// Takes the answer to a packed call apart.
    fn settle_each(
        &self,
        parts: Vec<Part>,
        started: Instant,
        tries: &Tries,
        reply: &Reply,
        performed: &mut Performed,
    ) {
        let fates = match reply {
            Reply::Answer(answer) => reply::fates(&parts, &answer.body),
            Reply::Lost(_) => vec![Fate::Doubtful; parts.len()],
        };
        for (part, fate) in parts.into_iter().zip(fates) {
            let row = Row::packed(started, &part, tries);
            let outcome = match fate {
                Fate::Updated(user) => row.updated(user),
                Fate::Failed(why) if part.rows() == 1 => row.refused(Status::Rejected, why),
                // Only by itself does a row show whether it is the one at fault.
                Fate::Failed(_) => {
                    performed.further.push(Call::Apart(part.after(tries.attempts)));
                    continue;
                }
                Fate::Doubtful => {
                    let part = Part { doubtful: true, ..part.after(tries.attempts) };
                    performed.further.push(Call::Apart(part));
                    continue;
                }
            };
            self.meters.packed_rows.fetch_add(part.rows() as u64, Ordering::Relaxed);
            performed.worked.push(Worked::alike(part, Some(&outcome)));
        }
    }

    /// A packed call that failed as a whole.
    fn settle_all(
        &self,
        parts: Vec<Part>,
        started: Instant,
        tries: &Tries,
        (end, reply): (&End, &Reply),
        performed: &mut Performed,
    ) {
        let status = match end {
            End::Failed(status) => *status,
            End::Done | End::InDoubt { .. } => Status::Unknown,
        };
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|part| Part {
                doubtful: part.doubtful || tries.maybe_applied,
                ..part.after(tries.attempts)
            })
            .collect();
        let next = next(status, reply);
        match next {
            Next::Fail => {
                let fail = |part: Part| {
                    let outcome =
                        Row::packed(started, &part, &Tries::default()).failed(status, reply);
                    Worked::alike(part, Some(&outcome))
                };
                performed.worked.extend(parts.into_iter().map(fail));
                return;
            }
            Next::Never => self.pack_at_most(1),
            Next::Smaller => self.pack_at_most((parts.len() / 2).max(LEAST_LEARNED)),
            Next::Halves => {}
        }
        tracing::debug!(users = parts.len(), ?next, "a packed call failed as a whole");
        let most = if next == Next::Never { 1 } else { parts.len().div_ceil(2) };
        performed.further.extend(in_calls_of(most, parts, true));
    }

    fn pack_at_most(&self, size: usize) {
        self.pack_size.fetch_min(size, Ordering::Relaxed);
    }
}

/// Calls of so many parts each; those of one go by its own endpoint.
fn in_calls_of(most: usize, mut parts: Vec<Part>, searched: bool) -> Vec<Call> {
    if most <= 1 {
        return parts.into_iter().map(Call::Apart).collect();
    }
    let mut calls = Vec::new();
    while !parts.is_empty() {
        let rest = parts.split_off(most.min(parts.len()));
        calls.push(Call::Packed { parts, searched });
        parts = rest;
    }
    calls
}

fn left_undone(parts: Vec<Part>, mut performed: Performed) -> Performed {
    performed.worked.extend(parts.into_iter().map(|part| Worked::alike(part, None)));
    performed
}

/// How a packed call goes on that failed as a whole, by what it came to and the last reply.
fn next(status: Status, reply: &Reply) -> Next {
    let Reply::Answer(answer) = reply else { return Next::Fail };
    match (answer.status, &answer.body) {
        (404 | 405 | 501, Body::Object | Body::BrokenOff | Body::Unreadable) => Next::Never,
        (413, _) => Next::Smaller,
        (_, Body::Error(error)) if status == Status::Rejected => {
            let told = format!("{} {}", error.error_description, error.error_message);
            if says_too_large(&told) { Next::Smaller } else { Next::Halves }
        }
        _ if status == Status::Rejected => Next::Halves,
        // A row may be what the server stumbles over; the others are the way's fault.
        (500, _) | (200..=299, Body::Unreadable) => Next::Halves,
        _ => Next::Fail,
    }
}

/// Whether a message is about the size of the call. No maximum is published, nor its error.
fn says_too_large(message: &str) -> bool {
    retry::says(message, &["too large", "too many", "too big", "at most", "maximum", "exceed"])
}

#[cfg(test)]
mod tests;
