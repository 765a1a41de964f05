//! What the columns of a header stand for, one by one, whether or not a run would take them.

use super::column_map::{Column, ColumnMap, column, is_known};
use super::mapping::Mapping;
use super::refusals::near_field;
use crate::catalog::{Need, OPERATIONS, Operation};
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
    /// Where that cannot be told: those that could take all columns that any of them knows.
    pub candidates: Vec<&'static Operation>,
    /// Why a run would refuse the header, if it would.
    pub refused: Result<(), Issue>,
}

impl HeaderReading {
    /// Reads a header.
    #[must_use]
    pub fn of(names: &[String], mapping: &Mapping) -> Self {
        let columns: Vec<_> =
            names.iter().map(|name| (name.clone(), use_of(name, mapping))).collect();
        let resolved = ColumnMap::resolve(names, mapping);
        let refused = match &resolved {
            Ok(map) => map.check_header(names, mapping),
            Err(issue) => Err(issue.clone()),
        };
        // Which operation is meant can be told without the columns that nobody knows.
        let lenient = Mapping { ignore_unknown: true, ..mapping.clone() };
        let resolved = resolved.or_else(|_| ColumnMap::resolve(names, &lenient));
        let operation = resolved.map(|map| map.operation());
        let candidates = if operation.is_err() { candidates(&columns) } else { Vec::new() };
        Self { columns, operation, candidates, refused }
    }
}

/// Operations that know all columns that any knows, and lack none that they need.
fn candidates(columns: &[(String, ColumnUse)]) -> Vec<&'static Operation> {
    let fields = columns.iter().filter_map(|(_, own)| match own {
        ColumnUse::Field(name) => Some(*name),
        _ => None,
    });
    let fields: Vec<&str> = fields.collect();
    let fits = |operation: &&'static Operation| {
        let known = fields.iter().all(|name| operation.field_index(name).is_some());
        let has = |index| fields.iter().any(|name| operation.field_index(name) == Some(index));
        let needed =
            operation.fields.iter().enumerate().filter(|(_, own)| own.need == Need::Required);
        known && needed.map(|(index, _)| index).all(has)
    };
    OPERATIONS.iter().filter(fits).collect()
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
            own.or_else(|| OPERATIONS.iter().find_map(of))
                .map_or(ColumnUse::LeftOut, ColumnUse::Field)
        }
        Ok(Column::Named(field)) => ColumnUse::Unknown(near_field(&field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(names: &[&str], mapping: &Mapping) -> HeaderReading {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        HeaderReading::of(&names, mapping)
    }

    #[test]
    fn each_column_is_told_even_where_a_run_refuses_the_header() {
        let mapping = Mapping { ignore: vec!["Notes".into()], ..Mapping::default() };
        let names = ["Login ID", "phonee", "Notes", "x", "", "_row", "customAttributes.tier"];
        let read = reading(&names, &mapping);
        let uses: Vec<ColumnUse> = read.columns.into_iter().map(|(_, own)| own).collect();
        assert_eq!(
            uses,
            [
                ColumnUse::Field("loginId"),
                ColumnUse::Unknown(Some("phone")),
                ColumnUse::LeftOut,
                ColumnUse::Unknown(None),
                ColumnUse::Unnamed,
                ColumnUse::LeftOut,
                ColumnUse::Attribute("tier".to_owned()),
            ]
        );
        assert_eq!(read.refused.unwrap_err().code, "unknown_field");
        // The operation is known all the same.
        assert_eq!(read.operation.unwrap().unwrap().name, "customAttribute");
    }

    #[test]
    fn an_operation_that_cannot_be_told_has_candidates() {
        let read = reading(&["loginId"], &Mapping::default());
        let names: Vec<&str> = read.candidates.iter().map(|operation| operation.name).collect();
        assert!(read.operation.is_err());
        assert!(names.contains(&"delete") && names.contains(&"logout"), "{names:?}");
        assert!(!names.contains(&"phone"), "{names:?}");
        let read = reading(&["loginId", "phone", "verified"], &Mapping::default());
        assert_eq!(read.operation.unwrap().unwrap().name, "phone");
        assert!(read.candidates.is_empty() && read.refused.is_ok());
    }
}
