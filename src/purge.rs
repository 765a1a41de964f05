//! The purge: users' data is removed from run folders, and the totals stay.
//!
//! What stays is decided, not what goes: [`crate::store::KEPT_WHEN_PURGED`]. So what a later version writes goes, too. The
//! mark is on the disk before anything is removed, and the summary is cut down before other files go. A
//! purge that was killed is recognised by what is left beside them, and the next one finishes it.

mod due;
mod kept;

use jiff::Timestamp;

pub(crate) use due::{JobRuns, ended_before, of_same_job};
use kept::harmless_summary;

use crate::exit::Error;
use crate::runs::{PastRun, RunState};
use crate::store::journal::SHARD;
use crate::store::marks::{self, IdentityDigest, PurgeMark};
use crate::store::{self, FolderEntry, RunFolder};

/// What is purged, and what stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PurgeRules {
    /// Whether settings, causes of failures and file names stay.
    pub(crate) keep_summary: bool,
    /// Whether runs go, too, that could be resumed, and those that are damaged.
    pub(crate) unfinished: bool,
}

/// Why a folder is not purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpurged {
    /// There is no run in it.
    NoRun(String),
    /// A process holds it.
    InProgress,
    /// It could be resumed; what would be lost.
    Unfinished,
    /// It is damaged, and nobody can tell what was sent; why.
    Damaged(String),
    /// It was purged before.
    Already(Timestamp),
}

impl std::fmt::Display for Unpurged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRun(what) => write!(f, "{what}; name the folder of a run"),
            Self::InProgress => f.write_str("the run is in progress: wait for its end, or stop it"),
            Self::Unfinished => f.write_str(
                "the run is not finished: once it is purged, it can be neither resumed nor undone, and nobody can tell which rows were sent\n  resume it first, or use --unfinished to purge it all the same",
            ),
            Self::Damaged(why) => write!(
                f,
                "{why}\n  use --unfinished to purge it all the same: then nobody can tell any more which rows were sent"
            ),
            Self::Already(at) => write!(f, "the run was purged at {at:.0}: nothing to do"),
        }
    }
}

/// Whether a run may be purged; why not.
///
/// # Errors
///
/// Why it is left as it is.
pub(crate) fn may_be_purged(run: &PastRun, rules: PurgeRules) -> Result<(), Unpurged> {
    if let Some(mark) = &run.purged {
        // What was kept may have been too much.
        let keeps_more = mark.keeps_summary && !rules.keep_summary;
        return if run.is_purge_unfinished || keeps_more {
            Ok(())
        } else {
            Err(Unpurged::Already(mark.purged_at))
        };
    }
    match &run.state {
        RunState::NoRun(what) => Err(Unpurged::NoRun((*what).to_owned())),
        // A copy of its input may have been left behind.
        RunState::NeverBegan if run.size.0 < 2 => {
            Err(Unpurged::NoRun("the run never began, and left nothing behind".to_owned()))
        }
        RunState::InProgress => Err(Unpurged::InProgress),
        RunState::Stopped if !rules.unfinished => Err(Unpurged::Unfinished),
        RunState::Damaged(why) if !rules.unfinished => Err(Unpurged::Damaged(why.clone())),
        RunState::Complete | RunState::Stopped | RunState::NeverBegan | RunState::Damaged(_) => {
            Ok(())
        }
    }
}

/// What would be removed of a run.
///
/// # Errors
///
/// A folder that cannot be read.
pub(crate) fn doomed(run: &PastRun) -> Result<Vec<FolderEntry>, Error> {
    let entries = store::contents(&run.folder).map_err(Error::refused)?;
    Ok(entries.into_iter().filter(|entry| !entry.is_kept_when_purged()).collect())
}

/// Purges a run that may be, and says what was removed.
///
/// # Errors
///
/// Why it may not be; and what could not be written or removed: then the next purge finishes it.
pub(crate) fn purge(
    run: &PastRun,
    rules: PurgeRules,
    at: Timestamp,
) -> Result<Vec<FolderEntry>, Error> {
    let refuse = |why: Unpurged| match why {
        Unpurged::InProgress => Error::Busy(format!("{}: {why}", run.folder.display())),
        why => Error::refused(format!("{}: {why}", run.folder.display())),
    };
    may_be_purged(run, rules).map_err(refuse)?;
    let held = RunFolder::open(run.folder.clone(), false).map_err(|error| match error {
        Error::Busy(_) => refuse(Unpurged::InProgress),
        error => error,
    })?;
    // Somebody may have resumed or purged it before it was held.
    let run = PastRun::look_held(&held);
    match may_be_purged(&run, rules) {
        Err(Unpurged::Already(_)) => return Ok(Vec::new()),
        may => may.map_err(refuse)?,
    }
    let unfinished = |error| Error::Stopped(format!("{error}\n  purge it again to finish this"));
    let mark = mark_of(&run, rules, at).map_err(Error::refused)?;
    marks::mark_purged(held.path(), &mark).map_err(Error::refused)?;
    match store::summary_if_any(held.path()) {
        Ok(Some(summary)) => {
            let summary = harmless_summary(&summary, mark.keeps_summary);
            store::write_summary(&held, &summary).map_err(unfinished)?;
        }
        Ok(None) => {}
        // Nobody can tell what of it is harmless.
        Err(_) => held.remove_summary().map_err(unfinished)?,
    }
    held.remove_users_data().map_err(unfinished)
}

/// The mark of a run that is about to be purged, or whose purge is to be finished.
fn mark_of(run: &PastRun, rules: PurgeRules, at: Timestamp) -> std::io::Result<PurgeMark> {
    if let Some(mut mark) = run.purged.clone() {
        mark.keeps_summary &= rules.keep_summary;
        return Ok(mark);
    }
    let mut mark = PurgeMark::new(at, run.state == RunState::Complete, run.tally);
    mark.keeps_summary = rules.keep_summary;
    (mark.began_at, mark.ended_at) = (run.began, run.ended);
    mark.identity = run.identity.as_ref().map(IdentityDigest::of).transpose()?;
    let shard = run.identity.as_ref().and_then(|own| own.settings.get(SHARD));
    mark.shard = shard.and_then(|shard| shard.as_str()).map(str::to_owned);
    Ok(mark)
}
