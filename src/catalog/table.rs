//! The table: every operation, and the requests beside them.

use super::field::{Contact, Empty, Field, Kind, Need, Role};
use super::limits::RateClass;
use super::operation::{
    Answers, CREATED_TIME, Effect, LOGIN_ID_KEY, LostAnswer, Method, Operation, OperationKind,
    USER_ID,
};
use crate::input::record::normalize;

const fn field(name: &'static str, kind: Kind, role: Role, about: &'static str) -> Field {
    let (need, empty) = (Need::Optional, Empty::Clears);
    Field { name, aliases: &[], kind, role, need, empty, in_batches_only: false, about }
}

const fn required(name: &'static str, kind: Kind, role: Role, about: &'static str) -> Field {
    field(name, kind, role, about).need(Need::Required)
}

/// A field whose name is its key in a user object.
const fn plain(name: &'static str, about: &'static str) -> Field {
    field(name, Kind::Text, Role::Plain(name), about)
}

const fn contact(contact: Contact, about: &'static str) -> Field {
    let (name, kind) = match contact {
        Contact::Phone => ("phone", Kind::Phone),
        Contact::Email => ("email", Kind::Email),
        Contact::RecoveryPhone => ("recoveryPhone", Kind::Phone),
        Contact::RecoveryEmail => ("recoveryEmail", Kind::Email),
    };
    field(name, kind, Role::Contact(contact), about)
}

const fn flag(name: &'static str, of: Contact, about: &'static str) -> Field {
    field(name, Kind::Boolean, Role::Verified(of), about).empty(Empty::Refused)
}

impl Field {
    const fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn in_batches_only(mut self) -> Self {
        self.in_batches_only = true;
        self
    }

    const fn empty(mut self, empty: Empty) -> Self {
        self.empty = empty;
        self
    }
}

/// The key of a password in plain text.
pub const PASSWORD_KEY: &str = "password";

/// The user, by login ID or user ID.
pub const USER: Field =
    required(LOGIN_ID_KEY, Kind::Text, Role::User, "the user: a login ID, or a user ID (`U…`)")
        .alias(&["loginIdOrUserId", USER_ID, "identifier", LOGIN_IDS])
        .empty(Empty::Refused);

/// The user, where the API takes no user ID (API reference, 2.1).
const LOGIN_ID: Field = required(
    LOGIN_ID_KEY,
    Kind::Text,
    Role::User,
    "the user, by login ID; a user ID is not taken here",
)
.alias(&["identifier", LOGIN_IDS])
.empty(Empty::Refused);

/// All login IDs of a user, as the API shows them: any of them names the user.
pub const LOGIN_IDS: &str = "loginIds";

const NAME: Field = plain("name", "the display name").alias(&["displayName"]);
const GIVEN_NAME: Field = plain("givenName", "the given name").alias(&["firstName"]);
const MIDDLE_NAME: Field = plain("middleName", "the middle name");
const FAMILY_NAME: Field = plain("familyName", "the family name").alias(&["lastName"]);
const PICTURE: Field = plain("picture", "the address of a picture");
const EMAIL: Field = contact(Contact::Email, "the e-mail address");
const PHONE: Field = contact(Contact::Phone, "the phone number; one without `+` needs a region")
    .alias(&["phoneNumber"]);
const VERIFIED_EMAIL: Field =
    flag("verifiedEmail", Contact::Email, "whether the user may sign in with this e-mail address");
const VERIFIED_PHONE: Field =
    flag("verifiedPhone", Contact::Phone, "whether the user may sign in with this phone number");
const RECOVERY_EMAIL: Field = contact(Contact::RecoveryEmail, "the e-mail address for recovery");
const RECOVERY_PHONE: Field = contact(
    Contact::RecoveryPhone,
    "the phone number for recovery; one without `+` needs a region",
);
const VERIFIED_RECOVERY_EMAIL: Field = flag(
    "verifiedRecoveryEmail",
    Contact::RecoveryEmail,
    "whether the recovery address counts as verified",
);
const VERIFIED_RECOVERY_PHONE: Field = flag(
    "verifiedRecoveryPhone",
    Contact::RecoveryPhone,
    "whether the recovery number counts as verified",
);
const STATUS: Field = field(
    "status",
    Kind::OneOf(&["enabled", "disabled", "invited"]),
    Role::Status,
    "`enabled`, `disabled` or `invited`",
)
.empty(Empty::Refused);
const ROLE_NAMES: Field =
    field("roleNames", Kind::List, Role::Roles, "names of roles").alias(&["roles", "roleName"]);
