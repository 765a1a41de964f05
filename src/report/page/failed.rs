//! Rows that failed: why, counted with examples, and the rows themselves up to a bound. Pure.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};

use super::privacy::{harmless_message, shortened, visible};
use crate::outcome::Status;
use crate::store::results::ResultLine;

/// Different causes kept apart; what comes beyond is one more.
const CAUSES: usize = 256;

/// Examples of a cause.
const EXAMPLES: usize = 3;

/// Different files and operations kept apart.
const NAMES: usize = 10_000;

/// A cause of failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PageCause {
    /// Its stable word.
    pub(super) kind: String,
    /// The server's code.
    pub(super) code: Option<String>,
    /// What the first row with it said, where that may be shown.
    pub(super) message: Option<String>,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// The column at fault in the first row.
    pub(super) column: Option<String>,
    /// How many rows failed for it.
    pub(super) rows: u64,
    /// The places of the first.
    pub(super) examples: Vec<String>,
}

impl PageCause {
    /// Its kind, and the server's code.
    #[must_use]
    pub(super) fn name(&self) -> String {
        let code = self.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{}{code}", self.kind)
    }

    /// It in a few words.
    #[must_use]
    pub(super) fn words(&self) -> String {
        let message = self.message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        format!("{}{message}", self.name())
    }
}

/// A row that failed, as the page has it.
#[derive(Clone, Debug)]
pub(super) struct FailedRow {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) status: Status,
    /// Its file, operation and cause, each by its index.
    pub(super) file: usize,
    pub(super) operation: usize,
    pub(super) cause: usize,
    /// The user, as it may be shown.
    pub(super) user: Box<str>,
    /// What is wrong, where it is shown row by row.
    pub(super) message: Option<Box<str>>,
}

/// Texts that are there once, and known by their index.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) all: Vec<String>,
    index: HashMap<String, usize>,
}

impl Names {
    fn index_of(&mut self, name: &str) -> usize {
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        let name = if self.all.len() < NAMES { name } else { "…" };
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        self.all.push(visible(name));
        self.index.insert(name.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }
}

/// The rows that failed.
#[derive(Debug, Default)]
pub(super) struct FailedRows {
    /// Whether values are shown.
    with_values: bool,
    /// The most rows that are kept.
    most: usize,
    pub(super) files: Names,
    pub(super) operations: Names,
    causes: Vec<PageCause>,
    rows: Vec<FailedRow>,
    /// All rows that failed.
    pub(super) number: u64,
}

impl FailedRows {
    /// None yet, of which so many will be kept.
    pub(super) fn new(most: usize, with_values: bool) -> Self {
        Self { with_values, most, ..Self::default() }
    }

    /// Counts a row, if it failed; then the index of its cause.
    pub(super) fn count(&mut self, line: &ResultLine<'_>) -> Option<usize> {
        if !line.status.is_failure() {
            return None;
        }
        self.number += 1;
        let cause = self.cause_of(line);
        let place = format!("{}:{} (row {})", visible(&line.file), line.line, line.row);
        let known = &mut self.causes[cause];
        known.rows += 1;
        if known.examples.len() < EXAMPLES {
            known.examples.push(place);
        }
        if self.rows.len() == self.most {
            return Some(cause);
        }
        let name = line.login_id.as_deref().unwrap_or_default();
        let shown = |name: &str| if self.with_values { visible(name) } else { shortened(name) };
        let user = if name.is_empty() { String::new() } else { shown(name) };
        let message = line.error.as_ref().map(|error| &error.message);
        self.rows.push(FailedRow {
            row: line.row,
            line: line.line,
            status: line.status,
            file: self.files.index_of(&line.file),
            operation: self.operations.index_of(line.operation.as_deref().unwrap_or_default()),
            cause,
            user: user.into(),
            message: message.filter(|_| self.with_values).map(|said| visible(said).into()),
        });
        Some(cause)
    }

    /// The index of the cause of a row, by the rules of the summary: rows with one code of the server
    /// have one cause, and our own words tell causes apart.
    fn cause_of(&mut self, line: &ResultLine<'_>) -> usize {
        let Some(error) = line.error.as_deref() else {
            return self.cause(PageCause { kind: "(not told)".to_owned(), ..PageCause::default() });
        };
        let message = if self.with_values {
            Some(visible(&error.message))
        } else {
            harmless_message(error, line.status)
        };
        self.cause(PageCause {
            kind: visible(&error.code),
            code: error.server_code.as_deref().map(visible),
            message,
            hint: error.hint.as_deref().map(visible),
            column: error.place.as_deref().map(visible),
            ..PageCause::default()
        })
    }

