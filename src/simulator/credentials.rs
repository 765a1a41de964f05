//! What few users have beside what the API shows of them: credentials, devices and families.

use serde::Serialize;
use serde_json::{Map, Value};

/// A passkey, as answers show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Passkey {
    pub(super) id: Box<str>,
    pub(super) rp_id: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) display_name: Box<str>,
    pub(super) created_time: u32,
}

/// A device on which the user is not asked for a second factor. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) id: Box<str>,
    pub(super) name: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) last_login: i64,
    pub(super) expiration: i64,
    pub(super) location: Box<str>,
}

/// A membership of a family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Family {
    pub(super) id: Box<str>,
    pub(super) roles: Vec<Box<str>>,
    pub(super) attributes: Map<String, Value>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Credentials {
    pub(super) totp: bool,
    pub(super) recovery_codes: bool,
    pub(super) passkeys: Vec<Passkey>,
    pub(super) devices: Vec<Device>,
    pub(super) families: Vec<Family>,
    /// Until when others may act in the user's name, as the number was given.
    pub(super) impersonation_consent: Option<i64>,
}
