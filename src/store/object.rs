//! JSON as text: values and objects changed without being understood.
//!
//! Number spelling, key order and escapes stay as they were written: nothing here
//! turns a number into a float or a string into another.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The value on one line.
pub(super) fn one_line(value: &RawValue) -> serde_json::Result<Cow<'_, RawValue>> {
    if breaks(value.get()) {
        RawValue::from_string(compact(value.get())).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(value))
    }
}

fn breaks(json: &str) -> bool {
    memchr::memchr2(b'\n', b'\r', json.as_bytes()).is_some()
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            let inside = quoted;
            if escaped {
                escaped = false;
            } else if quoted && c == '\\' {
                escaped = true;
            } else if c == '"' {
                quoted = !quoted;
            }
            inside || !matches!(c, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}

/// The text of an object without its closing brace and without some keys, on one line,
/// ready for more members: it ends in `{` or `,`.
pub(super) fn open(object: &str, without: &[&str]) -> serde_json::Result<String> {
    let members: Members = serde_json::from_str(object)?;
    let mut own = Vec::with_capacity(members.0.len());
    for (key, value) in &members.0 {
        let name: String = serde_json::from_str(key.get())?;
        if !without.contains(&name.as_str()) {
            own.push((key.get(), one_line(value)?));
        }
    }
    let mut text = String::with_capacity(object.len() + 1);
    let complete = own.len() == members.0.len() && !breaks(object);
    match object.trim().strip_suffix('}') {
        Some(verbatim) if complete => {
            text.push_str(verbatim.trim_end());
            if !own.is_empty() {
                text.push(',');
            }
        }
        _ => {
            text.push('{');
            for (key, value) in own {
                text.extend([key, ":", value.get(), ","]);
            }
        }
    }
    Ok(text)
}

/// An object's members, keys and values as they are written.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
