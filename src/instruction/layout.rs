//! Layouts: what the columns of a file, or the keys of a JSON row, stand for.
//!
//! Settled once for each set of names. The operation is the row's own, the one that was
//! asked for, or the only one that the columns fit.

use std::sync::Arc;

use crate::catalog::{Field, Kind, Need, OPERATIONS, Operation, USER, normalize};
use crate::clean;
use crate::exit::Error;
use crate::record::{ADDED_COLUMNS, Problem, Source};

use super::Rules;

/// What a column stands for in rows of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// It is left out, or names the operation.
    Nothing,
    /// The operation's field of this index.
    Field(usize),
    /// A field that only other operations have: it must be blank.
    OtherField,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Ignored,
    Operation,
    Named(String),
}

/// What the columns stand for.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    columns: Vec<Column>,
    operation: Option<&'static Operation>,
    bound: Vec<(&'static str, Arc<Bound>)>,
}

impl Layout {
    /// Settles what column names stand for.
    pub(super) fn resolve(names: &[String], rules: &Rules) -> Result<Self, Problem> {
        let columns: Vec<Column> = names.iter().map(|name| column(name, rules)).collect();
        let fields = || {
            columns.iter().zip(names).filter_map(|(column, name)| match column {
                Column::Named(field) => Some((field.as_str(), name)),
                _ => None,
            })
        };
        if let Some((_, name)) = fields().find(|(field, _)| !is_known(field)) {
            return Err(unknown_column(name));
        }
        let operation = if columns.contains(&Column::Operation) {
            None
        } else if rules.operation.is_some() {
            rules.operation
        } else {
            let named: Vec<&str> = fields().map(|(field, _)| field).collect();
            Some(infer(&named, rules)?)
        };
        if let Some(operation) = operation {
            if let Some((_, name)) = fields().find(|(f, _)| operation.field_index(f).is_none()) {
                return Err(not_a_field(operation, name));
            }
            check_twice(operation, fields())?;
        }
        Ok(Self { columns, operation, bound: Vec::new() })
    }

    /// Refuses a header whose rows could never be valid.
    pub(super) fn check_header(&self, rules: &Rules) -> Result<(), Problem> {
        let Some(operation) = self.operation else {
            return Ok(());
        };
        if let (Some(why), false) = (operation.destructive, rules.allow_destructive) {
            return Err(destructive(operation, why));
        }
        let has = |wanted: &str| {
            let stands_for = |name: &str| {
                operation.field_index(name).is_some_and(|i| operation.fields[i].name == wanted)
            };
            self.columns.iter().any(|c| matches!(c, Column::Named(name) if stands_for(name)))
                || rules.set.iter().any(|(name, _)| stands_for(name))
        };
        for field in operation.fields {
            match field.need {
                Need::Required if !has(field.name) => {
                    return Err(Problem::new(
                        "missing_column",
                        format!("no column gives {}, which {} needs", field.name, operation.name),
                    )
                    .hint(format!(
                        "add a column {}, or say which column it is: --map COLUMN={}",
                        field.name, field.name
                    )));
                }
                Need::With(other) if has(other) && !has(field.name) => {
                    return Err(unstated(field, other));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The operation of every row, unless rows name their own.
    pub(super) fn operation(&self) -> Option<&'static Operation> {
        self.operation
    }

    /// The column that names a row's operation.
    pub(super) fn operation_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| *column == Column::Operation)
    }

    /// The column that names the user.
    pub(super) fn user_column(&self) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| matches!(column, Column::Named(name) if names_user(name)))
    }

    /// What columns and settings stand for in rows of an operation; settled once for each.
    pub(super) fn bind(&mut self, operation: &'static Operation, rules: &Rules) -> Arc<Bound> {
        if let Some((_, bound)) = self.bound.iter().find(|(name, _)| *name == operation.name) {
            return Arc::clone(bound);
        }
        let means = self.columns.iter().map(|column| match column {
            Column::Ignored | Column::Operation => Means::Nothing,
            Column::Named(name) => {
                operation.field_index(name).map_or(Means::OtherField, Means::Field)
            }
        });
        let bound = Arc::new(Bound { means: means.collect(), sets: sets(operation, rules) });
        self.bound.push((operation.name, Arc::clone(&bound)));
        bound
    }
}

/// What columns and settings stand for in rows of one operation.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// For each column.
    pub(super) means: Vec<Means>,
    /// For each `--set` that the operation has a field for; values before the flags that go with
    /// them.
    pub(super) sets: Vec<Set>,
}

/// A `--set` for a field of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    /// Its index among the rules.
    pub(super) rule: usize,
    /// The index of the field.
    pub(super) field: usize,
    /// The index of the value that it is a flag of.
    pub(super) goes_with: Option<usize>,
}

