//! The catalogue: every operation that updates one existing user.
//!
//! One table. The instruction builder, the client, the simulator's routes, the
//! `operations` command and `docs/operations.md` all derive from it, so a new
//! operation is an entry here. Paths, bodies and field names follow sections 2
//! and 3 of the API reference; field names are the OpenAPI's (section 2.2).

use std::time::Duration;

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

/// A set of paths that the server counts together against one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// User management as a whole; every other class counts here as well.
    Users,
    /// The full replace, `user/update`.
    UsersUpdate,
    /// Search.
    UsersSearch,
    /// Creating one user.
    UsersCreate,
    /// Creating many users.
    UsersCreateBatch,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 5] = [
        Self::Users,
        Self::UsersUpdate,
        Self::UsersSearch,
        Self::UsersCreate,
        Self::UsersCreateBatch,
    ];

    /// The documented limit: so many requests in any such window (API reference, section 8).
    #[must_use]
    pub fn documented_limit(self) -> (u32, Duration) {
        let requests = match self {
            Self::Users => 500,
            Self::UsersUpdate | Self::UsersSearch => 200,
            Self::UsersCreate | Self::UsersCreateBatch => 100,
        };
        (requests, Duration::from_secs(60))
    }

    /// The name in documents and on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "user management",
            Self::UsersUpdate => "update",
            Self::UsersSearch => "search",
            Self::UsersCreate => "create",
            Self::UsersCreateBatch => "create/batch",
        }
    }
}

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
    /// A list of texts.
    List,
    /// Any JSON value.
    Json,
    /// A JSON object.
    JsonObject,
    /// Tenants with roles there: a JSON list of objects.
    Tenants,
}

impl Kind {
    /// The type's name in documents: text, boolean, list or JSON.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Text | Self::Phone | Self::Email | Self::Secret | Self::OneOf(_) => "text",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Json | Self::JsonObject | Self::Tenants => "JSON",
        }
    }
}

/// Whether a row must have a value for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Always.
    Required,
    /// If it likes.
    Optional,
    /// Whenever it sets the named field: a `verified` flag is stated, never assumed.
    With(&'static str),
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

/// What an operation does to the fields that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It makes them what the row says.
    Sets,
    /// It adds to what is there, or takes from it.
    Adjusts,
}

/// What an operation is as a patch of the user: rows of it can then share a call with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsPatch {
    /// It cannot be one.
    No,
    /// Each of its fields is the field of the patch that has its name, or one of its other names.
    Fields,
    /// One custom attribute. Whether a patch keeps the others is not documented (API reference,
    /// 3.3).
    Attribute,
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

/// One field of an operation's body.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The key in the body, and the column's first name.
    pub name: &'static str,
    /// Other names that a column may have for it.
    pub aliases: &'static [&'static str],
    /// What its value may be.
    pub kind: Kind,
    /// Whether a row must have it.
    pub need: Need,
    /// What an empty value does.
    pub empty: Empty,
    /// What it is, for documents.
    pub about: &'static str,
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
    /// The body's fields; the first is always `loginId`.
    pub fields: &'static [Field],
    /// Flags that are the same in every body.
    pub constants: &'static [(&'static str, bool)],
    /// Whether the body carries `failOnConflict` (API reference, 3.1.1).
    pub fail_on_conflict: bool,
    /// Whether sending it again after it succeeded gives the same state (7.3).
    pub idempotent: bool,
    /// What it does to the fields that it names.
    pub effect: Effect,
    /// What it is as a patch.
    pub as_patch: AsPatch,
    /// What its answer holds.
    pub answers: Answers,
    /// Why it needs `--allow-destructive`, if it does.
    pub destructive: Option<&'static str>,
    /// The limit that it counts against, besides user management as a whole.
    pub rate_class: RateClass,
}

impl Operation {
    /// The operation of a name, read as [`normalize`] does.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let wanted = normalize(name);
        OPERATIONS.iter().find(|operation| normalize(operation.name) == wanted)
    }

    /// The index of the field that a column name stands for.
    #[must_use]
    pub fn field_index(&self, column: &str) -> Option<usize> {
        let wanted = normalize(column);
        self.fields.iter().position(|field| field.answers_to(&wanted))
    }

    /// Whether nothing can be told from an answer without its body.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.method == Method::Get || self.answers == Answers::Object
    }

    /// The index of a field by its exact name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

