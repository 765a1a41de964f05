//! A change: a field of a user, and what is done to it.

use smallvec::SmallVec;

use super::value::Value;
use crate::catalog::{Contact, Operation, Role};

/// The changes of a row; hardly ever more than two.
pub type Changes = SmallVec<[Change; 2]>;

/// A field of a user, and what is done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The field.
    pub subject: Subject,
    /// What is done to it.
    pub action: Action,
}

/// What is done to a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It becomes this.
    Set(Value<'static>),
    /// It is emptied.
    Clear,
    /// This is added to it.
    Add(Value<'static>),
    /// This is taken from it.
    Remove(Value<'static>),
}

/// A field of a user, whatever operation changes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The login ID by which the row names the user.
    LoginId,
    /// The user's further login IDs.
    LoginIds,
    /// A contact.
    Contact(Contact),
    /// Whether a contact is verified.
    Verified(Contact),
    /// Whether the user may sign in.
    Status,
    /// The roles in the project, or in a tenant.
    Roles(Option<Box<str>>),
    /// The tenants, with the roles there.
    Tenants,
    /// The SSO apps.
    Apps,
    /// A custom attribute.
    Attribute(Box<str>),
    /// All custom attributes together.
    Attributes,
    /// What is shown nowhere, such as the password; by its key in a body.
    Secret(&'static str),
    /// What no user object shows; by its key in a body.
    Unseen(&'static str),
    /// What is said when a user is created, and never changed; by its key in a user object.
    Fixed(&'static str),
    /// A text, by its key in a user object.
    Plain(&'static str),
}

impl Change {
    /// A subject becomes a value; an empty value clears it.
    #[must_use]
    pub fn set(subject: Subject, value: Value<'static>) -> Self {
        let action = if value.is_empty() { Action::Clear } else { Action::Set(value) };
        Self { subject, action }
    }

    /// The text that the subject becomes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.action {
            Action::Set(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What is done as JSON, as it stands in a body.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut json = Vec::new();
        self.write_json(&mut json);
        serde_json::from_slice(&json).unwrap_or_default()
    }

    /// Appends what is done as JSON, as it stands in a body: the value, or an empty one.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.action {
            Action::Set(value) | Action::Add(value) | Action::Remove(value) => {
                value.write_json(out);
            }
            Action::Clear => out.extend_from_slice(self.subject.empty_json()),
        }
    }
}

impl Subject {
    /// A stable word for the field: its key in a user object, where it has one.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::LoginId => "loginId",
            Self::LoginIds => "loginIds",
            Self::Contact(contact) => contact.key(),
            Self::Verified(contact) => contact.verified_key(),
            Self::Status => "status",
            Self::Roles(_) => "roleNames",
            Self::Tenants => "userTenants",
            Self::Apps => "ssoAppIds",
            Self::Attribute(_) | Self::Attributes => "customAttributes",
            Self::Secret(key) | Self::Unseen(key) | Self::Fixed(key) | Self::Plain(key) => key,
        }
    }

    /// Which of several it is: the attribute, or the tenant in which roles hold.
    #[must_use]
    pub fn within(&self) -> Option<&str> {
        match self {
            Self::Attribute(name) => Some(name),
            Self::Roles(tenant) => tenant.as_deref(),
            Self::LoginId
            | Self::LoginIds
            | Self::Contact(_)
            | Self::Verified(_)
            | Self::Status
            | Self::Tenants
            | Self::Apps
            | Self::Attributes
            | Self::Secret(_)
            | Self::Unseen(_)
            | Self::Fixed(_)
            | Self::Plain(_) => None,
        }
    }

    /// The roles that the field of a body may have which holds it, the likelier first.
    pub(super) fn roles(&self) -> [Option<Role>; 2] {
        match self {
            Self::LoginId => [Some(Role::NewLoginId), None],
            Self::LoginIds => [Some(Role::LoginIds), None],
            Self::Contact(contact) => [Some(Role::Contact(*contact)), None],
            Self::Verified(contact) => [Some(Role::Verified(*contact)), None],
            Self::Status => [Some(Role::Status), None],
            Self::Roles(_) => [Some(Role::Roles), None],
            Self::Tenants => [Some(Role::Tenants), Some(Role::Tenant)],
            Self::Apps => [Some(Role::Apps), None],
            Self::Attribute(_) => [Some(Role::Attributes), Some(Role::AttributeValue)],
            Self::Attributes => [Some(Role::Attributes), None],
            Self::Secret(key) => [Some(Role::Secret(key)), None],
            Self::Unseen(key) => [Some(Role::Unseen(key)), None],
            Self::Fixed(key) => [Some(Role::Fixed(key)), None],
            Self::Plain(key) => [Some(Role::Plain(key)), None],
        }
    }

    /// The index of the field that holds it in an operation's body.
    #[must_use]
    pub fn index_in(&self, operation: &Operation) -> Option<usize> {
        self.roles().into_iter().flatten().find_map(|role| operation.index_of(role))
    }

    /// The empty value.
    pub(super) fn empty_json(&self) -> &'static [u8] {
        match self {
            Self::LoginIds | Self::Roles(_) | Self::Tenants | Self::Apps => b"[]",
            Self::Attributes => b"{}",
            Self::LoginId
            | Self::Contact(_)
            | Self::Verified(_)
            | Self::Status
            | Self::Attribute(_)
            | Self::Secret(_)
            | Self::Unseen(_)
            | Self::Fixed(_)
            | Self::Plain(_) => b"\"\"",
        }
    }
}
