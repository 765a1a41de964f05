//! The catalogue: everything that can be done to one user.
//!
//! One table. The builder of instructions, the executor, the simulator's routes, the
//! `operations` command and `docs/operations.md` all derive from it, so a new operation is an
//! entry in it. Paths, bodies and field names follow sections 2 and 3 of the API reference;
//! field names are the OpenAPI's (section 2.2).

mod field;
mod limits;
mod operation;
mod project;
mod table;

pub use crate::input::record::normalize;
pub use field::{Contact, Empty, Field, Kind, Need, Role};
pub use limits::RateClass;
pub use operation::{
    Answers, CREATED_TIME, Effect, LostAnswer, Method, Operation, OperationKind, USER_ID,
    is_user_id,
};
pub use project::{CREATE_ATTRIBUTES, PROJECT_REQUESTS, ProjectList};
pub use table::{
    CREATE_AND_INVITE, CREATE_BATCH, DELETE_BATCH, INVITE, LOAD, LOAD_MANY, LOGIN_IDS,
    NAMES_A_SEARCH, NO_INVITE, OPERATIONS, PASSWORD_KEY, PATCH_BATCH, PATCH_FIELDS, REQUESTS,
    SEARCH, USER,
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn operations_are_named_after_the_tail_of_their_path() {
        // An upsert has no path of its own.
        for operation in OPERATIONS.iter().filter(|own| own.kind != OperationKind::Upsert) {
            let tail = operation.path.split("/mgmt/user/").nth(1).unwrap();
            let tail = tail.strip_prefix("update/").unwrap_or(tail).replace('/', "-");
            assert_eq!(operation.name, tail);
        }
    }

    /// The user paths of the API (API reference, sections 3 and 4) that no operation and no request of
    /// ours stands for, and why.
    const LEFT_OUT: [(&str, &str); 17] = [
        ("/v1/mgmt/user/update/role/add", "v2 of it is used, as the SDKs do"),
        ("/v1/mgmt/user/password/set", "deprecated; its successors are there"),
        ("/v1/mgmt/user/create/test", "create with the field `test`"),
        (
            "/v1/mgmt/user/import",
            "create takes the same users row by row, with an outcome for each",
        ),
        ("/v1/mgmt/user/test/delete/all", "it is about all test users, and not about one"),
        ("/v1/mgmt/user/search", "v2 of it is used"),
        ("/v2/mgmt/user/search/test", "search with `withTestUser`"),
        ("/v1/mgmt/user/history", "it only reads"),
        ("/v2/mgmt/user/history", "it only reads"),
        ("/v1/mgmt/user/provider/token", "it only reads"),
        ("/v1/mgmt/user/passkeys/list", "it only reads"),
        ("/v1/mgmt/user/trusteddevices/list", "it only reads"),
        ("/v1/mgmt/user/customattributes", "about the project, not a user"),
        ("/v1/mgmt/user/customattribute/create", "about the project, not a user"),
        ("/v1/mgmt/user/customattribute/delete", "about the project, not a user"),
        ("/v1/mgmt/user/signin/embeddedlink", "it changes nobody"),
        ("/v1/mgmt/user/signup/embeddedlink", "it changes nobody"),
    ];

    /// All paths of the API that are about users (API reference, sections 3 and 4).
    const PATHS: &str = "
        v1/mgmt/user v1/mgmt/users/load v1/mgmt/user/search v2/mgmt/user/search
        v2/mgmt/user/search/test v1/mgmt/user/history v2/mgmt/user/history
        v1/mgmt/user/create v1/mgmt/user/create/test v1/mgmt/user/create/batch v1/mgmt/user/import
        v1/mgmt/user/update v1/mgmt/user/patch v1/mgmt/user/patch/batch
        v1/mgmt/user/update/phone v1/mgmt/user/update/email v1/mgmt/user/update/loginid
        v1/mgmt/user/update/name v1/mgmt/user/update/picture v1/mgmt/user/update/customAttribute
        v1/mgmt/user/update/status v1/mgmt/user/update/recovery/email
        v1/mgmt/user/update/recovery/phone v1/mgmt/user/update/impersonationConsent
        v1/mgmt/user/update/role/add v2/mgmt/user/update/role/add v1/mgmt/user/update/role/set
        v1/mgmt/user/update/role/remove v1/mgmt/user/update/tenant/add
        v1/mgmt/user/update/tenant/remove v1/mgmt/user/update/ssoapp/add
        v1/mgmt/user/update/ssoapp/set v1/mgmt/user/update/ssoapp/remove
        v1/mgmt/user/update/family/add v1/mgmt/user/update/family/remove
        v1/mgmt/user/password/set v1/mgmt/user/password/set/temporary
        v1/mgmt/user/password/set/active v1/mgmt/user/password/expire
        v1/mgmt/user/passkeys/delete v1/mgmt/user/passkey/delete v1/mgmt/user/passkeys/list
        v1/mgmt/user/passkeys/import v1/mgmt/user/totp/delete v1/mgmt/user/recovery-codes/delete
        v1/mgmt/user/trusteddevices/list v1/mgmt/user/trusteddevices/remove v1/mgmt/user/logout
        v1/mgmt/user/delete v1/mgmt/user/delete/batch v1/mgmt/user/test/delete/all
        v1/mgmt/user/provider/token v1/mgmt/user/customattributes
        v1/mgmt/user/customattribute/create v1/mgmt/user/customattribute/delete
        v1/mgmt/user/signin/embeddedlink v1/mgmt/user/signup/embeddedlink";

    #[test]
    fn every_path_about_users_is_there_or_left_out_for_a_reason() {
        let ours: HashSet<&str> =
            OPERATIONS.iter().chain(REQUESTS).map(|operation| operation.path).collect();
        for path in PATHS.split_whitespace().map(|path| format!("/{path}")) {
            let left_out = LEFT_OUT.iter().any(|(other, _)| *other == path);
            assert_ne!(ours.contains(&*path), left_out, "{path}");
        }
        // What the SDKs were seen to send is known, too.
        for recorded in [
            include_str!("../tests/sdk-requests/python.jsonl"),
            include_str!("../tests/sdk-requests/python-reads.jsonl"),
            include_str!("../tests/sdk-requests/node.jsonl"),
            include_str!("../tests/sdk-requests/node-reads.jsonl"),
        ] {
            for line in recorded.lines() {
                let sent: serde_json::Value = serde_json::from_str(line).unwrap();
                let path = sent["path"].as_str().unwrap().split('?').next().unwrap();
                let is_known = ours.contains(path)
                    || LEFT_OUT.iter().any(|(other, _)| *other == path)
                    || !path.contains("/mgmt/user");
                assert!(is_known, "{path}");
            }
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
            assert_eq!(operation.fields[0].role, Role::User);
            assert_eq!(operation.fields[0].need, Need::Required);
            assert!(operation.about.ends_with('.'), "{}", operation.name);
            assert!(operation.fields.iter().all(|field| !field.about.is_empty()));
        }
    }

    #[test]
    fn a_flag_belongs_to_a_field_of_the_same_operation() {
        for operation in OPERATIONS {
            for field in operation.fields {
                if let Role::Verified(_) = field.role {
                    assert!(operation.contact_of_flag(field).is_some(), "{}", operation.name);
                    assert_eq!(field.kind, Kind::Boolean);
                }
            }
        }
    }

    #[test]
    fn renames_creations_and_deletions_are_not_idempotent() {
        let once: Vec<_> =
            OPERATIONS.iter().filter(|op| !op.is_idempotent()).map(|op| op.name).collect();
        assert_eq!(once, ["loginid", "create", "upsert", "delete"]);
    }

    #[test]
    fn a_role_stands_once_in_an_operation_and_says_the_type() {
        for operation in OPERATIONS {
            let mut roles = HashSet::new();
            for field in operation.fields {
                let case = format!("{}.{}", operation.name, field.name);
                assert!(roles.insert(field.role), "{case}");
                let is_secret = matches!(field.role, Role::Secret(_));
                assert_eq!(field.kind.is_secret(), is_secret, "{case}");
                let in_patch = PATCH_FIELDS.iter().find(|other| other.role == field.role);
                assert!(in_patch.is_none_or(|other| other.kind == field.kind), "{case}");
            }
        }
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
