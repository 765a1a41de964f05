//! The command line: what was typed, and nothing else.

pub mod simulate;

use clap::{Parser, Subcommand};

/// Bulk updates of users against the Descope management API.
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
    /// A local Descope look-alike: users, errors, limits, faults.
    Simulate(simulate::SimulateArgs),
}