const USER_TENANTS: Field = field(
    "userTenants",
    Kind::Tenants,
    Role::Tenants,
    "all tenants of the user: `T1;T2`, or with the roles there, `[{\"tenantId\":\"T1\",\"roleNames\":[\"admin\"]}]`",
)
.alias(&["tenants"]);
const CUSTOM_ATTRIBUTES: Field = field(
    "customAttributes",
    Kind::JsonObject,
    Role::Attributes,
    "custom attributes by key: `{\"tier\":\"gold\"}`; or each in a column `customAttributes.tier`",
);
const SSO_APP_IDS: Field =
    field("ssoAppIds", Kind::List, Role::Apps, "IDs of the SSO apps that the user may open")
        .alias(&["ssoApps", "ssoAppId"])
        .empty(Empty::Opens("a user with an empty list of SSO apps may open all of them"));
const ADDITIONAL_IDENTIFIERS: Field =
    field("additionalIdentifiers", Kind::List, Role::LoginIds, "further login IDs of the user")
        .alias(&["additionalLoginIds"]);
const TENANT_ID: Field = required("tenantId", Kind::Text, Role::Tenant, "the tenant's ID")
    .alias(&["tenant"])
    .empty(Empty::Refused);
const ROLE_TENANT: Field = field(
    "tenantId",
    Kind::Text,
    Role::RoleTenant,
    "the tenant in which the roles hold; without it, the project",
)
.alias(&["tenant"])
.empty(Empty::Refused);
const PASSWORD: Field =
    required(PASSWORD_KEY, Kind::Secret, Role::Secret(PASSWORD_KEY), "the password in plain text")
        .empty(Empty::Refused);
const HASHED_PASSWORD: Field = field(
    "hashedPassword",
    Kind::PasswordHash,
    Role::Secret("hashedPassword"),
    "a hashed password: `{\"bcrypt\":{\"hash\":\"…\"}}`; or in columns such as `hashedPassword.bcrypt`",
)
.empty(Empty::Refused);
const TEST: Field = field("test", Kind::Boolean, Role::Fixed("test"), "whether it is a test user")
    .empty(Empty::Refused);

/// The name of the user to be created, who has no user ID yet.
const NEW_LOGIN_ID: Field =
    required(LOGIN_ID_KEY, Kind::Text, Role::User, "the new user's first login ID")
        .alias(&["identifier", LOGIN_IDS])
        .empty(Empty::Refused);

/// What most operations have in common; each entry says where it differs.
pub(super) const BASE: Operation = Operation {
    name: "",
    about: "",
    method: Method::Post,
    path: "",
    fields: &[],
    constants: &[],
    fail_on_conflict: false,
    user_id_apart: false,
    kind: OperationKind::Update,
    effect: Effect::Sets,
    lost_answer: LostAnswer::SendAgain,
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
    kind: OperationKind::Read,
    ..BASE
};

/// The requests that are no operation.
pub static REQUESTS: [&Operation; 6] =
    [&LOAD, &LOAD_MANY, &SEARCH, &PATCH_BATCH, &CREATE_BATCH, &DELETE_BATCH];

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
    kind: OperationKind::Read,
    ..BASE
};

/// Reading many users by their user IDs, which does not lag behind writes (API reference, section 4).
/// How many it takes is not published.
pub static LOAD_MANY: Operation = Operation {
    name: "load-many",
    about: "Read users.",
    path: "/v1/mgmt/users/load",
    answers: Answers::Object,
    kind: OperationKind::Read,
    ..BASE
};

