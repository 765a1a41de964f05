//! Definitions of custom attributes, as the API shows and takes them. Pure.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::rows::DeclaredAttribute;
use crate::rows::values::AttributeType;

/// A custom attribute as a project declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttributeDefinition {
    /// Its machine name.
    pub(crate) name: String,
    /// Its type, or what the server calls one that we do not know.
    pub(crate) kind: Result<AttributeType, String>,
    /// What people call it; empty where it has no other name.
    pub(crate) display_name: String,
    /// What may be selected.
    pub(crate) options: Vec<String>,
}

/// The words that the API and its SDKs have for types, in the order of their numbers.
const API_WORDS: [&str; 7] =
    ["string", "number", "boolean", "singleselect", "multiselect", "date", "monthday"];

impl AttributeDefinition {
    /// The definitions that the answer to the request for them holds (API reference, 3.7); `None`
    /// where it is something else, or does not hold all of them.
    pub(super) fn read_all(list: &RawValue) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Answer {
            // An empty list may be left out.
            #[serde(default)]
            data: Option<Vec<Value>>,
            #[serde(default)]
            total: Value,
        }
        let answer: Answer = serde_json::from_str(list.get()).ok()?;
        let data = answer.data.unwrap_or_default();
        let total = match &answer.total {
            Value::String(text) => text.parse().ok(),
            total => total.as_u64(),
        };
        if total.is_some_and(|total: u64| total > data.len() as u64) {
            return None;
        }
        data.iter().map(Self::read).collect()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("name").to_owned();
        if name.is_empty() {
            return None;
        }
        let options = value.get("options").and_then(Value::as_array);
        let options: Option<Vec<String>> =
            options.map(Vec::as_slice).unwrap_or_default().iter().map(option).collect();
        Some(Self {
            name,
            kind: kind(value.get("type").unwrap_or(&Value::Null)),
            display_name: text("displayName").to_owned(),
            // Of options of which one cannot be read, nobody can tell whether a value is one.
            options: options.unwrap_or_default(),
        })
    }

    /// The word for its type.
    #[must_use]
    pub(crate) fn kind_word(&self) -> &str {
        match &self.kind {
            Ok(kind) => kind.word(),
            Err(word) => word,
        }
    }

    /// The same, as rows go by it.
    pub(super) fn declared(self) -> DeclaredAttribute {
        DeclaredAttribute { name: self.name, kind: self.kind.ok(), options: self.options }
    }
}

/// A type by its number, or by its word, which some SDKs send.
fn kind(told: &Value) -> Result<AttributeType, String> {
    let told = match told {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let by_word = API_WORDS.iter().position(|word| word.eq_ignore_ascii_case(&told));
    let by_number = || told.parse::<usize>().ok()?.checked_sub(1);
    let index = by_word.or_else(by_number);
    index
        .and_then(|index| AttributeType::OF_PROJECTS.get(index).copied())
        .ok_or_else(|| format!("type {told}"))
}

/// The value of an option: the text alone, or an object with a value and a label.
fn option(option: &Value) -> Option<String> {
    let text = option.as_str().or_else(|| option.get("value")?.as_str());
    text.or_else(|| option.get("label")?.as_str()).map(str::to_owned)
}

/// The body that creates definitions (API reference, 3.7).
pub(super) fn creation(new: &[&AttributeDefinition]) -> Bytes {
    let one = |definition: &&AttributeDefinition| {
        let number = definition
            .kind
            .as_ref()
            .ok()
            .and_then(|kind| AttributeType::OF_PROJECTS.iter().position(|own| own == kind));
        let display_name = match definition.display_name.as_str() {
            "" => &definition.name,
            name => name,
        };
        let options = definition.options.iter();
        json!({
            "name": definition.name,
            "type": number.map_or(1, |index| index + 1),
            "displayName": display_name,
            "options": options.map(|own| json!({"value": own, "label": own})).collect::<Vec<_>>(),
        })
    };
    json!({"attributes": new.iter().map(one).collect::<Vec<_>>()}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<AttributeDefinition>> {
        AttributeDefinition::read_all(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn types_are_told_by_number_and_by_word() {
        for (told, expected) in [
            ("1", "text"),
            ("2", "number"),
            ("3", "boolean"),
            ("4", "singleselect"),
            ("5", "multiselect"),
            ("6", "date"),
            ("7", "monthday"),
            ("\"7\"", "monthday"),
            ("\"string\"", "text"),
            ("\"MultiSelect\"", "multiselect"),
            ("0", "type 0"),
            ("8", "type 8"),
            ("-1", "type -1"),
            ("1.5", "type 1.5"),
            ("null", "type null"),
            ("\"json\"", "type json"),
        ] {
            let list = format!(r#"{{"data":[{{"name":"a","type":{told}}}],"total":1}}"#);
            assert_eq!(read(&list).unwrap()[0].kind_word(), expected, "{told}");
        }
    }

    #[test]
    fn an_answer_that_does_not_hold_all_definitions_is_none() {
        for (text, expected) in [
            ("{}", Some(0)),
            (r#"{"total":"0"}"#, Some(0)),
            (r#"{"data":null,"total":0}"#, Some(0)),
            (r#"{"data":[{"name":"a","type":1}]}"#, Some(1)),
            (r#"{"data":[{"name":"a","type":1}],"total":"2"}"#, None),
            (r#"{"total":1}"#, None),
            (r#"{"data":[{"type":1}],"total":1}"#, None),
            (r#"{"data":[7],"total":1}"#, None),
            (r#"{"data":{},"total":1}"#, None),
        ] {
            assert_eq!(read(text).map(|list| list.len()), expected, "{text}");
        }
    }

    #[test]
    fn options_are_texts_or_objects_and_all_or_none_are_known() {
        for (options, expected) in [
            (r#"["a","b"]"#, &["a", "b"][..]),
            (r#"[{"value":"a","label":"A"},{"label":"B"}]"#, &["a", "B"]),
            (r#"[{"value":"a"},{"id":1}]"#, &[]),
            ("null", &[]),
            ("[]", &[]),
        ] {
            let list = format!(r#"{{"data":[{{"name":"a","type":4,"options":{options}}}]}}"#);
            assert_eq!(read(&list).unwrap()[0].options, expected, "{options}");
        }
    }

    #[test]
    fn types_are_sent_as_numbers() {
        for (index, kind) in AttributeType::OF_PROJECTS.into_iter().enumerate() {
            let definition = AttributeDefinition {
                name: "a".into(),
                kind: Ok(kind),
                display_name: String::new(),
                options: vec!["x".into()],
            };
            let body: Value = serde_json::from_slice(&creation(&[&definition])).unwrap();
            let expected = json!({"attributes": [{
                "name": "a", "type": index + 1, "displayName": "a",
                "options": [{"value": "x", "label": "x"}],
            }]});
            assert_eq!(body, expected);
        }
    }
}
