//! What follows for rows from what is known of custom attributes: the type of each value, and names
//! that there are not.
//!
//! What is stated with `--attribute` wins over what the project declares, where the two do not
//! contradict each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::column_map::Means;
use super::declared::{DeclaredAttribute, DeclaredAttributes};
use super::mapping::Mapping;
use super::refusals::likeliest;
use super::values::{AttributeType, CellReading, Cleaned, from_json};
use crate::catalog::{Field, Kind, OPERATIONS, Role};
use crate::change::{Value, members};
use crate::exit::Error;
use crate::issue::Issue;

/// The code of a custom attribute that the project does not declare.
const UNKNOWN_ATTRIBUTE: &str = "unknown_attribute";

/// Whether one can be stated of an attribute that the project declares as the other: both are sent
/// alike, and one says more than the other.
fn agree(stated: AttributeType, declared: AttributeType) -> bool {
    let is_wider =
        |one: AttributeType, other: AttributeType| one == AttributeType::Text && other.is_text();
    stated == declared
        || stated == AttributeType::Json
        || is_wider(stated, declared)
        || is_wider(declared, stated)
}

impl Mapping {
    /// The same, knowing which custom attributes the rows set, and what the project declares, if that
    /// is known.
    ///
    /// # Errors
    ///
    /// A type that is stated for an attribute that the project declares as another; a name in `--set`
    /// that it does not declare.
    pub fn declaring(
        mut self,
        used: BTreeSet<String>,
        declared: Option<Vec<DeclaredAttribute>>,
    ) -> Result<Self, Error> {
        let known = declared.map(|declared| {
            declared.into_iter().map(|one| (one.name.clone(), one)).collect::<BTreeMap<_, _>>()
        });
        let declared = DeclaredAttributes { used, known };
        for (name, stated) in &self.attributes {
            let own = declared.of(name).and_then(|own| own.kind);
            if let Some(kind) = own.filter(|kind| !agree(*stated, *kind)) {
                let (stated, kind) = (stated.word(), kind.word());
                return Err(Error::refused(format!(
                    "--attribute {name}={stated}: the project declares {name} as {kind}\n  omit --attribute {name}, or correct it; to send JSON as it is written, use --attribute {name}=json"
                )));
            }
        }
        self.declared = Arc::new(declared);
        for (field, value) in &self.set {
            let is_key = OPERATIONS.iter().any(|operation| {
                let index = operation.field_index(field);
                index.is_some_and(|index| operation.fields[index].role == Role::AttributeKey)
            });
            if let Some(issue) = self.undeclared(value.trim()).filter(|_| is_key) {
                return Err(Error::refused(format!(
                    "--set {field}={value}: {}\n  {}",
                    issue.message,
                    issue.hint.unwrap_or_default()
                )));
            }
        }
        Ok(self)
    }

    /// The type of a custom attribute: the one that is stated, or else the one that the project
    /// declares.
    pub(super) fn attribute_type(&self, name: &str) -> Option<AttributeType> {
        let declared = || self.declared.of(name)?.kind;
        self.stated_type(name).or_else(declared)
    }