fn sets(operation: &Operation, rules: &Rules) -> Vec<Set> {
    let set = |(rule, (name, _)): (usize, &(String, String))| {
        let field = operation.field_index(name)?;
        let goes_with = match operation.fields[field].need {
            Need::With(other) => operation.index_of(other),
            Need::Required | Need::Optional => None,
        };
        Some(Set { rule, field, goes_with })
    };
    let mut sets: Vec<Set> = rules.set.iter().enumerate().filter_map(set).collect();
    sets.sort_by_key(|set| set.goes_with.is_some());
    sets
}

fn column(name: &str, rules: &Rules) -> Column {
    let same = |other: &str| normalize(other) == normalize(name);
    if ADDED_COLUMNS.contains(&name) || rules.ignore.iter().any(|ignored| same(ignored)) {
        return Column::Ignored;
    }
    let mapped = rules.map.iter().find(|(column, _)| same(column)).map(|(_, field)| field.as_str());
    let field = mapped.unwrap_or(name);
    if normalize(field) == "operation" {
        Column::Operation
    } else {
        Column::Named(field.to_owned())
    }
}

fn names_user(name: &str) -> bool {
    let wanted = normalize(name);
    std::iter::once(&USER.name).chain(USER.aliases).any(|known| normalize(known) == wanted)
}

fn is_known(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.field_index(name).is_some())
}

fn check_twice<'a>(
    operation: &Operation,
    fields: impl Iterator<Item = (&'a str, &'a String)>,
) -> Result<(), Problem> {
    let mut taken: Vec<(usize, &str)> = Vec::new();
    for (field, name) in fields {
        let Some(index) = operation.field_index(field) else {
            continue;
        };
        if let Some((_, first)) = taken.iter().find(|(other, _)| *other == index) {
            return Err(Problem::new(
                "duplicate_field",
                format!(
                    "the columns {first} and {name} both give {}",
                    operation.fields[index].name
                ),
            )
            .at(name)
            .hint(format!("leave one of them out: --ignore {name:?}")));
        }
        taken.push((index, name));
    }
    Ok(())
}

/// The one operation that columns fit; several fields of a user make a patch.
///
/// Operations that take things away wholesale are never inferred.
fn infer(columns: &[&str], rules: &Rules) -> Result<&'static Operation, Problem> {
    let set = rules.set.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = columns.iter().copied().chain(set).collect();
    let values = || names.iter().filter(|name| !names_user(name));
    if values().next().is_none() {
        return Err(Problem::new("no_operation", "no column says what to change")
            .hint("add a column such as phone, or name the operation with --operation"));
    }
    let fits = |operation: &&'static Operation| {
        let takes_all = names.iter().all(|name| operation.field_index(name).is_some());
        let has = |field: &Field| {
            names.iter().any(|name| {
                operation.field_index(name).is_some_and(|i| operation.fields[i].name == field.name)
            })
        };
        let needs_met = operation.fields.iter().skip(1).all(|f| f.need != Need::Required || has(f));
        operation.destructive.is_none() && takes_all && needs_met
    };
    let candidates: Vec<_> =
        OPERATIONS.iter().filter(fits).filter(|operation| operation.name != "patch").collect();
    match candidates[..] {
        [only] => Ok(only),
        [] => OPERATIONS.iter().filter(fits).find(|op| op.name == "patch").ok_or_else(|| {
            Problem::new(
                "no_operation",
                format!("no operation takes these columns together: {}", names.join(", ")),
            )
            .hint("name it in a column operation, or with --operation; `descope-bulk operations` lists the fields of each")
        }),
        _ => {
            let names: Vec<_> = candidates.iter().map(|operation| operation.name).collect();
            Err(Problem::new(
                "ambiguous_operation",
                format!("the columns fit several operations: {}", names.join(", ")),
            )
            .hint("say which with --operation NAME, or in a column operation"))
        }
    }
}

/// Refuses settings that name what no operation has.
pub(super) fn check_settings(rules: &Rules) -> Result<(), Error> {
    check_said_once(rules)?;
    for (column, field) in &rules.map {
        if !is_known(field) && normalize(field) != "operation" {
            return Err(Error::refused(format!(
                "--map {column}={field}: no operation has a field {field}{}",
                nearest(field)
            )));
        }
    }
    for (field, value) in &rules.set {
        if !is_known(field) {
            return Err(Error::refused(format!(
                "--set {field}={value}: no operation has a field {field}{}",
                nearest(field)
            )));
        }
        if let Some(operation) = rules.operation
            && operation.field_index(field).is_none()
        {
            return Err(Error::refused(format!(
                "--set {field}: {}",
                not_a_field(operation, field).message
            )));
        }
        if value.trim().is_empty() {
            return Err(Error::refused(format!(
                "--set {field}= has no value; to remove a value, leave its cells blank and say --blank clear"
            )));
        }
        check_set_value(rules, field, value)?;
    }
    Ok(())
}

