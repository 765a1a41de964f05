//! The bodies of batches. Pure.

use bytes::Bytes;

use crate::catalog::PATCH_BATCH;
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
