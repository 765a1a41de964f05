//! The operation that columns fit, where nobody names one.

use crate::catalog::{Field, Need, OPERATIONS, Operation, OperationKind};
use crate::issue::Issue;

use super::attributes::{self, Takes};
use super::mapping::Mapping;
use super::refusals::no_operation;
use super::user_names::names_user;

/// The one operation that columns fit; several fields of a user make a patch.
///
/// Operations that take things away wholesale are never inferred, and none that users come or go by.
pub(super) fn infer(
    columns: &[&str],
    attributes: usize,
    mapping: &Mapping,
) -> Result<&'static Operation, Issue> {
    let set = mapping.set.iter().map(|(name, _)| name.as_str());
    let mut names: Vec<&str> = columns.iter().copied().chain(set).collect();
    let nothing_else = names.iter().all(|name| names_user(name));
    if attributes == 1 && nothing_else {
        // One attribute can be set for certain without touching the others.
        let one = |operation: &&Operation| matches!(Takes::of(operation), Some(Takes::One(..)));
        return OPERATIONS.iter().find(one).ok_or_else(no_operation);
    }
    if attributes > 0 {
        names.push(attributes::ALL);
    }
    if attributes == 0 && nothing_else {
        return Err(Issue::error("no_operation", "no column says what to change")
            .hint("add a column such as phone, or name the operation with --operation"));
    }
    let fits = |operation: &&'static Operation| {
        let takes_all = names.iter().all(|name| operation.field_index(name).is_some());
        let has = |field: &Field| {
            names.iter().any(|name| {
                operation.field_index(name).is_some_and(|i| operation.fields[i].name == field.name)
            })
        };
        let needs_met = operation.fields.iter().skip(1).all(|f| f.need != Need::Required || has(f));
        let is_update = operation.kind == OperationKind::Update;
        is_update && operation.destructive.is_none() && takes_all && needs_met
    };
    let candidates: Vec<_> =
        OPERATIONS.iter().filter(fits).filter(|operation| !operation.sets_any_field()).collect();
    match candidates[..] {
        [only] => Ok(only),
        [] => OPERATIONS.iter().filter(fits).find(|op| op.sets_any_field()).ok_or_else(|| {
            Issue::error(
                "no_operation",
                format!("no operation has all of these columns: {}", names.join(", ")),
            )
            .hint("name one in a column `operation`, or with --operation; `descope-bulk operations` lists the fields of each")
        }),
        _ => {
            let names: Vec<_> = candidates.iter().map(|operation| operation.name).collect();
            Err(Issue::error(
                "ambiguous_operation",
                format!("the columns fit several operations: {}", names.join(", ")),
            )
            .hint("choose one with --operation NAME, or in a column `operation`"))
        }
    }
}
