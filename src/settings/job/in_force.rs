//! The settings in force, and where each of them came from.

use std::fmt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::judge::is_secret_field;
use super::layer::Layers;
use super::problems::looks_like_key;
use crate::api::address::regional_base_url;
use crate::settings::Environment;
use crate::settings::table::{self, Setting};

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    /// Its name: that of the flag, without hyphens before it.
    pub name: String,
    /// Its value as it would be typed; `None` if it has none.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// An environment variable of this name.
    Environment(String),
    /// A line of a job file.
    Job(PathBuf, usize),
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// Its kind in a word.
    #[must_use]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment(_) => "environment",
            Self::Job(..) => "job",
            Self::Default => "default",
        }
    }

    /// Where exactly, if there is more to say than the kind.
    #[must_use]
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            Self::Environment(name) => Some(name.clone()),
            Self::Job(path, line) => Some(format!("{}:{line}", path.display())),
            Self::Flag | Self::Default => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.place()) {
            (Self::Environment(name), _) => write!(f, "environment {name}"),
            (_, Some(place)) => f.write_str(&place),
            (_, None) => f.write_str(self.kind()),
        }
    }
}

/// The name of the management key, which is no flag.
const KEY: &str = "management-key";

impl Layers {
    /// The settings in force, in the order of the keys, without secrets.
    ///
    /// `matches` is what parsing the arguments gave for the subcommand `command`.
    #[must_use]
    pub(crate) fn in_force(
        &self,
        command: &Command,
        matches: &ArgMatches,
        environment: Environment<'_>,
    ) -> Vec<InForce> {
        let mut settings = Vec::new();
        for key in table::keys() {
            if let Some(argument) = key.argument(command) {
                self.of_key(key, argument, matches, environment, &mut settings);
            }
        }
        // Flags that no job has, where they are said.
        for argument in command.get_arguments() {
            let name = table::name_of(argument);
            let known = table::keys().any(|key| key.flag == name);
            let about_us = ["job", "show-settings"].contains(&name);
            if !known && !about_us && source(argument, matches) == Some(ValueSource::CommandLine) {
                settings.extend(values(argument, matches).into_iter().map(|value| InForce {
                    name: name.to_owned(),
                    value: Some(value),
                    origin: Origin::Flag,
                }));
            }
        }
        settings.extend(self.key(command, matches, environment));
        resolve_base_url(&mut settings);
        settings
    }

    fn of_key(
        &self,
        key: &Setting,
        argument: &Arg,
        matches: &ArgMatches,
        environment: Environment<'_>,
        settings: &mut Vec<InForce>,
    ) {
        let name = key.flag.to_owned();
        let blank = |value: &String| value.trim().is_empty();
        let (values, source) = (values(argument, matches), source(argument, matches));
        let from_variable = table::variable(key.flag)
            .and_then(|variable| Some((variable, environment(variable)?)))
            .filter(|_| values.is_empty());
        if let Some((variable, value)) = from_variable {
            let origin = Origin::Environment(variable.to_owned());
            return settings.push(InForce { name, value: Some(veiled(key, value)), origin });
        }
        if values.iter().all(blank) {
            return settings.push(InForce { name, value: None, origin: Origin::Default });
        }
        let of_job = self.lines.get(key.flag).map(Vec::as_slice).unwrap_or_default();
        let typed = values.len().saturating_sub(of_job.len());
        for (index, value) in values.into_iter().enumerate() {
            let line = index.checked_sub(typed).and_then(|index| of_job.get(index));
            let origin = match (line, &self.job, source) {
                (Some(line), Some(job), _) => Origin::Job(job.clone(), *line),
                (_, _, Some(ValueSource::CommandLine)) => Origin::Flag,
                _ => Origin::Default,
            };
            let value = Some(veiled(key, value));
            settings.push(InForce { name: name.clone(), value, origin });
        }
    }

    /// Whether there is a management key, and from where; never the key.
    fn key(
        &self,
        command: &Command,
        matches: &ArgMatches,
        environment: Environment<'_>,
    ) -> Option<InForce> {
        let file = command.get_arguments().find(|a| table::name_of(a) == "key-file")?;
        let in_file = !values(file, matches).is_empty();
        let (value, origin) = if in_file {
            let line = self.lines.get("key-file").and_then(|lines| lines.first());
            let origin = match (line, &self.job) {
                (Some(line), Some(job)) => Origin::Job(job.clone(), *line),
                _ => Origin::Flag,
            };
            (Some("the one in key-file".to_owned()), origin)
        } else if environment(table::MANAGEMENT_KEY).is_some() {
            (
                Some("set, not shown".to_owned()),
                Origin::Environment(table::MANAGEMENT_KEY.to_owned()),
            )
        } else {
            (None, Origin::Default)
        };
        Some(InForce { name: KEY.to_owned(), value, origin })
    }
}

/// Shows the base URL that a project ID comes to, where none is stated.
fn resolve_base_url(settings: &mut [InForce]) {
    let value = |name: &str| {
        let setting = settings.iter().find(|setting| setting.name == name);
        setting.and_then(|setting| setting.value.clone())
    };
    if value("simulate").is_some_and(|simulate| simulate == "true") {
        return;
    }
    let resolved = value("project-id").map(|id| regional_base_url(id.trim()));
    let base_url = settings.iter_mut().find(|setting| setting.name == "base-url");
    if let Some(base_url) = base_url.filter(|base_url| base_url.value.is_none()) {
        base_url.value = resolved;
    }
}

fn source(argument: &Arg, matches: &ArgMatches) -> Option<ValueSource> {
    matches.value_source(argument.get_id().as_str())
}

fn values(argument: &Arg, matches: &ArgMatches) -> Vec<String> {
    let values = matches.get_raw(argument.get_id().as_str()).into_iter().flatten();
    values.map(|value| value.to_string_lossy().into_owned()).collect()
}

/// A value without what must not be shown: secrets, a password in a URL, and what looks like a
/// key in a place where none belongs.
fn veiled(key: &Setting, value: String) -> String {
    const VEIL: &str = "(not shown)";
    let pair = value.split_once('=').filter(|_| key.kind.is_table());
    if let Some((name, _)) = pair.filter(|(name, _)| is_secret_field(name.trim())) {
        return format!("{name}={VEIL}");
    }
    let word = |c: char| !c.is_ascii_alphanumeric();
    let with_password = ["base-url", "budget"].contains(&key.flag) && value.contains(['@', '?']);
    if with_password || value.split(word).any(looks_like_key) { VEIL.to_owned() } else { value }
}
