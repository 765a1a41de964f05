//! What can be typed for an option, with what is known of the line.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use clap::builder::{Str, StyledStr};
use clap::{Arg, Command, ValueEnum, ValueHint};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};

use super::line::LineFacts;
use crate::catalog::{Kind, OPERATIONS, Role};
use crate::input::looks_like_input;
use crate::rows::values::AttributeType;
use crate::rows::{Blank, ColumnUse, Region};

/// Has every argument of a command and its subcommands completed with what fits it.
pub(super) fn with_values(command: Command, facts: &Arc<LineFacts>) -> Command {
    let command = command.mut_args(|argument| with_value(argument, facts));
    command.mut_subcommands(|subcommand| with_values(subcommand, facts))
}

fn with_value(argument: Arg, facts: &Arc<LineFacts>) -> Arg {
    let name = argument.get_value_names().and_then(<[_]>::first).map(Str::as_str);
    let long = argument.get_long().map(str::to_owned);
    let known = |list: fn(&LineFacts, &str) -> Vec<Suggestion>| Some((list, Arc::clone(facts)));
    let list = match (long.as_deref(), name) {
        (Some("operation"), _) | (None, Some("NAME")) => known(|_, _| operations()),
        (Some("map"), _) => known(mapped),
        (Some("set"), _) => known(set),
        (Some("where"), _) => known(|facts, _| columns(facts, "=")),
        (Some("ignore"), _) => known(|facts, _| ignored(facts)),
        (Some("only"), _) => known(|facts, _| columns(facts, "")),
        (Some("blank-of"), _) => known(blank_of),
        (Some("attribute"), Some("NAME=TYPE")) => known(attributes),
        (Some("region"), _) => known(|_, _| regions()),
        _ => None,
    };
    let path = path_kind(long.as_deref(), name);
    match list {
        Some((list, facts)) => argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
            starting_with(typed, |typed| list(&facts, typed))
        })),
        None => with_path(argument, path),
    }
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum PathKind {
    Input,
    Job,
    Folder,
    Any,
}

fn path_kind(long: Option<&str>, name: Option<&str>) -> PathKind {
    match (long, name) {
        (Some("job"), _) => PathKind::Job,
        (None, Some("FILE")) => PathKind::Input,
        (_, Some("DIR" | "RUN" | "RUNS")) => PathKind::Folder,
        _ => PathKind::Any,
    }
}

fn with_path(argument: Arg, kind: PathKind) -> Arg {
    match kind {
        PathKind::Any => argument,
        PathKind::Folder => argument.value_hint(ValueHint::DirPath),
        PathKind::Job => {
            let is_job = |path: &Path| path.extension().is_some_and(|own| own == "toml");
            argument.add(ArgValueCompleter::new(files(is_job)))
        }
        PathKind::Input => argument.add(ArgValueCompleter::new(files(looks_like_input))),
    }
}

/// Files that are wanted, or all if there are none, and the folders on the way to them.
fn files(
    is_wanted: fn(&Path) -> bool,
) -> impl Fn(&OsStr) -> Vec<CompletionCandidate> + Send + Sync {
    move |typed| {
        let wanted = PathCompleter::any().filter(move |path| path.is_file() && is_wanted(path));
        let found = wanted.complete(typed);
        let is_file =
            |own: &CompletionCandidate| !own.get_value().as_encoded_bytes().ends_with(b"/");
        if found.iter().any(is_file) { found } else { PathCompleter::file().complete(typed) }
    }
}

/// A value, and what it is.
struct Suggestion {
    value: String,
    help: Option<String>,
}

impl Suggestion {
    fn new(value: impl Into<String>, help: impl Into<String>) -> Self {
        Self { value: value.into(), help: Some(help.into()) }
    }

    fn bare(value: impl Into<String>) -> Self {
        Self { value: value.into(), help: None }
    }
}

/// The candidates that begin as is typed, or do but for case.
fn starting_with(
    typed: &OsStr,
    list: impl FnOnce(&str) -> Vec<Suggestion>,
) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    let fits = list(typed).into_iter().filter(|own| own.value.starts_with(typed));
    fits.map(|Suggestion { value, help }| {
        CompletionCandidate::new(value).help(help.map(StyledStr::from))
    })
    .collect()
}

fn operations() -> Vec<Suggestion> {
    OPERATIONS.iter().map(|own| Suggestion::new(own.name, own.about)).collect()
}

