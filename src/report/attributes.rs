//! What `attributes` tells: tables, and the same as JSON.

use serde_json::{Value, json};

use super::format::tame;
use super::table::table;
use crate::attributes::{AttributeDefinition, Comparison};

/// Definitions as a table.
#[must_use]
pub(crate) fn attributes_table(definitions: &[AttributeDefinition]) -> String {
    if definitions.is_empty() {
        return "the project declares no custom attributes\n".to_owned();
    }
    table(&["name", "type", "display name", "options"], definitions.iter().map(cells))
}

/// What is there already and what is new, as a table.
#[must_use]
pub(crate) fn comparison_table(comparison: &Comparison<'_>) -> String {
    let rows = |word: &str, list: &[&AttributeDefinition]| -> Vec<Vec<String>> {
        let row = |own: &&AttributeDefinition| {
            std::iter::once(word.to_owned()).chain(cells(own)).collect()
        };
        list.iter().map(row).collect()
    };
    let rows = [rows("exists", &comparison.existing), rows("new", &comparison.new)].concat();
    table(&["", "name", "type", "display name", "options"], rows.into_iter())
}

fn cells(definition: &AttributeDefinition) -> Vec<String> {
    [
        &definition.name,
        definition.kind_word(),
        &definition.display_name,
        &definition.options.join("; "),
    ]
    .map(tame)
    .to_vec()
}

fn definition_json(definition: &AttributeDefinition) -> Value {
    json!({
        "name": definition.name,
        "type": definition.kind_word(),
        "displayName": definition.display_name,
        "options": definition.options,
    })
}

/// Definitions as JSON.
#[must_use]
pub(crate) fn attributes_json(definitions: &[AttributeDefinition]) -> Value {
    let attributes: Vec<Value> = definitions.iter().map(definition_json).collect();
    json!({"version": 1, "attributes": attributes})
}

/// What was there already and what was created, as JSON.
#[must_use]
pub(crate) fn comparison_json(comparison: &Comparison<'_>) -> Value {
    let list = |list: &[&AttributeDefinition]| -> Vec<Value> {
        list.iter().map(|own| definition_json(own)).collect()
    };
    json!({
        "version": 1,
        "existing": list(&comparison.existing),
        "created": list(&comparison.new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::values::AttributeType;

    #[test]
    fn definitions_are_a_table_and_nothing_is_said_to_be_nothing() {
        let definition = |name: &str, kind, options: &[&str]| AttributeDefinition {
            name: name.into(),
            kind,
            display_name: "T\u{1b}[31m".into(),
            options: options.iter().map(ToString::to_string).collect(),
        };
        let list = [
            definition("tier", Ok(AttributeType::SingleSelect), &["gold", "silver"]),
            definition("a", Err("type 9".into()), &[]),
        ];
        let text = attributes_table(&list);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("name  type          display name"), "{text}");
        assert!(lines[1].starts_with("tier  singleselect  "), "{text}");
        assert!(lines[1].ends_with("  gold; silver"), "{text}");
        assert!(lines[2].starts_with("a     type 9        "), "{text}");
        assert!(!text.contains('\u{1b}'), "what a server says sends no commands to the terminal");
        assert_eq!(attributes_table(&[]), "the project declares no custom attributes\n");
        assert_eq!(attributes_json(&list)["attributes"][0]["options"], json!(["gold", "silver"]));
    }
}
