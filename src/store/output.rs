//! An output: what keeps outcomes in files of the run folder.

use std::fmt::Debug;
use std::io;

use super::disk::Disk;
use super::file::AppendFile;
use crate::outcome::Finished;

/// What keeps outcomes. The recorder sees to it that its files are written out, measured, cut
/// and synced together with those of the others.
pub(super) trait Output: Debug + Send {
    /// Appends an outcome to the file that it belongs into, if it belongs here.
    fn write(&mut self, finished: &Finished, disk: &dyn Disk) -> io::Result<()>;

    /// The files begun.
    fn files(&self) -> Box<dyn Iterator<Item = &AppendFile> + '_>;

    /// The files begun, to be changed.
    fn files_mut(&mut self) -> Box<dyn Iterator<Item = &mut AppendFile> + '_>;
}
