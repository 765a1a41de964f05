//! Mapping: how rows are understood.

use std::sync::Arc;

use super::attributes;
use super::declared::DeclaredAttributes;
use crate::catalog::{self, Operation};
use crate::change::members;
use crate::input::record::{Content, Record};
use crate::rows::values::{
    AttributeType, CellReading, Evidence, ListSeparator, PhoneReading, Phones, REGION_MISMATCH,
    Region, StatedRegion, ZERO_RESTORED, password_hash,
};

/// What a blank cell, or a JSON `null`, means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Blank {
    /// Nothing is sent for it.
    #[default]
    Skip,
    /// The value is removed.
    Clear,
    /// The row is invalid.
    Error,
}

/// What happens when the new phone number or e-mail address belongs to another user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnConflict {
    /// The row is rejected and nothing changes.
    #[default]
    Fail,
    /// The server merges the other user into this one and deletes it, without a way back.
    Merge,
}

/// Which rows may share a call with rows of other users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Batching {
    /// None: one call for each row.
    Off,
    /// Rows of the operation `patch`.
    #[default]
    Patches,
    /// These, and all others that set what a patch can set, but for custom attributes.
    Values,
    /// These, and rows that set custom attributes.
    All,
}

/// The column that is the flag of a phone number or e-mail address by its name alone.
pub(super) const FLAG: &str = "verified";

/// How rows are understood.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// The operation of rows that do not name one.
    pub operation: Option<&'static Operation>,
    /// Column names and the field each stands for.
    pub map: Vec<(String, String)>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// The only columns that are taken; all are where there are none here.
    pub only: Vec<String>,
    /// Whether columns are left out that are no field of any operation.
    pub ignore_unknown: bool,
    /// Fields and the value that they have where a row has none.
    pub set: Vec<(String, String)>,
    /// What a blank cell means.
    pub blank: Blank,
    /// What a blank cell of some fields means, where that differs.
    pub blank_of: Vec<(String, Blank)>,
    /// Custom attributes and the type of each, where that is stated.
    pub attributes: Vec<(String, AttributeType)>,
    /// What is known of the custom attributes that rows set.
    pub declared: Arc<DeclaredAttributes>,
    /// What separates the items of a list in a cell.
    pub list_separator: ListSeparator,
    /// What is done about phone numbers.
    pub phones: Phones,
    /// The region of phone numbers without `+`, where the row states none.
    pub region: Option<Region>,
    /// What happens on a conflict.
    pub on_conflict: OnConflict,
    /// Whether operations and values that take things away wholesale are allowed.
    pub allow_destructive: bool,
    /// Whether users who are created are invited.
    pub invites: bool,
    /// Which rows may share a call.
    pub batching: Batching,
    /// Codes of warnings that are meant.
    pub allow: Vec<String>,
}

/// Whether a column sounds as if it held what nobody should see, whatever it is taken for.
fn sounds_secret(column: &str) -> bool {
    const SOUNDS: [&str; 6] = ["pass", "hash", "secret", "salt", "seed", "signerkey"];
    let name = catalog::normalize(column);
    SOUNDS.iter().any(|sound| name.contains(sound))
}

impl Mapping {
    /// The column or key of a record that gives an operation's field.
    #[must_use]
    pub fn column_of(&self, record: &Record, operation: &Operation, field: &str) -> Option<String> {
        let index = operation.field_index(field)?;
        let is_flag = matches!(operation.fields[index].role, catalog::Role::Verified(_));
        let gives = |name: &&String| match operation.field_index(self.field_of(name)) {
            Some(own) => own == index,
            None => is_flag && catalog::normalize(self.field_of(name)) == FLAG,
        };
        match &record.content {
            Content::Object(text) => {
                let keys: Vec<String> =
                    members(text).ok()?.into_iter().map(|(key, _)| key).collect();
                keys.iter().find(gives).cloned()
            }
            _ => record.source.columns.iter().find(gives).cloned(),
        }
    }

    /// The name of the field that a column stands for.
    fn field_of<'a>(&'a self, column: &'a str) -> &'a str {
        let wanted = catalog::normalize(column);
        let mapped = self.map.iter().find(|(own, _)| catalog::normalize(own) == wanted);
        mapped.map_or(column, |(_, field)| field)
    }

    /// Whether a column holds what nobody should see.
    #[must_use]
    pub fn is_secret(&self, column: &str) -> bool {
        let name = self.field_of(column);
        if password_hash::of_column(name).is_some() || sounds_secret(column) {
            return true;
        }
        let secret = |operation: &Operation| {
            operation
                .field_index(name)
                .is_some_and(|i| matches!(operation.fields[i].role, catalog::Role::Secret(_)))
        };
        catalog::OPERATIONS.iter().any(secret)
    }

    /// What a blank cell of an operation's field means.
    pub(super) fn blank_for(&self, operation: &Operation, index: usize) -> Blank {
        let own = |(name, blank): &(String, Blank)| {
            (operation.field_index(name) == Some(index)).then_some(*blank)
        };
        self.blank_of.iter().find_map(own).unwrap_or(self.blank)
    }

    /// What a blank cell of a custom attribute's own column means: what is said of it, else of
    /// all of them.
    pub(super) fn blank_for_attribute(&self, attribute: &str) -> Blank {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            self.blank_of.iter().find(|(name, _)| wanted(name)).map(|(_, blank)| *blank)
        };
        of(&|name| attributes::of_column(name) == Some(attribute))
            .or_else(|| of(&|name| catalog::normalize(name) == catalog::normalize(attributes::ALL)))
            .unwrap_or(self.blank)
    }

    /// Whether warnings of a code are meant.
    pub(super) fn allows(&self, code: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == code)
    }

    /// How values are read where the row and its columns say no more.
    pub(super) fn reading(&self) -> CellReading {
        let region = self.region.map_or(StatedRegion::Nowhere, StatedRegion::As);
        let phone = PhoneReading {
            phones: self.phones,
            region,
            evidence: Evidence::None,
            zeros_allowed: self.allows(ZERO_RESTORED),
            mismatch_allowed: self.allows(REGION_MISMATCH),
        };
        CellReading { phone, separator: self.list_separator, attribute: AttributeType::AsWritten }
    }
}
