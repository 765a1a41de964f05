//! What a command line says already, though it is not complete.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::{ArgMatches, FromArgMatches};

use super::columns;
use crate::catalog::{Field, OPERATIONS, Operation};
use crate::rows::{ColumnUse, HeaderReading, Mapping};
use crate::settings::Environment;
use crate::settings::cli::findings::FindingArgs;
use crate::settings::cli::run::RowArgs;
use crate::settings::{config, job};

/// What a command line says already: of its job file, too, if it names one.
#[derive(Debug, Default)]
pub(super) struct LineFacts {
    files: Vec<PathBuf>,
    rows: Option<RowArgs>,
    mapping: Mapping,
    columns: OnceLock<Vec<String>>,
}

impl LineFacts {
    /// Those of the words, but for the one that is being typed.
    pub(super) fn of(words: &[OsString], cursor: usize, environment: Environment<'_>) -> Self {
        let mut words = words.to_vec();
        // What is not typed yet would be a mistake, and hide what stands behind it.
        words.drain(awaiting(&words, cursor)..words.len().min(cursor + 1));
        let root = crate::settings::cli::command();
        let with_job = job::apply(&root, words.clone(), environment);
        let words = with_job.map_or(words, |layers| layers.arguments);
        let matches = root.clone().ignore_errors(true).try_get_matches_from(words);
        let Ok(Some((name, matches))) = matches.as_ref().map(ArgMatches::subcommand) else {
            return Self::default();
        };
        // Reading arguments that a command does not have is a defect.
        let takes_rows = root.find_subcommand(name).is_some_and(|command| {
            let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
            has("files") && has("map") && has("allow")
        });
        if takes_rows { Self::of_rows(matches) } else { Self::default() }
    }

    fn of_rows(matches: &ArgMatches) -> Self {
        let files = matches.get_many::<PathBuf>("files").unwrap_or_default();
        let files = files.cloned().collect();
        let rows = RowArgs::from_arg_matches(matches).ok();
        let findings = FindingArgs::from_arg_matches(matches).ok();
        let mapping = rows.as_ref().zip(findings).map(|(rows, own)| config::mapping(rows, &own));
        Self { files, rows, mapping: mapping.unwrap_or_default(), columns: OnceLock::new() }
    }

    /// The columns of the files that are named, in their order.
    pub(super) fn columns(&self) -> &[String] {
        self.columns.get_or_init(|| {
            let Some(rows) = &self.rows else { return Vec::new() };
            let mut names: Vec<String> = Vec::new();
            for request in config::requests(&self.files, rows).iter().take(FILES) {
                for name in columns::columns(request) {
                    if !names.contains(&name) && !name.trim().is_empty() {
                        names.push(name);
                    }
                }
            }
            names
        })
    }

    /// The columns with what each stands for.
    pub(super) fn uses(&self) -> Vec<(String, ColumnUse)> {
        HeaderReading::of(self.columns(), &self.mapping).columns
    }

    /// The operation that the rows have: that which is named, or the one that all columns fit.
    fn operation(&self) -> Option<&'static Operation> {
        let inferred = || {
            let reading = HeaderReading::of(self.columns(), &self.mapping);
            let is_known = |(_, used): &(String, ColumnUse)| !matches!(used, ColumnUse::Unknown(_));
            // What is not settled yet may make it another one.
            reading
                .columns
                .iter()
                .all(is_known)
                .then_some(reading.operation.ok())
                .flatten()
                .flatten()
        };
        self.mapping.operation.or_else(inferred)
    }

    /// The fields that rows may have: those of their operation, or of all where none is known.
    pub(super) fn fields(&self) -> Vec<&'static Field> {
        fields_of(self.operation())
    }

    /// The fields that a column may be mapped to, by which the operation may become another.
    pub(super) fn mappable(&self) -> Vec<&'static Field> {
        fields_of(self.mapping.operation)
    }
}

fn fields_of(operation: Option<&'static Operation>) -> Vec<&'static Field> {
    if let Some(operation) = operation {
        return operation.fields.iter().collect();
    }
    let mut fields: Vec<&Field> = Vec::new();
    for field in OPERATIONS.iter().flat_map(|operation| operation.fields) {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    fields
}

/// How many files are looked at: those of one run are mostly alike, and somebody is waiting.
const FILES: usize = 3;

/// Where the word at the cursor begins, with the option that it is the value of.
fn awaiting(words: &[OsString], cursor: usize) -> usize {
    let option = cursor.checked_sub(1).and_then(|index| words.get(index));
    let option = option.and_then(|word| word.to_str()).unwrap_or_default();
    let takes_value = option.starts_with('-') && option != "--" && !option.contains('=');
    (cursor - usize::from(takes_value)).min(words.len())
}
