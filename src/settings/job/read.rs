//! Reading a job file: from its text to values for flags, each with its place.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Command;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::entry::JobEntry;
use super::judge::{complaint, is_secret_field};
use super::problems::{self, Problem, ProblemPlace};
use crate::catalog::normalize;
use crate::exit::Error;
use crate::objects::is_object_url;
use crate::settings::table::{self, KeyKind, Setting, TABLES};

/// A job file that was read and found right.
#[derive(Debug)]
pub(super) struct Job {
    /// The file, as it was named.
    pub(super) path: PathBuf,
    /// What it says, in its order.
    pub(super) entries: Vec<JobEntry>,
}

/// The most values of a job: each is looked at closely.
const MOST_VALUES: usize = 5_000;

/// Reads a job file. `run` is the command that has a flag for every key.
pub(super) fn read(path: &Path, run: &Command) -> Result<Job, Error> {
    let text = text(path)?;
    let (document, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        let problems = errors.iter().map(syntax).collect();
        return Err(problems::refuse(path, &text, problems));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reading = JobReader { text: &text, folder, entries: Vec::new(), problems: Vec::new() };
    reading.table("", document.get_ref());
    if reading.entries.len() > MOST_VALUES {
        let what =
            format!("{}: more than {MOST_VALUES} values are too many for a job", path.display());
        return Err(Error::refused(what));
    }
    reading.entries.sort_by_key(|entry| entry.span.start);
    reading.check_values(run);
    reading.check_twice();
    reading.check_conflicts(run);
    let JobReader { entries, problems, .. } = reading;
    if !problems.is_empty() {
        return Err(problems::refuse(path, &text, problems));
    }
    if entries.is_empty() {
        return Err(Error::refused(format!(
            "{}: the job file is empty; write at least [input] and files = [\"…\"]",
            path.display()
        )));
    }
    Ok(Job { path: path.to_owned(), entries })
}

/// The text of a job file, bounded.
fn text(path: &Path) -> Result<String, Error> {
    // A job is written by hand; whatever is longer is another file.
    const MOST: u64 = 1 << 20;
    let refuse = |what: String| Error::refused(format!("the job file {} {what}", path.display()));
    let failed = |error: std::io::Error| refuse(format!("cannot be read: {error}"));
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(refuse("is a folder; name the file in it".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(refuse(format!("holds more than {MOST} bytes: so it is not a job file")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&error.as_bytes()[..valid]).matches('\n').count() + 1;
        refuse(format!("is not UTF-8 in line {line}; save it as UTF-8"))
    })
}

fn syntax(error: &toml::de::Error) -> Problem {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    Problem::new(error.span().unwrap_or_default(), message)
}

struct JobReader<'a> {
    text: &'a str,
    folder: &'a Path,
    entries: Vec<JobEntry>,
    problems: Vec<Problem>,
}

type TomlValue<'i> = Spanned<DeValue<'i>>;

impl JobReader<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let whole =
                if path.is_empty() { name.get_ref().to_string() } else { format!("{path}.{name}") };
            // A name with a dot in it, in quotes, is not a path.
            let whole = if name.get_ref().contains('.') { "" } else { whole.as_str() };
            if let Some(key) = table::find(whole) {
                self.key(key, value);
            } else if TABLES.iter().any(|(table, _)| *table == whole) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(whole, table),
                    _ => self.problems.push(
                        Problem::new(name.span(), format!("`{name}` is a table")).hint(format!(
                            "write [{whole}] on a line of its own, with its keys below"
                        )),
                    ),
                }
            } else {
                self.problems.push(unknown(path, name));
            }
        }
    }

    fn key(&mut self, key: &'static Setting, value: &TomlValue<'_>) {
        match (key.kind, value.get_ref()) {
            (KeyKind::Texts | KeyKind::Paths, DeValue::Array(values)) => {
                for value in values {
                    self.single(key, None, value);
                }
            }
            (KeyKind::Pairs | KeyKind::Values, DeValue::Table(table)) => {
                for (name, value) in table {
                    if is_secret_field(name.get_ref()) && key.flag == "set" {
                        self.problems.push(
                            Problem::new(name.span(), "a job file must not contain secrets")
                                .hint("put it in a column of the input"),
                        );
                    } else {
                        self.single(key, Some(name), value);
                    }
                }
            }
            (KeyKind::Texts | KeyKind::Paths | KeyKind::Pairs | KeyKind::Values, _) => {
                self.wrong(key, value);
            }
            _ => self.single(key, None, value),
        }
    }

    fn single(
        &mut self,
        key: &'static Setting,
        name: Option<&Spanned<DeString<'_>>>,
        value: &TomlValue<'_>,
    ) {
        let Some(text) = text_of(key.kind, value.get_ref()) else {
            return self.wrong(key, value);
        };
        let paths = matches!(key.kind, KeyKind::Path | KeyKind::Paths);
        if paths && text.is_empty() {
            return self.problems.push(Problem::new(value.span(), "the path is blank"));
        }
        if paths && problems::looks_like_key(&text) {
            return self.problems.push(
                Problem::new(value.span(), "this looks like a management key, not like a path")
                    .hint("put the key in a file that only you can read, and name that file"),
            );
        }
        if name.is_some_and(|name| name.get_ref().contains('=')) {
            return self.problems.push(
                Problem::new(
                    value.span(),
                    "a name that contains `=` cannot be told apart from its value",
                )
                .hint("rename the column"),
            );
        }
        let value_for_flag = if paths { self.resolved(&text) } else { text.into() };
        let span = name.map_or_else(|| value.span(), Spanned::span);
        self.entries.push(JobEntry {
            key,
            name: name.map(|name| name.get_ref().trim().to_owned()),
            value: value_for_flag,
            line: ProblemPlace::of(self.text, span.start).line,
            span,
        });
    }

    /// A path as seen from where we are: it is written as seen from the job file.
    fn resolved(&self, path: &str) -> OsString {
        if path == "-" || is_object_url(Path::new(path)) {
            return path.into();
        }
        let from_here = self.folder.join(path);
        let shorter = without_detours(&from_here);
        let same = |a: &Path, b: &Path| {
            fs::canonicalize(a).ok().zip(fs::canonicalize(b).ok()).is_some_and(|(a, b)| a == b)
        };
        // With links on the way, `a/..` may be another place than nothing.
        if same(&from_here, &shorter) { shorter.into() } else { from_here.into() }
    }

    fn wrong(&mut self, key: &'static Setting, value: &TomlValue<'_>) {
        let (is, write) = match key.kind {
            KeyKind::Text => ("a text", "it in quotes: \"…\""),
            KeyKind::Path => ("a path", "it in quotes: \"…\""),
            KeyKind::Number => ("a whole number", "it without quotes"),
            KeyKind::NumberOrText => ("a whole number or a text", "5 or \"5%\""),
            KeyKind::Switch => ("true or false", "one of them, without quotes"),
            KeyKind::Texts | KeyKind::Paths => ("a list of texts", "it in brackets: [\"…\"]"),
            KeyKind::Pairs => {
                ("a table of texts", "lines such as name = \"text\" below its heading")
            }
            KeyKind::Values => (
                "a table of texts, whole numbers, true and false",
                "lines such as name = \"text\" below its heading",
            ),
        };
        let found = value.get_ref().type_str();
        self.problems.push(
            Problem::new(value.span(), format!("`{}` takes {is}, not this {found}", key.path))
                .hint(format!("write {write}")),
        );
    }

    /// Has each value judged by the flag that it is for.
    fn check_values(&mut self, run: &Command) {
        for entry in &self.entries {
            if let Some(complaint) = complaint(run, entry, &self.entries) {
                self.problems.push(Problem::new(
                    entry.span.clone(),
                    format!("`{}`: {complaint}", entry.key.path),
                ));
            }
        }
    }

    /// Refuses names that are written in two ways: one of the two would be passed over.
    fn check_twice(&mut self) {
        let mut seen = HashMap::new();
        for entry in &self.entries {
            let Some(name) = &entry.name else { continue };
            match seen.entry((entry.key.path, normalize(name))) {
                Vacant(new) => {
                    new.insert(entry.line);
                }
                Occupied(earlier) => self.problems.push(
                    Problem::new(
                        entry.span.clone(),
                        format!("this is the same name as in line {}", earlier.get()),
                    )
                    .hint("remove one of them: case, spaces, `_` and `-` are ignored in names"),
                ),
            }
        }
    }

    /// Refuses keys that cannot stand beside each other.
    fn check_conflicts(&mut self, run: &Command) {
        let mut seen: Vec<&JobEntry> = Vec::new();
        for entry in &self.entries {
            if seen.iter().any(|earlier| earlier.key.path == entry.key.path) {
                continue;
            }
            if let Some(earlier) = seen.iter().find(|e| conflict(run, entry.key, e.key)) {
                self.problems.push(
                    Problem::new(
                        entry.span.clone(),
                        format!(
                            "`{}` cannot be combined with `{}` in line {}",
                            entry.key.path, earlier.key.path, earlier.line
                        ),
                    )
                    .hint("remove one of them"),
                );
            }
            seen.push(entry);
        }
    }
}

