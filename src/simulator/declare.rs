//! What a project has beside its users comes and goes: custom attributes (API reference, 3.7),
//! roles and tenants (as the official SDKs call for them).
//!
//! What is deleted, users have no more: our choice.

#![expect(clippy::unnecessary_wraps, reason = "as all handlers are")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::attributes::Definition;
use super::desk::{Answer, Desk};
use super::fields::Fields;
use super::problem::Problem;
use super::project::{Project, Role, Tenant};
use super::store::Rules;
use super::users::User;

pub(super) fn attributes(desk: &mut Desk<'_>, _: &Fields) -> Result<Answer, Problem> {
    let definitions = desk.store.attributes();
    let data: Vec<_> = definitions.iter().map(Definition::shown).collect();
    Ok(Answer::read(json!({"total": data.len(), "data": data}).to_string()))
}

pub(super) fn create_attributes(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let given = fields.array("attributes")?.ok_or_else(|| Problem::missing("attributes"))?;
    desk.store.project_mut().add_attributes(given)?;
    Ok(Answer { applied: true, ..attributes(desk, fields)? })
}

/// Names that are not there are passed over, our choice.
pub(super) fn delete_attributes(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    for name in fields.list("names")?.ok_or_else(|| Problem::missing("names"))? {
        desk.store.drop_attribute(name, desk.moment)?;
    }
    Ok(Answer { applied: true, ..attributes(desk, fields)? })
}

pub(super) fn create_tenant(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let seconds = desk.moment.seconds;
    let tenant = desk.store.project_mut().add_tenant(fields, seconds)?;
    Ok(Answer::changed(json!({"id": tenant.id}).to_string()))
}

/// Ends memberships and the tenant's roles too; `cascade` deletes the users who are in no other
/// tenant (SDK comments).
pub(super) fn delete_tenant(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let id = fields.required("id")?;
    let cascade = fields.flag("cascade")? == Some(true);
    if desk.store.project().tenant(id).is_none() {
        return Err(Problem::unknown_tenant(id));
    }
    let project = desk.store.project_mut();
    project.tenants.retain(|tenant| tenant.id != id);
    project.roles.retain(|role| role.tenant_id != id);
    let member = |user: &User| user.details().tenants.iter().any(|own| *own.id == *id);
    for number in desk.store.numbers(member) {
        let alone = desk.store.get(number).is_some_and(|own| own.details().tenants.len() == 1);
        if cascade && alone {
            desk.store.delete(number, desk.moment);
            continue;
        }
        desk.store.change(number, desk.moment, Rules::ALONE, |user| {
            user.details_mut().tenants.retain(|own| *own.id != *id);
            Ok(())
        })?;
    }
    Ok(Answer::changed("{}".into()))
}

pub(super) fn tenant(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let project = desk.store.project();
    let tenant = project.tenant(fields.required("id")?).ok_or_else(Problem::tenant_not_loaded)?;
    Ok(Answer::read(json!(tenant).to_string()))
}

/// A project that never declared anything takes any tenant, and so has no list of them: our choice.
pub(super) fn tenants(desk: &mut Desk<'_>, _: &Fields) -> Result<Answer, Problem> {
    let project = desk.store.project();
    if project.tenants.is_empty() && !project.has_declared() {
        return Err(Problem::nothing_declared("tenants"));
    }
    Ok(Answer::read(json!({"tenants": project.tenants}).to_string()))
}

/// The tenants that fit every list that is not empty.
pub(super) fn search_tenants(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let list = |name| Ok(fields.list(name)?.filter(|list| !list.is_empty()));
    let (ids, names) = (list("tenantIds")?, list("tenantNames")?);
    let domains = list("tenantSelfProvisioningDomains")?;
    let attributes = fields.object("customAttributes")?;
    let fits = |tenant: &&Tenant| {
        ids.as_ref().is_none_or(|ids| ids.contains(&&*tenant.id))
            && names.as_ref().is_none_or(|names| names.contains(&&*tenant.name))
            && domains.as_ref().is_none_or(|domains| {
                tenant.self_provisioning_domains.iter().any(|own| domains.contains(&&**own))
            })
            && attributes.is_none_or(|wanted| {
                wanted.iter().all(|(key, value)| tenant.custom_attributes.get(key) == Some(value))
            })
    };
    let project = desk.store.project();
    let found: Vec<&Tenant> = project.tenants.iter().filter(fits).collect();
    Ok(Answer::read(json!({"tenants": found}).to_string()))
}

pub(super) fn create_role(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let seconds = desk.moment.seconds;
    let role = desk.store.project_mut().add_role(fields, seconds)?;
    Ok(Answer::changed(json!({"role": role}).to_string()))
}

/// All of them or none (SDK comments).
pub(super) fn create_roles(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    // In bodies about users `roles` is a spelling of this.
    let given = fields.array("roleNames")?.ok_or_else(|| Problem::missing("roles"))?;
    let mut project = (*desk.store.project()).clone();
    let before = project.roles.len();
    for role in given {
        project.add_role(&Fields::from_value(role.clone())?, desk.moment.seconds)?;
    }
    let body = json!({"roles": project.roles[before..]}).to_string();
    *desk.store.project_mut() = project;
    Ok(Answer::changed(body))
}

pub(super) fn delete_role(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let (id, name) = (fields.text("id")?, fields.text("name")?.unwrap_or_default());
    let id = id.filter(|id| !id.is_empty());
    let tenant = fields.text("tenantId")?.unwrap_or_default();
    if id.is_none() && name.is_empty() {
        return Err(Problem::missing("name"));
    }
    let wanted = |role: &Role| match id {
        Some(id) => role.id == id,
        None => role.name == name && role.tenant_id == tenant,
    };
    let found = desk.store.project().roles.iter().find(|role| wanted(role)).cloned();
    let role = found.ok_or_else(|| Problem::unknown_role(id.unwrap_or(name)))?;
    drop_role(desk, &role)?;
    Ok(Answer::changed("{}".into()))
}

