//! The recorder: outcomes become the files of the run folder.
//!
//! It hides the files' formats, names and permissions, and their buffering. Rows are
//! written in batches: what [`Recorder::record`] takes is held back until
//! [`Recorder::commit`], which hands it to the system, the journal's line last. Between two
//! commits the files may hold part of a batch; a failed write, and resuming,
//! cut them back to the last commit, so they always agree on the rows they hold.

mod added;
pub(crate) mod audit;
pub mod before;
mod chain;
mod contents;
mod digest;
pub(crate) mod disk;
mod failures;
mod file;
mod folder;
pub mod journal;
mod layout;
mod look;
pub mod marks;
mod names;
mod new_file;
mod object;
mod output;
mod pack;
mod recorder;
pub mod results;
mod results_file;
mod rules;
pub(crate) mod signature;
mod site;
mod stretch;
pub mod summary;
mod tables;
pub(crate) mod task;
#[cfg(test)]
mod tests;
mod workbook;

pub use chain::Chain;
// Row numbers are those of the inputs.
pub use crate::input::bitmap;
pub use contents::{FolderEntry, contents};
pub use digest::Digest;
pub(crate) use digest::Digester;
pub(crate) use disk::unnamed_file;
pub(crate) use failures::is_failures_file;
pub use folder::{
    Glance, KEPT_WHEN_PURGED, Place, RunFolder, abandon, choosing, earlier, finished_tally, glance,
    read_journal, read_summary, summary_if_any, write_summary,
};
pub(crate) use folder::{glance_at_run, journal_of_run, make_whole, no_run_in};
pub use journal::NAME as JOURNAL;
pub use look::{is_held, journal_time, lock_time};
pub(crate) use names::{SIGNATURE, is_waiting};
pub(crate) use new_file::NewFile;
pub use recorder::{Closed, Recorder};
pub use results::NAME as RESULTS;
pub(crate) use results_file::{encrypted, seekable_results};
pub use results_file::{is_encrypted, open_results};
pub use rules::{KeepUsers, OutputRules, TableForm};
pub(crate) use site::{FileSystem, Site, is_open_to_others};
pub(crate) use stretch::{
    Growth, digest_of_first, is_plain_name, lay_down, only_grows, read_stretch, settle,
};
pub(crate) use task::KnownElsewhere;
pub use task::spawn;
