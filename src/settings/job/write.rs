//! Writing a job file: keys with their values, and what is said of a key.

use clap::Command;
use serde_json::Value;

use super::in_force::{InForce, Origin};
use super::schema;
use crate::settings::table::{self, KeyKind, Setting};

/// A key of a job file, as it is written below its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenKey {
    /// The table, such as `rules`.
    pub table: &'static str,
    /// The line.
    pub line: String,
}

/// The keys for the settings that were typed, but for the inputs.
#[must_use]
pub(crate) fn written(settings: &[InForce]) -> Vec<WrittenKey> {
    let mut keys = Vec::new();
    for key in table::keys().filter(|key| key.kind != KeyKind::Paths) {
        let own = settings.iter().filter(|setting| setting.name == key.flag);
        let typed = own.filter(|setting| setting.origin == Origin::Flag);
        let values: Vec<&str> = typed.filter_map(|setting| setting.value.as_deref()).collect();
        if !values.is_empty() {
            write(key, &values, &mut keys);
        }
    }
    keys
}

fn write(key: &Setting, values: &[&str], keys: &mut Vec<WrittenKey>) {
    if key.kind.is_table() {
        for value in values {
            // A column's name may hold `=`, what is behind it does not, but for values that are set.
            let both = if key.kind == KeyKind::Values {
                value.split_once('=')
            } else {
                value.rsplit_once('=')
            };
            let Some((name, value)) = both else { continue };
            let line = format!("{} = {}", text(name.trim()), text(value));
            keys.push(WrittenKey { table: key.path, line });
        }
        return;
    }
    let Some((table, name)) = key.path.rsplit_once('.') else { return };
    let single = || values.last().copied().unwrap_or_default();
    let value = match key.kind {
        KeyKind::Texts => list(values),
        KeyKind::Number | KeyKind::Switch => single().to_owned(),
        _ => text(single()),
    };
    keys.push(WrittenKey { table, line: format!("{name} = {value}") });
}

/// A list of texts.
#[must_use]
pub(crate) fn list<T: AsRef<str>>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(value.as_ref())).collect();
    format!("[{}]", values.join(", "))
}

/// A text in quotes.
#[must_use]
pub(crate) fn text(value: &str) -> String {
    // The escapes of JSON are TOML's, which has one more character that must not stand as it is.
    Value::from(value).to_string().replace('\u{7f}', "\\u007f")
}

/// What a key is about, in a sentence, and its default as it is written. `run` is the command that has a
/// flag for every key.
#[must_use]
pub(crate) fn about(path: &str, run: &Command) -> Option<(String, Option<String>)> {
    let schema = schema(run);
    let pointer: String = path.split('.').flat_map(|name| ["/properties/", name]).collect();
    let key = schema.pointer(&pointer)?;
    let description = key.get("description")?.as_str()?;
    let sentence = description.split(". ").next()?.trim_end_matches('.');
    Some((sentence.to_owned(), key.get("default").map(Value::to_string)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, value: &str) -> InForce {
        InForce { name: name.to_owned(), value: Some(value.to_owned()), origin: Origin::Flag }
    }

    #[test]
    fn settings_are_written_as_a_job_has_them() {
        let settings = [
            typed("map", "a=b=phone"),
            typed("ignore", "x"),
            typed("ignore", "\"y\"\n"),
            typed("set", "name=a=b"),
            typed("header-row", "3"),
            typed("ignore-unknown", "true"),
            typed("files", "in.csv"),
            InForce { origin: Origin::Default, ..typed("blank", "skip") },
        ];
        let lines: Vec<(&str, String)> =
            written(&settings).into_iter().map(|key| (key.table, key.line)).collect();
        let own = |table, line: &str| (table, line.to_owned());
        assert_eq!(
            lines,
            [
                own("mapping", r#""a=b" = "phone""#),
                own("rules", r#"ignore = ["x", "\"y\"\n"]"#),
                own("rules", "ignore-unknown = true"),
                own("input", "header-row = 3"),
                own("rules.set", r#""name" = "a=b""#),
            ]
        );
    }

    #[test]
    fn a_key_is_described_by_its_flag() {
        let mut root = crate::settings::cli::command();
        root.build();
        let run = root.find_subcommand("run").unwrap();
        let (sentence, default) = about("limits.max-share", run).unwrap();
        assert_eq!(sentence, "The share of the documented limits to use");
        assert_eq!(default.as_deref(), Some("\"80%\""));
        assert_eq!(about("limits.nothing", run), None);
    }
}
