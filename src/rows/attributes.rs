//! Custom attributes that have columns of their own: `customAttributes.tier`.

use crate::catalog::{Operation, Role, normalize};
use crate::change::{Value, members};
use crate::issue::Issue;

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
        let one =
            operation.index_of(Role::AttributeKey).zip(operation.index_of(Role::AttributeValue));
        match operation.index_of(Role::Attributes) {
            Some(index) => Some(Self::Many(index)),
            None => one.map(|(key, value)| Self::One(key, value)),
        }
    }
}

/// Puts the attribute of a row where an operation takes it that takes one; gives back those of an
/// operation that takes any number, which must not be in the object of all of them as well.
pub(super) fn place<'a>(
    takes: Takes,
    mut given: Vec<(&'a str, Value<'a>)>,
    values: &mut [Option<Value<'a>>],
) -> Result<Vec<(&'a str, Value<'a>)>, Issue> {
    match takes {
        Takes::One(key, value) => {
            let twice = given.len() > 1 || values[key].is_some() || values[value].is_some();
            let Some((name, own)) = given.pop() else { return Ok(given) };
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
        Takes::Many(index) => {
            if let (Some(Value::Json(object)), false) = (&values[index], given.is_empty()) {
                let members = members(object).unwrap_or_default();
                let is_member = |name: &str| members.iter().any(|(member, _)| member == name);
                if let Some((name, _)) = given.iter().find(|(name, _)| is_member(name)) {
                    return Err(twice(name));
                }
                // An empty object would clear the others.
                if members.is_empty() {
                    values[index] = None;
                }
            }
        }
    }
    Ok(given)
}

pub(super) fn twice(name: &str) -> Issue {
    Issue::error("duplicate_field", format!("the custom attribute {name} is given twice"))
        .hint("give it in its own column or in customAttributes, not in both")
}
