//! The bodies of batches. Pure.

use bytes::Bytes;
use serde_json::json;

use crate::catalog::{NAMES_A_SEARCH, PATCH_BATCH};
use crate::change::body;
use crate::engine::work::UserRows;

/// `{"users":[…]}`, a patch for each user, with all that the user's rows set; no two of them set
/// the same.
pub(super) fn of_batch(users: &[UserRows]) -> Bytes {
    let mut text = br#"{"users":["#.to_vec();
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let changes = user.instructions().flat_map(|row| &row.changes);
        text.extend(body(&PATCH_BATCH, &user.first.login_id, &changes, true));
    }
    text.extend_from_slice(b"]}");
    text.into()
}

/// A search for the users who have login IDs, test users among them.
pub(super) fn of_search(names: &[String]) -> Bytes {
    let body = json!({
        "loginIds": names,
        "limit": NAMES_A_SEARCH,
        "page": 0,
        "withTestUser": true,
    });
    body.to_string().into()
}
