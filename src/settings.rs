//! Settings: what was typed, what the environment and a job file add, and what it all means.

pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod job;
