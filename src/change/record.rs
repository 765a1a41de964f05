//! Changes as they are kept in files: written and read.
//!
//! `{"field":"phone","set":"+14155550100"}`, `{"field":"roleNames","tenant":"T1","add":["admin"]}`,
//! `{"field":"customAttributes","attribute":"tier","clear":true}`. What must be shown nowhere is
//! kept without its value.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Action, Change, Subject, Tenant, Value};
use crate::catalog::{Contact, OPERATIONS, Role};

/// A change as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// The field, by [`Subject::word`].
    pub field: String,
    /// Which custom attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// In which tenant roles hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Json>,
    /// What is added to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<Json>,
    /// What is taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<Json>,
    /// Whether it is emptied.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clear: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl From<&Change> for ChangeRecord {
    fn from(change: &Change) -> Self {
        let mut record = Self { field: change.subject.word().to_owned(), ..Self::default() };
        match &change.subject {
            Subject::Secret(_) => return record,
            Subject::Attribute(name) => record.attribute = Some(name.to_string()),
            Subject::Roles(tenant) => record.tenant = tenant.as_deref().map(str::to_owned),
            Subject::LoginId
            | Subject::LoginIds
            | Subject::Contact(_)
            | Subject::Verified(_)
            | Subject::Status
            | Subject::Tenants
            | Subject::Apps
            | Subject::Attributes
            | Subject::Unseen(_)
            | Subject::Fixed(_)
            | Subject::Plain(_) => {}
        }
        match &change.action {
            Action::Set(value) => record.set = Some(json_of(value)),
            Action::Add(value) => record.add = Some(json_of(value)),
            Action::Remove(value) => record.remove = Some(json_of(value)),
            Action::Clear => record.clear = true,
        }
        record
    }
}

fn json_of(value: &Value<'_>) -> Json {
    let mut json = Vec::new();
    value.write_json(&mut json);
    serde_json::from_slice(&json).unwrap_or(Json::Null)
}

impl ChangeRecord {
    /// The change that it is; `None` for a field that this program does not know.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        let subject = self.subject()?;
        let value = |json: &Json| value_of(&subject, json);
        let action = match self {
            Self { set: Some(json), .. } => Action::Set(value(json)?),
            Self { add: Some(json), .. } => Action::Add(value(json)?),
            Self { remove: Some(json), .. } => Action::Remove(value(json)?),
            Self { .. } => Action::Clear,
        };
        Some(Change { subject, action })
    }

    fn subject(&self) -> Option<Subject> {
        let field = self.field.as_str();
        if let Some(contact) = Contact::ALL.into_iter().find(|contact| contact.key() == field) {
            return Some(Subject::Contact(contact));
        }
        if let Some(contact) = Contact::ALL.into_iter().find(|own| own.verified_key() == field) {
            return Some(Subject::Verified(contact));
        }
        Some(match field {
            "loginId" => Subject::LoginId,
            "loginIds" => Subject::LoginIds,
            "status" => Subject::Status,
            "roleNames" => Subject::Roles(self.tenant.as_deref().map(Into::into)),
            "userTenants" => Subject::Tenants,
            "ssoAppIds" => Subject::Apps,
            "customAttributes" => match &self.attribute {
                Some(name) => Subject::Attribute(name.as_str().into()),
                None => Subject::Attributes,
            },
            _ => OPERATIONS.iter().flat_map(|own| own.fields).find_map(|own| match own.role {
                Role::Plain(key) if key == field => Some(Subject::Plain(key)),
                Role::Secret(key) if key == field => Some(Subject::Secret(key)),
                Role::Unseen(key) if key == field => Some(Subject::Unseen(key)),
                Role::Fixed(key) if key == field => Some(Subject::Fixed(key)),
                _ => None,
            })?,
        })
    }
}

fn value_of(subject: &Subject, json: &Json) -> Option<Value<'static>> {
    Some(match subject {
        Subject::Verified(_) => Value::Boolean(json.as_bool()?),
        Subject::LoginIds | Subject::Roles(_) | Subject::Apps => {
            Value::List(serde_json::from_value(json.clone()).ok()?)
        }
        Subject::Tenants => match json {
            Json::String(id) => Value::Text(id.clone().into()),
            list => {
                let tenants: Vec<Tenant> = serde_json::from_value(list.clone()).ok()?;
                Value::Tenants(tenants)
            }
        },
        Subject::Attribute(_) | Subject::Attributes => Value::Json(json.to_string().into()),
        Subject::Unseen(_) | Subject::Fixed(_) => match json {
            Json::String(text) => Value::Text(text.clone().into()),
            Json::Bool(flag) => Value::Boolean(*flag),
            other => Value::Json(other.to_string().into()),
        },
        Subject::LoginId
        | Subject::Contact(_)
        | Subject::Status
        | Subject::Secret(_)
        | Subject::Plain(_) => Value::Text(json.as_str()?.to_owned().into()),
    })
}
