//! Whether a value is right: each is judged by the flag that it is for.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::entry::JobEntry;
use crate::api::address;
use crate::catalog::OPERATIONS;
use crate::rows::Mapping;

/// What a flag has against a value, or against what the job lacks beside it.
pub(super) fn complaint(run: &Command, entry: &JobEntry, job: &[JobEntry]) -> Option<String> {
    let argument = entry.key.argument(run)?;
    if argument.is_positional() {
        return None;
    }
    let typed = [OsString::from("run"), entry.as_typed(), "--".into(), "-".into()];
    let Err(error) = run.clone().try_get_matches_from(typed) else {
        return complaint_of_others(entry);
    };
    let strings = |kind| match error.get(kind) {
        Some(ContextValue::Strings(strings)) => strings.as_slice(),
        _ => &[],
    };
    match error.kind() {
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            Some(why.unwrap_or_else(|| "this value is not accepted".to_owned()))
        }
        ErrorKind::InvalidValue => Some(match strings(ContextKind::ValidValue) {
            [] => "it must not be blank".to_owned(),
            valid => format!("use one of: {}", valid.join(", ")),
        }),
        // With the file that stands in for one. What keys exclude is looked at elsewhere.
        ErrorKind::ArgumentConflict => None,
        ErrorKind::MissingRequiredArgument => {
            let flags = strings(ContextKind::InvalidArg)
                .iter()
                .filter_map(|usage| usage.strip_prefix("--")?.split(['[', ' ', '=']).next());
            let mut lacking = flags.filter(|flag| !job.iter().any(|other| other.key.flag == *flag));
            lacking.next().map(|flag| format!("it also needs `{flag}`"))
        }
        _ => Some("this value is not accepted".to_owned()),
    }
}

/// What is wrong with a value that its flag takes all the same, since others judge it.
fn complaint_of_others(entry: &JobEntry) -> Option<String> {
    let text = || entry.value.to_string_lossy();
    match entry.key.flag {
        "project-id" => address::check_project_id(text().trim()).err().map(|e| e.to_string()),
        "base-url" => address::base_url(&text()).err().map(|e| e.to_string()),
        _ => complaint_of_rules(entry),
    }
}

/// What the rules of rows have against a name or its value.
fn complaint_of_rules(entry: &JobEntry) -> Option<String> {
    let pair = (entry.name.clone()?, entry.value.to_str()?.to_owned());
    let rules = match entry.key.flag {
        "map" => Mapping { map: vec![pair], ..Mapping::default() },
        "set" => Mapping { set: vec![pair], ..Mapping::default() },
        _ => return None,
    };
    let complaint = rules.check().err()?.to_string();
    // Their complaints begin with the flag and the value, which the line shows.
    let rest = complaint.split_once(": ").map(|(_, rest)| rest.to_owned());
    Some(rest.unwrap_or(complaint))
}

/// Whether a name is that of a field whose values are secret.
pub(super) fn is_secret_field(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| {
        let field = operation.field_index(name).map(|index| &operation.fields[index]);
        field.is_some_and(|field| field.kind.is_secret())
    })
}
