//! Lists: of texts, and of tenants.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::cleaned::{Cleaned, refuse};
use super::repairs::RepairKinds;
use super::{json, text};
use crate::change::{Tenant, Value};
use crate::issue::Issue;

/// The code of the warning that an item holds what may separate items.
pub const LIST_SEPARATOR: &str = "list_separator";

/// What separates the items of a list in a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListSeparator {
    /// `;`
    #[default]
    Semicolon,
    /// `,`
    Comma,
    /// `|`
    Bar,
}

impl ListSeparator {
    const ALL: [(Self, char); 3] = [(Self::Semicolon, ';'), (Self::Comma, ','), (Self::Bar, '|')];

    fn char(self) -> char {
        Self::ALL.into_iter().find(|(own, _)| *own == self).map_or(';', |(_, char)| char)
    }

    /// Another separator that an item of a list in a cell holds, with its name.
    fn other_in(self, cell: &str) -> Option<(char, String)> {
        let others = Self::ALL.into_iter().filter(|(other, _)| *other != self);
        let (other, char) = others.into_iter().find(|(_, char)| cell.contains(*char))?;
        Some((char, clap::ValueEnum::to_possible_value(&other)?.get_name().to_owned()))
    }
}

/// What may be wrong with a list in a cell: an item that holds what others separate items with.
#[must_use]
pub(super) fn suspicion(cell: &str, separator: ListSeparator) -> Option<Issue> {
    if cell.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let (char, name) = separator.other_in(cell)?;
    let message = format!(
        "an item of the list holds {char:?}, and items are separated by {:?}",
        separator.char()
    );
    Some(Issue::warning(LIST_SEPARATOR, message).hint(format!(
        "if {char:?} separates the items, use --list-separator {name}; if it belongs to one, write a list such as [\"a\",\"b\"]"
    )))
}

/// `a;b`, or a JSON list.
pub(super) fn of_cell(cell: &str, separator: ListSeparator) -> Result<Cleaned<'_>, Issue> {
    if cell.starts_with('[') {
        return of_json(cell);
    }
    list(cell.split(separator.char()))
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
pub(super) fn tenants_of_cell(cell: &str, separator: ListSeparator) -> Result<Cleaned<'_>, Issue> {
    let (ids, repairs) = tidied(cell.split(separator.char()))?;
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
    match serde_json::from_str::<Vec<StatedTenant>>(json) {
        Ok(tenants) => {
            let tenants = tenants.into_iter().map(StatedTenant::tenant);
            Ok(Value::Tenants(tenants.collect::<Result<_, _>>()?).into())
        }
        Err(_) => refuse(
            "expected a list of objects, each with a tenantId",
            "write [{\"tenantId\":\"T1\",\"roleNames\":[\"admin\"]}]",
        ),
    }
}

/// Objects that are a text each under a key: `F1;F2`, or a JSON list of objects.
pub(super) fn objects_of_cell<'a>(
    key: &str,
    cell: &str,
    separator: ListSeparator,
) -> Result<Cleaned<'a>, Issue> {
    if key.is_empty() || cell.starts_with('[') {
        return objects(key, cell);
    }
    let (ids, repairs) = tidied(cell.split(separator.char()))?;
    let objects: Vec<_> = ids.into_iter().map(|id| serde_json::json!({ key: id })).collect();
    let json = serde_json::Value::from(objects).to_string();
    Ok(Cleaned { repairs, ..Value::Json(json.into()).into() })
}

/// A JSON list of objects, each with a text under a key, if there is one.
pub(super) fn objects<'a>(key: &str, json: &str) -> Result<Cleaned<'a>, Issue> {
    json::without_null(json)?;
    let has = |object: &serde_json::Map<String, serde_json::Value>| {
        key.is_empty() || object.get(key).is_some_and(serde_json::Value::is_string)
    };
    match serde_json::from_str::<Vec<serde_json::Map<_, _>>>(json) {
        Ok(objects) if objects.iter().all(has) => {
            let json = serde_json::Value::from_iter(objects).to_string();
            Ok(Value::Json(json.into()).into())
        }
        _ if key.is_empty() => refuse("expected a list of objects", "write a JSON list: [{…}]"),
        _ => refuse(
            format!("expected a list of objects, each with a {key}"),
            "write a JSON list of objects, or their IDs alone: F1;F2",
        ),
    }
}

/// A tenant as a row states it.
#[derive(Deserialize)]
struct StatedTenant {
    #[serde(flatten)]
    tenant: Tenant,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

impl StatedTenant {
    /// What the API shows of a tenant and does not take is left out; what it does not know would be
    /// sent in vain.
    fn tenant(self) -> Result<Tenant, Issue> {
        const TAKEN: [&str; 2] = ["tenantId", "roleNames"];
        const SHOWN: [&str; 2] = ["tenantName", "permissions"];
        let known = |key: &&String| TAKEN.iter().chain(&SHOWN).any(|known| known == key);
        match self.more.keys().find(|key| !known(key)) {
            None => Ok(self.tenant),
            Some(key) => refuse(
                format!("a tenant has no {key:?}"),
                "write [{\"tenantId\":\"T1\",\"roleNames\":[\"admin\"]}]",
            ),
        }
    }
}

fn of_ids<'a>(ids: Vec<String>) -> Value<'a> {
    Value::Tenants(ids.into_iter().map(Tenant::of).collect())
}
