//! Job files: the settings of a run in TOML, to be kept beside the code and run by cron.
//!
//! A key of a job file is a flag of `run` by another way. There is one table of keys; what a
//! key takes, what it means and what it is by default is the flag's own definition. A job is
//! put under the command line: what is typed or in the environment stays, what is not comes
//! from the job as if it had been typed, and the whole is parsed once.

mod entry;
mod in_force;
mod judge;
mod layer;
mod problems;
mod read;
mod schema;
mod write;

pub(crate) use in_force::{InForce, Origin};
pub(crate) use layer::{apply, switchable};
pub(crate) use schema::schema;
pub(crate) use write::{WrittenKey, about, list, text, written};

#[cfg(test)]
mod tests;
