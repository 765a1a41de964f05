//! The keys of a job file: which there are, and which flag each of them is.

use clap::{Arg, Command};

/// What is written behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// A whole number, or a text such as `5%`.
    NumberOrText,
    /// `true` or `false`.
    Switch,
    /// The path of a file or a folder, from the job file's folder.
    Path,
    /// A list of texts; the command line adds to it.
    Texts,
    /// A list of paths; the command line replaces it.
    Paths,
    /// A table of names and texts; the command line adds to it.
    Pairs,
    /// A table of names and values of any simple type; the command line adds to it.
    Values,
}

/// A key of a job file.
#[derive(Debug)]
pub(super) struct Key {
    /// Its tables and its own name, with dots between.
    pub(super) path: &'static str,
    /// The name of the flag, or of the positional argument, that it stands for.
    pub(super) flag: &'static str,
    /// What is written behind it.
    pub(super) kind: KeyKind,
}

const fn key(path: &'static str, flag: &'static str, kind: KeyKind) -> Key {
    Key { path, flag, kind }
}

/// All keys: a new one is a row here.
pub(super) const KEYS: &[Key] = &[
    key("input.files", "files", KeyKind::Paths),
    key("input.format", "format", KeyKind::Text),
    key("input.delimiter", "delimiter", KeyKind::Text),
    key("input.encoding", "encoding", KeyKind::Text),
    key("input.sheet", "sheet", KeyKind::Text),
    key("mapping", "map", KeyKind::Pairs),
    key("rules.operation", "operation", KeyKind::Text),
    key("rules.ignore", "ignore", KeyKind::Texts),
    key("rules.set", "set", KeyKind::Values),
    key("rules.blank", "blank", KeyKind::Text),
    key("rules.blank-of", "blank-of", KeyKind::Pairs),
    key("rules.region", "region", KeyKind::Text),
    key("rules.phones", "phones", KeyKind::Text),
    key("rules.on-conflict", "on-conflict", KeyKind::Text),
    key("rules.allow-destructive", "allow-destructive", KeyKind::Switch),
    key("rules.batch", "batch", KeyKind::Text),
    key("rules.batch-size", "batch-size", KeyKind::Number),
    key("rules.strict", "strict", KeyKind::Switch),
    key("rules.allow", "allow", KeyKind::Texts),
    key("limits.concurrency", "concurrency", KeyKind::Number),
    key("limits.rate", "rate", KeyKind::Text),
    key("limits.max-share", "max-share", KeyKind::NumberOrText),
    key("limits.no-shared-budget", "no-shared-budget", KeyKind::Switch),
    key("limits.connect-timeout", "connect-timeout", KeyKind::Text),
    key("limits.timeout", "timeout", KeyKind::Text),
    key("limits.max-attempts", "max-attempts", KeyKind::Number),
    key("limits.max-failures", "max-failures", KeyKind::NumberOrText),
    key("limits.max-same-failures", "max-same-failures", KeyKind::Number),
    key("limits.max-duration", "max-duration", KeyKind::Text),
    key("project.project-id", "project-id", KeyKind::Text),
    key("project.base-url", "base-url", KeyKind::Text),
    key("project.key-file", "key-file", KeyKind::Path),
    key("output.runs-dir", "runs-dir", KeyKind::Path),
    key("output.out", "out", KeyKind::Path),
    key("output.json", "json", KeyKind::Switch),
    key("output.quiet", "quiet", KeyKind::Switch),
    key("output.log-format", "log-format", KeyKind::Text),
    key("output.resume", "resume", KeyKind::Switch),
    key("output.wait", "wait", KeyKind::Switch),
];

/// Tables, and what each is about.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("input", "What to read"),
    ("mapping", "Columns, and the field that each is taken for"),
    ("rules", "How rows are understood"),
    ("rules.set", "Fields, and the value that each has where a row has none"),
    ("rules.blank-of", "Fields, and what a blank cell of each means, where that differs"),
    ("limits", "How fast to send, and when to give up"),
    ("project", "Whom to speak to; never the management key itself"),
    ("output", "What is written and shown, and where"),
];

/// The variable that holds the management key. It stands in the place of a key file that a job
/// names, but is none.
pub(super) const MANAGEMENT_KEY: &str = "DESCOPE_MANAGEMENT_KEY";

/// Arguments whose value may come from the environment without clap's help.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[("base-url", "DESCOPE_BASE_URL")];

impl KeyKind {
    /// Whether it is a table of names.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Pairs | Self::Values)
    }
}

impl Key {
    /// The argument of a subcommand that it stands for, if it has one.
    pub(super) fn argument<'a>(&self, command: &'a Command) -> Option<&'a Arg> {
        command.get_arguments().find(|argument| name_of(argument) == self.flag)
    }

    /// Its own name, without the tables.
    pub(super) fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

/// The name by which keys know an argument.
pub(super) fn name_of(argument: &Arg) -> &str {
    argument.get_long().unwrap_or_else(|| argument.get_id().as_str())
}

/// The key of a path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names that a table may hold; those of the top for an empty path.
pub(super) fn names_in(table: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for path in KEYS.iter().map(|key| key.path) {
        let rest = if table.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}