impl Field {
    /// The index of the field that it is in a patch.
    #[must_use]
    pub fn in_patch(&self) -> Option<usize> {
        let is = |field: &Self| field.name == self.name || self.aliases.contains(&field.name);
        PATCH_FIELDS.iter().position(is)
    }

    fn answers_to(&self, normalized: &str) -> bool {
        normalize(self.name) == normalized
            || self.aliases.iter().any(|alias| normalize(alias) == normalized)
    }

    const fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn empty(mut self, empty: Empty) -> Self {
        self.empty = empty;
        self
    }
}

/// A name without regard to case, spaces, `_`, `-` and `/`.
#[must_use]
pub fn normalize(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '/'))
        .flat_map(char::to_lowercase)
        .collect()
}

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, aliases: &[], kind, need: Need::Optional, empty: Empty::Clears, about }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Field {
    field(name, kind, about).need(Need::Required)
}

const fn flag(name: &'static str, value: &'static str, about: &'static str) -> Field {
    field(name, Kind::Boolean, about).need(Need::With(value)).empty(Empty::Refused)
}

/// The user, by login ID or user ID.
pub const USER: Field =
    required("loginId", Kind::Text, "the user: a login ID, or a user ID (`U…`)")
        .alias(&["loginIdOrUserId", "userId", "identifier"])
        .empty(Empty::Refused);

/// The user, where the API takes no user ID (API reference, 2.1).
const LOGIN_ID: Field =
    required("loginId", Kind::Text, "the user, by login ID; a user ID is not taken here")
        .alias(&["identifier"])
        .empty(Empty::Refused);

const NAME: Field = field("name", Kind::Text, "the display name").alias(&["displayName"]);
const GIVEN_NAME: Field = field("givenName", Kind::Text, "the given name").alias(&["firstName"]);
const MIDDLE_NAME: Field = field("middleName", Kind::Text, "the middle name");
const FAMILY_NAME: Field = field("familyName", Kind::Text, "the family name").alias(&["lastName"]);
const PICTURE: Field = field("picture", Kind::Text, "the address of a picture");
const EMAIL: Field = field("email", Kind::Email, "the e-mail address");
const PHONE: Field =
    field("phone", Kind::Phone, "the phone number; one without `+` needs a region")
        .alias(&["phoneNumber"]);
const VERIFIED_EMAIL: Field =
    flag("verifiedEmail", "email", "whether the user may sign in with this e-mail address");
const VERIFIED_PHONE: Field =
    flag("verifiedPhone", "phone", "whether the user may sign in with this phone number");
const RECOVERY_EMAIL: Field =
    field("recoveryEmail", Kind::Email, "the e-mail address for recovery");
const RECOVERY_PHONE: Field = field(
    "recoveryPhone",
    Kind::Phone,
    "the phone number for recovery; one without `+` needs a region",
);
const VERIFIED_RECOVERY_EMAIL: Field = flag(
    "verifiedRecoveryEmail",
    "recoveryEmail",
    "whether the recovery address counts as verified",
);
const VERIFIED_RECOVERY_PHONE: Field = flag(
    "verifiedRecoveryPhone",
    "recoveryPhone",
    "whether the recovery number counts as verified",
);
const STATUS: Field = field(
    "status",
    Kind::OneOf(&["enabled", "disabled", "invited"]),
    "`enabled`, `disabled` or `invited`",
)
.empty(Empty::Refused);
const ROLE_NAMES: Field =
    field("roleNames", Kind::List, "names of roles").alias(&["roles", "roleName"]);
