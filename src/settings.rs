//! Settings: what was typed, what the environment and a job file add, and what it all means.

pub(crate) mod budget;
pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod hours;
pub(crate) mod job;
pub(crate) mod management_key;
pub(crate) mod shard;
mod table;
#[cfg(test)]
mod tests;

/// Reads an environment variable; a blank one counts as none.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
