//! Values, as the API takes them.

use std::borrow::Cow;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A value that the API takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// `true` or `false`.
    Boolean(bool),
    /// A list of texts.
    List(Vec<String>),
    /// Tenants, with the roles there.
    Tenants(Vec<Tenant>),
    /// Any other JSON value, as its text.
    Json(Cow<'a, str>),
}

/// A tenant that a user is a member of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its ID.
    pub tenant_id: String,
    /// The roles there; the API takes none for an empty list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_names: Option<Vec<String>>,
}

impl Tenant {
    /// A tenant by its ID alone.
    #[must_use]
    pub fn of(tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: tenant_id.into(), role_names: None }
    }

    /// The same with roles.
    #[must_use]
    pub fn with_roles(self, role_names: Vec<String>) -> Self {
        Self { role_names: Some(role_names), ..self }
    }
}

impl Value<'_> {
    /// Whether it is the empty text, list or object: an explicit "nothing".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Tenants(tenants) => tenants.is_empty(),
            Self::Json(json) => {
                let mut inner = json.chars().filter(|c| !c.is_whitespace());
                let shown = [inner.next(), inner.next(), inner.next()];
                matches!(
                    shown,
                    [Some('"'), Some('"'), None]
                        | [Some('['), Some(']'), None]
                        | [Some('{'), Some('}'), None]
                )
            }
            Self::Boolean(_) => false,
        }
    }

    /// The same, on its own.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Boolean(value) => Value::Boolean(value),
            Self::List(items) => Value::List(items),
            Self::Tenants(tenants) => Value::Tenants(tenants),
            Self::Json(json) => Value::Json(json.into_owned().into()),
        }
    }

    /// Appends it as JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Boolean(value) => {
                out.extend_from_slice(if *value { b"true" } else { b"false" });
            }
            Self::List(items) => write(items, out),
            Self::Tenants(tenants) => write(tenants, out),
            Self::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    write(text, out);
}

fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("text can always be written to memory");
}

/// The keys and values of a JSON object, in their order, or why it is none.
pub fn members(text: &str) -> serde_json::Result<Vec<(String, &RawValue)>> {
    struct Collected<'a>(Vec<(String, &'a RawValue)>);

    struct Collect;

    impl<'de> Visitor<'de> for Collect {
        type Value = Collected<'de>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::with_capacity(8);
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Collected(members))
        }
    }

    impl<'de> Deserialize<'de> for Collected<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Collect)
        }
    }

    serde_json::from_str::<Collected<'_>>(text).map(|members| members.0)
}
