//! Earlier runs of the same inputs: which one is resumed, or leaves nothing to do.

use std::path::{Path, PathBuf};

use crate::exit::Error;
use crate::outcome::Tally;
use crate::shard::{are_siblings, is_sibling};
use crate::store;
use crate::store::journal::Identity;
use crate::store::marks::{self, PurgeMark};

/// The earlier run that matters.
pub(super) enum Earlier {
    /// None does.
    None,
    /// The same run is finished, and this is what became of its rows.
    Finished { folder: PathBuf, tally: Tally },
    /// The same run is not finished.
    Unfinished(PathBuf),
}

/// What an earlier run means for the search.
enum Search {
    /// The search ends with this.
    Ends(Earlier),
    /// It is about something else, and those before it are looked at.
    GoesOn,
}

/// Finds the run to resume, from the latest back: an unfinished one of the same inputs. The
/// latest finished one with the same settings ends the search: it is either the same in
/// everything, and there is nothing to do, or what it did is out of date.
pub(super) fn find(runs: &Path, name: &str, identity: &Identity) -> Result<Earlier, Error> {
    for path in store::earlier(runs, name).map_err(Error::unready)? {
        let search = match marks::purged(&path).map_err(Error::unready)? {
            Some(mark) => purged_before(path, &mark, identity)?,
            None => before(path, identity)?,
        };
        if let Search::Ends(earlier) = search {
            return Ok(earlier);
        }
    }
    Ok(Earlier::None)
}

fn before(path: PathBuf, identity: &Identity) -> Result<Search, Error> {
    let Some(glance) = store::glance(&path).map_err(Error::unready)? else {
        return Ok(Search::GoesOn);
    };
    if !glance.identity.same_inputs(identity)
        || are_siblings(&glance.identity.settings, &identity.settings)
    {
        return Ok(Search::GoesOn);
    }
    let differences = glance.identity.differences(identity);
    Ok(match (glance.complete, differences.is_empty()) {
        (false, true) => Search::Ends(Earlier::Unfinished(path)),
        (false, false) => return Err(changed(&path, &differences)),
        (true, true) => {
            let tally = store::finished_tally(&path).map_err(Error::unready)?;
            Search::Ends(Earlier::Finished { folder: path, tally })
        }
        (true, false) if glance.identity.settings == identity.settings => {
            Search::Ends(Earlier::None)
        }
        (true, false) => Search::GoesOn,
    })
}

/// The same of a run that was purged, by its digests. What it set with `--set` or chose with `--where`
/// is known only of the same run, so that a run which differs in that ends the search, too.
fn purged_before(path: PathBuf, mark: &PurgeMark, identity: &Identity) -> Result<Search, Error> {
    let Some(digest) = mark.identity.as_ref().filter(|own| own.same_inputs(identity)) else {
        return Ok(Search::GoesOn);
    };
    if mark.shard.as_ref().is_some_and(|own| is_sibling(own, &identity.settings)) {
        return Ok(Search::GoesOn);
    }
    if !mark.complete {
        return Err(never_finished(&path, mark));
    }
    Ok(if digest.is(identity) {
        Search::Ends(Earlier::Finished { folder: path, tally: mark.tally })
    } else if digest.same_settings(identity) {
        Search::Ends(Earlier::None)
    } else {
        Search::GoesOn
    })
}

/// What became of the rows of a purged run, where it is the one that is to be resumed.
pub(super) fn of_purged(
    folder: &Path,
    mark: &PurgeMark,
    identity: &Identity,
) -> Result<Tally, Error> {
    match &mark.identity {
        Some(digest) if mark.complete && digest.is(identity) => Ok(mark.tally),
        Some(_) if mark.complete => Err(Error::refused(format!(
            "the run in {} is finished and was purged at {:.0}, and this run differs from it: name another folder",
            folder.display(),
            mark.purged_at
        ))),
        _ => Err(never_finished(folder, mark)),
    }
}

fn never_finished(folder: &Path, mark: &PurgeMark) -> Error {
    Error::refused(format!(
        "the unfinished run in {} was purged at {:.0} and cannot be resumed: nobody can tell any more which rows were sent\n  \
         to send all rows, run once without --resume, or move its folder away",
        folder.display(),
        mark.purged_at
    ))
}

/// Refuses to resume a run that is another by now.
pub(super) fn changed(folder: &Path, differences: &[String]) -> Error {
    Error::refused(format!(
        "the unfinished run in {} cannot be resumed: something has changed since: {}\n  \
         restore it as it was; or, to leave that run unfinished, move its folder away or run once without --resume",
        folder.display(),
        differences.join("; ")
    ))
}
