//! Operations: what can be done to a user, and by which request.

use super::field::{Contact, Field, Role};
use super::limits::RateClass;
use crate::input::record::normalize;

/// The user's ID, as the API shows it.
pub const USER_ID: &str = "userId";

/// When the user was created, as the API shows it: in seconds since 1970.
pub const CREATED_TIME: &str = "createdTime";

/// The key of a user's name in most bodies.
pub(super) const LOGIN_ID_KEY: &str = "loginId";

/// Whether a name has the form of a user ID (API reference, sections 2.1 and 6).
#[must_use]
pub fn is_user_id(name: &str) -> bool {
    name.starts_with('U')
        && matches!(name.len(), 28 | 32)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`, which only reads
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// What an operation does to a user's existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// It only looks.
    Read,
    /// It changes a user who is there.
    Update,
    /// It makes a user who is not there.
    Create,
    /// It makes a user who is not there, and changes one who is.
    Upsert,
    /// It takes a user away.
    Delete,
}

/// What an operation does to the fields that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It makes them what the row says, and leaves the others alone.
    Sets,
    /// It makes them what the row says, and clears all others.
    Replaces,
    /// It adds to what is there.
    Adds,
    /// It takes from what is there.
    Removes,
}

/// What is done when the answer to a request is lost, which may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostAnswer {
    /// The request is sent again: after it succeeded it gives the same state (API reference, 7.3).
    SendAgain,
    /// The user is read under the old and the new login ID, which shows what became of it.
    ReadLoginIds,
    /// The user is read: who is there was created, and who is gone was deleted.
    ReadUser,
    /// The project is read: what is there was created.
    ReadProject,
}

/// What the answer to an operation holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The user after the change (API reference, 2.4).
    User,
    /// Nothing that matters: any 200 will do.
    Nothing,
    /// An object that is needed to tell what was done.
    Object,
}

/// An entry of the catalogue: something that can be done to one user.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The tail of its path, with `-` for `/`.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL.
    pub path: &'static str,
    /// The body's fields; the first is always the user.
    pub fields: &'static [Field],
    /// Flags that are the same in every body.
    pub constants: &'static [(&'static str, bool)],
    /// Whether the body carries `failOnConflict` (API reference, 3.1.1).
    pub fail_on_conflict: bool,
    /// Whether a user ID has a key of its own in the body, `userId` (API reference, 2.1).
    pub user_id_apart: bool,
    /// What it does to users.
    pub kind: OperationKind,
    /// What it does to the fields that it names.
    pub effect: Effect,
    /// What is done when its answer is lost.
    pub lost_answer: LostAnswer,
    /// What its answer holds.
    pub answers: Answers,
    /// Why it needs `--allow-destructive`, if it does.
    pub destructive: Option<&'static str>,
    /// The limit that it counts against, besides user management as a whole.
    pub rate_class: RateClass,
}

impl Operation {
    /// The index of the field that a column name stands for.
    #[must_use]
    pub fn field_index(&self, column: &str) -> Option<usize> {
        let wanted = normalize(column);
        self.fields.iter().position(|field| field.answers_to(&wanted))
    }

    /// The index of the field that has a role.
    #[must_use]
    pub fn index_of(&self, role: Role) -> Option<usize> {
        self.fields.iter().position(|field| field.role == role)
    }

    /// The index of the contact that a field is the flag of.
    #[must_use]
    pub fn contact_of_flag(&self, field: &Field) -> Option<usize> {
        match field.role {
            Role::Verified(contact) => self.index_of(Role::Contact(contact)),
            _ => None,
        }
    }

    /// The flag beside a contact.
    #[must_use]
    pub fn flag_of(&self, contact: Contact) -> Option<&Field> {
        self.index_of(Role::Verified(contact)).map(|index| &self.fields[index])
    }

    /// Whether sending it again after it succeeded gives the same state (API reference, 7.3).
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.lost_answer == LostAnswer::SendAgain
    }

    /// Whether nothing can be told from an answer without its body.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.kind == OperationKind::Read || self.answers == Answers::Object
    }

    /// Whether it sets several fields at once: the patch itself.
    #[must_use]
    pub fn sets_any_field(&self) -> bool {
        self.method == Method::Patch
    }

    /// The key under which a body names the user.
    #[must_use]
    pub fn user_key(&self, name: &str) -> &'static str {
        match self.fields.first() {
            Some(_) if self.user_id_apart && is_user_id(name) => USER_ID,
            Some(field) => field.name,
            None => LOGIN_ID_KEY,
        }
    }

    /// Whether it sets custom attributes alone. Whether a patch keeps those that it does not name
    /// is not documented (API reference, 3.3).
    #[must_use]
    pub fn sets_one_attribute(&self) -> bool {
        self.index_of(Role::AttributeValue).is_some()
    }
}
