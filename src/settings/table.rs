//! The table of settings: each setting of a run once, with its flag, its key in a job file, and
//! whether a run is resumed with the same value only.
//!
//! What a setting takes, what it is by default, its group and its help are its flag's, in `cli`.
//! Job files and their schema, `--show-settings`, what the journal and the summary hold, and the
//! documents follow from here.

use jiff::tz::TimeZone;

use clap::{Arg, Command, ValueEnum};
use serde_json::{Map, Value, json};

use super::cli::run::RunArgs;
use crate::input::record::{Delimiter, Encoding, Format};
use crate::limiter::RemoteAddress;
use crate::outcome::milliseconds;
use crate::shard::{SHARD, Shard};

/// What is written behind a key of a job file.
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

/// Whether a run is resumed with the same value only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// It is: the setting changes what is sent, or to whom.
    Part,
    /// It is not.
    Apart,
    /// The inputs themselves, which are compared by their content.
    Inputs,
}

/// The settings of a run, as they were resolved.
pub(super) struct Resolved<'a> {
    /// What was typed, with the job file and the environment under it.
    pub(super) args: &'a RunArgs,
    /// The project's ID, and the base URL of its API; nothing in a rehearsal.
    pub(super) project: Option<(&'a str, &'a str)>,
    /// The shard that it is, if it is one.
    pub(super) shard: Option<Shard>,
}

/// The name and the value of a setting in the files of a run.
type Recorded = (&'static str, fn(&Resolved<'_>) -> Value);

/// A setting of a run.
#[derive(Debug)]
pub(super) struct Setting {
    /// The name of the flag, or of the positional argument.
    pub(super) flag: &'static str,
    /// Its key in a job file: its tables and its own name, with dots between; empty for none.
    pub(super) path: &'static str,
    /// What is written behind the key.
    pub(super) kind: KeyKind,
    /// Whether it belongs to a run's identity.
    pub(super) binding: Binding,
    /// How it is in the summary, and in the journal if it is part of the identity.
    recorded: Option<Recorded>,
}

/// A setting with a key in job files; it changes nothing of what is sent unless it says so.
const fn key(path: &'static str, flag: &'static str, kind: KeyKind) -> Setting {
    Setting { flag, path, kind, binding: Binding::Apart, recorded: None }
}

/// A setting of the command line alone.
const fn flag(flag: &'static str, kind: KeyKind) -> Setting {
    key("", flag, kind)
}

impl Setting {
    /// The same, recorded and part of the run's identity.
    const fn identity(mut self, name: &'static str, value: fn(&Resolved<'_>) -> Value) -> Self {
        self.binding = Binding::Part;
        self.recorded(name, value)
    }

    /// The same, recorded.
    const fn recorded(mut self, name: &'static str, value: fn(&Resolved<'_>) -> Value) -> Self {
        self.recorded = Some((name, value));
        self
    }

    /// The same, whose value is what the inputs hold.
    const fn inputs(mut self) -> Self {
        self.binding = Binding::Inputs;
        self
    }
}

