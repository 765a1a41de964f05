//! What of a job is settled by a look at its files, and what its author must settle. Pure.

use super::look::{FileLook, FilesLook};
use crate::catalog::Operation;
use crate::issue::{Issue, Severity};
use crate::report::count;
use crate::rows::{ColumnUse, HeaderReading, Mapping};
use crate::settings::job;

/// What is settled, and what is not.
#[derive(Debug, Default)]
pub(super) struct JobChoices {
    /// The operation of all rows, where it is one.
    pub(super) operation: Option<&'static Operation>,
    /// Where it is not: what decides, if that is known.
    pub(super) decides: Option<&'static str>,
    /// Where that is not: those that it could be.
    pub(super) candidates: Vec<&'static Operation>,
    /// Lines that would map columns that no operation knows.
    pub(super) map: Vec<String>,
    /// Columns that could be left out.
    pub(super) ignore: Vec<String>,
    /// Lines that would set what no column says.
    pub(super) set: Vec<String>,
    /// What must be settled, in words.
    pub(super) open: Vec<String>,
}

impl JobChoices {
    /// By what was found.
    pub(super) fn of(look: &FilesLook, mapping: &Mapping) -> Self {
        let mut settled = Self::default();
        settled.operation(&look.files);
        for file in &look.files {
            settled.unknown(&file.name, &file.reading);
            // Rows of JSON have columns of their own, and are checked one by one.
            if file.format.has_columns() {
                settled.rest(file, mapping);
            }
        }
        settled.checked(look);
        settled
    }

    /// The operation that all rows have, or what decides on it.
    fn operation(&mut self, files: &[FileLook]) {
        let operations: Option<Vec<_>> =
            files.iter().map(|file| file.reading.operation.as_ref().ok().copied()).collect();
        if files.iter().any(|file| !file.is_uniform) {
            self.decides = Some("the keys of each row decide");
            return;
        }
        match operations.as_deref() {
            Some([first, rest @ ..]) if rest.iter().all(|own| own == first) => {
                self.operation = *first;
                self.decides = first.is_none().then_some("each row names its own");
            }
            Some(_) => self.decides = Some("the columns of each file decide"),
            None => {}
        }
    }

    fn unknown(&mut self, file: &str, reading: &HeaderReading) {
        let mut names = Vec::new();
        for (name, used) in &reading.columns {
            let ColumnUse::Unknown(near) = used else { continue };
            names.push(name.as_str());
            if self.ignore.contains(name) {
                continue;
            }
            self.ignore.push(name.clone());
            self.map.push(format!("{} = {}", job::text(name), job::text(near.unwrap_or("FIELD"))));
        }
        if !names.is_empty() {
            self.open.push(format!(
                "{file}: no operation has {}: {}\nname their fields in [mapping], or leave them out with ignore in [rules]",
                count(names.len() as u64, "column"),
                names.join(", ")
            ));
        }
    }

    /// What else is wrong with a header, as if its unknown columns were what they are perhaps, or left
    /// out.
    fn rest(&mut self, file: &FileLook, mapping: &Mapping) {
        let perhaps = file.reading.columns.iter().filter_map(|(name, used)| match used {
            ColumnUse::Unknown(Some(near)) => Some((name.clone(), (*near).to_owned())),
            _ => None,
        });
        let map = mapping.map.iter().cloned().chain(perhaps).collect();
        let names: Vec<String> = file.columns.iter().map(|own| own.name.clone()).collect();
        let lenient = Mapping { ignore_unknown: true, map, ..mapping.clone() };
        let reading = HeaderReading::of(&names, &lenient);
        if file.reading.operation.is_err() {
            // What follows from a guess is one, too.
            let perhaps = reading.operation.as_ref().ok().copied().flatten();
            self.operation = None;
            self.candidates = perhaps.map_or(reading.candidates, |own| vec![own]);
        }
        if let Err(issue) = reading.refused {
            self.refused(&file.name, &issue);
        }
    }

    fn refused(&mut self, file: &str, issue: &Issue) {
        if issue.code == "verified_not_stated"
            && let Some(flag) = &issue.place
        {
            self.set.push(format!("{flag} = true"));
        }
        let hint = issue.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        self.open.push(format!("{file}: {}{hint}", issue.message));
    }

    /// What a check of the rows adds.
    fn checked(&mut self, look: &FilesLook) {
        match &look.checked {
            Ok(report) => {
                for group in &report.groups {
                    let rows = count(group.count, "row");
                    let column = group.column.as_ref().map(|own| format!(" in column {own}"));
                    let column = column.unwrap_or_default();
                    // Messages of these kinds show what stands in the row.
                    let first = group.examples.first().filter(|own| !own.issue.quotes_values());
                    let why = first.map(|own| {
                        // With candidates it shows a value, such as the number that would be sent.
                        let hint = own.issue.hint.as_deref();
                        let hint = hint.filter(|_| own.issue.candidates.is_empty());
                        let hint = hint.map(|hint| format!("\n{hint}"));
                        format!("\n{}{}", own.issue.message, hint.unwrap_or_default())
                    });
                    let severity = match group.severity {
                        Severity::Error => "cannot be sent",
                        Severity::Warning => "may not do what is meant",
                    };
                    self.open.push(format!(
                        "{rows} {severity}: {}{column}{}",
                        group.code,
                        why.unwrap_or_default()
                    ));
                }
                self.open.extend(report.unreadable.clone());
            }
            // What is wrong with a header was told better.
            Err(error) if self.open.is_empty() => self.open.push(error.to_string()),
            Err(_) => {}
        }
    }
}
