//! The routes: which path does what, and against which limit it counts.
//!
//! Updates of one user come from the catalogue; what else the API has is listed here.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::effects::{Effect, effect_of};
use crate::catalog::{Method, OPERATIONS, Operation, RateClass};

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

static ROUTES: LazyLock<HashMap<&'static str, Route>> = LazyLock::new(|| {
    let operations = OPERATIONS.iter().map(|operation| (operation.path, operation));
    let aliases = ALIASES.iter().filter_map(|(path, name)| Some((*path, Operation::named(name)?)));
    operations
        .chain(aliases)
        .filter_map(|(path, operation)| {
            Some(Route {
                path,
                method: operation.method.as_str(),
                class: Some(operation.rate_class),
                action: Action::Update(operation, effect_of(operation)?),
            })
        })
        .chain(others())
        .map(|route| (route.path, route))
        .collect()
});

/// The route of a path.
pub(super) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.get(path)
}

/// The routes that are no operation of the catalogue.
fn others() -> Vec<Route> {
    use Action as A;
    let post = Method::Post.as_str();
    let route =
        |method, path, action| Route { path, method, class: Some(RateClass::Users), action };
    let classed = |path, class, action| Route { class: Some(class), ..route(post, path, action) };
    let (search, create) = (RateClass::UsersSearch, RateClass::UsersCreate);
    let batch = RateClass::UsersCreateBatch;
    let mut routes = vec![
        Route { class: None, ..route("GET", "/v1/mgmt/license", A::License) },
        route("GET", "/v1/mgmt/user", A::Load),
        route(post, "/v1/mgmt/users/load", A::LoadMany),
        classed("/v1/mgmt/user/search", search, A::Search { tests: false }),
        classed("/v2/mgmt/user/search", search, A::Search { tests: false }),
        route(post, "/v2/mgmt/user/search/test", A::Search { tests: true }),
        classed("/v1/mgmt/user/create", create, A::Create { test: false }),
        route(post, "/v1/mgmt/user/create/test", A::Create { test: true }),
        classed("/v1/mgmt/user/create/batch", batch, A::CreateBatch),
        route(post, "/v1/mgmt/user/delete", A::Delete),
        route(post, "/v1/mgmt/user/delete/batch", A::DeleteBatch),
        route("DELETE", "/v1/mgmt/user/test/delete/all", A::DeleteTests),
        route("GET", "/v1/mgmt/user/customattributes", A::Attributes),
        route(post, "/v1/mgmt/user/customattribute/create", A::CreateAttributes),
        route(post, "/v1/mgmt/user/customattribute/delete", A::DeleteAttributes),
        route(post, "/v1/mgmt/user/logout", A::Fixed("{}")),
        route(post, "/v1/mgmt/user/passkeys/delete", A::Fixed("{}")),
        route(post, "/v1/mgmt/user/passkeys/list", A::Fixed(r#"{"passkeys":[]}"#)),
        route(post, "/v1/mgmt/user/totp/delete", A::Fixed("{}")),
        route(post, "/v1/mgmt/user/recovery-codes/delete", A::Fixed("{}")),
        route(post, "/v1/mgmt/user/trusteddevices/list", A::Fixed(r#"{"devices":[]}"#)),
        route(post, "/v1/mgmt/user/trusteddevices/remove", A::Fixed("{}")),
        route(post, "/v1/mgmt/user/history", A::Fixed("[]")),
        route(post, "/v2/mgmt/user/history", A::Fixed(r#"{"usersAuthHistory":[]}"#)),
    ];
    if let Some(patch) = Operation::named("patch")
        && let Some(effect) = effect_of(patch)
    {
        let action = A::PatchBatch(patch, effect);
        routes.push(route("PATCH", "/v1/mgmt/user/patch/batch", action));
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_catalogue_has_an_effect_and_a_route() {
        for operation in OPERATIONS {
            assert!(effect_of(operation).is_some(), "{}", operation.name);
            let route = find(operation.path).unwrap();
            assert_eq!(route.operation(), Some(operation));
            assert_eq!(route.method, operation.method.as_str());
            assert_eq!(route.class, Some(operation.rate_class));
        }
        for (path, name) in ALIASES {
            assert_eq!(find(path).unwrap().operation(), Operation::named(name));
        }
    }

    #[test]
    fn no_path_is_there_twice() {
        let others = others().len();
        assert_eq!(ROUTES.len(), OPERATIONS.len() + ALIASES.len() + others);
        assert!(find("/v1/mgmt/user/patch/batch").is_some());
    }
}
