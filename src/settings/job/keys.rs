//! The keys of a job file: which there are, and which flag each of them is.

use clap::{Arg, Command};

/// What is written behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
    pub(super) kind: Kind,
}

const fn key(path: &'static str, flag: &'static str, kind: Kind) -> Key {
    Key { path, flag, kind }
}

/// All keys: a new one is a row here.
pub(super) const KEYS: &[Key] = &[
    key("input.files", "files", Kind::Paths),
    key("input.format", "format", Kind::Text),
    key("input.delimiter", "delimiter", Kind::Text),
    key("input.encoding", "encoding", Kind::Text),
    key("input.sheet", "sheet", Kind::Text),
    key("mapping", "map", Kind::Pairs),
    key("rules.operation", "operation", Kind::Text),
    key("rules.ignore", "ignore", Kind::Texts),
    key("rules.set", "set", Kind::Values),
    key("rules.blank", "blank", Kind::Text),
    key("rules.blank-of", "blank-of", Kind::Pairs),
    key("rules.region", "region", Kind::Text),
    key("rules.phones", "phones", Kind::Text),
    key("rules.on-conflict", "on-conflict", Kind::Text),
    key("rules.allow-destructive", "allow-destructive", Kind::Switch),
    key("rules.batch", "batch", Kind::Text),
    key("rules.batch-size", "batch-size", Kind::Number),
    key("rules.strict", "strict", Kind::Switch),
    key("rules.allow", "allow", Kind::Texts),
    key("limits.concurrency", "concurrency", Kind::Number),
    key("limits.rate", "rate", Kind::Text),
    key("limits.max-share", "max-share", Kind::NumberOrText),
    key("limits.no-shared-budget", "no-shared-budget", Kind::Switch),
    key("limits.connect-timeout", "connect-timeout", Kind::Text),
    key("limits.timeout", "timeout", Kind::Text),
    key("limits.max-attempts", "max-attempts", Kind::Number),
    key("limits.max-failures", "max-failures", Kind::NumberOrText),
    key("limits.max-same-failures", "max-same-failures", Kind::Number),
    key("limits.max-duration", "max-duration", Kind::Text),
    key("project.project-id", "project-id", Kind::Text),
    key("project.base-url", "base-url", Kind::Text),
    key("project.key-file", "key-file", Kind::Path),
    key("output.runs-dir", "runs-dir", Kind::Path),
    key("output.out", "out", Kind::Path),
    key("output.json", "json", Kind::Switch),
    key("output.quiet", "quiet", Kind::Switch),
    key("output.log-format", "log-format", Kind::Text),
    key("output.resume", "resume", Kind::Switch),
    key("output.wait", "wait", Kind::Switch),
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

impl Kind {
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