/// Refuses two settings for one thing, of which one would win silently.
fn check_said_once(rules: &Rules) -> Result<(), Error> {
    let twice = |flag: &str, one: &str, other: &str| {
        Err(Error::refused(format!(
            "{flag} {one} and {flag} {other}: it is said twice; say it once"
        )))
    };
    for (i, (column, _)) in rules.map.iter().enumerate() {
        if let Some((first, _)) =
            rules.map[..i].iter().find(|(c, _)| normalize(c) == normalize(column))
        {
            return twice("--map", first, column);
        }
    }
    for (i, (field, _)) in rules.set.iter().enumerate() {
        let same = |other: &str| {
            OPERATIONS.iter().any(|op| {
                op.field_index(field).is_some() && op.field_index(field) == op.field_index(other)
            })
        };
        if let Some((first, _)) = rules.set[..i].iter().find(|(other, _)| same(other)) {
            return twice("--set", first, field);
        }
    }
    Ok(())
}

/// Refuses a value that no operation could take for its field.
fn check_set_value(rules: &Rules, name: &str, value: &str) -> Result<(), Error> {
    let operations = OPERATIONS.iter().filter(|op| rules.operation.is_none_or(|only| only == *op));
    let fields = operations.filter_map(|op| op.field_index(name).map(|index| &op.fields[index]));
    let mut complaint = None;
    for field in fields {
        if field.kind == Kind::Secret {
            return Err(Error::refused(format!(
                "--set {name}: secrets do not belong on a command line, which others can read\n  put it into a column of the file"
            )));
        }
        match clean::from_cell(field.kind, value) {
            Ok(_) => return Ok(()),
            Err(refused) => complaint = Some(refused),
        }
    }
    complaint.map_or(Ok(()), |complaint| {
        Err(Error::refused(format!("--set {name}: {}\n  {}", complaint.message, complaint.hint)))
    })
}

/// Refuses a mapping of a column that no file has; keys of JSON rows are not known ahead.
pub(super) fn check_map(rules: &Rules, sources: &[Arc<Source>]) -> Result<(), Error> {
    if sources.iter().any(|source| !source.format.has_columns()) {
        return Ok(());
    }
    for (column, field) in &rules.map {
        let wanted = normalize(column);
        let found = sources.iter().any(|s| s.columns.iter().any(|c| normalize(c) == wanted));
        if !found {
            let columns: Vec<_> =
                sources.iter().flat_map(|s| &s.columns).map(String::as_str).collect();
            return Err(Error::refused(format!(
                "--map {column}={field}: no file has a column {column}; there are {}",
                columns.join(", ")
            )));
        }
    }
    Ok(())
}

/// The refusal of a file for its header.
pub(super) fn refusal(file: &str, problem: &Problem) -> Error {
    let column =
        problem.column.as_ref().map(|column| format!(" column {column}:")).unwrap_or_default();
    let hint = problem.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
    Error::refused(format!("{file}:1:{column} {}{hint}", problem.message))
}

fn unknown_column(name: &str) -> Problem {
    Problem::new("unknown_field", format!("no operation has a field {name}{}", nearest(name)))
        .at(name)
        .hint(format!("say what it is, --map {name:?}=FIELD, or leave it out, --ignore {name:?}"))
}

/// `; did you mean …?` with the field whose name is nearest, if one is near.
fn nearest(name: &str) -> String {
    const NEAR: f64 = 0.8;
    let wanted = normalize(name);
    OPERATIONS
        .iter()
        .flat_map(|operation| operation.fields)
        .map(|field| (strsim::jaro_winkler(&normalize(field.name), &wanted), field.name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

pub(super) fn not_a_field(operation: &Operation, name: &str) -> Problem {
    let fields: Vec<_> = operation.fields.iter().map(|field| field.name).collect();
    Problem::new(
        "unknown_field",
        format!("{name} is no field of {}, which takes {}", operation.name, fields.join(", ")),
    )
    .at(name)
    .hint(format!("leave it out with --ignore {name:?}, or choose another operation"))
}

pub(super) fn unknown_operation(name: &str) -> Problem {
    let wanted = normalize(name);
    let best = OPERATIONS
        .iter()
        .map(|operation| {
            (strsim::jaro_winkler(&normalize(operation.name), &wanted), operation.name)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or("", |(_, name)| name);
    Problem::new("unknown_operation", format!("there is no operation {name}; did you mean {best}?"))
        .hint("`descope-bulk operations` lists them")
}

pub(super) fn no_operation() -> Problem {
    Problem::new("no_operation", "the row does not say what to do")
        .hint("name an operation in the column operation, or with --operation")
}

pub(super) fn destructive(operation: &Operation, why: &str) -> Problem {
    Problem::new("destructive", format!("{} is destructive: {why}", operation.name))
        .hint("patch keeps what is not sent; if the removal is meant, say --allow-destructive")
}

pub(super) fn unstated(field: &Field, value: &str) -> Problem {
    Problem::new(
        "verified_not_stated",
        format!(
            "nothing says whether the new {value} is verified; an unverified one locks the user out of signing in with it"
        ),
    )
    .at(field.name)
    .hint(format!("add a column {0}, or say it for all rows: --set {0}=true", field.name))
}
