//! What the columns of a header stand for, one by one, whether or not a run would take them.

use super::column_map::{Column, ColumnMap, column, is_known};
use super::mapping::Mapping;
use super::refusals::near_field;
use crate::catalog::{OPERATIONS, Operation};
use crate::issue::Issue;

/// What one column stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnUse {
    /// A field, by its own name.
    Field(&'static str),
    /// A custom attribute.
    Attribute(String),
    /// A hashed password, or a part of one.
    PasswordHash,
    /// The operation of each row.
    Operation,
    /// The region of each row's phone numbers.
    Region,
    /// It is left out: by a setting, or as one that an earlier run has added.
    LeftOut,
    /// No operation knows it; the field whose name is nearest, if one is near.
    Unknown(Option<&'static str>),
    /// The header has no name for it.
    Unnamed,
}

/// What the columns of a header stand for.
#[derive(Clone, Debug)]
pub struct HeaderReading {
    /// Each column with its use.
    pub columns: Vec<(String, ColumnUse)>,
    /// The operation of all rows; `None` where each row names its own.
    pub operation: Result<Option<&'static Operation>, Issue>,
    /// Why a run would refuse the header, if it would.
    pub refused: Result<(), Issue>,
}

impl HeaderReading {
    /// Reads a header.
    #[must_use]
    pub fn of(names: &[String], mapping: &Mapping) -> Self {
        let columns = names.iter().map(|name| (name.clone(), use_of(name, mapping))).collect();
        let resolved = ColumnMap::resolve(names, mapping);
        let refused = match &resolved {
            Ok(map) => map.check_header(names, mapping),
            Err(issue) => Err(issue.clone()),
        };
        // Which operation is meant can be told without the columns that nobody knows.
        let lenient = Mapping { ignore_unknown: true, ..mapping.clone() };
        let resolved = resolved.or_else(|_| ColumnMap::resolve(names, &lenient));
        Self { columns, operation: resolved.map(|map| map.operation()), refused }
    }
}

fn use_of(name: &str, mapping: &Mapping) -> ColumnUse {
    match column(name, mapping) {
        Err(_) | Ok(Column::Hash(_)) => ColumnUse::PasswordHash,
        Ok(Column::Ignored) => ColumnUse::LeftOut,
        Ok(Column::Operation) => ColumnUse::Operation,
        Ok(Column::Region) => ColumnUse::Region,
        Ok(Column::Attribute(attribute)) => ColumnUse::Attribute(attribute.into()),
        Ok(Column::Unnamed) => ColumnUse::Unnamed,
        Ok(Column::Named(field)) if is_known(&field) => {
            let of = |operation: &'static Operation| {
                operation.field_index(&field).map(|index| operation.fields[index].name)
            };
            // Without an operation, the first that knows the name stands for all.
            let own = mapping.operation.and_then(of);
            own.or_else(|| OPERATIONS.iter().find_map(of)).map_or(ColumnUse::LeftOut, ColumnUse::Field)
        }
        Ok(Column::Named(field)) => ColumnUse::Unknown(near_field(&field)),
    }
}
