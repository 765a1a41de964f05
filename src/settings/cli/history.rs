//! Arguments of the subcommands that look at what a run did.

use std::path::PathBuf;

use clap::Args;

use super::run::{PaceArgs, ProjectArgs, operation};
use crate::catalog::Operation;

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Write the rows to this file. It holds personal data, and only its owner can read it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// Restore users, too, whom somebody else has changed since
    #[arg(long)]
    pub force: bool,

    /// Take back these rows only, such as 1-100,205
    #[arg(long, value_name = "ROWS", value_delimiter = ',', value_parser = rows)]
    pub rows: Vec<(u64, u64)>,

    /// Take back rows that ended so only: updated, created, deleted or unchanged; may be repeated. A row
    /// is unchanged that an earlier part of the run had done already
    #[arg(long, value_name = "STATUS", value_parser = ["updated", "created", "deleted", "unchanged"])]
    pub status: Vec<String>,

    /// Take back rows of this operation only; may be repeated
    #[arg(long, value_name = "NAME", value_parser = operation)]
    pub operation: Vec<&'static Operation>,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Read only so many of the users, or such a part of them, chosen by chance
    #[arg(long, value_name = "N|N%", value_parser = sample)]
    pub sample: Option<Sample>,

    /// Show every user that differs, and not only the first ten
    #[arg(long)]
    pub all: bool,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Arguments of `verify-files`.
#[derive(Debug, Args)]
pub(crate) struct VerifyFilesArgs {
    /// The folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Check that the run is signed, too, by somebody in this file (see ALLOWED SIGNERS in
    /// ssh-keygen(1))
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,

    /// Who must have signed it, as the file of allowed signers names them; by default anybody in it
    #[arg(long, value_name = "IDENTITY", requires = "allowed_signers")]
    pub signer: Option<String>,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A sample of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// So many.
    Users(usize),
    /// Such a part of them, in percent.
    Percent(usize),
}

impl Sample {
    /// How many of so many users it is; at least one.
    #[must_use]
    pub(crate) fn of(self, users: usize) -> usize {
        match self {
            Self::Users(number) => number,
            Self::Percent(percent) => (users * percent).div_ceil(100).max(1),
        }
    }
}

fn sample(text: &str) -> Result<Sample, String> {
    let how = || "write a number of users, such as 100, or a percentage, such as 5%".to_owned();
    let (number, percent) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), true),
        None => (text, false),
    };
    match (number.parse::<usize>(), percent) {
        (Ok(percent @ 1..=100), true) => Ok(Sample::Percent(percent)),
        (Ok(number @ 1..), false) => Ok(Sample::Users(number)),
        _ => Err(how()),
    }
}

fn rows(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err("write rows such as 7 or 1-100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_samples_are_bounded() {
        assert_eq!(rows("7"), Ok((7, 7)));
        assert_eq!(rows("1-100"), Ok((1, 100)));
        assert!(rows("9-1").is_err() && rows("x").is_err() && rows("").is_err());
        assert_eq!(sample("5%").map(|sample| sample.of(30)), Ok(2));
        assert_eq!(sample("5").map(|sample| sample.of(30)), Ok(5));
        assert!(sample("0").is_err() && sample("0%").is_err() && sample("101%").is_err());
    }
}
