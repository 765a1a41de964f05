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
pub mod bitmap;
mod chain;
mod digest;
pub(crate) mod disk;
mod failures;
mod file;
mod folder;
pub mod journal;
mod layout;
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
pub mod summary;
mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod thread;
mod workbook;

pub use chain::Chain;
pub use digest::Digest;
pub use folder::{
    Glance, Place, RunFolder, abandon, choosing, earlier, finished_tally, glance, read_summary,
    write_summary,
};
pub(crate) use names::SIGNATURE;
pub(crate) use new_file::NewFile;
pub use recorder::{Closed, Recorder};
pub use results::NAME as RESULTS;
pub use results_file::open_results;
pub(crate) use results_file::seekable_results;
pub use rules::{KeepUsers, OutputRules, TableForm};
pub use thread::spawn;
