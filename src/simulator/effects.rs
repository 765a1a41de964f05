//! What setting one field does to a user: pure, and one function an operation.
//!
//! Nothing here knows other users; conflicts between users are the store's. The rules are those
//! of sections 2 and 3 of the API reference.

use super::fields::Fields;
use super::problem::Problem;
use super::project::Project;
use super::switches::{Switches, UnknownRole, VerifiedDefault};
use super::users::{Status, User, add, canonical, phone};

/// A request to change a user.
pub(super) struct Change<'a> {
    /// How the request names the user.
    pub(super) named: &'a str,
    /// The body.
    pub(super) fields: &'a Fields,
    /// How open questions are answered.
    pub(super) switches: &'a Switches,
    /// What is declared beside the users.
    pub(super) project: &'a Project,
    /// When it happens, in seconds since 1970.
    pub(super) seconds: u32,
}

/// A phone number as it is stored; an empty one removes.
pub(super) fn stored_phone(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Ok(String::new());
    }
    phone(text).ok_or_else(|| Problem::invalid(format!("{text} is not a valid phone number")))
}

/// The flag after a value was set: an empty value is never verified.
fn verified(given: Option<bool>, before: bool, default: VerifiedDefault, empty: bool) -> bool {
    let absent = match default {
        VerifiedDefault::True => true,
        VerifiedDefault::False => false,
        VerifiedDefault::Keep => before,
    };
    !empty && given.unwrap_or(absent)
}

pub(super) fn set_phone(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let number = stored_phone(change.fields.text("phone")?.unwrap_or_default())?;
    let (given, default) = (change.fields.flag("verified")?, change.switches.verified_default);
    user.verified_phone = verified(given, user.verified_phone, default, number.is_empty());
    user.phone = number.into();
    Ok(())
}

pub(super) fn set_email(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let email = change.fields.text("email")?.unwrap_or_default();
    let (given, default) = (change.fields.flag("verified")?, change.switches.verified_default);
    user.verified_email = verified(given, user.verified_email, default, email.is_empty());
    user.set_email(email);
    Ok(())
}

pub(super) fn rename(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let old = canonical(change.named);
    let new = canonical(change.fields.text("newLoginId")?.unwrap_or_default());
    if new.is_empty() {
        if user.login_ids.len() == 1 {
            return Err(Problem::invalid("The last login ID cannot be removed"));
        }
        user.login_ids.retain(|id| **id != *old);
    } else if user.has_login_id(&new) {
        user.login_ids.retain(|id| **id != *old || old == new);
    } else if let Some(place) = user.login_ids.iter_mut().find(|id| ***id == *old) {
        *place = new.into();
    }
    Ok(())
}

/// Sets the names that are there; the rest stays (API reference, 3.1.2).
pub(super) fn set_names(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    fill_names(user, change.fields)
}

pub(super) fn fill_names(user: &mut User, fields: &Fields) -> Result<(), Problem> {
    if let Some(name) = fields.text("name")? {
        user.name = name.into();
    }
    if let Some(name) = fields.text("givenName")? {
        user.details_mut().given_name = name.into();
    }
    if let Some(name) = fields.text("middleName")? {
        user.details_mut().middle_name = name.into();
    }
    if let Some(name) = fields.text("familyName")? {
        user.details_mut().family_name = name.into();
    }
    Ok(())
}

pub(super) fn set_picture(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let picture = change.fields.text("picture")?.unwrap_or_default();
    user.details_mut().picture = picture.into();
    Ok(())
}

/// Sets one attribute; `null` and the empty text take it away.
pub(super) fn set_attribute(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let key = change.fields.required("attributeKey")?;
    let attributes = &mut user.details_mut().attributes;
    match change.fields.get("attributeValue") {
        Some(value) if value.as_str() != Some("") => {
            change.project.check_attribute(key, value)?;
            attributes.insert(key.to_owned(), value.clone());
        }
        _ => {
            attributes.shift_remove(key);
        }
    }
    Ok(())
}

pub(super) fn status_of(name: &str) -> Result<Status, Problem> {
    Status::named(name)
        .filter(|status| *status != Status::Expired)
        .ok_or_else(|| Problem::invalid(format!("{name} is not a status")))
}

pub(super) fn set_status(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    user.status = status_of(change.fields.required("status")?)?;
    Ok(())
}

pub(super) fn set_recovery_email(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let email = change.fields.text("recoveryEmail")?.unwrap_or_default();
    let given = change.fields.flag("verified")?.unwrap_or(false);
    let details = user.details_mut();
    details.verified_recovery_email = given && !email.is_empty();
    details.recovery_email = email.into();
    Ok(())
}

