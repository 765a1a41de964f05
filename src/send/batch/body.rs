//! The bodies of batches. Pure.

use bytes::Bytes;
use serde_json::json;
use serde_json::value::RawValue;

use crate::catalog::{AsPatch, Field, NAMES_A_SEARCH, PATCH_FIELDS};
use crate::engine::work::UserRows;
use crate::rows::values::write_text;
use crate::rows::{Instruction, members};

/// `{"users":[…]}`, a patch for each part.
pub(super) fn of_batch(parts: &[UserRows]) -> Bytes {
    let mut body = br#"{"users":["#.to_vec();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        patch(part, &mut body);
    }
    body.extend_from_slice(b"]}");
    body.into()
}

/// A search for the users who have login IDs, test users among them.
pub(super) fn of_search(names: &[String]) -> Bytes {
    let body = json!({
        "loginIds": names,
        "limit": NAMES_A_SEARCH,
        "page": 0,
        "withTestUser": true,
    });
    body.to_string().into()
}

/// One object with all that a part's instructions set; no two of them set the same.
fn patch(part: &UserRows, body: &mut Vec<u8>) {
    body.push(b'{');
    write_text("loginId", body);
    body.push(b':');
    write_text(&part.first.login_id, body);
    let mut attributes: Option<Vec<u8>> = None;
    for instruction in part.instructions() {
        for (name, value) in sets(instruction, &mut attributes) {
            body.push(b',');
            write_text(name, body);
            body.push(b':');
            body.extend_from_slice(value.get().as_bytes());
        }
    }
    if let Some(attributes) = attributes {
        body.extend_from_slice(br#","customAttributes":{"#);
        body.extend_from_slice(&attributes);
        body.push(b'}');
    }
    body.push(b'}');
}

/// The members of a patch that an instruction comes to; custom attributes are set apart, since
/// several instructions may have some.
fn sets<'a>(
    instruction: &'a Instruction,
    attributes: &mut Option<Vec<u8>>,
) -> Vec<(&'static str, &'a RawValue)> {
    let own = instruction.members();
    if instruction.operation.as_patch == AsPatch::Attribute {
        if let [_, (_, key), (_, value)] = own[..]
            && let Ok(key) = serde_json::from_str::<String>(key.get())
        {
            attribute(&key, value, attributes.get_or_insert_default());
        }
        return Vec::new();
    }
    let mut sets = Vec::with_capacity(own.len());
    for (name, value) in own.into_iter().skip(1) {
        let field = instruction.operation.fields.iter().find(|field| field.name == name);
        match field.and_then(Field::in_patch).map(|index| PATCH_FIELDS[index].name) {
            Some("customAttributes") => {
                let all = attributes.get_or_insert_default();
                for (key, value) in members(value.get()).unwrap_or_default() {
                    attribute(&key, value, all);
                }
            }
            Some(name) => sets.push((name, value)),
            None => {}
        }
    }
    sets
}

fn attribute(key: &str, value: &RawValue, all: &mut Vec<u8>) {
    if !all.is_empty() {
        all.push(b',');
    }
    write_text(key, all);
    all.push(b':');
    all.extend_from_slice(value.get().as_bytes());
}
