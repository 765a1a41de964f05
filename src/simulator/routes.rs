//! The routes: which path does what, and against which limit it counts.
//!
//! Updates of one user come from the catalogue; what else the API has is listed here.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::operations::{Effect, effect_of};
use crate::catalog::{OPERATIONS, Operation, OperationKind, RateClass};

/// What a request asks for.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// An operation of the catalogue.
    Update(&'static Operation, Effect),
    /// Several patches.
    PatchBatch(&'static Operation, Effect),
    /// The licence handshake.
    License,
    /// One user.
    Load,
    /// Users by user ID.
    LoadMany,
    /// A search, among test users only or not.
    Search { tests: bool },
    /// A new user, for tests or not.
    Create { test: bool },
    /// New users.
    CreateBatch,
    /// One user fewer.
    Delete,
    /// Users fewer, by user ID.
    DeleteBatch,
    /// No test users any more.
    DeleteTests,
    /// The custom attributes.
    Attributes,
    /// New custom attributes.
    CreateAttributes,
    /// Custom attributes fewer.
    DeleteAttributes,
    /// The roles that are known.
    Roles,
    /// The tenants that users are in.
    Tenants,
    /// The same answer always: the simulator has nothing of the kind.
    Fixed(&'static str),
}

/// A path with its method.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    /// The limit that it counts against; the handshake counts against none.
    pub(super) class: Option<RateClass>,
    pub(super) action: Action,
}

impl Route {
    /// The operation, if it is one of the catalogue.
    pub(super) fn operation(&self) -> Option<&'static Operation> {
        match self.action {
            Action::Update(operation, _) => Some(operation),
            _ => None,
        }
    }
}

/// Other paths of operations: old versions that are still served.
const ALIASES: [(&str, &str); 2] = [
    ("/v1/mgmt/user/update/role/add", "role-add"),
    ("/v1/mgmt/user/password/set", "password-set-active"),
];

/// The routes that are no operation of the catalogue: method, path, limit, action.
type Row = (&'static str, &'static str, Option<RateClass>, Action);

const USERS: Option<RateClass> = Some(RateClass::Users);
const SEARCH: Option<RateClass> = Some(RateClass::UsersSearch);
const PROJECT: Option<RateClass> = Some(RateClass::Project);
const CREATE_BATCH: Option<RateClass> = Some(RateClass::UsersCreateBatch);

#[rustfmt::skip]
static OTHERS: [Row; 19] = {
    use Action as A;
    [
        ("GET", "/v1/mgmt/license", None, A::License),
        ("GET", "/v1/mgmt/user", USERS, A::Load),
        ("POST", "/v1/mgmt/users/load", USERS, A::LoadMany),
        ("POST", "/v1/mgmt/user/search", SEARCH, A::Search { tests: false }),
        ("POST", "/v2/mgmt/user/search", SEARCH, A::Search { tests: false }),
        ("POST", "/v2/mgmt/user/search/test", USERS, A::Search { tests: true }),
        ("POST", "/v1/mgmt/user/create/test", USERS, A::Create { test: true }),
        ("POST", "/v1/mgmt/user/create/batch", CREATE_BATCH, A::CreateBatch),
        ("POST", "/v1/mgmt/user/delete/batch", USERS, A::DeleteBatch),
        ("DELETE", "/v1/mgmt/user/test/delete/all", USERS, A::DeleteTests),
        ("GET", "/v1/mgmt/user/customattributes", USERS, A::Attributes),
        ("POST", "/v1/mgmt/user/customattribute/create", USERS, A::CreateAttributes),
        ("POST", "/v1/mgmt/user/customattribute/delete", USERS, A::DeleteAttributes),
        ("GET", "/v1/mgmt/role/all", PROJECT, A::Roles),
        ("GET", "/v1/mgmt/tenant/all", PROJECT, A::Tenants),
        ("POST", "/v1/mgmt/user/passkeys/list", USERS, A::Fixed(r#"{"passkeys":[]}"#)),
        ("POST", "/v1/mgmt/user/trusteddevices/list", USERS, A::Fixed(r#"{"devices":[]}"#)),
        ("POST", "/v1/mgmt/user/history", USERS, A::Fixed("[]")),
        ("POST", "/v2/mgmt/user/history", USERS, A::Fixed(r#"{"usersAuthHistory":[]}"#)),
    ]
};

/// The batch form of the catalogue's patch.
fn patch_batch() -> Option<Route> {
    let patch = Operation::named("patch")?;
    Some(Route {
        path: "/v1/mgmt/user/patch/batch",
        method: patch.method.as_str(),
        class: USERS,
        action: Action::PatchBatch(patch, effect_of(patch)?),
    })
}

static ROUTES: LazyLock<HashMap<&'static str, Route>> = LazyLock::new(|| {
    // An upsert has no path of its own.
    let of_path = |own: &&Operation| own.kind != OperationKind::Upsert;
    let operations = OPERATIONS.iter().filter(of_path).map(|operation| (operation.path, operation));
    let aliases = ALIASES.iter().filter_map(|(path, name)| Some((*path, Operation::named(name)?)));
    operations
        .chain(aliases)
        .filter_map(|(path, operation)| {
            let action = match operation.kind {
                OperationKind::Create => Action::Create { test: false },
                OperationKind::Delete => Action::Delete,
                OperationKind::Read | OperationKind::Update | OperationKind::Upsert => {
                    Action::Update(operation, effect_of(operation)?)
                }
            };
            let (method, class) = (operation.method.as_str(), Some(operation.rate_class));
            Some(Route { path, method, class, action })
        })
        .chain(patch_batch())
        .chain(OTHERS.iter().map(|(method, path, class, action)| Route {
            path,
            method,
            class: *class,
            action: *action,
        }))
        .map(|route| (route.path, route))
        .collect()
});

/// The route of a path.
pub(super) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.get(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_catalogue_has_an_effect_and_a_route() {
        for operation in OPERATIONS.iter().filter(|own| own.kind != OperationKind::Upsert) {
            let route = find(operation.path).unwrap();
            if operation.kind == OperationKind::Update {
                assert!(effect_of(operation).is_some(), "{}", operation.name);
                assert_eq!(route.operation(), Some(operation));
            }
            assert_eq!(route.method, operation.method.as_str());
            assert_eq!(route.class, Some(operation.rate_class));
        }
        for (path, name) in ALIASES {
            assert_eq!(find(path).unwrap().operation(), Operation::named(name));
        }
    }

    #[test]
    fn no_path_is_there_twice() {
        let batch = usize::from(patch_batch().is_some());
        let all = OPERATIONS.len() - 1 + ALIASES.len() + batch + OTHERS.len();
        assert_eq!((ROUTES.len(), batch), (all, 1));
    }
}
