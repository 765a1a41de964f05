//! Memberships of families (API reference, 3.2). No answer shows them: a search by `familyIds`
//! does.

use serde_json::Value;

use super::credentials::Family;
use super::effects::Change;
use super::fields::texts;
use super::problem::Problem;
use super::users::{User, add};

/// Adds memberships. Roles and attributes that are not given stay as they were, as the Python
/// SDK describes it.
pub(super) fn add_families(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let key = "familyAssociations";
    let given = change.fields.array(key)?.ok_or_else(|| Problem::missing(key))?;
    for association in given {
        join(&mut user.credentials_mut().families, association)?;
    }
    Ok(())
}

/// Makes them those that are given; an empty list takes the user out of all (API reference, 3.4).
pub(super) fn set_families(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let mut families = Vec::new();
    for association in change.fields.array("familyAssociations")?.into_iter().flatten() {
        join(&mut families, association)?;
    }
    if families != user.credentials().families {
        user.credentials_mut().families = families;
    }
    Ok(())
}

/// Takes the user out of families; one that the user is not in is passed over, our choice.
pub(super) fn remove_families(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let ids = change.fields.list("familyIds")?.ok_or_else(|| Problem::missing("familyIds"))?;
    if let Some(own) = user.own_credentials() {
        own.families.retain(|family| !ids.contains(&&*family.id));
    }
    Ok(())
}

fn join(families: &mut Vec<Family>, association: &Value) -> Result<(), Problem> {
    let id = association.get("familyId").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Problem::missing("familyAssociations.familyId"))?;
    let place = families.iter().position(|family| *family.id == *id);
    let place = place.unwrap_or_else(|| {
        families.push(Family { id: id.into(), ..Family::default() });
        families.len() - 1
    });
    let family = &mut families[place];
    if let Some(roles) = association.get("roleNames").filter(|roles| !roles.is_null()) {
        let roles = texts(roles).ok_or_else(|| {
            Problem::malformed("familyAssociations.roleNames: a list of texts is wanted")
        })?;
        family.roles.clear();
        add(&mut family.roles, &roles);
    }
    let key = "familyScopedAttributes";
    if let Some(attributes) = association.get(key).filter(|attributes| !attributes.is_null()) {
        let attributes = attributes.as_object().ok_or_else(|| {
            Problem::malformed(format!("familyAssociations.{key}: an object is wanted"))
        })?;
        family.attributes.clone_from(attributes);
    }
    Ok(())
}
