//! Hashed passwords that have columns of their own: `hashedPassword.bcrypt`.

use std::borrow::Cow;

use super::cell::Cell;
use super::mapping::Mapping;
use crate::catalog::{Kind, Operation};
use crate::change::Value;
use crate::issue::Issue;
use crate::rows::values::password_hash::{self, HashColumn, HashForm};

/// Parts that are the same for many users and give nothing away, so that they may be set for all rows.
const SETTABLE: [&str; 6] = ["iterations", "memory", "threads", "rounds", "type", "saltSeparator"];

/// What a name stands for that is one of a hashed password, and is known.
#[must_use]
pub(super) fn of_column(name: &str) -> Option<HashColumn> {
    password_hash::of_column(name)?.ok()
}

/// Whether what a name stands for may be set for all rows.
#[must_use]
pub(super) fn is_settable(name: &str) -> bool {
    of_column(name).and_then(|own| own.part).is_some_and(|part| SETTABLE.contains(&part))
}

/// The index of the field that takes hashed passwords.
#[must_use]
pub(super) fn field(operation: &Operation) -> Option<usize> {
    operation.fields.iter().position(|field| field.kind == Kind::PasswordHash)
}

/// What the columns of a row give of a hashed password.
#[derive(Default)]
pub(super) struct HashCells<'a> {
    cells: Vec<(HashColumn, Cow<'a, str>, &'a str)>,
}

impl<'a> HashCells<'a> {
    /// Takes in a cell of a column; a blank one gives nothing.
    pub(super) fn add(&mut self, column: HashColumn, cell: Cell<'a>, name: &'a str) {
        if cell.is_blank() {
            return;
        }
        let text = match cell {
            Cell::Text(text) => text.into(),
            Cell::Json(_) => cell.shown().into(),
        };
        self.cells.push((column, text, name));
    }

    /// The hashed password that they come to, with what is set for all rows.
    pub(super) fn value(self, mapping: &'a Mapping) -> Result<Option<Value<'static>>, Issue> {
        let Some((HashColumn { form, part }, _, name)) = self.cells.first() else {
            return Ok(None);
        };
        let (form, name) = (*form, *name);
        if let Some((_, _, other)) = self.cells.iter().find(|(own, ..)| own.form != form) {
            return Err(Issue::error(
                "duplicate_field",
                "the row has hashed passwords of two forms",
            )
            .at(*other)
            .hint("keep one of them"));
        }
        let json = match (part, &self.cells[..]) {
            (None, [(_, text, _)]) => password_hash::of_text(form, text),
            _ if self.cells.len() > 1 && self.cells.iter().any(|(own, ..)| own.part.is_none()) => {
                let (_, _, other) = &self.cells[1];
                return Err(Issue::error("duplicate_field", "the hashed password is given twice")
                    .at(*other)
                    .hint("give the whole of it, or its parts"));
            }
            _ => self.of_parts(form, mapping),
        };
        match json {
            Ok(json) => Ok(Some(Value::Json(json.into()))),
            Err(issue) => Err(self.placed(issue, name)),
        }
    }

    fn of_parts(&self, form: HashForm, mapping: &'a Mapping) -> Result<String, Issue> {
        let given = self.cells.iter().filter_map(|(own, text, _)| Some((own.part?, &**text)));
        let mut parts: Vec<(&str, &str)> = given.collect();
        for (name, text) in &mapping.set {
            let Some(HashColumn { form: own, part: Some(part) }) = of_column(name) else {
                continue;
            };
            if own == form && !parts.iter().any(|(given, _)| *given == part) {
                parts.push((part, text));
            }
        }
        password_hash::of_parts(form, &parts)
    }

    /// The issue at the column of the file: it stands at the part's name, if it is about one.
    fn placed(&self, issue: Issue, first: &str) -> Issue {
        let part = issue.place.as_deref().and_then(of_column).and_then(|own| own.part);
        let column = self.cells.iter().find(|(own, ..)| part.is_some() && own.part == part);
        issue.at(column.map_or(first, |(_, _, name)| name))
    }
}
