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
    CREATE_BATCH, DELETE_BATCH, LOAD, LOAD_MANY, LOGIN_IDS, NAMES_A_SEARCH, NO_INVITE, OPERATIONS,
    PASSWORD_KEY, PATCH_BATCH, PATCH_FIELDS, REQUESTS, SEARCH, USER,
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
