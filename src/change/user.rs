//! A user as the server shows it, read by what we ask of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::catalog::Contact;

/// Who a user is, read without the rest of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserNames<'a> {
    /// Its user ID; empty where it is not shown.
    #[serde(borrow)]
    pub user_id: Cow<'a, str>,
    /// Its login IDs.
    #[serde(borrow)]
    pub login_ids: Vec<Cow<'a, str>>,
    /// When it was changed last, in seconds since 1970.
    pub modified_time: Option<i64>,
}

impl<'a> UserNames<'a> {
    /// Those of a user as the server shows it; empty where it is not like any.
    #[must_use]
    pub fn read(json: &'a RawValue) -> Self {
        serde_json::from_str(json.get()).unwrap_or_default()
    }

    /// All that name the user: its login IDs, and its user ID.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.login_ids.iter().chain([&self.user_id]).map(AsRef::as_ref)
    }
}

/// A user as the server shows it (API reference, section 6). What is missing is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User(Map<String, Value>);

impl From<Map<String, Value>> for User {
    fn from(object: Map<String, Value>) -> Self {
        Self(object)
    }
}

impl User {
    /// The user that a JSON object is; `None` where it is another value.
    #[must_use]
    pub fn read(json: &RawValue) -> Option<Self> {
        serde_json::from_str(json.get()).ok().map(Self)
    }

    /// A user of whom only a login ID is known.
    #[must_use]
    pub fn of_login_id(login_id: &str) -> Self {
        let mut user = Self::default();
        user.put("loginIds", serde_json::json!([login_id]));
        user
    }

    /// Puts a value under a key.
    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// The user ID; empty where it is not shown.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.text("userId")
    }

    /// What it shows under a key; `None` for nothing.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A text.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a contact is verified.
    #[must_use]
    pub fn is_verified(&self, contact: Contact) -> bool {
        self.get(contact.verified_key()).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A list of texts.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<&str> {
        texts(self.get(key))
    }

    /// The user's tenants, each with the roles there.
    #[must_use]
    pub fn tenants(&self) -> Vec<(&str, Vec<&str>)> {
        let tenants = self.get("userTenants").and_then(Value::as_array);
        tenants.into_iter().flatten().filter_map(tenant_of).collect()
    }

    /// The roles in the project, or in a tenant; `None` if the user is not a member of it.
    #[must_use]
    pub fn roles(&self, tenant: Option<&str>) -> Option<Vec<&str>> {
        match tenant {
            None => Some(self.list("roleNames")),
            Some(id) => {
                self.tenants().into_iter().find(|(own, _)| *own == id).map(|(_, roles)| roles)
            }
        }
    }

    /// The custom attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.get("customAttributes").and_then(Value::as_object).into_iter().flatten()
    }

    /// A custom attribute; `None` for nothing.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        let attributes = self.get("customAttributes")?;
        attributes.get(name).filter(|value| !value.is_null())
    }

    /// All names of the user: its login IDs, and its user ID.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let single = ["userId", "loginId"].into_iter().filter_map(|key| self.get(key)?.as_str());
        ["loginIds", "externalIds"]
            .into_iter()
            .flat_map(|key| self.list(key))
            .chain(single)
            .filter(|name| !name.is_empty())
            .collect()
    }
}

fn tenant_of(tenant: &Value) -> Option<(&str, Vec<&str>)> {
    Some((tenant.get("tenantId")?.as_str()?, texts(tenant.get("roleNames"))))
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}
