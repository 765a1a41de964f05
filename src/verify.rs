//! Verifying: do users still show what a run wrote?
//!
//! Users are loaded one by one, since search lags behind writes. Of several rows of a user, the last
//! that touched a field decides.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};

use crate::api::load::Load;
use crate::api::transport::ReadWire;
use crate::catalog::Operation;
use crate::change::{ChangeRecord, Changes, User, UserParts, all_changes, touched};
use crate::exit::Error;
use crate::history::History;
use crate::outcome::Status;
use crate::requester::Requester;
use crate::stop::Stop;

/// What became of what a run wrote to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The user shows it.
    AsWritten,
    /// The user showed it, and shows something else in these fields now.
    ChangedSince(Vec<String>),
    /// The server's reply to the run already showed something else in these fields.
    NeverTook(Vec<String>),
    /// The user is gone.
    Gone,
    /// The user was deleted, and is there.
    StillThere,
    /// The user could not be read.
    Unreadable(String),
}

/// A user whom a run wrote to.
#[derive(Debug)]
struct WrittenUser {
    user_id: String,
    /// As a row named the user last, for people.
    login_id: String,
    /// What the server's replies showed of what the run wrote.
    shown: UserParts,
    /// Fields that the replies showed otherwise than the rows wanted.
    never_took: Vec<String>,
    /// Whether the run deleted the user.
    is_deleted: bool,
    /// Whether it is known what the user is to show.
    is_known: bool,
}

/// Why a user cannot be compared.
const UNKNOWN: &str = "the run kept IDs only (--keep-users ids), and not how the user was before";

/// Users that are read at a time; the gate bounds them further.
const AT_A_TIME: usize = 32;

/// Reads the users of a run again, or a sample of so many; `each` takes what became of each.
///
/// # Errors
///
/// A run that kept no users, files that cannot be read, and a stop.
pub(crate) async fn verify<W: ReadWire>(
    history: &mut History,
    sample: Option<usize>,
    requester: &Requester<W>,
    stop: &Stop,
    each: &mut dyn FnMut(&str, &Verified),
) -> Result<(), Error> {
    if history.nameless > 0 {
        return Err(Error::refused(format!(
            "{}: the run was to keep no users (--keep-users none), so nobody can tell whom it wrote to; --keep-users ids is enough for verify",
            history.folder().display()
        )));
    }
    let mut last: Vec<usize> =
        (0..history.len()).filter(|index| history.step(*index).is_last).collect();
    if let Some(sample) = sample.filter(|sample| *sample < last.len()) {
        fastrand::shuffle(&mut last);
        last.truncate(sample);
        last.sort_unstable();
    }
    for chunk in last.chunks(1000) {
        let mut written = Vec::with_capacity(chunk.len());
        for index in chunk {
            written.push(written_by(history, *index)?);
        }
        let reads = written
            .iter()
            .map(|user| async move { (user, requester.load(&user.user_id, stop).await) });
        let mut reads = stream::iter(reads).buffered(AT_A_TIME);
        while let Some((user, load)) = reads.next().await {
            let Some(load) = load else {
                return Err(Error::Stopped("stopped; not all users were read".to_owned()));
            };
            each(&user.login_id, &judge(user, load));
        }
    }
    Ok(())
}

fn judge(user: &WrittenUser, load: Load) -> Verified {
    let now = match load {
        Load::Missing if user.is_deleted => return Verified::AsWritten,
        Load::Found(_) if user.is_deleted => return Verified::StillThere,
        Load::Missing => return Verified::Gone,
        Load::Found(_) if !user.is_known => return Verified::Unreadable(UNKNOWN.to_owned()),
        Load::Failed(why) => return Verified::Unreadable(why.message.to_string()),
        Load::Found(found) => User::read(&found.user).unwrap_or_default(),
    };
    let since = now.differs_in(&user.shown);
    if !since.is_empty() {
        Verified::ChangedSince(since)
    } else if !user.never_took.is_empty() {
        Verified::NeverTook(user.never_took.clone())
    } else {
        Verified::AsWritten
    }
}

/// What a run wrote to the user of a step, which is the user's last.
fn written_by(history: &mut History, last: usize) -> Result<WrittenUser, Error> {
    let mut written = WrittenUser {
        user_id: String::new(),
        login_id: String::new(),
        shown: UserParts::new(),
        never_took: Vec::new(),
        is_deleted: false,
        is_known: true,
    };
    // A later row decides.
    let mut decided: HashSet<String> = HashSet::new();
    let mut next = Some(last);
    while let Some(index) = next {
        let step = history.step(index);
        let line = history.line(step)?;
        let after = history.users(step, &line)?.after;
        written.is_known &= after.is_some();
        // Who it is, the results say in any case.
        let named = || line.user.as_ref().and_then(|user| User::read(user)).unwrap_or_default();
        let after = after.unwrap_or_else(named);
        if line.status == Status::Deleted {
            written.is_deleted = true;
        }
        if written.user_id.is_empty() {
            after.user_id().clone_into(&mut written.user_id);
            line.login_id.as_deref().unwrap_or_default().clone_into(&mut written.login_id);
        }
        let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
        let operation = line.operation.as_deref().and_then(Operation::named);
        let changes = operation.map_or(changes.clone(), |own| all_changes(own, &changes));
        let want = after.after(line.login_id.as_deref().unwrap_or_default(), &changes);
        for part in touched(&changes) {
            let is_decided = decided.iter().any(|own| overlap(own, &part));
            decided.insert(part.clone());
            if is_decided {
                continue;
            }
            let shown = after.part(&part);
            if want.part(&part) != shown {
                written.never_took.push(part.clone());
            }
            written.shown.insert(part, shown);
        }
        next = step.earlier_index();
    }
    Ok(written)
}

/// Whether two parts have something in common: one tenant is a part of all of them.
fn overlap(one: &str, other: &str) -> bool {
    let within = |whole: &str, part: &str| {
        part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'))
    };
    one == other || within(one, other) || within(other, one)
}