/// Patching many users in one request; its body is `{"users":[…]}` with the fields of each user
/// (API reference, 3.3).
pub static PATCH_BATCH: Operation = Operation {
    name: "patch-batch",
    about: "Set several fields of many users at once.",
    method: Method::Patch,
    path: "/v1/mgmt/user/patch/batch",
    fields: PATCH_FIELDS,
    answers: Answers::Object,
    ..BASE
};

/// Creating many users in one request; its body is `{"users":[…]}` with the fields of each user
/// (API reference, 3.5).
pub static CREATE_BATCH: Operation = Operation {
    name: "create-batch",
    about: "Create many users at once.",
    path: "/v1/mgmt/user/create/batch",
    fields: CREATE_FIELDS,
    kind: OperationKind::Create,
    lost_answer: LostAnswer::ReadUser,
    answers: Answers::Object,
    rate_class: RateClass::UsersCreateBatch,
    ..BASE
};

/// Deleting many users in one request; its body is `{"userIds":[…]}` (API reference, 3.6).
pub static DELETE_BATCH: Operation = Operation {
    name: "delete-batch",
    about: "Delete many users at once.",
    path: "/v1/mgmt/user/delete/batch",
    kind: OperationKind::Delete,
    lost_answer: LostAnswer::ReadUser,
    answers: Answers::Nothing,
    ..BASE
};