    fn stated_type(&self, name: &str) -> Option<AttributeType> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, stated)| *stated)
    }

    /// What is wrong with the name of a custom attribute: that the project declares others only.
    fn undeclared(&self, name: &str) -> Option<Issue> {
        let known = self.declared.known.as_ref().filter(|known| !known.is_empty())?;
        if known.contains_key(name) {
            return None;
        }
        let nearest = likeliest(known.keys().map(String::as_str), name);
        let message = format!("the project declares no custom attribute {name}{nearest}");
        Some(Issue::error(UNKNOWN_ATTRIBUTE, message).hint(
            "correct the name, or declare the attribute: `descope-bulk attributes create FILE`",
        ))
    }

    /// What is wrong with the value of a custom attribute that has options: it is none of them.
    fn not_an_option(&self, name: &str, value: &Value<'_>) -> Option<Issue> {
        let declared = self.declared.of(name).filter(|own| !own.options.is_empty())?;
        if self.stated_type(name).is_some_and(|stated| Some(stated) != declared.kind) {
            return None;
        }
        let selected: Vec<String> = match value {
            Value::Text(text) => vec![text.to_string()],
            Value::List(items) => items.clone(),
            Value::Json(json) => serde_json::from_str(json).ok()?,
            Value::Boolean(_) | Value::Tenants(_) => return None,
        };
        let is_option = |one: &&String| one.is_empty() || declared.options.contains(one);
        let other = selected.iter().find(|one| !is_option(one))?;
        let options = || declared.options.iter().map(String::as_str);
        let nearest = likeliest(options(), other);
        let listed: Vec<&str> = options().take(LISTED_OPTIONS).collect();
        let more = if declared.options.len() > listed.len() { ", …" } else { "" };
        let message = format!("{name} has no such option{nearest}");
        let hint = format!("write one of its options: {}{more}", listed.join(", "));
        Some(Issue::error("bad_value", message).hint(hint))
    }

    /// Values of an object of custom attributes, each of its type.
    fn typed_object<'a>(&self, object: Value<'a>) -> Result<Value<'a>, Issue> {
        let Value::Json(json) = &object else { return Ok(object) };
        if self.attributes.is_empty() && self.declared.known.is_none() {
            return Ok(object);
        }
        let mut typed = vec![b'{'];
        for (name, raw) in members(json).unwrap_or_default() {
            let told = |issue: Issue| Issue {
                message: format!("custom attribute {name}: {}", issue.message).into(),
                ..issue
            };
            if let Some(issue) = self.undeclared(&name) {
                return Err(issue);
            }
            let attribute = self.attribute_type(&name).unwrap_or_default();
            let reading = CellReading { attribute, ..self.reading() };
            let value = from_json(Kind::Json, raw, reading).map_err(told)?.value;
            if let Some(issue) = self.not_an_option(&name, &value) {
                return Err(issue);
            }
            if typed.len() > 1 {
                typed.push(b',');
            }
            Value::Text(name.into()).write_json(&mut typed);
            typed.push(b':');
            value.write_json(&mut typed);
        }
        typed.push(b'}');
        Ok(Value::Json(String::from_utf8_lossy(&typed).into_owned().into()))
    }

    /// Where the types of the custom attributes come from that the rows set; nothing where they set
    /// none.
    #[must_use]
    pub fn types_from(&self) -> Vec<TypesFrom> {
        let origin = |name: &String| match (self.stated_type(name), self.declared.of(name)) {
            (Some(_), _) => TypesFrom::Stated,
            (None, Some(DeclaredAttribute { kind: Some(_), .. })) => TypesFrom::Project,
            (None, _) => TypesFrom::Values,
        };
        let origins: BTreeSet<TypesFrom> = self.declared.used.iter().map(origin).collect();
        origins.into_iter().collect()
    }

    /// What the project declares of the custom attributes that the rows set, as far as it decides what
    /// is sent: a run is resumed with the same only.
    #[must_use]
    pub fn declared_identity(&self) -> Vec<(String, String)> {
        if self.declared.known.is_none() {
            return Vec::new();
        }
        let told = |name: &String| match self.declared.of(name) {
            None => "not declared".to_owned(),
            Some(own) => {
                let kind = own.kind.map_or("of an unknown type", AttributeType::word);
                let mut options = own.options.clone();
                options.sort_unstable();
                let colon = if options.is_empty() { "" } else { ": " };
                format!("{kind}{colon}{}", options.join(", "))
            }
        };
        let used = self.declared.used.iter();
        used.map(|name| (format!("customAttributes.{name}"), told(name))).collect()
    }
}

/// The most options that a hint lists.
const LISTED_OPTIONS: usize = 10;

/// Where the types of custom attributes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypesFrom {
    /// From `--attribute`.
    Stated,
    /// From what the project declares.
    Project,
    /// From the values themselves.
    Values,
}

impl TypesFrom {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Project => "project",
            Self::Values => "values",
        }
    }

    /// The same for people.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Stated => "stated with --attribute",
            Self::Project => "from the project",
            Self::Values => "from the values",
        }
    }
}

/// The value of a cell, if it is one that the project takes: `key` is the name of the attribute where
/// a cell beside it has that.
pub(super) fn settled<'a>(
    mapping: &Mapping,
    (means, field): (&Means, &Field),
    key: Option<&str>,
    cleaned: Cleaned<'a>,
) -> Result<Cleaned<'a>, Issue> {
    let refused = |issue: Option<Issue>, cleaned: Cleaned<'a>| issue.map_or(Ok(cleaned), Err);
    match (means, field.role, &cleaned.value) {
        (Means::Attribute(name, _), _, value) => {
            let issue = mapping.undeclared(name).or_else(|| mapping.not_an_option(name, value));
            refused(issue, cleaned)
        }
        (_, Role::AttributeKey, Value::Text(name)) => refused(mapping.undeclared(name), cleaned),
        (_, Role::AttributeValue, value) => {
            refused(key.and_then(|key| mapping.not_an_option(key, value)), cleaned)
        }
        (_, Role::Attributes, _) => {
            let Cleaned { value, repairs, warning } = cleaned;
            Ok(Cleaned { value: mapping.typed_object(value)?, repairs, warning })
        }
        _ => Ok(cleaned),
    }
}

#[cfg(test)]
mod tests;
