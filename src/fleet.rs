//! A fleet: many projects at once, a job file for each.
//!
//! ```text
//! fleets/jobs/record.jsonl                  which job has which run, and how it ended
//! fleets/jobs/acme/phones-20261127T020000Z  the run of jobs/acme.toml, as of any other run
//! fleets/jobs/summary.json                  what the last start came to
//! ```
//!
//! Which jobs there are (`listing`), whether one can be run (`job`) and what all of it came to (`whole`)
//! are decided without sending anything. The record is written line by line, so that whoever comes after
//! a crash knows which jobs are finished; what became of rows is known by the folder of each run alone.

pub(crate) mod board;
pub(crate) mod folder;
pub(crate) mod job;
pub(crate) mod listing;
pub(crate) mod record;
pub(crate) mod whole;
