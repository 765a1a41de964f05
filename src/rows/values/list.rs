//! Lists: of texts, and of tenants.

use serde_json::value::RawValue;

use super::{Cleaned, RepairKinds, Value, json, refuse, text, write_text};
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
        Err(_) => refuse("it is no list of texts", "write [\"a\",\"b\"], or a;b in a cell"),
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
    Ok(Cleaned { repairs, ..of_ids(&ids).into() })
}

/// Tenants as objects, or by their IDs alone.
pub(super) fn tenants(json: &str) -> Result<Cleaned<'_>, Issue> {
    let all_texts = serde_json::from_str::<Vec<&RawValue>>(json)
        .is_ok_and(|items| !items.is_empty() && items.iter().all(|i| i.get().starts_with('"')));
    if !all_texts {
        return json::objects(json).map(Into::into);
    }
    let ids: Vec<String> = serde_json::from_str(json)
        .or_else(|_| refuse("it is no list of tenants", "write [\"T1\",\"T2\"]"))?;
    let (ids, repairs) = tidied(ids.iter().map(String::as_str))?;
    Ok(Cleaned { repairs, ..of_ids(&ids).into() })
}

fn of_ids<'a>(ids: &[String]) -> Value<'a> {
    let mut json = vec![b'['];
    for (i, id) in ids.iter().enumerate() {
        json.extend_from_slice(if i > 0 { b",{\"tenantId\":" } else { b"{\"tenantId\":" });
        write_text(id, &mut json);
        json.push(b'}');
    }
    json.push(b']');
    Value::Json(String::from_utf8_lossy(&json).into_owned().into())
}
