//! The JSON Schema of job files, for editors.

use clap::builder::PossibleValue;
use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use crate::settings::table::{self, KeyKind, Setting, TABLES};

/// The schema, made from the keys and from what their flags say of themselves. `run` is the
/// command that has a flag for every key.
#[must_use]
pub(crate) fn schema(run: &Command) -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A job of descope-bulk",
        "description": "The settings of `descope-bulk run --job FILE`. Relative paths start from the folder of the job file.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties("", run),
    })
}

/// What a table may hold.
fn properties(table: &str, run: &Command) -> Value {
    let mut found = Map::new();
    for name in table::names_in(table) {
        let path = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
        let property = match table::find(&path) {
            Some(key) => property(key, run),
            None => json!({
                "description": about(&path),
                "type": "object",
                "additionalProperties": false,
                "properties": properties(&path, run),
            }),
        };
        found.insert(name.to_owned(), property);
    }
    Value::Object(found)
}

/// What a table is about.
fn about(path: &str) -> Option<&'static str> {
    TABLES.iter().find(|(table, _)| *table == path).map(|(_, about)| *about)
}

fn property(key: &Setting, run: &Command) -> Value {
    let text = json!({ "type": "string" });
    let mut property = match key.kind {
        KeyKind::Text | KeyKind::Path => text,
        KeyKind::Number => json!({ "type": "integer", "minimum": 0 }),
        KeyKind::NumberOrText => json!({ "type": ["integer", "string"] }),
        KeyKind::Switch => json!({ "type": "boolean" }),
        KeyKind::Texts | KeyKind::Paths => json!({ "type": "array", "items": text }),
        KeyKind::Pairs => json!({ "type": "object", "additionalProperties": text }),
        KeyKind::Values => {
            let any = json!({ "type": ["string", "boolean", "integer"] });
            json!({ "type": "object", "additionalProperties": any })
        }
    };
    let (Some(argument), Value::Object(object)) = (key.argument(run), &mut property) else {
        return property;
    };
    let values = argument.get_possible_values();
    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    if key.kind == KeyKind::Text && !names.is_empty() {
        object.insert("enum".to_owned(), json!(names));
    }
    let help = argument.get_help().map(ToString::to_string);
    if let Some(description) = about(key.path).map(str::to_owned).or(help) {
        object.insert("description".to_owned(), json!(description));
    }
    if let Some(default) = default(key, argument) {
        object.insert("default".to_owned(), default);
    }
    property
}

fn default(key: &Setting, argument: &Arg) -> Option<Value> {
    let text = argument.get_default_values().first()?.to_str()?;
    match key.kind {
        KeyKind::Switch => text.parse::<bool>().ok().map(Value::from),
        KeyKind::Number => text.parse::<u64>().ok().map(Value::from),
        _ => Some(text.into()),
    }
}
