//! Layers: a job under the command line and the environment.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::entry::JobEntry;
use super::read::{self, Job};
use crate::catalog::{OPERATIONS, Operation, normalize};
use crate::exit::Error;
use crate::settings::Environment;
use crate::settings::table::{self, KeyKind};

/// The command that has a flag for every key.
const COMPLETE: &str = "run";

/// What is parsed in the end, and what in it is the job's.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// The command line with the job's values in it.
    pub arguments: Vec<OsString>,
    /// The job file, if one is named.
    pub(super) job: Option<PathBuf>,
    /// For each flag that has values of the job: their lines, in order.
    pub(super) lines: HashMap<&'static str, Vec<usize>>,
}

/// Puts the job that a command line names under it.
///
/// What is typed wins over the environment, the environment over the job. Lists of columns and
/// tables of names add up, and for the same name the one that is typed wins; files that are
/// typed take the place of the job's. Keys that a subcommand has no argument for are checked
/// and otherwise passed over. A command line that names no job stays as it is.
pub(crate) fn apply(
    root: &Command,
    arguments: Vec<OsString>,
    environment: Environment<'_>,
) -> Result<Layers, Error> {
    let mut root = root.clone();
    // What is wrong in the command line is said when the whole is parsed.
    let tolerant = root.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let typed = tolerant.as_ref().ok().and_then(ArgMatches::subcommand);
    let Some((name, matches)) = typed else {
        return Ok(Layers { arguments, ..Layers::default() });
    };
    root.build();
    let (Some(command), Some(complete)) =
        (root.find_subcommand(name), root.find_subcommand(COMPLETE))
    else {
        return Ok(Layers { arguments, ..Layers::default() });
    };
    let has_job = command.get_arguments().any(|argument| argument.get_id() == "job");
    let path = has_job.then(|| matches.get_one::<PathBuf>("job")).flatten();
    let Some(path) = path else {
        return Ok(Layers { arguments, ..Layers::default() });
    };
    let job = read::read(path, complete)?;
    let above = Above { command, matches, environment };
    Ok(merge(arguments, job, &above))
}

/// Lets a flag that a job may switch on be switched off again: `--flag=false`.
#[must_use]
pub(crate) fn switchable(argument: Arg) -> Arg {
    let known =
        |key: &table::Setting| key.kind == KeyKind::Switch && Some(key.flag) == argument.get_long();
    if !table::keys().any(known) {
        return argument;
    }
    argument
        .action(ArgAction::Set)
        .value_parser(value_parser!(bool))
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .value_name("true|false")
        .hide_default_value(true)
        .hide_possible_values(true)
}

/// What is above the job.
struct Above<'a> {
    command: &'a Command,
    matches: &'a ArgMatches,
    environment: Environment<'a>,
}

impl Above<'_> {
    /// Whether an argument is typed, or given by the environment.
    fn gives(&self, argument: &Arg) -> bool {
        let id = argument.get_id().as_str();
        match self.matches.value_source(id) {
            Some(ValueSource::CommandLine) => true,
            _ => {
                let name = table::name_of(argument);
                let key =
                    ["key-file", "key-command"].contains(&name).then_some(table::MANAGEMENT_KEY);
                table::variable(name).or(key).is_some_and(|name| (self.environment)(name).is_some())
            }
        }
    }

    fn typed(&self, argument: &Arg) -> bool {
        let id = argument.get_id().as_str();
        self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// Whether a typed argument excludes this one.
    fn excludes(&self, argument: &Arg) -> bool {
        let excluded_by = |one: &Arg, other: &Arg| {
            let excluded = self.command.get_arg_conflicts_with(one);
            excluded.iter().any(|excluded| excluded.get_id() == other.get_id())
        };
        let typed = self.command.get_arguments().filter(|typed| self.typed(typed));
        typed
            .filter(|typed| typed.get_id() != argument.get_id())
            .any(|typed| excluded_by(typed, argument) || excluded_by(argument, typed))
    }

    /// The names that are typed for a flag, as they are compared.
    fn names(&self, flag: &str) -> Vec<String> {
        let argument =
            self.command.get_arguments().find(|argument| argument.get_long() == Some(flag));
        let Some(argument) = argument.filter(|argument| self.typed(argument)) else {
            return Vec::new();
        };
        let values = self.matches.get_raw(argument.get_id().as_str()).into_iter().flatten();
        values
            .map(|value| {
                let text = value.to_string_lossy();
                let pair = text.split_once('=').filter(|_| flag != "ignore");
                normalize(pair.map_or(&*text, |(name, _)| name))
            })
            .collect()
    }

    /// Whether an entry of the job has its say.
    fn leaves(&self, entry: &JobEntry) -> bool {
        let Some(argument) = entry.key.argument(self.command) else { return false };
        if self.excludes(argument) {
            return false;
        }
        if entry.key.kind != KeyKind::Texts && !entry.key.kind.is_table() {
            return !self.gives(argument);
        }
        let text = entry.value.to_string_lossy();
        let name = entry.name.as_deref().unwrap_or(&text);
        match entry.key.flag {
            // A column is either mapped or left out; what is typed of it is the last word.
            "map" | "ignore" => {
                let mut typed = ["map", "ignore"].iter().flat_map(|flag| self.names(flag));
                !typed.any(|typed| typed == normalize(name))
            }
            flag => !self.names(flag).iter().any(|typed| is_same_field(typed, name)),
        }
    }
}

/// Whether two names are the same field in any operation.
fn is_same_field(one: &str, other: &str) -> bool {
    let same = |operation: &Operation| {
        let field = operation.field_index(one);
        field.is_some() && field == operation.field_index(other)
    };
    normalize(one) == normalize(other) || OPERATIONS.iter().any(same)
}

/// The command line with what the job has to say. It comes behind what is typed, since of two
/// that mean the same the first counts.
fn merge(mut arguments: Vec<OsString>, job: Job, above: &Above<'_>) -> Layers {
    let mut lines: HashMap<&'static str, Vec<usize>> = HashMap::new();
    let mut files = Vec::new();
    let mut flags = Vec::new();
    for entry in job.entries.iter().filter(|entry| above.leaves(entry)) {
        lines.entry(entry.key.flag).or_default().push(entry.line);
        if entry.key.argument(above.command).is_some_and(Arg::is_positional) {
            files.push(entry.argument());
        } else {
            flags.push(entry.as_typed());
        }
    }
    let end_of_flags = arguments.iter().position(|argument| argument == OsStr::new("--"));
    let behind = match end_of_flags {
        Some(end) => arguments.split_off(end),
        None => vec![OsString::from("--")],
    };
    arguments.extend(flags.into_iter().chain(behind).chain(files));
    Layers { arguments, job: Some(job.path), lines }
}
