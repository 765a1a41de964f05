//! What is shown while something goes on.

use clap::{ArgAction, Args};

use crate::report::logging::LogFormat;

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Args)]
pub struct LogArgs {
    /// Show no progress, only errors and the summary
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Log more: -v what is decided, -vv each retry. Never a key, a body or a user
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// The format of logs and, without a terminal, of progress
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub log_format: LogFormat,
}