/// All settings of `run`, but those of the simulator, which are its own: a new one is a row here.
pub(super) const SETTINGS: &[Setting] = &[
    key("input.files", "files", KeyKind::Paths).inputs(),
    key("input.inbox", "inbox", KeyKind::Path).inputs(),
    key("input.settle", "settle", KeyKind::Text).inputs(),
    key("input.expect-by", "expect-by", KeyKind::Text).inputs(),
    key("input.format", "format", KeyKind::Text)
        .identity("format", |run| json!(run.args.rows.format.map(Format::extension))),
    key("input.delimiter", "delimiter", KeyKind::Text)
        .identity("delimiter", |run| json!(run.args.rows.delimiter.map(Delimiter::name))),
    key("input.encoding", "encoding", KeyKind::Text)
        .identity("encoding", |run| json!(run.args.rows.encoding.map(Encoding::name))),
    key("input.sheet", "sheet", KeyKind::Text).identity("sheet", |run| json!(run.args.rows.sheet)),
    key("mapping", "map", KeyKind::Pairs).identity("map", |run| pairs(&run.args.rows.map)),
    key("rules.operation", "operation", KeyKind::Text).identity("operation", |run| {
        json!(run.args.rows.operation.map(|operation| operation.name))
    }),
    key("rules.ignore", "ignore", KeyKind::Texts)
        .identity("ignore", |run| json!(run.args.rows.ignore)),
    key("rules.ignore-unknown", "ignore-unknown", KeyKind::Switch)
        .identity("ignoreUnknown", |run| json!(run.args.rows.ignore_unknown)),
    key("rules.only", "only", KeyKind::Texts).identity("only", |run| json!(run.args.rows.only)),
    key("input.short-rows", "short-rows", KeyKind::Text)
        .identity("shortRows", |run| word(run.args.rows.short_rows)),
    key("input.where", "where", KeyKind::Pairs)
        .identity("where", |run| pairs(&run.args.rows.conditions)),
    key("input.skip", "skip", KeyKind::Number).identity("skip", |run| json!(run.args.rows.skip)),
    key("input.limit", "limit", KeyKind::Number)
        .identity("limit", |run| json!(run.args.rows.limit)),
    key("input.shard", "shard", KeyKind::Text)
        .identity(SHARD, |run| json!(run.shard.map(|shard| shard.to_string()))),
    key("input.header-row", "header-row", KeyKind::Number)
        .identity("headerRow", |run| json!(run.args.rows.header_row)),
    key("input.hidden", "hidden", KeyKind::Text)
        .identity("hidden", |run| json!(run.args.rows.hidden.map(word))),
    key("input.allow-empty", "allow-empty", KeyKind::Switch)
        .recorded("allowEmpty", |run| json!(run.args.rows.allow_empty)),
    key("rules.list-separator", "list-separator", KeyKind::Text)
        .identity("listSeparator", |run| word(run.args.rows.list_separator)),
    key("rules.attribute", "attribute", KeyKind::Pairs).identity("attribute", |run| {
        let stated = run.args.rows.attribute.iter();
        stated.map(|(name, kind)| (name.clone(), word(*kind))).collect::<Map<_, _>>().into()
    }),
    key("rules.set", "set", KeyKind::Values).identity("set", |run| pairs(&run.args.rows.set)),
    key("rules.blank", "blank", KeyKind::Text).identity("blank", |run| word(run.args.rows.blank)),
    key("rules.blank-of", "blank-of", KeyKind::Pairs).identity("blankOf", |run| {
        let blank_of = run.args.rows.blank_of.iter();
        blank_of.map(|(field, blank)| (field.clone(), word(*blank))).collect::<Map<_, _>>().into()
    }),
    key("rules.region", "region", KeyKind::Text)
        .identity("region", |run| json!(run.args.rows.region.map(|region| region.to_string()))),
    key("rules.phones", "phones", KeyKind::Text)
        .identity("phones", |run| word(run.args.rows.phones)),
    key("rules.on-conflict", "on-conflict", KeyKind::Text)
        .identity("onConflict", |run| word(run.args.rows.on_conflict)),
    key("rules.allow-destructive", "allow-destructive", KeyKind::Switch)
        .identity("allowDestructive", |run| json!(run.args.rows.allow_destructive)),
    key("rules.invite", "invite", KeyKind::Switch)
        .identity("invite", |run| json!(run.args.rows.invite)),
    key("rules.batch", "batch", KeyKind::Text).recorded("batch", |run| word(run.args.rows.batch)),
    key("rules.batch-size", "batch-size", KeyKind::Number)
        .recorded("batchSize", |run| json!(run.args.rows.batch_size)),
    key("rules.strict", "strict", KeyKind::Switch).recorded("strict", |run| json!(run.args.strict)),
    key("rules.allow", "allow", KeyKind::Texts)
        .identity("allow", |run| json!(run.args.findings.allow)),
    key("rules.skip-unchanged", "skip-unchanged", KeyKind::Switch)
        .recorded("skipUnchanged", |run| json!(run.args.before.skip_unchanged)),
    key("rules.on-drift", "on-drift", KeyKind::Text)
        .recorded("onDrift", |run| word(run.args.before.on_drift)),
    key("output.no-keep-before", "no-keep-before", KeyKind::Switch)
        .recorded("keepBefore", |run| json!(!run.args.before.no_keep_before)),
    key("limits.max-deletes", "max-deletes", KeyKind::NumberOrText)
        .recorded("maxDeletes", |run| json!(run.args.before.max_deletes.to_string())),
    key("limits.protect", "protect", KeyKind::Paths)
        .recorded("protect", |run| json!(run.args.before.protect)),
    key("limits.canary", "canary", KeyKind::Number)
        .recorded("canary", |run| json!(run.args.before.canary)),
    key("limits.concurrency", "concurrency", KeyKind::Number)
        .recorded("concurrency", |run| json!(run.args.pace.concurrency)),
    key("limits.rate", "rate", KeyKind::Text)
        .recorded("rate", |run| json!(run.args.pace.rate.map(|rate| rate.to_string()))),
    key("limits.max-share", "max-share", KeyKind::NumberOrText).recorded("maxShare", |run| {
        json!(run.args.pace.rate.is_none().then_some(run.args.pace.max_share))
    }),
    key("limits.no-shared-budget", "no-shared-budget", KeyKind::Switch).recorded(
        "sharedBudget",
        |run| {
            let pace = &run.args.pace;
            let is_shared = !pace.no_shared_budget && pace.rate.is_none();
            json!(is_shared || pace.budget.is_some())
        },
    ),
    // Whatever is not an address may hold a password.
    key("limits.budget", "budget", KeyKind::Text).recorded("budget", |run| {
        let url = run.args.pace.budget.as_deref();
        let address = url.and_then(|url| RemoteAddress::parse(url, None).ok());
        json!(address.map(|address| address.to_string()))
    }),
    key("limits.budget-password-file", "budget-password-file", KeyKind::Path),
    key("limits.budget-lost", "budget-lost", KeyKind::Text)
        .recorded("budgetLost", |run| word(run.args.pace.budget_lost)),
    key("limits.budget-hosts", "budget-hosts", KeyKind::Number)
        .recorded("budgetHosts", |run| json!(run.args.pace.budget_hosts)),
    key("limits.between", "between", KeyKind::Texts).recorded("between", |run| {
        json!(run.args.hours.between.iter().map(ToString::to_string).collect::<Vec<_>>())
    }),
    key("limits.tz", "tz", KeyKind::Text)
        .recorded("tz", |run| json!(run.args.hours.tz.as_ref().and_then(TimeZone::iana_name))),
    key("limits.outside", "outside", KeyKind::Text)
        .recorded("outside", |run| word(run.args.hours.outside)),
    key("limits.connect-timeout", "connect-timeout", KeyKind::Text)
        .recorded("connectTimeoutMs", |run| json!(milliseconds(run.args.pace.connect_timeout))),
    key("limits.timeout", "timeout", KeyKind::Text)
        .recorded("timeoutMs", |run| json!(milliseconds(run.args.pace.timeout))),
    key("limits.max-attempts", "max-attempts", KeyKind::Number)
        .recorded("maxAttempts", |run| json!(run.args.limits.max_attempts)),
    key("limits.max-invalid", "max-invalid", KeyKind::NumberOrText)
        .recorded("maxInvalid", |run| json!(run.args.limits.max_invalid.to_string())),
    key("limits.no-preflight", "no-preflight", KeyKind::Switch)
        .recorded("preflight", |run| json!(!run.args.limits.no_preflight)),
    key("limits.max-failures", "max-failures", KeyKind::NumberOrText)
        .recorded("maxFailures", |run| {
            json!(run.args.limits.max_failures.map(|most| most.to_string()))
        }),
    key("limits.max-same-failures", "max-same-failures", KeyKind::Number)
        .recorded("maxSameFailures", |run| json!(run.args.limits.max_same_failures)),
    key("limits.max-duration", "max-duration", KeyKind::Text)
        .recorded("maxDurationMs", |run| json!(run.args.limits.max_duration.map(milliseconds))),
    key("project.project-id", "project-id", KeyKind::Text)
        .identity("projectId", |run| json!(run.project.map(|(id, _)| id))),
    key("project.base-url", "base-url", KeyKind::Text)
        .identity("baseUrl", |run| json!(run.project.map(|(_, url)| url))),
    key("project.protected", "protected", KeyKind::Switch)
        .recorded("protected", |run| json!(run.args.before.protected)),
    key("project.key-file", "key-file", KeyKind::Path),
    key("project.key-command", "key-command", KeyKind::Text),
    key("notify.check", "notify", KeyKind::Text),
    key("notify.webhooks", "notify-webhook", KeyKind::Texts),
    key("notify.slack", "notify-slack", KeyKind::Texts),
    key("notify.commands", "notify-command", KeyKind::Texts),
    key("notify.when", "notify-when", KeyKind::Text),
    key("output.metrics-file", "metrics-file", KeyKind::Path),
    key("output.runs-dir", "runs-dir", KeyKind::Path),
    key("output.out", "out", KeyKind::Path),
    key("output.mirror", "mirror", KeyKind::Text)
        .recorded("mirror", |run| json!(run.args.mirror.mirror.as_ref().map(ToString::to_string))),
    key("output.mirror-lease", "mirror-lease", KeyKind::Text).recorded("mirrorLeaseMs", |run| {
        let is_mirrored = run.args.mirror.mirror.is_some();
        json!(is_mirrored.then(|| milliseconds(run.args.mirror.mirror_lease)))
    }),
    key("output.serve", "serve", KeyKind::Text)
        .recorded("serve", |run| json!(run.args.output.serve.map(|own| own.to_string()))),
    key("output.serve-public", "serve-public", KeyKind::Switch)
        .recorded("servePublic", |run| json!(run.args.output.serve_public)),
    // Its URL may hold a secret.
    key("output.otlp", "otlp", KeyKind::Text)
        .recorded("otlp", |run| json!(run.args.output.otlp.is_some())),
    key("output.keep-users", "keep-users", KeyKind::Text)
        .recorded("keepUsers", |run| word(run.args.leaving.keep_users)),
    key("output.compress-results", "compress-results", KeyKind::Switch)
        .recorded("compressResults", |run| json!(run.args.leaving.compress_results)),
    key("output.results", "results", KeyKind::Texts).recorded("results", |run| {
        json!(run.args.leaving.results.iter().map(|form| word(*form)).collect::<Vec<_>>())
    }),
    key("output.result-fields", "result-fields", KeyKind::Texts)
        .recorded("resultFields", |run| json!(run.args.leaving.result_fields)),
    key("output.encrypt-to", "encrypt-to", KeyKind::Texts)
        .recorded("encrypted", |run| json!(!run.args.leaving.encrypt_to.is_empty())),
    key("output.sign-with", "sign-with", KeyKind::Path)
        .recorded("signed", |run| json!(run.args.leaving.sign_with.is_some())),
    key("output.report", "report", KeyKind::Path).recorded("report", |run| {
        json!(run.args.output.report.as_ref().map(|path| path.display().to_string()))
    }),
    key("output.retention", "retention", KeyKind::Text)
        .recorded("retentionMs", |run| json!(run.args.output.retention.map(milliseconds))),
    key("output.json", "json", KeyKind::Switch),
    key("output.quiet", "quiet", KeyKind::Switch),
    key("output.log-format", "log-format", KeyKind::Text),
    key("output.resume", "resume", KeyKind::Switch),
    key("output.wait", "wait", KeyKind::Switch),
    flag("yes", KeyKind::Switch),
    flag("verbose", KeyKind::Number),
    flag("color", KeyKind::Text),
    flag("job", KeyKind::Path).recorded("job", |run| {
        json!(run.args.job.job.as_ref().map(|path| path.display().to_string()))
    }),
    flag("show-settings", KeyKind::Switch),
    flag("simulate", KeyKind::Switch).identity("simulate", |run| json!(run.args.simulate)),
];

