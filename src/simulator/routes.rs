//! The routes: which path does what, and against which limit it counts.
//!
//! Updates of one user come from the catalogue; what else the API has is listed here.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::desk::Handler;
use super::operations::{Effect, effect_of};
use super::{create, declare, delete, import, links, reads};
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
    /// What the catalogue does not know.
    Other(Handler),
}

/// A path with its method.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    /// The limit that it counts against, if any.
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
const CREATE_BATCH: Option<RateClass> = Some(RateClass::UsersCreateBatch);
/// Calls about the project and not its users. Their limit is not documented: they have none.
const PROJECT: Option<RateClass> = None;

/// A path whose body is a bare list, and the field that it stands for (API reference, section 4).
const BARE_LIST: (&str, &str) = ("/v1/mgmt/user/history", "userIds");

/// The field that the body of a path stands for, if it is a bare list.
pub(super) fn bare_list(path: &str) -> Option<&'static str> {
    (path == BARE_LIST.0).then_some(BARE_LIST.1)
}

#[rustfmt::skip]
static OTHERS: [Row; 32] = {
    use Action::{License, Other};
    [
        ("GET", "/v1/mgmt/license", None, License),
        ("GET", "/v1/mgmt/user", USERS, Other(reads::load)),
        ("POST", "/v1/mgmt/users/load", USERS, Other(reads::load_many)),
        ("POST", "/v1/mgmt/user/search", SEARCH, Other(reads::search)),
        ("POST", "/v2/mgmt/user/search", SEARCH, Other(reads::search)),
        ("POST", "/v2/mgmt/user/search/test", USERS, Other(reads::search_tests)),
        ("POST", "/v1/mgmt/user/passkeys/list", USERS, Other(reads::passkeys)),
        ("POST", "/v1/mgmt/user/trusteddevices/list", USERS, Other(reads::devices)),
        ("POST", BARE_LIST.0, USERS, Other(reads::history_v1)),
        ("POST", "/v2/mgmt/user/history", USERS, Other(reads::history)),
        ("GET", "/v1/mgmt/user/provider/token", USERS, Other(links::provider_token)),
        ("POST", "/v1/mgmt/user/signin/embeddedlink", USERS, Other(links::sign_in)),
        ("POST", "/v1/mgmt/user/signup/embeddedlink", USERS, Other(links::sign_up)),
        ("POST", "/v1/mgmt/user/create/test", USERS, Other(create::create_test)),
        ("POST", "/v1/mgmt/user/create/batch", CREATE_BATCH, Other(create::create_batch)),
        ("POST", "/v1/mgmt/user/import", USERS, Other(import::import)),
        ("POST", "/v1/mgmt/user/delete/batch", USERS, Other(delete::delete_batch)),
        ("DELETE", "/v1/mgmt/user/test/delete/all", USERS, Other(delete::delete_tests)),
        ("GET", "/v1/mgmt/user/customattributes", USERS, Other(declare::attributes)),
        ("POST", "/v1/mgmt/user/customattribute/create", USERS, Other(declare::create_attributes)),
        ("POST", "/v1/mgmt/user/customattribute/delete", USERS, Other(declare::delete_attributes)),
        ("POST", "/v1/mgmt/tenant/create", PROJECT, Other(declare::create_tenant)),
        ("POST", "/v1/mgmt/tenant/delete", PROJECT, Other(declare::delete_tenant)),
        ("GET", "/v1/mgmt/tenant/all", PROJECT, Other(declare::tenants)),
        ("GET", "/v1/mgmt/tenant", PROJECT, Other(declare::tenant)),
        ("POST", "/v1/mgmt/tenant/search", PROJECT, Other(declare::search_tenants)),
        ("POST", "/v1/mgmt/role/create", PROJECT, Other(declare::create_role)),
        ("POST", "/v1/mgmt/role/create/batch", PROJECT, Other(declare::create_roles)),
        ("POST", "/v1/mgmt/role/delete", PROJECT, Other(declare::delete_role)),
        ("POST", "/v1/mgmt/role/delete/batch", PROJECT, Other(declare::delete_roles)),
        ("GET", "/v1/mgmt/role/all", PROJECT, Other(declare::roles)),
        ("POST", "/v1/mgmt/role/search", PROJECT, Other(declare::search_roles)),
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
                OperationKind::Create => Action::Other(create::create),
                OperationKind::Delete => Action::Other(delete::delete),
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
