//! The folder of a fleet, held by one process at a time.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exit::Error;
use crate::store::disk::{private, replace};

/// The file whose lock says that a process works on the fleet.
const LOCK: &str = "lock";

/// The file that says what the last start came to.
pub(crate) const SUMMARY: &str = "summary.json";

/// The folder of a fleet.
#[derive(Debug)]
pub(crate) struct FleetFolder {
    path: PathBuf,
    _lock: File,
}

impl FleetFolder {
    /// Takes hold of a folder, which is made if it is not there, for its owner alone.
    ///
    /// # Errors
    ///
    /// A folder that cannot be made, one with something else in it, and another process.
    pub(crate) fn hold(path: &Path) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::unready(format!("{}: {error}", path.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let path = fs::canonicalize(path).map_err(failed)?;
        let lock = path.join(LOCK);
        if !lock.exists() && fs::read_dir(&path).map_err(failed)?.next().is_some() {
            return Err(Error::refused(format!(
                "{} holds something else than a fleet: name another folder",
                path.display()
            )));
        }
        let lock = private().create(true).truncate(false).open(lock).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy(format!(
                "another process works on the fleet in {}; wait for it, or name another folder with --out",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where it is: absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the fleet came to.
    pub(crate) fn write_summary(&self, summary: &Value) -> io::Result<()> {
        replace(&self.path, SUMMARY, format!("{summary:#}").as_bytes())
    }
}
