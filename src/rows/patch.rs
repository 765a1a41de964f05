//! What an instruction is as a patch of its user, and whether it may share a call. Pure.

use super::attributes;
use super::mapping::{Batching, Mapping, OnConflict};
use super::row::Values;
use crate::catalog::{AsPatch, Field, Operation, PATCH_FIELDS};
use crate::rows::values::Value;

/// An instruction as a patch of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What it sets.
    pub sets: Sets,
    /// Phone numbers and e-mail addresses that must not be another user's login ID.
    pub contacts: Vec<String>,
    /// Whether it goes in a call of its own all the same.
    pub alone: bool,
}

/// What a patch sets: a bit for each of its fields, and one for each custom attribute.
///
/// Two attributes may have the same bit, which only keeps their rows out of one patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets(u64);

impl Sets {
    /// Whether both can be one patch in which each sets all that it would set by itself.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// What both set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The lowest bit of a custom attribute.
const FIRST_ATTRIBUTE: u32 = 32;
const ATTRIBUTES: u64 = u64::MAX << FIRST_ATTRIBUTE;

impl Patch {
    /// The patch that an operation's values come to; `None` where they go by their own endpoint.
    pub(super) fn of(
        operation: &Operation,
        mapping: &Mapping,
        values: &Values<'_>,
    ) -> Option<Box<Self>> {
        if !batches(operation, mapping.batching) {
            return None;
        }
        let mut patch = Self { sets: Sets::default(), contacts: Vec::new(), alone: false };
        for (field, value) in operation.fields.iter().zip(values).skip(1) {
            let Some(value) = value else { continue };
            if operation.as_patch == AsPatch::Attribute {
                continue;
            }
            let index = field.in_patch()?;
            patch.sets = patch.sets.and(Sets(bits(index, value, mapping.batching)));
            if let (true, Value::Text(text)) = (is_contact(field), value)
                && !text.is_empty()
            {
                patch.contacts.push(text.clone().into_owned());
            }
        }
        if let (AsPatch::Attribute, Some(Value::Text(key))) = (operation.as_patch, &values[1]) {
            patch.sets = patch.sets.and(Sets(attribute_bit(key)));
        }
        match mapping.on_conflict {
            OnConflict::Fail => {}
            // The server is to merge users, which only the values' own endpoints are known to do.
            OnConflict::Merge if operation.fail_on_conflict => return None,
            OnConflict::Merge => patch.contacts.clear(),
        }
        Some(Box::new(patch))
    }
}

/// Whether rows of an operation are packed.
#[must_use]
pub fn batches(operation: &Operation, batching: Batching) -> bool {
    match batching {
        Batching::Off => false,
        Batching::Patches => operation.name == "patch",
        Batching::Values => operation.as_patch == AsPatch::Fields,
        Batching::All => operation.as_patch != AsPatch::No,
    }
}

/// Whether a field holds what another user may have as login ID.
pub(super) fn is_contact(field: &Field) -> bool {
    let field = field.in_patch().map(|index| PATCH_FIELDS[index].name);
    matches!(field, Some("phone" | "email"))
}

fn bits(index: usize, value: &Value<'_>, batching: Batching) -> u64 {
    let bit = |name: &str| {
        let index = PATCH_FIELDS.iter().position(|field| field.name == name);
        index.map_or(0, |index| 1 << index)
    };
    match (PATCH_FIELDS[index].name, value) {
        // The SDKs take them for two ways of saying the same (API reference, 3.3).
        ("roleNames" | "userTenants", _) => bit("roleNames") | bit("userTenants"),
        (attributes::ALL, Value::Json(json)) if batching == Batching::All => super::members(json)
            .map_or(ATTRIBUTES, |members| {
                members.iter().map(|(key, _)| attribute_bit(key)).fold(0, |all, bit| all | bit)
            }),
        // Whether a patch keeps attributes that it does not name is not known.
        (attributes::ALL, _) => ATTRIBUTES,
        _ => 1 << index,
    }
}

fn attribute_bit(key: &str) -> u64 {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
    1 << (u64::from(FIRST_ATTRIBUTE) + hash % u64::from(u64::BITS - FIRST_ATTRIBUTE))
}
