//! Settings: refused where they name what no operation has, or say one thing twice.

use std::sync::Arc;

use super::attributes;
use super::column_map::is_known;
use super::hashed_passwords;
use super::mapping::Mapping;
use super::refusals::{nearest, not_a_field};
use crate::catalog::{OPERATIONS, Role, normalize};
use crate::exit::Error;
use crate::input::record::Source;
use crate::rows::values;

/// Whether a name is that of an operation's field, or of a custom attribute.
#[must_use]
pub fn is_field(name: &str) -> bool {
    is_known(name)
        || attributes::of_column(name).is_some()
        || hashed_passwords::of_column(name).is_some()
}

impl Mapping {
    /// Refuses a mapping that names what no operation has, before there is anything to read.
    pub fn check(&self) -> Result<(), Error> {
        check_settings(self)
    }
}

/// Refuses settings that name what no operation has.
fn check_settings(mapping: &Mapping) -> Result<(), Error> {
    check_said_once(mapping)?;
    for (column, field) in &mapping.map {
        let special = ["operation", "region"].contains(&normalize(field).as_str());
        if !is_field(field) && !special {
            return Err(Error::refused(format!(
                "--map {column}={field}: no operation has a field {field}{}",
                nearest(field)
            )));
        }
    }
    for (field, _) in &mapping.blank_of {
        if !is_field(field) {
            return Err(Error::refused(format!(
                "--blank-of {field}: no operation has a field {field}{}",
                nearest(field)
            )));
        }
    }
    for (field, value) in &mapping.set {
        if hashed_passwords::is_settable(field) {
            continue;
        }
        if hashed_passwords::of_column(field).is_some() {
            return Err(secret_set(field));
        }
        if !is_known(field) {
            return Err(Error::refused(format!(
                "--set {field}={value}: no operation has a field {field}{}",
                nearest(field)
            )));
        }
        if let Some(operation) = mapping.operation
            && operation.field_index(field).is_none()
        {
            return Err(Error::refused(format!(
                "--set {field}: {}",
                not_a_field(operation, field).message
            )));
        }
        if value.trim().is_empty() {
            return Err(Error::refused(format!(
                "--set {field}= has no value; to remove a value, leave its cells blank and add --blank clear"
            )));
        }
        check_set_value(mapping, field, value)?;
    }
    Ok(())
}

/// Refuses two settings for one thing, of which one would win silently.
fn check_said_once(mapping: &Mapping) -> Result<(), Error> {
    let twice = |flag: &str, one: &str, other: &str| {
        Err(Error::refused(format!("{flag} {one} and {flag} {other}: given twice; give it once")))
    };
    for (i, (column, _)) in mapping.map.iter().enumerate() {
        if let Some((first, _)) =
            mapping.map[..i].iter().find(|(c, _)| normalize(c) == normalize(column))
        {
            return twice("--map", first, column);
        }
    }
    let set: Vec<&str> = mapping.set.iter().map(|(field, _)| field.as_str()).collect();
    let blank_of: Vec<&str> = mapping.blank_of.iter().map(|(field, _)| field.as_str()).collect();
    for (flag, fields) in [("--set", set), ("--blank-of", blank_of)] {
        for (i, field) in fields.iter().enumerate() {
            if let Some(first) = fields[..i].iter().find(|other| is_same(field, other)) {
                return twice(flag, first, field);
            }
        }
    }
    Ok(())
}

/// Whether two names stand for one field of an operation, or for one custom attribute.
fn is_same(one: &str, other: &str) -> bool {
    let field = OPERATIONS.iter().any(|operation| {
        let index = operation.field_index(one);
        index.is_some() && index == operation.field_index(other)
    });
    let attribute = attributes::of_column(one);
    field || (attribute.is_some() && attribute == attributes::of_column(other))
}

fn secret_set(name: &str) -> Error {
    Error::refused(format!(
        "--set {name}: secrets do not belong on the command line, which other users can read\n  put it in a column of the file"
    ))
}

/// Refuses a value that no operation could take for its field.
fn check_set_value(mapping: &Mapping, name: &str, value: &str) -> Result<(), Error> {
    let operations =
        OPERATIONS.iter().filter(|op| mapping.operation.is_none_or(|only| only == *op));
    let fields = operations.filter_map(|op| op.field_index(name).map(|index| &op.fields[index]));
    let mut refusal = None;
    for field in fields {
        if matches!(field.role, Role::Secret(_)) {
            return Err(secret_set(name));
        }
        match values::from_cell(field.kind, value, mapping.reading()) {
            Ok(_) => return Ok(()),
            Err(refused) => refusal = Some(refused),
        }
    }
    refusal.map_or(Ok(()), |issue| {
        Err(Error::refused(format!(
            "--set {name}: {}\n  {}",
            issue.message,
            issue.hint.unwrap_or_default()
        )))
    })
}

/// Refuses a mapping of a column that no file has; keys of JSON rows are not known ahead.
pub(super) fn check_map(mapping: &Mapping, sources: &[Arc<Source>]) -> Result<(), Error> {
    if sources.iter().any(|source| !source.format.has_columns()) {
        return Ok(());
    }
    for (column, field) in &mapping.map {
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