    fn cause(&mut self, cause: PageCause) -> usize {
        let same = |own: &PageCause| {
            (&own.kind, &own.code) == (&cause.kind, &cause.code)
                && (own.code.is_some() || own.message == cause.message)
        };
        if let Some(index) = self.causes.iter().position(same) {
            return index;
        }
        if self.causes.len() > CAUSES {
            return CAUSES;
        }
        let is_last = self.causes.len() == CAUSES;
        let others = || PageCause { kind: "(other causes)".to_owned(), ..PageCause::default() };
        self.causes.push(if is_last { others() } else { cause });
        self.causes.len() - 1
    }

    /// Ends counting: the rows in the order of the input.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable_by_key(|row| row.row);
    }

    /// The causes by their index.
    #[must_use]
    pub(super) fn causes(&self) -> &[PageCause] {
        &self.causes
    }

    /// The rows that are kept.
    #[must_use]
    pub(super) fn rows(&self) -> &[FailedRow] {
        &self.rows
    }

    /// The rows as the page's script reads them.
    #[must_use]
    pub(super) fn json(&self) -> ScriptJson {
        let one = |row: &FailedRow| {
            let status = Status::ALL.iter().position(|own| *own == row.status);
            let mut cells = vec![
                json!(row.row),
                json!(row.file),
                json!(row.line),
                json!(status),
                json!(row.operation),
                json!(row.cause),
                json!(row.user),
            ];
            cells.extend(row.message.as_ref().map(|message| json!(message)));
            Value::from(cells)
        };
        let causes: Vec<_> = self.causes.iter().map(PageCause::words).collect();
        let kinds: Vec<_> = self.causes.iter().map(PageCause::name).collect();
        ScriptJson::of(&json!({
            "files": self.files.all,
            "operations": self.operations.all,
            "statuses": Status::ALL.map(Status::word),
            "causes": causes,
            "kinds": kinds,
            "rows": self.rows.iter().map(one).collect::<Vec<_>>(),
        }))
    }
}

/// JSON as it may stand in a `<script>` element: nothing in it ends the element or begins a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScriptJson(String);

impl ScriptJson {
    /// That of a value.
    pub(super) fn of(value: &Value) -> Self {
        let json = value.to_string();
        let mut escaped = String::with_capacity(json.len() + json.len() / 64);
        // All of these occur within strings only.
        for character in json.chars() {
            match character {
                '<' => escaped.push_str("\\u003c"),
                '>' => escaped.push_str("\\u003e"),
                '&' => escaped.push_str("\\u0026"),
                '\u{2028}' => escaped.push_str("\\u2028"),
                '\u{2029}' => escaped.push_str("\\u2029"),
                other => escaped.push(other),
            }
        }
        Self(escaped)
    }
}

impl fmt::Display for ScriptJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(row: u64, error: &Value) -> ResultLine<'static> {
        let text = json!({
            "file": "in.csv", "row": row, "line": row + 1, "operation": "phone",
            "loginId": format!("user{row}@example.com"), "status": "rejected", "attempts": 1,
            "durationMs": 1, "finishedAt": "2026-11-24T04:06:25.383Z", "error": error,
        });
        ResultLine::parse(&text.to_string()).unwrap()
    }

    #[test]
    fn json_cannot_end_its_element() {
        let hostile = json!(["</script>", "<!--", "]]>", "&amp;", "\u{2028}", "\"'\\"]);
        let escaped = ScriptJson::of(&hostile).to_string();
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}']), "{escaped}");
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), hostile);
    }

    #[test]
    fn rows_are_kept_up_to_the_bound_and_all_are_counted() {
        let mut failed = FailedRows::new(3, false);
        for row in (1..=10).rev() {
            failed.count(&line(row, &json!({"kind": "refused", "message": format!("no {row}")})));
        }
        failed.sort();
        assert_eq!((failed.number, failed.rows().len()), (10, 3));
        assert_eq!(failed.rows()[0].row, 8);
        assert_eq!(&*failed.rows()[0].user, "us…@example.com");
        assert_eq!(failed.causes().len(), 1, "the server's words tell nothing apart");
        assert_eq!(failed.causes()[0].rows, 10);
        assert_eq!(failed.causes()[0].examples.len(), EXAMPLES);
        assert!(!failed.json().to_string().contains("no 8"));
    }

    #[test]
    fn the_memory_for_causes_is_bounded() {
        let mut failed = FailedRows::new(0, true);
        for row in 0..1_000 {
            failed.count(&line(row, &json!({"kind": format!("k{row}"), "message": "x"})));
        }
        assert_eq!(failed.causes().len(), CAUSES + 1);
        let rows: u64 = failed.causes().iter().map(|cause| cause.rows).sum();
        assert_eq!(rows, 1_000);
    }
}
