//! Custom attributes that have columns of their own: `customAttributes.tier`.

use serde_json::value::RawValue;

use crate::catalog::{Operation, normalize};
use crate::issue::Issue;
use crate::rows::values::{Value, write_text};

/// The field that holds all custom attributes.
pub(super) const ALL: &str = "customAttributes";

/// The attribute that a column name stands for: what follows `customAttributes.`, to the letter.
pub(super) fn of_column(name: &str) -> Option<&str> {
    let (field, attribute) = name.split_once('.')?;
    let attribute = attribute.trim();
    (normalize(field) == normalize(ALL) && !attribute.is_empty()).then_some(attribute)
}

/// How an operation takes custom attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Any number of them, in the field of this index.
    Many(usize),
    /// One, its name and its value in the fields of these indices.
    One(usize, usize),
}

impl Takes {
    /// How an operation takes custom attributes, if it does.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let one = operation.index_of("attributeKey").zip(operation.index_of("attributeValue"));
        match operation.index_of(ALL) {
            Some(index) => Some(Self::Many(index)),
            None => one.map(|(key, value)| Self::One(key, value)),
        }
    }
}

/// Puts the attributes of a row where its operation takes them.
pub(super) fn place<'a>(
    takes: Takes,
    mut given: Vec<(&'a str, Value<'a>)>,
    values: &mut [Option<Value<'a>>],
) -> Result<(), Issue> {
    match takes {
        Takes::One(key, value) => {
            let twice = given.len() > 1 || values[key].is_some() || values[value].is_some();
            let Some((name, own)) = given.pop() else { return Ok(()) };
            if twice {
                return Err(Issue::error(
                    "duplicate_field",
                    "the row sets more than one custom attribute, and the operation takes one",
                )
                .hint("set several with the operation patch"));
            }
            values[key] = Some(Value::Text(name.into()));
            values[value] = Some(own);
        }
        Takes::Many(index) if !given.is_empty() => {
            let whole = values[index].take();
            values[index] = Some(joined(whole.as_ref(), &given)?);
        }
        Takes::Many(_) => {}
    }
    Ok(())
}

/// One object of the attributes that a row gives together and those that it gives one by one.
fn joined<'a>(whole: Option<&Value<'a>>, given: &[(&str, Value<'a>)]) -> Result<Value<'a>, Issue> {
    let mut json = vec![b'{'];
    if let Some(Value::Json(object)) = whole {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(object).unwrap_or_default();
        if let Some((name, _)) = given.iter().find(|(name, _)| members.contains_key(*name)) {
            return Err(twice(name));
        }
        // The members stay as they are written: an empty object has none.
        let raw: &RawValue = serde_json::from_str(object)
            .map_err(|_| Issue::error("bad_value", "it is no JSON object"))?;
        let inner = raw.get().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let inner = inner.unwrap_or_default().trim();
        json.extend_from_slice(inner.as_bytes());
    }
    for (name, value) in given {
        if json.len() > 1 {
            json.push(b',');
        }
        write_text(name, &mut json);
        json.push(b':');
        value.write_json(&mut json);
    }
    json.push(b'}');
    Ok(Value::Json(String::from_utf8_lossy(&json).into_owned().into()))
}

pub(super) fn twice(name: &str) -> Issue {
    Issue::error("duplicate_field", format!("the custom attribute {name} is given twice"))
        .hint("give it in its own column or in customAttributes, not in both")
}
