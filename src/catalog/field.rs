//! Fields of a body: names, types, and what each is of a user.

use crate::input::record::normalize;

/// What a field's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// Text that is taken to the letter and shown nowhere.
    Secret,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A time, which is sent in seconds since 1970.
    Time,
    /// A list of texts.
    List,
    /// Any JSON value.
    Json,
    /// A JSON object.
    JsonObject,
    /// Tenants with roles there: a JSON list of objects.
    Tenants,
    /// A JSON list of objects; those of a text each under this key may be given by it alone.
    Objects(&'static str),
    /// A hashed password, by its form: `{"bcrypt":{"hash":"$2b$…"}}` (API reference, 3.5).
    PasswordHash,
}

impl Kind {
    /// The type's name in documents: text, boolean, list or JSON.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Text | Self::Phone | Self::Email | Self::Secret | Self::OneOf(_) => "text",
            Self::Boolean => "boolean",
            Self::Integer | Self::Time => "number",
            Self::List => "list",
            Self::Json
            | Self::JsonObject
            | Self::Tenants
            | Self::Objects(_)
            | Self::PasswordHash => "JSON",
        }
    }

    /// Whether its values must be shown nowhere.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::PasswordHash)
    }
}

/// A contact of a user, which has a flag beside it that says whether it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contact {
    /// The phone number.
    Phone,
    /// The e-mail address.
    Email,
    /// The phone number for recovery.
    RecoveryPhone,
    /// The e-mail address for recovery.
    RecoveryEmail,
}

impl Contact {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Phone, Self::Email, Self::RecoveryPhone, Self::RecoveryEmail];

    /// Its key in a user object (API reference, section 6).
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::RecoveryPhone => "recoveryPhone",
            Self::RecoveryEmail => "recoveryEmail",
        }
    }

    /// The key of its flag in a user object.
    #[must_use]
    pub fn verified_key(self) -> &'static str {
        match self {
            Self::Phone => "verifiedPhone",
            Self::Email => "verifiedEmail",
            Self::RecoveryPhone => "verifiedRecoveryPhone",
            Self::RecoveryEmail => "verifiedRecoveryEmail",
        }
    }

    /// What it is to a person who signs in with it; `None` where nobody does. It may be another
    /// user's login ID then (API reference, 3.1.1).
    #[must_use]
    pub fn signs_in(self) -> Option<&'static str> {
        match self {
            Self::Phone => Some("phone number"),
            Self::Email => Some("e-mail address"),
            Self::RecoveryPhone | Self::RecoveryEmail => None,
        }
    }

    /// Whether it is a phone number, which is compared by its digits.
    #[must_use]
    pub fn is_phone(self) -> bool {
        matches!(self, Self::Phone | Self::RecoveryPhone)
    }
}

/// What a field is of a user: by this, and not by its name, the rest of the program decides.
///
/// It is matched without a wildcard, so that a new role does not compile until every place has
/// decided about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The name of the user whom the row is about.
    User,
    /// The login ID that takes the place of that name.
    NewLoginId,
    /// Further login IDs.
    LoginIds,
    /// A contact.
    Contact(Contact),
    /// The flag beside a contact.
    Verified(Contact),
    /// Whether the user may sign in.
    Status,
    /// Names of roles, in the project or in the tenant of the [`Role::RoleTenant`] beside them.
    Roles,
    /// The tenant in which roles hold.
    RoleTenant,
    /// All tenants with the roles there.
    Tenants,
    /// One tenant.
    Tenant,
    /// SSO apps.
    Apps,
    /// Any number of custom attributes.
    Attributes,
    /// Which custom attribute.
    AttributeKey,
    /// The value of that custom attribute.
    AttributeValue,
    /// What must be shown nowhere, such as a password; its key in a body.
    Secret(&'static str),
    /// What no user object shows; its key in a body.
    Unseen(&'static str),
    /// What is said when a user is created, and never changed; its key in a user object.
    Fixed(&'static str),
    /// Text that has no meaning to us; its key in a user object.
    Plain(&'static str),
}

/// Whether a row must have a value for a field.
///
/// A flag of a contact is needed whenever the row sets the contact, whatever its need: whether it
/// is verified is stated, never assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Always.
    Required,
    /// If it likes.
    Optional,
}

/// What an empty value, stated on purpose, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// It removes the value.
    Clears,
    /// It removes the value and by that gives something away; the text says what.
    Opens(&'static str),
    /// It has no meaning and is refused.
    Refused,
}

/// One field of an operation's body.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The key in the body, and the column's first name.
    pub name: &'static str,
    /// Other names that a column may have for it.
    pub aliases: &'static [&'static str],
    /// What its value may be.
    pub kind: Kind,
    /// What it is of the user.
    pub role: Role,
    /// Whether a row must have it.
    pub need: Need,
    /// What an empty value does.
    pub empty: Empty,
    /// Whether only a batch takes it (API reference, 3.5).
    pub in_batches_only: bool,
    /// What it is, for documents.
    pub about: &'static str,
}

impl Field {
    /// Whether a column of a name, as [`normalize`] gives it, stands for the field.
    pub(super) fn answers_to(&self, normalized: &str) -> bool {
        normalize(self.name) == normalized
            || self.aliases.iter().any(|alias| normalize(alias) == normalized)
    }
}
