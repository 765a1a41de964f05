//! The recorder: outcomes become the files of the run folder.
//!
//! It hides the files' formats, names and permissions, and their buffering. Rows are
//! written in batches: what [`Recorder::record`] takes is held back until
//! [`Recorder::commit`], which hands it to the system, the journal's line last. Between two
//! commits the files may hold part of a batch; a failed write, and resuming,
//! cut them back to the last commit, so they always agree on the rows they hold.

pub mod before;
mod contents;
pub(crate) mod disk;
mod failures;
mod file;
mod folder;
pub mod journal;
mod look;
pub mod marks;
mod new_file;
mod object;
mod output;
mod recorder;
pub mod results;
mod site;
pub mod summary;
#[cfg(test)]
mod tests;
pub(crate) mod thread;

// Row numbers are those of the inputs.
pub use crate::input::bitmap;
pub use contents::{FolderEntry, contents};
pub(crate) use disk::unnamed_file;
pub(crate) use failures::is_failures_file;
pub use folder::{
    Glance, KEPT_WHEN_PURGED, Place, RunFolder, abandon, choosing, earlier, finished_tally, glance,
    read_journal, read_summary, write_summary,
};
pub use journal::NAME as JOURNAL;
pub use look::{is_held, journal_time, lock_time};
pub(crate) use new_file::NewFile;
pub use recorder::{Closed, Recorder};
pub use results::NAME as RESULTS;
pub(crate) use site::{FileSystem, Site, is_open_to_others};
pub use thread::spawn;
