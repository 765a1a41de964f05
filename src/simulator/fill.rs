//! Setting every field that a body has: what `patch`, `update`, `create` and seed files share.

use serde_json::Value;

use super::effects::{
    Change, fill_names, joins, known, set_picture, set_sso_apps, status_of, stored_phone,
};
use super::families::set_families;
use super::fields::{Fields, texts};
use super::problem::Problem;
use super::switches::PatchAttributes;
use super::users::{Tenant, User, add, canonical};

/// Sets every field that is there, whatever the operation. `absent` is the flag of a phone or
/// e-mail that comes without one.
pub(super) fn fill(user: &mut User, change: &Change<'_>, absent: bool) -> Result<(), Problem> {
    let fields = change.fields;
    fill_login_ids(user, change)?;
    if let Some(email) = fields.text("email")? {
        user.set_email(email);
        user.verified_email = absent && !email.is_empty();
    }
    if let Some(number) = fields.text("phone")? {
        user.phone = stored_phone(number)?.into();
        user.verified_phone = absent && !user.phone.is_empty();
    }
    if let Some(flag) = fields.flag("verifiedEmail")? {
        user.verified_email = flag && user.email.is_some();
    }
    if let Some(flag) = fields.flag("verifiedPhone")? {
        user.verified_phone = flag && !user.phone.is_empty();
    }
    fill_names(user, fields)?;
    if fields.has("picture") {
        set_picture(user, change)?;
    }
    if let Some(status) = fields.text("status")?.filter(|status| !status.is_empty()) {
        user.status = status_of(status)?;
    }
    if let Some(test) = fields.flag("test")? {
        user.test = test;
    }
    fill_recovery(user, fields, absent)?;
    fill_lists(user, change)
}

fn fill_login_ids(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let Some(more) = change.fields.list("additionalIdentifiers")? else {
        return Ok(());
    };
    let named = canonical(change.named);
    let kept = user.login_ids.iter().position(|id| **id == *named);
    user.login_ids.swap(0, kept.unwrap_or(0));
    user.login_ids.truncate(1);
    for login_id in more.into_iter().map(canonical).filter(|id| !id.is_empty()) {
        if !user.has_login_id(&login_id) {
            user.login_ids.push(login_id.into());
        }
    }
    Ok(())
}

fn fill_recovery(user: &mut User, fields: &Fields, absent: bool) -> Result<(), Problem> {
    if let Some(email) = fields.text("recoveryEmail")? {
        let details = user.details_mut();
        details.recovery_email = email.into();
        details.verified_recovery_email = absent && !email.is_empty();
    }
    if let Some(number) = fields.text("recoveryPhone")? {
        let number = stored_phone(number)?;
        let details = user.details_mut();
        details.verified_recovery_phone = absent && !number.is_empty();
        details.recovery_phone = number.into();
    }
    if let Some(flag) = fields.flag("verifiedRecoveryEmail")? {
        let details = user.details_mut();
        details.verified_recovery_email = flag && !details.recovery_email.is_empty();
    }
    if let Some(flag) = fields.flag("verifiedRecoveryPhone")? {
        let details = user.details_mut();
        details.verified_recovery_phone = flag && !details.recovery_phone.is_empty();
    }
    Ok(())
}

fn fill_lists(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    if let Some(roles) = change.fields.list("roleNames")? {
        let roles = known(roles, "", change)?;
        let list = &mut user.details_mut().roles;
        list.clear();
        add(list, &roles);
    }
    if let Some(tenants) = change.fields.array("userTenants")? {
        let tenants = tenants.iter().filter_map(|tenant| read_tenant(tenant, change).transpose());
        user.details_mut().tenants = tenants.collect::<Result<_, _>>()?;
    }
    if change.fields.has("ssoAppIds") {
        set_sso_apps(user, change)?;
    }
    if change.fields.has("familyAssociations") {
        set_families(user, change)?;
    }
    if let Some(given) = change.fields.object("customAttributes")? {
        for (key, value) in given {
            change.project.check_attribute(key, value)?;
        }
        let attributes = &mut user.details_mut().attributes;
        if change.switches.patch_attributes == PatchAttributes::Replace {
            attributes.clear();
        }
        for (key, value) in given {
            if value.is_null() {
                attributes.shift_remove(key);
            } else {
                attributes.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(())
}

/// A membership; none where the tenant is left out.
fn read_tenant(tenant: &Value, change: &Change<'_>) -> Result<Option<Tenant>, Problem> {
    let id = tenant
        .get("tenantId")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Problem::missing("userTenants.tenantId"))?;
    let roles = match tenant.get("roleNames").filter(|roles| !roles.is_null()) {
        None => Vec::new(),
        Some(roles) => texts(roles).ok_or_else(|| {
            Problem::malformed("userTenants.roleNames: a list of texts is wanted")
        })?,
    };
    if !joins(id, change)? {
        return Ok(None);
    }
    let mut read = Tenant { id: id.into(), roles: Vec::new() };
    add(&mut read.roles, &known(roles, id, change)?);
    Ok(Some(read))
}