const USER_TENANTS: Field = field(
    "userTenants",
    Kind::Tenants,
    "all tenants of the user: `T1;T2`, or with the roles there, `[{\"tenantId\":\"T1\",\"roleNames\":[\"admin\"]}]`",
)
.alias(&["tenants"]);
const CUSTOM_ATTRIBUTES: Field = field(
    "customAttributes",
    Kind::JsonObject,
    "custom attributes by key: `{\"tier\":\"gold\"}`; or each in a column `customAttributes.tier`",
);
const SSO_APP_IDS: Field =
    field("ssoAppIds", Kind::List, "IDs of the SSO apps that the user may open")
        .alias(&["ssoApps", "ssoAppId"])
        .empty(Empty::Opens("a user with an empty list of SSO apps may open all of them"));
const ADDITIONAL_IDENTIFIERS: Field =
    field("additionalIdentifiers", Kind::List, "further login IDs of the user")
        .alias(&["additionalLoginIds"]);
const TENANT_ID: Field =
    required("tenantId", Kind::Text, "the tenant's ID").alias(&["tenant"]).empty(Empty::Refused);
const ROLE_TENANT: Field =
    field("tenantId", Kind::Text, "the tenant in which the roles hold; without it, the project")
        .alias(&["tenant"])
        .empty(Empty::Refused);
const PASSWORD: Field =
    required("password", Kind::Secret, "the password in plain text").empty(Empty::Refused);

/// What most operations have in common; each entry says where it differs.
const BASE: Operation = Operation {
    name: "",
    about: "",
    method: Method::Post,
    path: "",
    fields: &[],
    constants: &[],
    fail_on_conflict: false,
    idempotent: true,
    effect: Effect::Sets,
    as_patch: AsPatch::No,
    answers: Answers::User,
    destructive: None,
    rate_class: RateClass::Users,
};

/// Reading one user, by login ID or user ID. It updates nothing, so it is none of the
/// [`OPERATIONS`]; its replies are judged by the same rules as theirs.
pub static LOAD: Operation = Operation {
    name: "load",
    about: "Read one user.",
    method: Method::Get,
    path: "/v1/mgmt/user",
    fields: &[USER],
    ..BASE
};

/// The most names in one search, which is also the most users in its answer (API reference,
/// section 4).
pub const NAMES_A_SEARCH: usize = 100;

/// Finding users by login IDs, at most [`NAMES_A_SEARCH`] an answer (API reference, section 4).
pub static SEARCH: Operation = Operation {
    name: "search",
    about: "Find users.",
    path: "/v2/mgmt/user/search",
    answers: Answers::Object,
    rate_class: RateClass::UsersSearch,
    ..BASE
};

/// Patching many users in one call; its body is `{"users":[…]}` (API reference, 3.3).
pub static PATCH_BATCH: Operation = Operation {
    name: "patch-batch",
    about: "Set several fields of many users at once.",
    method: Method::Patch,
    path: "/v1/mgmt/user/patch/batch",
    answers: Answers::Object,
    ..BASE
};

/// The fields of a patch (API reference, 3.3).
pub static PATCH_FIELDS: &[Field] = &[
    USER,
    EMAIL,
    VERIFIED_EMAIL,
    PHONE,
    VERIFIED_PHONE,
    NAME,
    GIVEN_NAME,
    MIDDLE_NAME,
    FAMILY_NAME,
    PICTURE,
    STATUS,
    ROLE_NAMES,
    USER_TENANTS,
    CUSTOM_ATTRIBUTES,
    ADDITIONAL_IDENTIFIERS,
    SSO_APP_IDS,
    RECOVERY_EMAIL,
    VERIFIED_RECOVERY_EMAIL,
    RECOVERY_PHONE,
    VERIFIED_RECOVERY_PHONE,
];

