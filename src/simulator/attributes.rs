//! Definitions of custom attributes, and which values fit them (API reference, 3.7).

use serde_json::{Map, Value, json};

use super::problem::Problem;

/// The type of a custom attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Boolean,
    SingleSelect,
    MultiSelect,
    Date,
    MonthDay,
}

/// In the order of their numbers on the wire, from 1, with the word that some SDKs send.
const TYPES: [(Type, &str); 7] = [
    (Type::Text, "string"),
    (Type::Number, "number"),
    (Type::Boolean, "boolean"),
    (Type::SingleSelect, "singleselect"),
    (Type::MultiSelect, "multiselect"),
    (Type::Date, "date"),
    (Type::MonthDay, "monthday"),
];

impl Type {
    /// The type of a number, or of a word in any case and with or without separators.
    fn read(value: &Value) -> Option<Self> {
        if let Some(number) = value.as_u64() {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            return TYPES.get(index).map(|(kind, _)| *kind);
        }
        let word = value.as_str()?.to_lowercase().replace(['-', '_', ' '], "");
        TYPES.iter().find(|(_, name)| *name == word).map(|(kind, _)| *kind)
    }

    /// The type that a value seems to have.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Array(_) => Self::MultiSelect,
            _ => Self::Text,
        }
    }

    /// The number on the wire.
    pub(super) fn number(self) -> usize {
        TYPES.iter().position(|(kind, _)| *kind == self).unwrap_or(0) + 1
    }

    fn name(self) -> &'static str {
        TYPES[self.number() - 1].1
    }
}

/// A custom attribute that a project has declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    kind: Type,
    /// What a select may be; when empty, anything.
    options: Vec<String>,
    /// As it was given, with the type as a number and the options as objects.
    shown: Map<String, Value>,
}

impl Definition {
    /// Reads one of the `attributes` of a request.
    pub(super) fn read(given: &Value) -> Result<Self, Problem> {
        let mut shown = given
            .as_object()
            .cloned()
            .ok_or_else(|| Problem::malformed("attributes: a list of objects is wanted"))?;
        shown.retain(|_, value| !value.is_null());
        let name = shown.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Problem::missing("attributes.name"))?.to_owned();
        let kind = shown.get("type").ok_or_else(|| Problem::missing("attributes.type"))?;
        let kind = Type::read(kind)
            .ok_or_else(|| Problem::invalid(format!("{kind} is no type of a custom attribute")))?;
        let options = match shown.get("options") {
            None => Vec::new(),
            Some(options) => read_options(options)
                .ok_or_else(|| Problem::malformed("attributes.options: a list is wanted"))?,
        };
        let objects: Vec<Value> =
            options.iter().map(|(value, label)| json!({"value": value, "label": label})).collect();
        shown.insert("type".into(), json!(kind.number()));
        shown.insert("options".into(), json!(objects));
        shown.entry("displayName").or_insert_with(|| json!(name));
        let options = options.into_iter().map(|(value, _)| value).collect();
        Ok(Self { name, kind, options, shown })
    }

    /// A definition made up for an attribute that nobody declared.
    pub(super) fn guessed(name: &str, kind: Type) -> Self {
        let shown =
            json!({"name": name, "type": kind.number(), "options": [], "displayName": name});
        let shown = shown.as_object().cloned().unwrap_or_default();
        Self { name: name.to_owned(), kind, options: Vec::new(), shown }
    }

    /// As answers show it.
    pub(super) fn shown(&self) -> &Map<String, Value> {
        &self.shown
    }

    /// Refuses a value of another type. That a select must be one of the options, and what a
    /// date looks like (a number or text; text for a month and day), is our choice.
    pub(super) fn check(&self, value: &Value) -> Result<(), Problem> {
        let listed = |value: &Value| {
            let text = value.as_str();
            text.is_some_and(|text| {
                self.options.is_empty() || self.options.iter().any(|option| option == text)
            })
        };
        let fits = match self.kind {
            Type::Text | Type::MonthDay => value.is_string(),
            Type::Number => value.is_number(),
            Type::Boolean => value.is_boolean(),
            Type::SingleSelect => listed(value),
            Type::MultiSelect => value.as_array().is_some_and(|list| list.iter().all(listed)),
            Type::Date => value.is_number() || value.is_string(),
        };
        if fits {
            return Ok(());
        }
        let (name, kind) = (&self.name, self.kind.name());
        Err(Problem::invalid(format!("The custom attribute {name} does not take this: {kind}")))
    }
}

/// Values with their labels: objects of both, or values that are their own labels.
fn read_options(options: &Value) -> Option<Vec<(String, String)>> {
    let read = |option: &Value| {
        let value = option.as_str().or_else(|| option.get("value")?.as_str())?;
        let label = option.get("label").and_then(Value::as_str).unwrap_or(value);
        Some((value.to_owned(), label.to_owned()))
    };
    options.as_array()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_must_be_of_the_declared_type() {
        let values = [
            json!("a"),
            json!("other"),
            json!(1.5),
            json!(true),
            json!(["a"]),
            json!(["a", "other"]),
            json!([1]),
            json!({}),
        ];
        for (kind, options, fitting) in [
            (json!(1), json!([]), &[0, 1][..]),
            (json!("Number"), json!([]), &[2]),
            (json!("boolean"), json!(null), &[3]),
            (json!(4), json!(["a"]), &[0]),
            (json!("single-select"), json!([]), &[0, 1]),
            (json!("multiSelect"), json!([{"value": "a", "label": "A"}]), &[4]),
            (json!(5), json!([]), &[4, 5]),
            (json!("date"), json!([]), &[0, 1, 2]),
            (json!(7), json!([]), &[0, 1]),
        ] {
            let given = json!({"name": "x", "type": kind, "options": options});
            let definition = Definition::read(&given).unwrap();
            for (index, value) in values.iter().enumerate() {
                let fits = definition.check(value).is_ok();
                assert_eq!(fits, fitting.contains(&index), "{given} {value}");
            }
        }
    }

    #[test]
    fn what_is_declared_is_shown_again_with_the_type_as_a_number() {
        let given = json!({"name": "tier", "displayName": "Tier", "type": "singleselect",
            "options": ["gold", {"value": "s", "label": "Silver"}], "required": true});
        let shown = json!({"name": "tier", "displayName": "Tier", "type": 4,
            "options": [{"value": "gold", "label": "gold"}, {"value": "s", "label": "Silver"}],
            "required": true});
        assert_eq!(json!(Definition::read(&given).unwrap().shown()), shown);
    }

    #[test]
    fn definitions_that_make_no_sense_are_refused() {
        for (given, code) in [
            (json!("tier"), "E011001"),
            (json!({"type": 1}), "E011002"),
            (json!({"name": "x"}), "E011002"),
            (json!({"name": "x", "type": 0}), "E011003"),
            (json!({"name": "x", "type": 8}), "E011003"),
            (json!({"name": "x", "type": "colour"}), "E011003"),
            (json!({"name": "x", "type": 4, "options": "a"}), "E011001"),
            (json!({"name": "x", "type": 4, "options": [7]}), "E011001"),
        ] {
            assert_eq!(Definition::read(&given).unwrap_err().code, code, "{given}");
        }
    }
}
