//! Lists: of texts, and of tenants.

use serde_json::value::RawValue;

use super::cleaned::{Cleaned, refuse};
use super::repairs::RepairKinds;
use super::{json, text};
use crate::change::{Tenant, Value};
use crate::issue::Issue;

/// `a;b`, or a JSON list.
pub(super) fn of_cell(cell: &str) -> Result<Cleaned<'_>, Issue> {
    if cell.starts_with('[') {
        return of_json(cell);
    }
    list(cell.split(';'))
}

pub(super) fn of_json(json: &str) -> Result<Cleaned<'_>, Issue> {
    match serde_json::from_str::<Vec<String>>(json) {
        Ok(items) => list(items.iter().map(String::as_str)),
        Err(_) => refuse("expected a list of strings", "write [\"a\",\"b\"], or a;b in a cell"),
    }
}

fn list<'a, 'i>(items: impl Iterator<Item = &'i str>) -> Result<Cleaned<'a>, Issue> {
    let (items, repairs) = tidied(items)?;
    Ok(Cleaned { repairs, ..Value::List(items).into() })
}

/// The items without blanks around them, which only part them and are no repair.
fn tidied<'i>(items: impl Iterator<Item = &'i str>) -> Result<(Vec<String>, RepairKinds), Issue> {
    let mut repairs = RepairKinds::default();
    let mut kept = Vec::new();
    for item in items {
        let (item, around) = text::trim(item.trim());
        if item.is_empty() {
            return refuse("an item of the list is blank", "write a;b, or [] for an empty list");
        }
        let (item, within) = text::tidy(item)?;
        repairs = repairs.and(around).and(within);
        kept.push(item.into_owned());
    }
    Ok((kept, repairs))
}

/// Tenants by their IDs alone, `T1;T2`.
pub(super) fn tenants_of_cell(cell: &str) -> Result<Cleaned<'_>, Issue> {
    let (ids, repairs) = tidied(cell.split(';'))?;
    Ok(Cleaned { repairs, ..of_ids(ids).into() })
}

/// Tenants as objects, or by their IDs alone.
pub(super) fn tenants(json: &str) -> Result<Cleaned<'_>, Issue> {
    let elements: Vec<&RawValue> = serde_json::from_str(json)
        .or_else(|_| refuse("expected a list of tenants", "write [\"T1\",\"T2\"]"))?;
    if !elements.is_empty() && elements.iter().all(|element| element.get().starts_with('"')) {
        let ids: Vec<String> = serde_json::from_str(json)
            .or_else(|_| refuse("expected a list of tenants", "write [\"T1\",\"T2\"]"))?;
        let (ids, repairs) = tidied(ids.iter().map(String::as_str))?;
        return Ok(Cleaned { repairs, ..of_ids(ids).into() });
    }
    json::without_null(json)?;
    match serde_json::from_str(json) {
        Ok(tenants) => Ok(Value::Tenants(tenants).into()),
        Err(_) => refuse(
            "expected a list of objects, each with a tenantId",
            "write [{\"tenantId\":\"T1\",\"roleNames\":[\"admin\"]}]",
        ),
    }
}

fn of_ids<'a>(ids: Vec<String>) -> Value<'a> {
    Value::Tenants(ids.into_iter().map(Tenant::of).collect())
}
