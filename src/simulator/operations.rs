//! What each operation of the catalogue does to a user.

use super::credential_effects::{
    consent, delete_passkey, delete_passkeys, delete_recovery_codes, delete_totp, import_passkeys,
    log_out, remove_devices,
};
use super::effects::{
    Change, add_roles, add_sso_apps, add_tenant, remove_roles, remove_sso_apps, remove_tenant,
    rename, set_attribute, set_email, set_names, set_password, set_phone, set_picture,
    set_recovery_email, set_recovery_phone, set_roles, set_sso_apps, set_status,
};
use super::families::{add_families, remove_families};
use super::fill::fill;
use super::problem::Problem;
use super::users::{User, canonical};
use crate::catalog::Operation;

/// What an operation does to a user. On an error the user is as good as lost: work on a copy.
pub(super) type Effect = fn(&mut User, &Change<'_>) -> Result<(), Problem>;

/// The effects, by the operations' names.
pub(super) static EFFECTS: [(&str, Effect); 32] = [
    ("phone", set_phone),
    ("email", set_email),
    ("loginid", rename),
    ("name", set_names),
    ("picture", set_picture),
    ("customAttribute", set_attribute),
    ("status", set_status),
    ("recovery-email", set_recovery_email),
    ("recovery-phone", set_recovery_phone),
    ("role-add", add_roles),
    ("role-set", set_roles),
    ("role-remove", remove_roles),
    ("tenant-add", add_tenant),
    ("tenant-remove", remove_tenant),
    ("ssoapp-add", add_sso_apps),
    ("ssoapp-set", set_sso_apps),
    ("ssoapp-remove", remove_sso_apps),
    ("password-set-temporary", set_password),
    ("password-set-active", set_password),
    ("password-expire", nothing),
    ("family-add", add_families),
    ("family-remove", remove_families),
    ("impersonationConsent", consent),
    ("passkeys-delete", delete_passkeys),
    ("passkey-delete", delete_passkey),
    ("passkeys-import", import_passkeys),
    ("totp-delete", delete_totp),
    ("recovery-codes-delete", delete_recovery_codes),
    ("trusteddevices-remove", remove_devices),
    ("logout", log_out),
    ("update", replace),
    ("patch", patch),
];

/// The effect of an operation. There is one for each; a test over the catalogue keeps it so.
pub(super) fn effect_of(operation: &Operation) -> Option<Effect> {
    EFFECTS.iter().find(|(name, _)| *name == operation.name).map(|(_, effect)| *effect)
}

/// Nothing that could be seen without signing in, which the simulator does not do.
#[expect(clippy::unnecessary_wraps, reason = "as all effects are")]
fn nothing(_: &mut User, _: &Change<'_>) -> Result<(), Problem> {
    Ok(())
}

/// Sets what is there and keeps the rest; a phone or e-mail without its flag ends up verified
/// (API reference, 3.3).
fn patch(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    fill(user, change, true)
}

/// Clears everything but what makes the user itself, then sets what is there (API reference,
/// 3.4). The status, which cannot be empty, stays when it is not given.
fn replace(user: &mut User, change: &Change<'_>) -> Result<(), Problem> {
    let named = canonical(change.named);
    let kept = user.login_ids.iter().find(|id| ***id == *named);
    let kept = kept.or(user.login_ids.first()).cloned();
    *user = user.blank(kept.into_iter().collect());
    fill(user, change, false)
}
