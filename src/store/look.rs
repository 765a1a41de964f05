//! What a run folder shows from outside: who holds it, and when it was last used.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use jiff::Timestamp;

use super::folder::LOCK;
use super::journal;

/// Whether a process holds the run in a folder. Asking takes the lock for a moment, shared with others
/// who ask.
#[must_use]
pub fn is_held(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether a folder was ever that of a run, and if so when its lock was made or touched last.
#[must_use]
pub fn lock_time(folder: &Path) -> Option<Timestamp> {
    let lock = fs::metadata(folder.join(LOCK)).ok().filter(fs::Metadata::is_file)?;
    let time = lock.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Some(time.unwrap_or_default())
}

/// When something was last written to the journal of a run.
#[must_use]
pub fn journal_time(folder: &Path) -> Option<Timestamp> {
    let written = fs::metadata(folder.join(journal::NAME)).and_then(|own| own.modified()).ok()?;
    Timestamp::try_from(written).ok()
}
