//! What is sent for a row: the body, and the lanes that it must keep to.

use bytes::Bytes;

use super::mapping::{Mapping, OnConflict};
use super::patch::Patch;
use super::row::Values;
use super::{InLanes, Instruction, lane};
use crate::catalog::Operation;
use crate::input::record::{Notes, Record};
use crate::rows::values::{self, Value};

/// An instruction without its record.
pub(super) struct Assembled {
    operation: &'static Operation,
    login_id: String,
    renames_to: Option<String>,
    lanes: InLanes,
    body: Bytes,
    patch: Option<Box<Patch>>,
}

impl Assembled {
    pub(super) fn of(self, record: Record, notes: Option<Box<Notes>>) -> Instruction {
        let Self { operation, login_id, renames_to, lanes, body, patch } = self;
        let ambiguous = false;
        Instruction {
            record,
            operation,
            login_id,
            renames_to,
            ambiguous,
            lanes,
            body,
            patch,
            notes,
        }
    }
}

pub(super) fn assemble(
    operation: &'static Operation,
    mapping: &Mapping,
    values: &Values<'_>,
) -> Assembled {
    let mut body = Vec::with_capacity(128);
    body.push(b'{');
    for (field, value) in operation.fields.iter().zip(values) {
        if let Some(value) = value {
            key(field.name, &mut body);
            value.write_json(&mut body);
        }
    }
    let conflict = operation
        .fail_on_conflict
        .then_some(("failOnConflict", mapping.on_conflict == OnConflict::Fail));
    for (name, value) in operation.constants.iter().copied().chain(conflict) {
        key(name, &mut body);
        Value::Boolean(value).write_json(&mut body);
    }
    body.push(b'}');
    let text = |index: usize| match &values[index] {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone().into_owned()),
        _ => None,
    };
    let patch = Patch::of(operation, mapping, values);
    Assembled {
        operation,
        login_id: text(0).unwrap_or_default(),
        renames_to: operation.index_of("newLoginId").and_then(text),
        lanes: lanes(operation, values, patch.as_deref()),
        body: body.into(),
        patch,
    }
}

fn key(name: &str, body: &mut Vec<u8>) {
    if body.len() > 1 {
        body.push(b',');
    }
    values::write_text(name, body);
    body.push(b':');
}

/// One lane for every name of a user that the row touches: its login ID, the one that takes
/// its place, those that are added; and the contacts that the server does not guard in a patch.
fn lanes(operation: &Operation, values: &Values<'_>, patch: Option<&Patch>) -> InLanes {
    let mut lanes = InLanes::new();
    for (field, value) in operation.fields.iter().zip(values) {
        match (field.name, value) {
            ("loginId" | "newLoginId", Some(Value::Text(text))) if !text.is_empty() => {
                lanes.push(lane(text));
            }
            ("additionalIdentifiers", Some(Value::List(names))) => {
                lanes.extend(names.iter().map(|name| lane(name)));
            }
            _ => {}
        }
    }
    lanes.extend(patch.into_iter().flat_map(|patch| &patch.contacts).map(|name| lane(name)));
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}
