//! What a project has declared beside its users: custom attributes, roles and tenants.
//!
//! What is not declared is not asked about: a project without any roles takes all of them, and
//! so with tenants and custom attributes. That is our choice; the service knows its projects.
//! The objects have the shape that the official SDKs read.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::attributes::Definition;
use super::fields::Fields;
use super::problem::Problem;

/// A role, in the project or in one of its tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: String,
    description: String,
    pub(super) permission_names: Vec<String>,
    created_time: u32,
    /// Empty for a role of the whole project.
    pub(super) tenant_id: String,
    default: bool,
    private: bool,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tenant {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) self_provisioning_domains: Vec<String>,
    pub(super) custom_attributes: Map<String, Value>,
    created_time: u32,
    domains: [&'static str; 0],
    auth_type: &'static str,
    #[serde(rename = "enforceSSO")]
    enforce_sso: bool,
    disabled: bool,
    default_roles: [&'static str; 0],
}

/// What a project has declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Project {
    pub(super) attributes: Vec<Definition>,
    pub(super) roles: Vec<Role>,
    pub(super) tenants: Vec<Tenant>,
    /// IDs made so far.
    made: u32,
}

fn owned(list: Option<Vec<&str>>) -> Vec<String> {
    list.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

impl Project {
    /// Whether anything was ever declared that has an ID.
    pub(super) fn has_declared(&self) -> bool {
        self.made > 0
    }

    /// An ID as the service makes them, 28 characters with what it is of in front.
    fn make_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        let start = format!("{prefix}2simulated");
        format!("{start}{:0width$}", self.made, width = 28 - start.len())
    }

    /// Adds attributes, all of them or none.
    pub(super) fn add_attributes(&mut self, given: &[Value]) -> Result<(), Problem> {
        let mut all = self.attributes.clone();
        for value in given {
            let definition = Definition::read(value)?;
            if all.iter().any(|own| own.name == definition.name) {
                return Err(Problem::attribute_exists(&definition.name));
            }
            all.push(definition);
        }
        self.attributes = all;
        Ok(())
    }

    /// Adds a role.
    pub(super) fn add_role(&mut self, fields: &Fields, seconds: u32) -> Result<&Role, Problem> {
        let name = fields.required("name")?;
        let tenant = fields.text("tenantId")?.unwrap_or_default();
        if !tenant.is_empty() && !self.knows_tenant(tenant) {
            return Err(Problem::unknown_tenant(tenant));
        }
        if self.roles.iter().any(|role| role.name == name && role.tenant_id == tenant) {
            return Err(Problem::role_exists());
        }
        let role = Role {
            id: self.make_id("ROL"),
            name: name.to_owned(),
            description: fields.text("description")?.unwrap_or_default().to_owned(),
            permission_names: owned(fields.list("permissionNames")?),
            created_time: seconds,
            tenant_id: tenant.to_owned(),
            default: fields.flag("default")?.unwrap_or(false),
            private: fields.flag("private")?.unwrap_or(false),
        };
        self.roles.push(role);
        Ok(&self.roles[self.roles.len() - 1])
    }

    /// Adds a tenant; without an ID of its own one is made.
    pub(super) fn add_tenant(&mut self, fields: &Fields, seconds: u32) -> Result<&Tenant, Problem> {
        let name = fields.required("name")?;
        let id = fields.text("id")?.filter(|id| !id.is_empty());
        if self.tenants.iter().any(|own| own.name == name || id == Some(&own.id)) {
            return Err(Problem::tenant_exists());
        }
        let tenant = Tenant {
            name: name.to_owned(),
            self_provisioning_domains: owned(fields.list("selfProvisioningDomains")?),
            custom_attributes: fields.object("customAttributes")?.cloned().unwrap_or_default(),
            created_time: seconds,
            domains: [],
            auth_type: "none",
            enforce_sso: fields.flag("enforceSSO")?.unwrap_or(false),
            disabled: fields.flag("disabled")?.unwrap_or(false),
            default_roles: [],
            id: id.map_or_else(|| self.make_id("T"), str::to_owned),
        };
        self.tenants.push(tenant);
        Ok(&self.tenants[self.tenants.len() - 1])
    }

    /// The tenant of an ID.
    pub(super) fn tenant(&self, id: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// Whether users can be in a tenant.
    pub(super) fn knows_tenant(&self, id: &str) -> bool {
        self.tenants.is_empty() || self.tenant(id).is_some()
    }

    /// Whether users can have a role, in a tenant unless its ID is empty. `known` are roles that
    /// the project has besides those declared. Roles of the project hold in tenants as well.
    pub(super) fn knows_role(&self, name: &str, tenant: &str, known: &BTreeSet<String>) -> bool {
        let declared = |role: &Role| {
            role.name == name && (role.tenant_id.is_empty() || role.tenant_id == tenant)
        };
        (self.roles.is_empty() && known.is_empty())
            || known.contains(name)
            || self.roles.iter().any(declared)
    }

    /// Refuses a custom attribute that is not declared, or a value that does not fit. Removing
    /// one is always possible.
    pub(super) fn check_attribute(&self, key: &str, value: &Value) -> Result<(), Problem> {
        if self.attributes.is_empty() || value.is_null() {
            return Ok(());
        }
        match self.attributes.iter().find(|definition| definition.name == key) {
            Some(definition) => definition.check(value),
            None => Err(Problem::invalid(format!("There is no custom attribute {key}"))),
        }
    }
}