/// The word by which a value is typed.
fn word(value: impl ValueEnum + Copy) -> Value {
    json!(value.to_possible_value().map(|value| value.get_name().to_owned()))
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>().into()
}

/// The settings that a run is resumed with only when they are the same, with their values.
pub(super) fn identity(run: &Resolved<'_>) -> Map<String, Value> {
    values(run, |setting| setting.binding == Binding::Part)
}

/// All settings that the summary holds, with their values.
pub(super) fn recorded(run: &Resolved<'_>) -> Map<String, Value> {
    values(run, |_| true)
}

fn values(run: &Resolved<'_>, wanted: fn(&Setting) -> bool) -> Map<String, Value> {
    let recorded = SETTINGS.iter().filter(|setting| wanted(setting));
    let recorded = recorded.filter_map(|setting| setting.recorded);
    // It is kept for as long as its run goes on: without room for more.
    let mut values = Map::with_capacity(recorded.clone().count());
    values.extend(recorded.map(|(name, value)| (name.to_owned(), value(run))));
    values
}

/// The settings that a job file may hold.
pub(super) fn keys() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| !setting.path.is_empty())
}

/// Tables, and what each is about.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("input", "What to read"),
    ("input.where", "Columns, and the text that each must hold"),
    ("mapping", "Columns, and the field that each is taken for"),
    ("rules", "How rows are understood"),
    ("rules.set", "Fields, and the value that each has where a row has none"),
    ("rules.attribute", "Custom attributes, and the type of each"),
    ("rules.blank-of", "Fields, and what a blank cell of each means, where that differs"),
    ("limits", "How fast to send, and when to give up"),
    ("project", "Which project to update; never the management key itself"),
    ("notify", "Who is told how a run ended"),
    ("output", "What is written and shown, and where"),
];

