//! Arguments of `run` about the files of a run.

use std::path::PathBuf;

use clap::Args;

use crate::store::{KeepUsers, TableForm};

/// What a run leaves behind besides what it must.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files of the run")]
pub struct LeavingArgs {
    /// How much of the users that the server returns is kept in results.jsonl: all of each, the user
    /// ID and login IDs, or nothing. Users as they were before are kept all the same. docs/files.md
    /// says what undo, verify and absent cannot do then
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub keep_users: KeepUsers,

    /// Compress the results as they are written: results.jsonl.zst, which `zstd -d` and the commands of
    /// this program read. A resumed run goes on as it was begun
    #[arg(long)]
    pub compress_results: bool,

    /// All rows in their own columns, with what became of each behind them, for spreadsheets:
    /// results.csv, results.xlsx, or both (csv,xlsx). They hold whatever the rows hold, passwords
    /// included, and cannot be the input of a run
    #[arg(long, value_enum, value_name = "FORMATS", value_delimiter = ',')]
    pub results: Vec<TableForm>,

    /// The fields of the returned users that --results shows, such as
    /// userId,email,customAttributes.tier; those that `export` knows. By default userId, loginIds, email,
    /// phone and status, or as much of these as --keep-users keeps
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub result_fields: Vec<String>,

    /// Encrypt the results, the failures and the users as they were, as they are written: to an age
    /// recipient (age1…), or to those in a file; may be repeated. `descope-bulk decrypt` makes a readable
    /// copy. Only in builds with the feature `encryption`
    #[arg(long, value_name = "RECIPIENT|FILE")]
    pub encrypt_to: Vec<String>,

    /// Sign the summary when the run ends, with this SSH key, by ssh-keygen: a private key, or a public
    /// key whose private one is in an agent. Nobody is asked for a passphrase. If signing
    /// fails, the run still ends as it would have
    #[arg(long, value_name = "KEY")]
    pub sign_with: Option<PathBuf>,
}