/// By names or IDs; with neither, all roles go (an SDK's comment says so). All of them or none.
pub(super) fn delete_roles(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let list = |name| Ok(fields.list(name)?.unwrap_or_default());
    let (names, ids) = (list("roleNames")?, list("roleIds")?);
    let tenant = fields.text("tenantId")?.unwrap_or_default();
    let project = desk.store.project();
    let named = |role: &&Role| {
        let all = names.is_empty() && ids.is_empty();
        let by_name = names.contains(&&*role.name) && role.tenant_id == tenant;
        all || by_name || ids.contains(&&*role.id)
    };
    let roles: Vec<Role> = project.roles.iter().filter(named).cloned().collect();
    let there = |name: &&&str| roles.iter().any(|role| role.name == **name || role.id == **name);
    if let Some(missing) = names.iter().chain(&ids).find(|name| !there(name)) {
        return Err(Problem::unknown_role(missing));
    }
    for role in &roles {
        drop_role(desk, role)?;
    }
    Ok(Answer::changed("{}".into()))
}

/// Takes a role away, from users as well: one of a tenant there, one of the project everywhere
/// but where the tenant has one of the same name.
fn drop_role(desk: &mut Desk<'_>, gone: &Role) -> Result<(), Problem> {
    desk.store.project_mut().roles.retain(|role| role.id != gone.id);
    let project = desk.store.project();
    // Where roles of the same name are left, by tenant.
    let others: BTreeSet<&str> = project
        .roles
        .iter()
        .filter(|role| role.name == gone.name)
        .map(|role| &*role.tenant_id)
        .collect();
    let keeps = |tenant: &str| others.contains("") || others.contains(tenant);
    let in_project = gone.tenant_id.is_empty();
    let concerned = |tenant: &str| (in_project || gone.tenant_id == tenant) && !keeps(tenant);
    let strip = |user: &mut User| {
        let details = user.details_mut();
        let mut lists = vec![("", &mut details.roles)];
        lists.extend(details.tenants.iter_mut().map(|own| (&*own.id, &mut own.roles)));
        for (_, roles) in lists.into_iter().filter(|(tenant, _)| concerned(tenant)) {
            roles.retain(|role| **role != *gone.name);
        }
    };
    let has = |user: &User| {
        let details = user.details();
        let there = |tenant: &str, roles: &[Box<str>]| {
            concerned(tenant) && roles.iter().any(|role| **role == *gone.name)
        };
        there("", &details.roles) || details.tenants.iter().any(|own| there(&own.id, &own.roles))
    };
    for number in desk.store.numbers(has) {
        desk.store.change(number, desk.moment, Rules::ALONE, |user| {
            strip(user);
            Ok(())
        })?;
    }
    Ok(())
}

/// The roles, and those that a switch names; a project that never declared anything takes any role,
/// and so has no list of them: our choice.
pub(super) fn roles(desk: &mut Desk<'_>, _: &Fields) -> Result<Answer, Problem> {
    let project = desk.store.project();
    let known = &desk.switches.known_roles;
    if project.roles.is_empty() && known.is_empty() && !project.has_declared() {
        return Err(Problem::nothing_declared("roles"));
    }
    let named = known.iter().map(|name| json!({"name": name, "tenantId": ""}));
    let roles: Vec<Value> = project.roles.iter().map(|role| json!(role)).chain(named).collect();
    Ok(Answer::read(json!({ "roles": roles }).to_string()))
}

/// The roles that fit every list that is not empty. `includeProjectRoles` adds the project's to
/// those of the tenants that are named.
pub(super) fn search_roles(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let list = |name| Ok(fields.list(name)?.filter(|list| !list.is_empty()));
    let (ids, names, tenants) = (list("roleIds")?, list("roleNames")?, list("tenantIds")?);
    let permissions = list("permissionNames")?;
    let like = fields.text("roleNameLike")?.map(str::to_lowercase);
    let project_too = fields.flag("includeProjectRoles")? == Some(true);
    let fits = |role: &&Role| {
        let of_project = project_too && role.tenant_id.is_empty();
        ids.as_ref().is_none_or(|ids| ids.contains(&&*role.id))
            && names.as_ref().is_none_or(|names| names.contains(&&*role.name))
            && tenants.as_ref().is_none_or(|own| of_project || own.contains(&&*role.tenant_id))
            && like.as_ref().is_none_or(|like| role.name.to_lowercase().contains(like))
            && permissions.as_ref().is_none_or(|wanted| {
                wanted.iter().all(|name| role.permission_names.iter().any(|own| own == name))
            })
    };
    let project = desk.store.project();
    let found: Vec<&Role> = project.roles.iter().filter(fits).collect();
    Ok(Answer::read(json!({"roles": found}).to_string()))
}

/// Takes in a line of a file of users that declares something: `{"role":{…}}`, `{"tenant":{…}}`
/// or `{"attribute":{…}}`. Says whether it did.
pub(super) fn declared(project: &mut Project, seconds: u32, line: &Value) -> Result<bool, Problem> {
    let only = line.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    let Some((key, value)) = only else { return Ok(false) };
    let fields = || Fields::from_value(value.clone());
    match key.as_str() {
        "role" => project.add_role(&fields()?, seconds).map(drop)?,
        "tenant" => project.add_tenant(&fields()?, seconds).map(drop)?,
        "attribute" => project.add_attributes(std::slice::from_ref(value))?,
        _ => return Ok(false),
    }
    Ok(true)
}