/// Whether two keys exclude each other, by what their flags say.
fn conflict(run: &Command, one: &Setting, other: &Setting) -> bool {
    let excludes = |one: &Setting, other: &Setting| {
        one.argument(run).is_some_and(|argument| {
            let excluded = run.get_arg_conflicts_with(argument);
            excluded.into_iter().any(|excluded| table::name_of(excluded) == other.flag)
        })
    };
    excludes(one, other) || excludes(other, one)
}

fn unknown(table: &str, name: &Spanned<DeString<'_>>) -> Problem {
    let (span, name) = (name.span(), name.get_ref());
    if problems::is_secret(name) {
        let what = "a job file must not contain keys or other secrets";
        return Problem::new(span, what).hint(
            "write key-file = \"PATH\" below [project], or set DESCOPE_MANAGEMENT_KEY; \
             if the file has been shared or is in git, the key is no longer secret: make a new one",
        );
    }
    let place = if table.is_empty() { "a job file".to_owned() } else { format!("[{table}]") };
    let problem = Problem::new(span, format!("there is no `{name}` in {place}"));
    let known = table::names_in(table);
    let wanted = normalize(name);
    let elsewhere = || {
        let key = table::keys().find(|key| normalize(key.name()) == wanted)?;
        let (table, name) = key.path.rsplit_once('.')?;
        Some(format!("`{name}` belongs in [{table}]"))
    };
    if let Some(near) = nearest(&wanted, &known) {
        problem.hint(format!("did you mean `{near}`?"))
    } else if let Some(hint) = elsewhere() {
        problem.hint(hint)
    } else {
        problem.hint(format!("known are: {}", known.join(", ")))
    }
}

fn nearest<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.85;
    let score = |name: &&'a str| (strsim::jaro_winkler(&normalize(name), wanted), *name);
    let near = known.iter().map(score).filter(|(score, _)| *score >= NEAR);
    near.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

/// A value as a flag takes it; `None` where the key takes another type.
fn text_of(kind: KeyKind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (
            KeyKind::Text
            | KeyKind::Path
            | KeyKind::NumberOrText
            | KeyKind::Texts
            | KeyKind::Paths
            | KeyKind::Pairs
            | KeyKind::Values,
            DeValue::String(text),
        ) => Some(text.to_string()),
        (KeyKind::Number | KeyKind::NumberOrText | KeyKind::Values, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string())
        }
        (KeyKind::Switch | KeyKind::Values, DeValue::Boolean(switch)) => Some(switch.to_string()),
        _ => None,
    }
}

/// A path without `.`, and without `x/..`.
fn without_detours(path: &Path) -> PathBuf {
    use std::path::Component;

    let mut short = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(short.components().next_back(), Some(Component::Normal(_))) =>
            {
                short.pop();
            }
            component => short.push(component),
        }
    }
    short
}
