//! The bodies of batches. Pure.

use bytes::Bytes;

use serde_json::json;

use crate::catalog::{CREATE_BATCH, INVITE, NO_INVITE, Operation, PATCH_BATCH};
use crate::change::body;
use crate::engine::work::UserRows;

/// `{"users":[…]}`, a patch for each user, with all that the user's rows set; no two of them set
/// the same.
pub(super) fn of_batch(users: &[UserRows]) -> Bytes {
    let mut text = begin(&PATCH_BATCH, users);
    text.extend_from_slice(b"]}");
    text.into()
}

/// `{"users":[…],"invite":false,…}`, with all fields of each user.
pub(in crate::send) fn of_creations(users: &[UserRows]) -> Bytes {
    let mut text = begin(&CREATE_BATCH, users);
    text.push(b']');
    let invites = users.iter().any(|own| own.first.invites);
    for (key, value) in if invites { INVITE } else { NO_INVITE } {
        text.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
    }
    text.push(b'}');
    text.into()
}

/// `{"userIds":[…]}`.
pub(in crate::send) fn of_deletions(users: &[UserRows]) -> Bytes {
    let ids: Vec<&str> = users.iter().filter_map(|own| own.first.user_id.as_deref()).collect();
    json!({ "userIds": ids }).to_string().into()
}

/// `{"users":[…`, an object for each user.
fn begin(operation: &Operation, users: &[UserRows]) -> Vec<u8> {
    let mut text = br#"{"users":["#.to_vec();
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let changes = user.instructions().flat_map(|row| &row.changes);
        text.extend(body(operation, &user.first.login_id, &changes, true));
    }
    text
}
