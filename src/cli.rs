//! The command line: what was typed, and nothing else.

pub mod operations;
pub mod run;
pub mod simulate;

use clap::{Parser, Subcommand};

/// Bulk updates of users against the Descope management API.
///
/// Rows of CSV, TSV or JSONL files become calls of the right update endpoint, in order for each
/// user, within the project's rate limit; every row ends in a results file with what became of
/// it. Try it without an account: `descope-bulk run FILE --simulate`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send the updates: the main job.
    Run(Box<run::RunArgs>),
    /// A local Descope look-alike: users, errors, limits, faults.
    Simulate(Box<simulate::SimulateArgs>),
    /// List the operations: names, fields, endpoints, limits.
    Operations(operations::OperationsArgs),
}