fn columns(facts: &LineFacts, end: &str) -> Vec<Suggestion> {
    let uses = facts.uses().into_iter();
    uses.map(|(name, use_of)| Suggestion::new(name + end, in_words(&use_of))).collect()
}

/// Columns to leave out: those that no operation knows come first.
fn ignored(facts: &LineFacts) -> Vec<Suggestion> {
    let mut uses = facts.uses();
    uses.sort_by_key(|(_, own)| !matches!(own, ColumnUse::Unknown(_)));
    uses.into_iter().map(|(name, own)| Suggestion::new(name, in_words(&own))).collect()
}

/// `COLUMN=`, those that no operation knows first; then `COLUMN=FIELD`.
fn mapped(facts: &LineFacts, typed: &str) -> Vec<Suggestion> {
    let columns = ignored(facts).into_iter();
    let columns = columns.map(|own| Suggestion { value: own.value + "=", help: own.help });
    let mut all: Vec<Suggestion> = columns.filter(|own| own.value != typed).collect();
    // A column's name may hold `=`, a field's does not.
    if let Some((column, _)) = typed.rsplit_once('=') {
        let special = [("operation", "the row's operation"), ("region", "the row's region")];
        let fields = facts.mappable().into_iter().map(|field| (field.name, field.about));
        let fields = fields.chain(special);
        all.extend(fields.map(|(name, about)| Suggestion::new(format!("{column}={name}"), about)));
    }
    all
}

/// `FIELD=`, or `FIELD=VALUE` where there are few values.
fn set(facts: &LineFacts, typed: &str) -> Vec<Suggestion> {
    let fields = facts.fields().into_iter();
    let settable = fields.filter(|field| !matches!(field.role, Role::Secret(_) | Role::User));
    let mut all = Vec::new();
    for field in settable {
        let own = format!("{}=", field.name);
        let values: &[&str] = match field.kind {
            Kind::Boolean => &["true", "false"],
            Kind::OneOf(words) => words,
            _ => &[],
        };
        if values.is_empty() || !typed.starts_with(&own) {
            all.push(Suggestion::new(own, field.about));
        } else {
            all.extend(values.iter().map(|value| Suggestion::bare(format!("{own}{value}"))));
        }
    }
    all
}

/// `FIELD=`, then `FIELD=POLICY`.
fn blank_of(facts: &LineFacts, typed: &str) -> Vec<Suggestion> {
    let fields = facts.fields().into_iter();
    let fields = fields.map(|field| (field.name.to_owned(), field.about.to_owned()));
    with_words::<Blank>(fields, typed)
}

/// `NAME=`, then `NAME=TYPE`.
fn attributes(facts: &LineFacts, typed: &str) -> Vec<Suggestion> {
    let uses = facts.uses().into_iter();
    let attributes = uses.filter_map(|(column, own)| match own {
        ColumnUse::Attribute(name) => Some((name, format!("of the column {column}"))),
        _ => None,
    });
    with_words::<AttributeType>(attributes, typed)
}

/// `NAME=`, then `NAME=WORD` with the words of a setting.
fn with_words<W: ValueEnum>(
    names: impl Iterator<Item = (String, String)>,
    typed: &str,
) -> Vec<Suggestion> {
    let words = W::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
    let mut all = Vec::new();
    for (name, about) in names {
        let own = name + "=";
        if typed.starts_with(&own) {
            all.extend(words.iter().map(|word| Suggestion::bare(format!("{own}{word}"))));
        } else {
            all.push(Suggestion::new(own, about));
        }
    }
    all
}

fn regions() -> Vec<Suggestion> {
    Region::all().map(|region| Suggestion::bare(region.to_string())).collect()
}

/// What a column stands for, in words.
fn in_words(column: &ColumnUse) -> String {
    match column {
        ColumnUse::Field(field) => format!("the field {field}"),
        ColumnUse::Attribute(name) => format!("the custom attribute {name}"),
        ColumnUse::PasswordHash => "a hashed password".to_owned(),
        ColumnUse::Operation => "the operation of each row".to_owned(),
        ColumnUse::Region => "the region of phone numbers".to_owned(),
        ColumnUse::LeftOut => "left out".to_owned(),
        ColumnUse::Unknown(Some(near)) => format!("no field has this name; perhaps {near}"),
        ColumnUse::Unknown(None) => "no field has this name".to_owned(),
        ColumnUse::Unnamed => "without a name".to_owned(),
    }
}
