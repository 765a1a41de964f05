//! What operations do to credentials and devices (API reference, 3.6).
//!
//! Taking away what a user does not have succeeds, as it is known to with passkeys.

#![expect(clippy::unnecessary_wraps, reason = "as all effects are")]

use serde_json::Value;

use super::base64::decode;
use super::credentials::Passkey;
use super::effects::Change;
use super::problem::Problem;
use super::users::User;

pub(super) fn delete_passkeys(user: &mut User, _: &Change<'_>) -> Result<(), Problem> {
    if let Some(own) = user.own_credentials() {
        own.passkeys.clear();
    }
    Ok(())
}

pub(super) fn delete_passkey(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let id = change.fields.required("credentialId")?;
    if let Some(own) = user.own_credentials() {
        own.passkeys.retain(|passkey| *passkey.id != *id);
    }
    Ok(())
}

/// Takes over passkeys, each in one of two forms; one with an ID that is there replaces it. What
/// must be there of a passkey, and the kind that a listing shows, is our choice.
pub(super) fn import_passkeys(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let given = change.fields.array("devices")?.ok_or_else(|| Problem::missing("devices"))?;
    for device in given {
        let passkey = read_passkey(device, change.seconds)?;
        let passkeys = &mut user.credentials_mut().passkeys;
        passkeys.retain(|own| own.id != passkey.id);
        passkeys.push(passkey);
    }
    Ok(())
}

fn read_passkey(device: &Value, seconds: u32) -> Result<Passkey, Problem> {
    let form = |name: &str| device.get(name).filter(|form| form.is_object());
    let (form, id) = match (form("descope"), form("auth0")) {
        (Some(form), None) => (form, "credentialId"),
        (None, Some(form)) => (form, "keyId"),
        _ => return Err(Problem::invalid("devices: either descope or auth0 is wanted in each")),
    };
    let text = |key: &str| form.get(key).and_then(Value::as_str).unwrap_or_default();
    if text(id).is_empty() {
        return Err(Problem::missing(&format!("devices.{id}")));
    }
    if decode(text("publicKey")).is_none() {
        return Err(Problem::invalid("devices.publicKey: base64 is wanted"));
    }
    Ok(Passkey {
        id: text(id).into(),
        rp_id: text("rpId").into(),
        kind: "passkey".into(),
        display_name: "".into(),
        created_time: seconds,
    })
}

pub(super) fn delete_totp(user: &mut User, _: &Change<'_>) -> Result<(), Problem> {
    if let Some(own) = user.own_credentials() {
        own.totp = false;
    }
    Ok(())
}

pub(super) fn delete_recovery_codes(user: &mut User, _: &Change<'_>) -> Result<(), Problem> {
    if let Some(own) = user.own_credentials() {
        own.recovery_codes = false;
    }
    Ok(())
}

pub(super) fn remove_devices(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let ids = change.fields.list("deviceIds")?.ok_or_else(|| Problem::missing("deviceIds"))?;
    if let Some(own) = user.own_credentials() {
        own.devices.retain(|device| !ids.contains(&&*device.id));
    }
    Ok(())
}

pub(super) fn consent(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let key = "impersonationConsent";
    let until = change.fields.integer(key)?.ok_or_else(|| Problem::missing(key))?;
    user.credentials_mut().impersonation_consent = Some(until);
    Ok(())
}

/// Nobody is signed in, so there is nothing to end: only the request is looked at.
pub(super) fn log_out(_: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    change.fields.list("sessionTypes")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::Fields;
    use super::super::project::Project;
    use super::super::switches::Switches;
    use super::*;

    /// What no answer shows: recovery codes and consent.
    #[test]
    fn recovery_codes_go_and_consent_is_kept() {
        let fields = Fields::from_value(json!({"impersonationConsent": "1900000000"})).unwrap();
        let (switches, project) = (Switches::default(), Project::default());
        let change = Change {
            named: "a",
            fields: &fields,
            switches: &switches,
            project: &project,
            seconds: 0,
        };
        let mut user = User::named("a");
        delete_recovery_codes(&mut user, &change).unwrap();
        assert_eq!(user, User::named("a"), "nothing to take away costs no memory");
        user.credentials_mut().recovery_codes = true;
        consent(&mut user, &change).unwrap();
        delete_recovery_codes(&mut user, &change).unwrap();
        assert!(!user.credentials().recovery_codes);
        assert_eq!(user.credentials().impersonation_consent, Some(1_900_000_000));
    }
}