/// The fields of a new user (API reference, 3.5). The time of the creation and the seed of a TOTP
/// device are taken in batches alone.
const CREATE_FIELDS: &[Field] = &[
    NEW_LOGIN_ID,
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
    TEST,
    PASSWORD.need(Need::Optional),
    HASHED_PASSWORD,
    field("seed", Kind::Secret, Role::Secret("seed"), "the seed of the user's TOTP device")
        .alias(&["totpSeed"])
        .empty(Empty::Refused)
        .in_batches_only(),
    field(
        CREATED_TIME,
        Kind::Time,
        Role::Fixed(CREATED_TIME),
        "when the user was created, in seconds since 1970 or as `2024-05-01T10:00:00Z`",
    )
    .empty(Empty::Refused)
    .in_batches_only(),
];

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
            flag("verified", Contact::Phone, "whether the user may sign in with this phone number")
                .alias(&["verifiedPhone"]),
        ],
        fail_on_conflict: true,
        ..BASE
    },
    Operation {
        name: "email",
        about: "Set or remove the e-mail address.",
        path: "/v1/mgmt/user/update/email",
        fields: &[
            USER,
            EMAIL.need(Need::Required),
            flag(
                "verified",
                Contact::Email,
                "whether the user may sign in with this e-mail address",
            )
            .alias(&["verifiedEmail"]),
        ],
        fail_on_conflict: true,
        ..BASE
    },
    Operation {
        name: "loginid",
        about: "Rename one login ID; the user's other login IDs stay. An empty new name removes it.",
        path: "/v1/mgmt/user/update/loginid",
        fields: &[
            LOGIN_ID,
            required(
                "newLoginId",
                Kind::Text,
                Role::NewLoginId,
                "the login ID that takes its place",
            ),
        ],
        lost_answer: LostAnswer::ReadLoginIds,
        ..BASE
    },
    Operation {
        name: "name",
        about: "Set or remove the display name and its parts; parts that are not sent stay.",
        path: "/v1/mgmt/user/update/name",
        fields: &[USER, NAME, GIVEN_NAME, MIDDLE_NAME, FAMILY_NAME],
        ..BASE
    },
    Operation {
        name: "picture",
        about: "Set or remove the picture.",
        path: "/v1/mgmt/user/update/picture",
        fields: &[USER, PICTURE.need(Need::Required)],
        ..BASE
    },
    Operation {
        name: "customAttribute",
        about: "Set one custom attribute; the others stay. The project must know the attribute.",
        path: "/v1/mgmt/user/update/customAttribute",
        fields: &[
            USER,
            required(
                "attributeKey",
                Kind::Text,
                Role::AttributeKey,
                "the attribute's machine name",
            )
            .empty(Empty::Refused),
            required(
                "attributeValue",
                Kind::Json,
                Role::AttributeValue,
                "its value, of the attribute's type",
            )
            .alias(&["attributeVal"]),
        ],
        ..BASE
    },
    Operation {
        name: "status",
        about: "Enable or disable the user.",
        path: "/v1/mgmt/user/update/status",
        fields: &[USER, STATUS.need(Need::Required)],
        ..BASE
    },
    Operation {
        name: "recovery-email",
        about: "Set or remove the e-mail address for recovery.",
        path: "/v1/mgmt/user/update/recovery/email",
        fields: &[
            USER,
            RECOVERY_EMAIL.need(Need::Required),
            flag(
                "verified",
                Contact::RecoveryEmail,
                "whether the recovery address counts as verified",
            )
            .alias(&["verifiedRecoveryEmail"]),
        ],
        ..BASE
    },
    Operation {
        name: "recovery-phone",
        about: "Set or remove the phone number for recovery.",
        path: "/v1/mgmt/user/update/recovery/phone",
        fields: &[
            USER,
            RECOVERY_PHONE.need(Need::Required),
            flag(
                "verified",
                Contact::RecoveryPhone,
                "whether the recovery number counts as verified",
            )
            .alias(&["verifiedRecoveryPhone"]),
        ],
        ..BASE
    },
    Operation {
        name: "role-add",
        about: "Add roles, in the project or in a tenant; with a tenant the user joins it too.",
        path: "/v2/mgmt/user/update/role/add",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adds,
        ..BASE
    },
    Operation {
        name: "role-set",
        about: "Replace the roles, in the project or in a tenant; an empty list removes them all.",
        path: "/v1/mgmt/user/update/role/set",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required)],
        ..BASE
    },
    Operation {
        name: "role-remove",
        about: "Take roles away, in the project or in a tenant.",
        path: "/v1/mgmt/user/update/role/remove",
        fields: &[USER, ROLE_TENANT, ROLE_NAMES.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Removes,
        ..BASE
    },
    Operation {
        name: "tenant-add",
        about: "Make the user a member of a tenant.",
        path: "/v1/mgmt/user/update/tenant/add",
        fields: &[USER, TENANT_ID],
        effect: Effect::Adds,
        ..BASE
    },
    Operation {
        name: "tenant-remove",
        about: "End the user's membership of a tenant, and the roles there with it.",
        path: "/v1/mgmt/user/update/tenant/remove",
        fields: &[USER, TENANT_ID],
        effect: Effect::Removes,
        ..BASE
    },
    Operation {
        name: "ssoapp-add",
        about: "Let the user open further SSO apps.",
        path: "/v1/mgmt/user/update/ssoapp/add",
        fields: &[USER, SSO_APP_IDS.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Adds,
        ..BASE
    },
    Operation {
        name: "ssoapp-set",
        about: "Replace the list of SSO apps that the user may open.",
        path: "/v1/mgmt/user/update/ssoapp/set",
        fields: &[USER, SSO_APP_IDS.need(Need::Required)],
        ..BASE
    },
    Operation {
        name: "ssoapp-remove",
        about: "Take SSO apps off the user's list; mind that an emptied list opens all of them.",
        path: "/v1/mgmt/user/update/ssoapp/remove",
        fields: &[USER, SSO_APP_IDS.need(Need::Required).empty(Empty::Refused)],
        effect: Effect::Removes,
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
        about: "Set a password that the user can keep using.",
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
        effect: Effect::Replaces,
        rate_class: RateClass::UsersUpdate,
        ..BASE
    },
    Operation {
        name: "patch",
        about: "Set several fields at once; what is not sent stays.",
        method: Method::Patch,
        path: "/v1/mgmt/user/patch",
        fields: PATCH_FIELDS,
        ..BASE
    },
    Operation {
        name: "family-add",
        about: "Add the user to families, with roles there.",
        path: "/v1/mgmt/user/update/family/add",
        fields: &[
            USER,
            required(
                "familyAssociations",
                Kind::Objects("familyId"),
                Role::Unseen("familyAssociations"),
                "the families: `F1;F2`, or with the roles there, `[{\"familyId\":\"F1\",\"roleNames\":[\"parent\"]}]`",
            )
            .alias(&["families"])
            .empty(Empty::Refused),
        ],
        effect: Effect::Adds,
        ..BASE
    },
    Operation {
        name: "family-remove",
        about: "Take the user out of families.",
        path: "/v1/mgmt/user/update/family/remove",
        fields: &[
            USER,
            required("familyIds", Kind::List, Role::Unseen("familyIds"), "IDs of the families")
                .alias(&["familyId"])
                .empty(Empty::Refused),
        ],
        effect: Effect::Removes,
        ..BASE
    },
    Operation {
        name: "impersonationConsent",
        about: "Set until when the user lets others act in their name.",
        path: "/v1/mgmt/user/update/impersonationConsent",
        fields: &[
            USER,
            required(
                "impersonationConsent",
                Kind::Integer,
                Role::Unseen("impersonationConsent"),
                "a whole number, as the API defines it",
            )
            .empty(Empty::Refused),
        ],
        ..BASE
    },
    Operation {
        name: "passkeys-delete",
        about: "Delete all passkeys of the user.",
        path: "/v1/mgmt/user/passkeys/delete",
        fields: &[LOGIN_ID],
        destructive: Some("the user's passkeys are deleted, and nothing brings them back"),
        ..CREDENTIALS
    },
    Operation {
        name: "passkey-delete",
        about: "Delete one passkey of the user.",
        path: "/v1/mgmt/user/passkey/delete",
        fields: &[
            LOGIN_ID,
            required("credentialId", Kind::Text, Role::Unseen("credentialId"), "the passkey's ID")
                .empty(Empty::Refused),
        ],
        destructive: Some("the passkey is deleted, and nothing brings it back"),
        ..CREDENTIALS
    },
    Operation {
        name: "passkeys-import",
        about: "Take over passkeys from another provider.",
        path: "/v1/mgmt/user/passkeys/import",
        fields: &[
            LOGIN_ID,
            required(
                "devices",
                Kind::Objects(""),
                Role::Unseen("devices"),
                "the passkeys: a JSON list of objects, as the API defines them",
            )
            .empty(Empty::Refused),
        ],
        effect: Effect::Adds,
        ..CREDENTIALS
    },
    Operation {
        name: "totp-delete",
        about: "Delete the user's TOTP device (authenticator app).",
        path: "/v1/mgmt/user/totp/delete",
        fields: &[LOGIN_ID],
        destructive: Some("the user's TOTP device is deleted, and nothing brings it back"),
        ..CREDENTIALS
    },
    Operation {
        name: "recovery-codes-delete",
        about: "Delete the user's recovery codes.",
        path: "/v1/mgmt/user/recovery-codes/delete",
        fields: &[USER],
        destructive: Some("the user's recovery codes are deleted, and nothing brings them back"),
        ..CREDENTIALS
    },
    Operation {
        name: "trusteddevices-remove",
        about: "Remove trusted devices of the user, who is asked for a second factor there again.",
        path: "/v1/mgmt/user/trusteddevices/remove",
        fields: &[
            // The SDKs' name; the OpenAPI's is not known to be taken (API reference, 2.2).
            required("identifier", Kind::Text, Role::User, "the user: a login ID, or a user ID (`U…`)")
                .alias(&[LOGIN_ID_KEY, "loginIdOrUserId", USER_ID, LOGIN_IDS])
                .empty(Empty::Refused),
            required("deviceIds", Kind::List, Role::Unseen("deviceIds"), "IDs of the devices")
                .alias(&["deviceId"])
                .empty(Empty::Refused),
        ],
        effect: Effect::Removes,
        ..CREDENTIALS
    },
    Operation {
        name: "logout",
        about: "End the user's sessions on all devices.",
        path: "/v1/mgmt/user/logout",
        fields: &[
            USER,
            field(
                "sessionTypes",
                Kind::List,
                Role::Unseen("sessionTypes"),
                "the kinds of sessions to end; all where it is not given",
            )
            .empty(Empty::Refused),
        ],
        user_id_apart: true,
        ..CREDENTIALS
    },
    CREATE,
    Operation {
        name: "upsert",
        about: "Create the user, or patch one who is there in what differs.",
        kind: OperationKind::Upsert,
        ..CREATE
    },
    Operation {
        name: "delete",
        about: "Delete the user.",
        path: "/v1/mgmt/user/delete",
        fields: &[USER],
        kind: OperationKind::Delete,
        lost_answer: LostAnswer::ReadUser,
        answers: Answers::Nothing,
        destructive: Some("it deletes users; who is created anew has another user ID"),
        user_id_apart: true,
        ..BASE
    },
];

/// Creating a user to whom a mail or an SMS goes out, by the settings of the project (API reference,
/// 3.5).
pub static CREATE_AND_INVITE: Operation = Operation { constants: INVITE, ..CREATE };

/// A mail or an SMS goes out to a new user, by the settings of the project (API reference, 3.5).
pub static INVITE: &[(&str, bool)] = &[("invite", true)];

/// No mail and no SMS goes out to a new user (API reference, 3.5).
pub static NO_INVITE: &[(&str, bool)] =
    &[("invite", false), ("sendMail", false), ("sendSMS", false)];

const CREATE: Operation = Operation {
    name: "create",
    about: "Create a user. Nobody is sent anything, unless `--invite` is given.",
    path: "/v1/mgmt/user/create",
    fields: CREATE_FIELDS,
    constants: NO_INVITE,
    kind: OperationKind::Create,
    lost_answer: LostAnswer::ReadUser,
    rate_class: RateClass::UsersCreate,
    ..BASE
};

/// What is done to a user's credentials: the answer shows nothing of them.
const CREDENTIALS: Operation = Operation { answers: Answers::Nothing, ..BASE };

impl Operation {
    /// The operation of a name, read as [`normalize`] does.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let wanted = normalize(name);
        OPERATIONS.iter().find(|operation| normalize(operation.name) == wanted)
    }

    /// The operation that sets a field that a patch can set, and nothing else but what belongs to it;
    /// the patch where there is none.
    #[must_use]
    pub fn that_sets(role: Role) -> &'static Self {
        let sets = |own: &&Self| {
            let is_update = own.kind == OperationKind::Update && !own.sets_any_field();
            is_update && own.index_of(role).is_some()
        };
        OPERATIONS.iter().find(sets).unwrap_or_else(|| Self::of_patch())
    }

    /// The patch.
    #[must_use]
    pub fn of_patch() -> &'static Self {
        let patch = OPERATIONS.iter().find(|operation| operation.sets_any_field());
        patch.expect("the catalogue has it")
    }

    /// The first operation of a kind.
    #[must_use]
    pub fn of_kind(kind: OperationKind) -> &'static Self {
        let first = OPERATIONS.iter().find(|operation| operation.kind == kind);
        first.expect("the catalogue has one of each kind but reads")
    }

    /// The operation that sets one custom attribute, and keeps the others.
    #[must_use]
    pub fn of_one_attribute() -> &'static Self {
        let one = OPERATIONS.iter().find(|operation| operation.sets_one_attribute());
        one.expect("the catalogue has it")
    }

    /// Whether it is the patch, or sets what a patch can set as well: rows of it can then share a
    /// request with rows of other users.
    #[must_use]
    pub fn is_patch(&self) -> bool {
        let mut sets = self.fields.iter().skip(1).peekable();
        self.effect == Effect::Sets && sets.peek().is_some() && sets.all(Field::is_in_patch)
    }
}

impl Field {
    /// Whether a patch has a place for what it sets. Roles are a patch's only where they hold in
    /// the project, which a row tells.
    fn is_in_patch(&self) -> bool {
        match self.role {
            Role::RoleTenant | Role::AttributeKey | Role::AttributeValue => true,
            Role::User
            | Role::NewLoginId
            | Role::LoginIds
            | Role::Contact(_)
            | Role::Verified(_)
            | Role::Status
            | Role::Roles
            | Role::Tenants
            | Role::Tenant
            | Role::Apps
            | Role::Attributes
            | Role::Secret(_)
            | Role::Unseen(_)
            | Role::Fixed(_)
            | Role::Plain(_) => PATCH_FIELDS.iter().any(|field| field.role == self.role),
        }
    }
}
