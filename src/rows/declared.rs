//! What a project declares of its custom attributes.

use std::collections::{BTreeMap, BTreeSet};

use super::values::AttributeType;

/// A custom attribute as its project declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredAttribute {
    /// Its name.
    pub name: String,
    /// Its type; `None` for one that we do not know.
    pub kind: Option<AttributeType>,
    /// What may be selected; empty where that is not known, or there is nothing to select.
    pub options: Vec<String>,
}

/// What is known of the custom attributes that rows set.
#[derive(Clone, Debug, Default)]
pub struct DeclaredAttributes {
    /// Those that rows set.
    pub(super) used: BTreeSet<String>,
    /// What the project declares, by name; nothing where that is not known.
    pub(super) known: Option<BTreeMap<String, DeclaredAttribute>>,
}

impl DeclaredAttributes {
    /// What the project declares of one.
    pub(super) fn of(&self, name: &str) -> Option<&DeclaredAttribute> {
        self.known.as_ref()?.get(name)
    }
}