/// All operations, in the order of the documents.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        name: "phone",
        about: "Set or remove the phone number.",
        path: "/v1/mgmt/user/update/phone",
        fields: &[
            USER,
            PHONE.need(Need::Required),
            flag("verified", "phone", "whether the user may sign in with this phone number")
                .alias(&["verifiedPhone"]),
        ],
        fail_on_conflict: true,
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "email",
        about: "Set or remove the e-mail address.",
        path: "/v1/mgmt/user/update/email",
        fields: &[
            USER,
            EMAIL.need(Need::Required),
            flag("verified", "email", "whether the user may sign in with this e-mail address")
                .alias(&["verifiedEmail"]),
        ],
        fail_on_conflict: true,
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "loginid",
        about: "Rename one login ID; the user's other login IDs stay. An empty new name removes it.",
        path: "/v1/mgmt/user/update/loginid",
        fields: &[
            LOGIN_ID,
            required("newLoginId", Kind::Text, "the login ID that takes its place"),
        ],
        idempotent: false,
        ..BASE
    },
    Operation {
        name: "name",
        about: "Set or remove the display name and its parts; parts that are not sent stay.",
        path: "/v1/mgmt/user/update/name",
        fields: &[USER, NAME, GIVEN_NAME, MIDDLE_NAME, FAMILY_NAME],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "picture",
        about: "Set or remove the picture.",
        path: "/v1/mgmt/user/update/picture",
        fields: &[USER, PICTURE.need(Need::Required)],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "customAttribute",
        about: "Set one custom attribute; the others stay. The project must know the attribute.",
        path: "/v1/mgmt/user/update/customAttribute",
        fields: &[
            USER,
            required("attributeKey", Kind::Text, "the attribute's machine name")
                .empty(Empty::Refused),
            required("attributeValue", Kind::Json, "its value, of the attribute's type")
                .alias(&["attributeVal"]),
        ],
        as_patch: AsPatch::Attribute,
        ..BASE
    },
    Operation {
        name: "status",
        about: "Enable or disable the user.",
        path: "/v1/mgmt/user/update/status",
        fields: &[USER, STATUS.need(Need::Required)],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "recovery-email",
        about: "Set or remove the e-mail address for recovery.",
        path: "/v1/mgmt/user/update/recovery/email",
        fields: &[
            USER,
            RECOVERY_EMAIL.need(Need::Required),
            flag("verified", "recoveryEmail", "whether the recovery address counts as verified")
                .alias(&["verifiedRecoveryEmail"]),
        ],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "recovery-phone",
        about: "Set or remove the phone number for recovery.",
        path: "/v1/mgmt/user/update/recovery/phone",
        fields: &[
            USER,
            RECOVERY_PHONE.need(Need::Required),
            flag("verified", "recoveryPhone", "whether the recovery number counts as verified")
                .alias(&["verifiedRecoveryPhone"]),
        ],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "role-add",
        about: "Add roles, in the project or in a tenant; with a tenant the user joins it too.",
        path: "/v2/mgmt/user/update/role/add",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "role-set",
        about: "Replace the roles, in the project or in a tenant; an empty list removes them all.",
        path: "/v1/mgmt/user/update/role/set",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required)],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "role-remove",
        about: "Take roles away, in the project or in a tenant.",
        path: "/v1/mgmt/user/update/role/remove",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "tenant-add",
        about: "Make the user a member of a tenant.",
        path: "/v1/mgmt/user/update/tenant/add",
        fields: &[USER, TENANT_ID],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "tenant-remove",
        about: "End the user's membership of a tenant, and the roles there with it.",
        path: "/v1/mgmt/user/update/tenant/remove",
        fields: &[USER, TENANT_ID],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "ssoapp-add",
        about: "Let the user open further SSO apps.",
        path: "/v1/mgmt/user/update/ssoapp/add",
        fields: &[USER, SSO_APP_IDS.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "ssoapp-set",
        about: "Replace the list of SSO apps that the user may open.",
        path: "/v1/mgmt/user/update/ssoapp/set",
        fields: &[USER, SSO_APP_IDS.need(Need::Required)],
        as_patch: AsPatch::Fields,
        ..BASE
    },
    Operation {
        name: "ssoapp-remove",
        about: "Take SSO apps off the user's list; mind that an emptied list opens all of them.",
        path: "/v1/mgmt/user/update/ssoapp/remove",
        fields: &[USER, SSO_APP_IDS.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "password-set-temporary",
        about: "Set a password that the user must change at the next sign-in.",
        path: "/v1/mgmt/user/password/set/temporary",
        fields: &[LOGIN_ID, PASSWORD],
        constants: &[("setActive", false)],
        answers: Answers::Nothing,
        ..BASE
    },
    Operation {
        name: "password-set-active",
        about: "Set a password that the user can go on using.",
        path: "/v1/mgmt/user/password/set/active",
        fields: &[LOGIN_ID, PASSWORD],
        constants: &[("setActive", true)],
        answers: Answers::Nothing,
        ..BASE
    },
    Operation {
        name: "password-expire",
        about: "Make the user choose a new password at the next sign-in with one.",
        path: "/v1/mgmt/user/password/expire",
        fields: &[LOGIN_ID],
        answers: Answers::Nothing,
        effect: Effect::Adjusts,
        ..BASE
    },
    Operation {
        name: "update",
        about: "Replace the whole user: whatever is not sent is removed.",
        path: "/v1/mgmt/user/update",
        fields: &[
            USER,
            EMAIL,
            VERIFIED_EMAIL,
            PHONE,
            VERIFIED_PHONE,
            NAME,
            GIVEN_NAME,
            MIDDLE_NAME,
            FAMILY_NAME,
            PICTURE,
            STATUS,
            ROLE_NAMES,
            USER_TENANTS,
            CUSTOM_ATTRIBUTES,
            ADDITIONAL_IDENTIFIERS,
            SSO_APP_IDS,
        ],
        destructive: Some(
            "it replaces the whole user: every field that the row does not set is removed, roles, tenants and attributes included",
        ),
        rate_class: RateClass::UsersUpdate,
        ..BASE
    },
    Operation {
        name: "patch",
        about: "Set several fields at once; what is not sent stays.",
        method: Method::Patch,
        path: "/v1/mgmt/user/patch",
        fields: PATCH_FIELDS,
        as_patch: AsPatch::Fields,
        ..BASE
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn operations_are_named_after_the_tail_of_their_path() {
        for operation in OPERATIONS {
            let tail = operation.path.split("/mgmt/user/").nth(1).unwrap();
            let tail = tail.strip_prefix("update/").unwrap_or(tail).replace('/', "-");
            assert_eq!(operation.name, tail);
        }
    }

    #[test]
    fn names_are_unique_within_the_table_and_within_each_operation() {
        let names: HashSet<_> = OPERATIONS.iter().map(|op| normalize(op.name)).collect();
        assert_eq!(names.len(), OPERATIONS.len());
        for operation in OPERATIONS {
            let mut seen = HashSet::new();
            for field in operation.fields {
                for name in std::iter::once(&field.name).chain(field.aliases) {
                    assert!(seen.insert(normalize(name)), "{}: {name}", operation.name);
                }
            }
        }
    }

    #[test]
    fn every_operation_names_the_user_first_and_is_described() {
        for operation in OPERATIONS {
            assert_eq!(operation.fields[0].name, "loginId");
            assert_eq!(operation.fields[0].need, Need::Required);
            assert!(operation.about.ends_with('.'), "{}", operation.name);
            assert!(operation.fields.iter().all(|field| !field.about.is_empty()));
        }
    }

    #[test]
    fn a_flag_belongs_to_a_field_of_the_same_operation() {
        for operation in OPERATIONS {
            for field in operation.fields {
                if let Need::With(other) = field.need {
                    assert!(operation.index_of(other).is_some(), "{}", operation.name);
                    assert_eq!(field.kind, Kind::Boolean);
                }
            }
        }
    }

    #[test]
    fn only_the_rename_is_not_repeatable() {
        let once: Vec<_> =
            OPERATIONS.iter().filter(|op| !op.idempotent).map(|op| op.name).collect();
        assert_eq!(once, ["loginid"]);
    }

    #[test]
    fn names_are_read_without_regard_to_case_and_separators() {
        assert_eq!(Operation::named("Custom_Attribute").unwrap().name, "customAttribute");
        assert_eq!(Operation::named("recovery email").unwrap().name, "recovery-email");
        assert_eq!(Operation::named("role/add").unwrap().name, "role-add");
        assert!(Operation::named("phones").is_none());
        let phone = Operation::named("phone").unwrap();
        assert_eq!(phone.field_index("Login ID"), Some(0));
        assert_eq!(phone.field_index("PHONE_NUMBER"), Some(1));
        assert_eq!(phone.field_index("email"), None);
    }
}
