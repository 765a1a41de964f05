//! What a project has besides users, as far as rows name it: custom attributes, roles, tenants.

use super::limits::RateClass;
use super::operation::{Answers, LostAnswer, Method, Operation, OperationKind};
use super::table::BASE;

/// A list of a project that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectList {
    /// The definitions of custom attributes (API reference, 3.7).
    Attributes,
    /// The roles, of the project and of its tenants.
    Roles,
    /// The tenants.
    Tenants,
}

impl ProjectList {
    /// The request that reads it.
    #[must_use]
    pub fn operation(self) -> &'static Operation {
        match self {
            Self::Attributes => &ATTRIBUTES,
            Self::Roles => &ROLES,
            Self::Tenants => &TENANTS,
        }
    }
}

/// A request that reads a list whole.
const LIST: Operation =
    Operation { method: Method::Get, answers: Answers::Object, kind: OperationKind::Read, ..BASE };

static ATTRIBUTES: Operation = Operation {
    name: "attributes",
    about: "Read the definitions of custom attributes.",
    path: "/v1/mgmt/user/customattributes",
    ..LIST
};

static ROLES: Operation = Operation {
    name: "roles",
    about: "Read the roles.",
    path: "/v1/mgmt/role/all",
    rate_class: RateClass::Project,
    ..LIST
};

static TENANTS: Operation = Operation {
    name: "tenants",
    about: "Read the tenants.",
    path: "/v1/mgmt/tenant/all",
    rate_class: RateClass::Project,
    ..LIST
};

/// Defining custom attributes. What becomes of one that is there already is not documented, so it is
/// never sent again unless it was surely not applied.
pub static CREATE_ATTRIBUTES: Operation = Operation {
    name: "create-attributes",
    about: "Define custom attributes.",
    path: "/v1/mgmt/user/customattribute/create",
    answers: Answers::Nothing,
    lost_answer: LostAnswer::ReadProject,
    ..BASE
};

/// The requests about a project.
pub static PROJECT_REQUESTS: [&Operation; 4] = [&ATTRIBUTES, &ROLES, &TENANTS, &CREATE_ATTRIBUTES];