pub(super) fn set_recovery_phone(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let number = stored_phone(change.fields.text("recoveryPhone")?.unwrap_or_default())?;
    let given = change.fields.flag("verified")?.unwrap_or(false);
    let details = user.details_mut();
    details.verified_recovery_phone = given && !number.is_empty();
    details.recovery_phone = number.into();
    Ok(())
}

/// What one name of a role or tenant comes to: taken, left out, or refused, as the switch says.
fn taken(
    known: bool,
    change: &Change<'_>,
    unknown: impl FnOnce() -> Problem,
) -> Result<bool, Problem> {
    match change.switches.unknown_role {
        _ if known => Ok(true),
        UnknownRole::Ignore => Ok(false),
        UnknownRole::Fail => Err(unknown()),
    }
}

/// The roles that are known, of those named for a tenant, or for the project where its ID is
/// empty; or an error, as the switch says.
pub(super) fn known<'a>(
    roles: Vec<&'a str>,
    tenant: &str,
    change: &Change<'_>,
) -> Result<Vec<&'a str>, Problem> {
    let mut known = Vec::with_capacity(roles.len());
    for role in roles {
        let is_known = change.project.knows_role(role, tenant, &change.switches.known_roles);
        if taken(is_known, change, || Problem::unknown_role(role))? {
            known.push(role);
        }
    }
    Ok(known)
}

/// Whether a user joins a tenant that a request names: not one that the project does not know,
/// which is left out or an error, as the switch says.
pub(super) fn joins(tenant: &str, change: &Change<'_>) -> Result<bool, Problem> {
    taken(change.project.knows_tenant(tenant), change, || Problem::unknown_tenant(tenant))
}

/// The roles that a request names and are known, and their tenant, which is empty for the
/// project's; nothing if the tenant is left out.
fn roles_of<'a>(change: &Change<'a>) -> Result<Option<(Vec<&'a str>, &'a str)>, Problem> {
    let roles = change.fields.list("roleNames")?.unwrap_or_default();
    let tenant = change.fields.text("tenantId")?.unwrap_or_default();
    if !tenant.is_empty() && !joins(tenant, change)? {
        return Ok(None);
    }
    Ok(Some((known(roles, tenant, change)?, tenant)))
}

/// The user's roles in the project, or in a tenant, which the user joins.
fn roles_in<'a>(user: &'a mut User, tenant: &str) -> &'a mut Vec<Box<str>> {
    if tenant.is_empty() { &mut user.details_mut().roles } else { &mut user.join(tenant).roles }
}

/// Adds roles; in a tenant, the user joins it (API reference, 3.2).
pub(super) fn add_roles(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    if let Some((roles, tenant)) = roles_of(change)? {
        add(roles_in(user, tenant), &roles);
    }
    Ok(())
}

/// Replaces roles. That a user joins the tenant by it is our choice.
pub(super) fn set_roles(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    if let Some((roles, tenant)) = roles_of(change)? {
        let list = roles_in(user, tenant);
        list.clear();
        add(list, &roles);
    }
    Ok(())
}

/// Takes roles away; what the user does not have is passed over.
pub(super) fn remove_roles(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let roles = change.fields.list("roleNames")?.unwrap_or_default();
    let tenant = change.fields.text("tenantId")?.unwrap_or_default();
    if tenant.is_empty() {
        remove(&mut user.details_mut().roles, &roles);
    } else if let Some(tenant) = user.tenant_mut(tenant) {
        remove(&mut tenant.roles, &roles);
    }
    Ok(())
}

fn remove(list: &mut Vec<Box<str>>, gone: &[&str]) {
    list.retain(|item| !gone.contains(&&**item));
}

pub(super) fn add_tenant(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let tenant = change.fields.required("tenantId")?;
    if joins(tenant, change)? {
        user.join(tenant);
    }
    Ok(())
}

pub(super) fn remove_tenant(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let id = change.fields.required("tenantId")?;
    user.details_mut().tenants.retain(|tenant| *tenant.id != *id);
    Ok(())
}

pub(super) fn add_sso_apps(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let apps = change.fields.list("ssoAppIds")?.unwrap_or_default();
    add(&mut user.details_mut().sso_apps, &apps);
    Ok(())
}

pub(super) fn set_sso_apps(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    user.details_mut().sso_apps.clear();
    add_sso_apps(user, change)
}

pub(super) fn remove_sso_apps(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let apps = change.fields.list("ssoAppIds")?.unwrap_or_default();
    remove(&mut user.details_mut().sso_apps, &apps);
    Ok(())
}

pub(super) fn set_password(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    change.fields.required("password")?;
    user.password = true;
    Ok(())
}

#[cfg(test)]
#[path = "effects_tests.rs"]
mod tests;
