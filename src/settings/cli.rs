//! The command line: what was typed, over a job file if one is named.

pub(crate) mod absent;
pub(crate) mod attributes;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod findings;
pub(crate) mod fleet;
pub(crate) mod history;
pub(crate) mod hours;
pub(crate) mod inbox;
pub(crate) mod init;
pub(crate) mod job;
pub(crate) mod leaving;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod mirror;
pub(crate) mod operations;
pub(crate) mod past;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod shard;
pub(crate) mod simulate;

use std::ffi::OsString;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::exit::Error;
use crate::settings::Environment;
use crate::settings::job::InForce;

/// Bulk updates of users against the Descope management API.
///
/// Each row of a CSV, JSON or spreadsheet file becomes a call of the right update endpoint, in order
/// for each user and within the project's rate limit. A results file says what became of every row.
/// Try it without an account: `descope-bulk run FILE --simulate`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Whether to print in colour. By default on a terminal only, unless the environment variable
    /// `NO_COLOR` is set; `CLICOLOR_FORCE=1` prints in colour wherever it goes
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true)]
    pub color: ColorWhen,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to print in colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// Where it is read by people, and they have not said otherwise
    #[default]
    Auto,
    /// Wherever it goes
    Always,
    /// Nowhere
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send the updates: the main job
    ///
    /// The rows of all files are one run, in order. Each row names a user (column loginId) and
    /// the values to set. Two rows of one user are sent one after the other in file order; other
    /// users do not wait. The run folder has a record of everything that happened: results.jsonl with one
    /// line for every row, failures.* with the rows that failed, in your own columns, to be
    /// corrected and run again, and summary.json.
    ///
    /// Exit codes: 0 every row is updated or unchanged; 1 some rows failed; 2 refused, nothing
    /// was sent; 3 stopped early, can be resumed; 4 another process holds this run; 6 no file came to
    /// the inbox in time; 130 or 143 stopped by a signal, can be resumed.
    Run(Box<run::RunArgs>),
    /// Check files offline: every problem of every row, before anything is sent
    ///
    /// Reads all rows as `run` would, and sends nothing. Says what is wrong with each (file, line,
    /// row, column, value, reason, what to do), which rows contradict each other, which would
    /// lock a user out, what would be repaired, and how many calls and how long a run would take.
    /// Needs no account and no network. Where rows set custom attributes, and a project ID and a
    /// management key are at hand, it reads the types that the project declares, unless --offline is
    /// given.
    ///
    /// Exit codes: 0 no problem; 1 there are problems; 2 a file cannot be understood.
    Check(Box<check::CheckArgs>),
    /// Look at a file, and write a commented job file for it
    ///
    /// Says of each column what it is taken for and why, finds the operation that the columns fit, looks at
    /// every row as `check` does, and lists what must be settled. The settings that one needs most often
    /// are there as comments, and options that are given go into the job. It shows the form of values, and
    /// no user's data unless --with-values is given. Needs no account and no network, and overwrites nothing.
    ///
    /// Exit codes: 0 the job can run; 1 it is written, and something must be settled first; 2 refused,
    /// nothing was written; 3 it could not be written.
    Init(Box<init::InitArgs>),
    /// Read the users, and show what would change, without changing anything
    ///
    /// Reads the users whom the rows name, 100 in a call, and says of each row what would change:
    /// `field: before → after`. Rows that would change nothing, users who are not there, and values
    /// that are another user's login ID are told now. With -o it writes a plan file: `run` takes it,
    /// does exactly what was shown, and sets users aside whom somebody else has changed since.
    ///
    /// Exit codes: 0 all rows can be sent, or change nothing; 1 some rows cannot; 2 refused; 3 it
    /// could not be made; with --detailed-exitcode also 5 when something would change.
    Plan(Box<plan::PlanArgs>),
    /// Run the jobs of many projects side by side, each within its own limit
    ///
    /// Each job file is what `run --job` takes. All are judged before anything is sent; one that is wrong,
    /// slow or refused does not hold up the others. Jobs of the same project run one after the other. The
    /// folder of the fleet has a record of all runs, by which --resume goes on after a stop or a crash.
    ///
    /// Exit codes, of which the largest of all jobs is the fleet's: 0 every row is updated or unchanged;
    /// 1 some rows failed; 2 a job was refused; 3 a run stopped early, can be resumed; 4 another process
    /// holds the fleet or a run; 130 or 143 stopped by a signal, can be resumed.
    Fleet(Box<fleet::FleetArgs>),
    /// Write the rows that take a run back
    ///
    /// Reads what the run did from its folder, and its users as they are now. Writes a file of rows,
    /// the newest first, each of which restores what a row of the run changed; `run` and `plan` take
    /// it. Users whom somebody else has changed since are left alone, and what cannot be taken back
    /// is named with the reason. Nothing is changed before the file is run.
    ///
    /// Exit codes: 0 all can be restored; 1 some cannot; 2 refused; 3 it could not be made.
    Undo(history::UndoArgs),
    /// Read the users of a run again: is what it wrote still there?
    ///
    /// Loads each user by itself, within the limit, and says who shows what the run wrote, who was
    /// changed since, and where it never took.
    ///
    /// Exit codes: 0 all as written; 1 there are differences; 2 refused; 3 it could not be done.
    Verify(history::VerifyArgs),
    /// Check the files of a run: are they those that it wrote?
    ///
    /// Makes the chain of the journal again from the files, and says which file was changed, cut or
    /// appended to, and where at the earliest. Holds the summary against the journal. With
    /// --allowed-signers it checks who has signed the run, too. Needs no network.
    ///
    /// Exit codes: 0 intact; 1 something was changed; 2 there is no run, or it has no chain; 3 a file
    /// cannot be read.
    VerifyFiles(history::VerifyFilesArgs),
    /// Find the users whom the input of a run does not name, to disable or delete them
    ///
    /// The last step of a synchronisation with a directory. Reads the results of a finished run and the
    /// project's users, all or those who fit a filter, and writes a file of rows for those whom no row
    /// names; `plan` and `run` take it. Users who were created within a day before the run, or
    /// later, are left alone, and nothing is written when more than 5 % are absent: then the file may be
    /// the wrong one.
    ///
    /// Exit codes: 0 done; 2 refused, no file was written; 3 it could not be done.
    Absent(Box<absent::AbsentArgs>),
    /// Show and create the custom attributes that the project declares
    Attributes(attributes::AttributesArgs),
    /// Write the project's users to a file, to edit and feed back
    ///
    /// All users, or those who fit a filter, as CSV, JSON Lines or an Excel workbook, with the columns
    /// that `run` and `plan` take: export, edit, `check`, `plan` shows exactly the edits.
    ///
    /// Exit codes: 0 done; 2 refused; 3 stopped: --resume goes on.
    Export(Box<export::ExportArgs>),
    /// Say what became of a row, and how, from the folder of its run alone
    ///
    /// Repairs, changes, how the user was before, each request with its wait and its answer, the
    /// outcome, and what to do.
    Explain(explain::ExplainArgs),
    /// Write a page about a run, or several, to look at in a browser and to hand on
    ///
    /// One HTML file that needs no network: totals, a timeline of the calls, what failed and why, what
    /// changed, the settings, and a table of the failed rows to search, sort and filter. Several runs
    /// make one page with a trend. Login IDs are shortened unless --with-values is given.
    ///
    /// Exit codes: 0 done; 2 refused, no file was written; 3 it could not be written.
    Report(report::ReportArgs),
    /// List past runs, the latest first
    ///
    /// One line for each folder below the runs folder: when, which files, which operation, what became of
    /// the rows, whether the run is complete, stopped (it can be resumed), in progress or damaged, its size,
    /// and whether it can be undone. A folder that holds no run is a line with its reason.
    ///
    /// Exit codes: 0 listed; 2 the runs folder cannot be read.
    Runs(past::RunsArgs),
    /// Put the runs of all shards of a job together
    ///
    /// Makes one run folder of the folders that `run --shard` has left: results, failures, before-images,
    /// journal and summary. `report`, `verify`, `undo`, `explain` and `absent` take it. Shards that are
    /// missing, doubled, not finished or of another job are refused, and every row of the input must be
    /// in exactly one of them.
    ///
    /// It ends as a run of the whole would.
    ///
    /// Exit codes: 0 every row is updated or unchanged; 1 some rows failed; 2 refused, nothing was written;
    /// 3 some shards are not finished (--unfinished); 4 a process holds one of them.
    Merge(merge::MergeArgs),
    /// Bring the folder of a run from its mirror (run --mirror), to look at it or to merge it
    ///
    /// Every other command reads the copy. Of a run that goes on it holds what was shipped so far, whole
    /// commits only. Nothing in the bucket is changed. In builds with the feature `object-storage`.
    ///
    /// Exit codes: 0 done; 2 refused: there is no folder.
    Fetch(fetch::FetchArgs),
    /// Remove users' data from run folders, and keep the totals
    ///
    /// Everything goes that may hold a user's data: results, failures, before-images, the journal,
    /// copies of inputs, and whatever else is in the folder. The totals stay, and enough to recognise the
    /// same input as finished when it is run again. A purged run cannot be undone, verified, explained or
    /// reported. Runs in progress are never purged, and those that could be resumed only with
    /// --unfinished. On a terminal it asks first.
    ///
    /// Exit codes: 0 done; 2 refused, nothing was removed; 3 something could not be removed: purge again;
    /// 4 a run is in progress.
    Purge(past::PurgeArgs),
    /// Copy a run folder with pseudonyms in place of users' data, such as for a support ticket
    ///
    /// Statuses, codes, times, counts and versions stay. Login IDs, addresses, phone numbers, names,
    /// values, file names and messages are replaced or left out. The same value has the same pseudonym
    /// within one copy; the key is kept nowhere. `report` and `explain` read the copy.
    ///
    /// Exit codes: 0 done; 2 refused; 3 a file could not be read or written.
    Redact(past::RedactArgs),
    /// Make a readable copy of the folder of a run that was encrypted (--encrypt-to)
    ///
    /// Every other command reads the copy. It is not encrypted: remove it when it is no longer needed. In
    /// builds with the feature `encryption`.
    Decrypt(past::DecryptArgs),
    /// Look whether a run would go: key, network, clock, rights, limits, disk
    ///
    /// For a new machine, and before a job is left to a scheduler: run it there, as the user and in the
    /// environment of the job. Takes the job's file, or the same options as `run`. Reads only: nothing is
    /// changed, and the key is never shown.
    ///
    /// Exit codes: 0 a run would go, perhaps with warnings; 1 something would keep it from that; 2 refused.
    Doctor(Box<doctor::DoctorArgs>),
    /// A local Descope look-alike: users, errors, limits, faults
    ///
    /// Serves until it is stopped. The first line on stdout is the URL, to be used as the base
    /// URL of `run` or of an official SDK. It is never the real thing: every answer says so.
    Simulate(Box<simulate::SimulateArgs>),
    /// List the operations: names, fields, endpoints, limits
    ///
    /// Without a name, every operation in a line; with one, its fields.
    Operations(operations::OperationsArgs),
    /// Print the JSON Schema of job files, for editors
    ///
    /// This is how docs/job.schema.json is made.
    JobSchema,
    /// Print what a shell reads to complete command lines
    ///
    /// Subcommands, options and files, and more: operations, the fields of the operation on the line, and
    /// the columns of the file on the line, of which the head is read. Nothing goes to the network.
    ///
    /// For Bash: `source <(descope-bulk completions bash)` in ~/.bashrc. For the other shells see
    /// docs/first-minutes.md. A package installs them already.
    Completions(completions::CompletionsArgs),
    /// Write the pages for man(1)
    ///
    /// One for the program, with exit codes, environment variables, files and examples, and one for each
    /// subcommand. They are made from the same definitions as --help. A package installs them already.
    Man(man::ManArgs),
}

