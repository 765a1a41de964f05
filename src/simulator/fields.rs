//! A request's body as named fields: `null` is absent, and both spellings of a field are one.
//!
//! The rules are those of sections 2.2 and 2.3 of the API reference.

use serde_json::{Map, Value};

use super::problem::Problem;

/// The fields of a body, by their `OpenAPI` names.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

/// The spellings that the SDKs use, and the `OpenAPI` name for each (API reference, 2.2).
const SPELLINGS: [(&str, &str); 6] = [
    ("displayName", "name"),
    ("additionalLoginIds", "additionalIdentifiers"),
    ("ssoAppIDs", "ssoAppIds"),
    ("identifier", "loginId"),
    ("phoneNumber", "phone"),
    ("roles", "roleNames"),
];

impl Fields {
    /// Reads a body. An empty one has no fields.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let value = serde_json::from_slice(body)
            .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
        Self::from_value(value)
    }

    /// Reads a body that is a bare list; it becomes a field of a name.
    pub(super) fn parse_list(name: &str, body: &[u8]) -> Result<Self, Problem> {
        let list: Vec<Value> = serde_json::from_slice(body)
            .map_err(|error| Problem::malformed(format!("the body is no JSON list: {error}")))?;
        Ok(Self(Map::from_iter([(name.to_owned(), Value::Array(list))])))
    }

    /// The fields of an object.
    pub(super) fn from_value(value: Value) -> Result<Self, Problem> {
        let Value::Object(mut map) = value else {
            return Err(Problem::malformed("a JSON object is wanted"));
        };
        map.retain(|_, value| !value.is_null());
        for (spelling, name) in SPELLINGS {
            if let Some(value) = map.remove(spelling) {
                map.entry(name).or_insert(value);
            }
        }
        Ok(Self(map))
    }

    /// The value of a field, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether a field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        self.read(name, "text", Value::as_str)
    }

    /// A text that must be there and not empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Problem::missing(name))
    }

    /// A flag.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.read(name, "true or false", Value::as_bool)
    }

    /// A whole number, or one written as text, as JSON of 64-bit integers may be.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.read(name, "a whole number", |value| {
            value.as_i64().or_else(|| value.as_str()?.parse().ok())
        })
    }

    /// A list of texts.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<&str>>, Problem> {
        self.read(name, "a list of texts", texts)
    }

    /// A list of anything.
    pub(super) fn array(&self, name: &str) -> Result<Option<&Vec<Value>>, Problem> {
        self.read(name, "a list", Value::as_array)
    }

    /// An object.
    pub(super) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Problem> {
        self.read(name, "an object", Value::as_object)
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| Problem::malformed(format!("{name}: {wanted} is wanted"))),
        }
    }
}

/// The texts of a list, if it is one and holds nothing else.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_absent_and_both_spellings_are_one() {
        let fields = Fields::parse(br#"{"displayName":"Jane","phone":null,"verified":true}"#);
        let fields = fields.unwrap();
        assert_eq!(fields.text("name").unwrap(), Some("Jane"));
        assert!(!fields.has("phone"));
        assert_eq!(fields.flag("verified").unwrap(), Some(true));
    }

    #[test]
    fn a_wrong_type_is_malformed_and_a_missing_field_is_missing() {
        let fields = Fields::parse(br#"{"phone":1,"loginId":"","limit":"7"}"#).unwrap();
        assert_eq!(fields.text("phone").unwrap_err().code, "E011001");
        assert_eq!(fields.required("loginId").unwrap_err().code, "E011002");
        assert_eq!(fields.integer("limit").unwrap(), Some(7));
        assert_eq!(Fields::parse(b"[1]").unwrap_err().code, "E011001");
        assert_eq!(Fields::parse(b"{").unwrap_err().code, "E011001");
        assert!(Fields::parse(b" ").is_ok());
    }
}
