//! Settings: what was typed, what the environment and a job file add, and what it all means.

pub mod cli;
pub mod config;
pub mod job;