/// A command line, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// What to do.
    pub command: Command,
    /// Whether to print in colour.
    pub color: ColorWhen,
    /// The settings in force, where a subcommand has any.
    pub settings: Vec<InForce>,
}

/// Why there is nothing to do.
#[derive(Debug)]
pub(crate) enum Unparsed {
    /// Help and version, which were asked for, and mistakes.
    Usage(clap::Error),
    /// The job file is refused.
    Job(Error),
}

/// Parses arguments, the program's name first, with the job file that they name under them.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment<'_>,
) -> Result<Parsed, Unparsed> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Help and mistakes are printed before anything is parsed.
    let mut root = command().color(color_of_help(&arguments));
    let layers =
        crate::settings::job::apply(&root, arguments, environment).map_err(Unparsed::Job)?;
    let matches = root.try_get_matches_from_mut(&layers.arguments).map_err(Unparsed::Usage)?;
    let settings = matches.subcommand().and_then(|(name, matches)| {
        let command = root.find_subcommand(name)?;
        Some(layers.in_force(command, matches, environment))
    });
    let Cli { command, color } = Cli::from_arg_matches(&matches).map_err(Unparsed::Usage)?;
    Ok(Parsed { command, color, settings: settings.unwrap_or_default() })
}

/// Whether help is in colour, by what is typed.
fn color_of_help(arguments: &[OsString]) -> ColorChoice {
    let words = || arguments.iter().map(|word| word.to_str().unwrap_or_default());
    let behind = words().skip_while(|word| *word != "--color").nth(1);
    match words().find_map(|word| word.strip_prefix("--color=")).or(behind) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// The command line's definition.
#[must_use]
pub(crate) fn command() -> clap::Command {
    // The simulator's options mean nothing to a run that is no rehearsal, and would mislead.
    let rehearsals_only = |argument: clap::Arg| {
        let of_simulator = argument.get_help_heading().is_some_and(|h| h.starts_with("Simulator"));
        if of_simulator && argument.get_id() != "simulate" {
            argument.requires("simulate")
        } else {
            argument
        }
    };
    let mut root = Cli::command().mut_subcommand("run", |run| run.mut_args(rehearsals_only));
    let takes_a_job = |command: &&clap::Command| {
        command.get_arguments().any(|argument| argument.get_id() == "job")
    };
    let names: Vec<String> = root
        .get_subcommands()
        .filter(takes_a_job)
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        root =
            root.mut_subcommand(name, |command| command.mut_args(crate::settings::job::switchable));
    }
    root
}
