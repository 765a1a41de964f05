//! What no definition of the command line holds.

use crate::exit::Exit;

/// The first commands: what each is for, the command, and what it does.
pub(super) const FIRST: [(&str, &str, &str); 3] = [
    (
        "Try it",
        "descope-bulk run users.csv --simulate",
        "a whole run against a simulator inside: no account, nothing leaves this machine",
    ),
    (
        "Check a file",
        "descope-bulk check users.csv",
        "every problem of every row, and what a run would take; sends nothing",
    ),
    (
        "Run it",
        "descope-bulk run users.csv --project-id P2… --key-file management.key",
        "sends the updates within the rate limit, and records what became of every row",
    ),
];

/// Further commands, with what each does.
pub(super) const EXAMPLES: [(&str, &str); 6] = [
    ("descope-bulk init users.csv -o users.toml", "look at a file, and write a job file for it"),
    ("descope-bulk run --job users.toml --resume", "run the job; go on where it was stopped"),
    ("descope-bulk plan users.csv -o plan.jsonl", "see what would change, user by user"),
    ("descope-bulk run plan.jsonl", "do exactly that"),
    ("descope-bulk verify runs/plan-…", "look whether it still stands"),
    ("descope-bulk undo runs/plan-… -o undo.jsonl", "write the rows that take it back"),
];

/// Environment variables, with what each is for.
pub(super) const VARIABLES: [(&str, &str); 14] = [
    ("DESCOPE_PROJECT_ID", "the project, where --project-id does not name it"),
    (
        "DESCOPE_MANAGEMENT_KEY",
        "the management key; it takes the place of a key file that a job names",
    ),
    ("DESCOPE_MANAGEMENT_KEY_FILE", "a file that holds the management key"),
    ("DESCOPE_BASE_URL", "the base URL of the API, where it is not that of the project's region"),
    ("DESCOPE_BUDGET_PASSWORD", "the password of the server of --budget"),
    ("DESCOPE_BULK_NOTIFY_SECRET", "what the posts of --notify-webhook are signed with"),
    ("DESCOPE_BULK_SHARDS", "how many shards a job has, where the scheduler does not say it"),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "the proxy, and what it is not used for"),
    ("SSL_CERT_FILE", "CA certificates, in place of the system's"),
    (
        "XDG_STATE_HOME",
        "below it is the state that runs on a machine share; by default ~/.local/state",
    ),
    ("CREDENTIALS_DIRECTORY", "where systemd puts the credential descope-management-key"),
    ("NO_COLOR", "if it is set, nothing is in colour"),
    ("CLICOLOR_FORCE", "if it is set and not 0, there are colours where there is no terminal, too"),
    ("DESCOPE_BULK_COMPLETE", "set by the scripts of completions, when they ask"),
];

/// Files, with what each holds.
pub(super) const FILES: [(&str, &str); 9] = [
    (
        "runs/",
        "the folders of runs, each named after its input and the time; --runs-dir names another",
    ),
    ("results.jsonl", "in the folder of a run: what became of every row, a line each"),
    (
        "failures.*",
        "the rows that failed, in their own columns: correct them, and run the file again",
    ),
    ("summary.json", "the totals, and the settings"),
    ("before.jsonl", "the users as they were before; undo reads it"),
    ("journal", "what is needed to resume the run, and to undo it"),
    ("lock", "held while a process works on the run"),
    ("*.toml", "job files: the settings of a run, for --job; job-schema prints their schema"),
    (
        "$XDG_STATE_HOME/descope-bulk/",
        "what of the rate limits is used, shared by all runs of a machine",
    ),
];

/// Exit codes, with what each means.
pub(super) fn exit_codes() -> impl Iterator<Item = (String, &'static str)> {
    Exit::ALL.into_iter().map(|exit| (exit.code().to_string(), exit.meaning()))
}
