//! An output: what keeps outcomes in files of the run folder.

use std::fmt::Debug;
use std::io;

use super::digest::Digest;
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

    /// Makes what is made of its files when a run ends; gives back its name and its digest.
    fn derive(&self, _: &dyn Disk) -> io::Result<Option<(String, Digest)>> {
        Ok(None)
    }

    /// Removes what nobody needs once that is made, and the run is complete.
    fn clear(&mut self, _: &dyn Disk) {}
}
