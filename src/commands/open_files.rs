//! Open files: each connection is one, and a process may have few of them unless it asks for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Error;
use crate::settings::config::{Config, Target};

/// What else is open: input, the run folder's files, threads that wait for events.
const OTHERS: u64 = 64;

/// Sees to it that there can be a connection for each slot. Refuses where the system does not
/// allow as many.
pub(super) fn allow(config: &Config) -> Result<(), Error> {
    // A rehearsal has the server's end of each, too.
    let ends = if matches!(config.target, Target::Rehearsal(_)) { 2 } else { 1 };
    let concurrency = config.pace.concurrency as u64;
    let wanted = ends * concurrency + OTHERS;
    // A connection that is still being opened when an older one comes free is opened in vain.
    match allowed(wanted + ends * concurrency) {
        Some(allowed) if allowed < wanted => Err(Error::refused(format!(
            "--concurrency {concurrency} takes {wanted} open files, and the system allows {allowed}: allow more (ulimit -n {wanted}), or lower --concurrency"
        ))),
        _ => Ok(()),
    }
}

/// How many of so many runs can have so many files each; one at least.
pub(super) fn how_many(runs: u64, each: u64) -> u64 {
    match allowed(runs * each + OTHERS) {
        Some(allowed) => (allowed.saturating_sub(OTHERS) / each).clamp(1, runs),
        None => runs,
    }
}

/// How many files may be open, once as many are asked for as are wanted; nothing where there is no limit.
fn allowed(wanted: u64) -> Option<u64> {
    let now = getrlimit(Resource::Nofile);
    match raised(now, wanted) {
        Some(more) if setrlimit(Resource::Nofile, more).is_ok() => more.current,
        // Some systems allow less than they say.
        Some(_) | None => now.current,
    }
}

/// The limit to ask for; nothing if what is there is enough.
fn raised(now: Rlimit, wanted: u64) -> Option<Rlimit> {
    now.current.filter(|current| *current < wanted)?;
    // No less than what is there, which is never more than the maximum.
    let most = now.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    Some(Rlimit { current: Some(most), ..now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_asked_for_than_is_wanted_and_may_be_had() {
        for (current, maximum, expected) in [
            (Some(20), Some(1000), Some(100)),
            (Some(20), None, Some(100)),
            (Some(20), Some(50), Some(50)),
            (Some(20), Some(20), Some(20)),
            (Some(100), Some(1000), None),
            (None, None, None),
        ] {
            let more = raised(Rlimit { current, maximum }, 100);
            assert_eq!(more.map(|more| more.maximum), expected.map(|_| maximum));
            assert_eq!(more.and_then(|more| more.current), expected);
        }
    }
}