/// The variable that holds the management key. It stands in the place of a key file that a job
/// names, but is none.
pub(super) const MANAGEMENT_KEY: &str = "DESCOPE_MANAGEMENT_KEY";

/// The variable that names a file with the management key, as Kubernetes mounts secrets.
pub(super) const MANAGEMENT_KEY_FILE: &str = "DESCOPE_MANAGEMENT_KEY_FILE";

/// The variable that holds the project ID.
pub(super) const PROJECT_ID: &str = "DESCOPE_PROJECT_ID";

/// The variable that holds the base URL of the API.
pub(super) const BASE_URL: &str = "DESCOPE_BASE_URL";

/// The variable that holds the password of the server of `--budget`.
pub(super) const BUDGET_PASSWORD: &str = "DESCOPE_BUDGET_PASSWORD";

/// Settings whose value may come from the environment, and the variables. Nobody but the caller
/// reads the environment.
const ENVIRONMENT: &[(&str, &str)] = &[("project-id", PROJECT_ID), ("base-url", BASE_URL)];

/// The variable that a setting's value may come from.
pub(super) fn variable(flag: &str) -> Option<&'static str> {
    ENVIRONMENT.iter().find(|(name, _)| *name == flag).map(|(_, variable)| *variable)
}

impl KeyKind {
    /// Whether it is a table of names.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Pairs | Self::Values)
    }
}

impl Setting {
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
pub(super) fn find(path: &str) -> Option<&'static Setting> {
    keys().find(|key| key.path == path)
}

/// The names that a table may hold; those of the top for an empty path.
pub(super) fn names_in(table: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for path in keys().map(|key| key.path) {
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
