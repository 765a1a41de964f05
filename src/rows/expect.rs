//! What a row expects of its user, in `_expect`: parts of the user, by name, with their values.
//!
//! The rows of a plan and of an undo have it: they are set aside where somebody else has changed
//! what they are about.

use serde::Deserialize;
use serde_json::Value;

use crate::change::UserParts;
use crate::issue::Issue;

/// The key of a JSON row that holds it.
pub const EXPECT: &str = "_expect";

/// What a JSON row expects, if it says so.
pub(super) fn of_row(text: &str) -> Result<Option<Box<UserParts>>, Issue> {
    #[derive(Deserialize)]
    struct Expecting {
        #[serde(rename = "_expect")]
        expect: Option<Box<UserParts>>,
    }
    if memchr::memmem::find(text.as_bytes(), b"\"_expect\"").is_none() {
        return Ok(None);
    }
    serde_json::from_str::<Expecting>(text).map(|row| row.expect).map_err(|error| {
        Issue::error("bad_value", format!("{EXPECT} is not an object of a user's fields: {error}"))
            .at(EXPECT)
            .hint("take the row as the plan or the undo has it, or leave the key out")
    })
}

/// The ID of the user whom a row expects.
/// The login IDs that a row expects its user to have.
pub(super) fn login_ids(expect: &UserParts) -> impl Iterator<Item = &str> {
    let listed = expect.get("loginIds").and_then(serde_json::Value::as_array);
    listed.into_iter().flatten().filter_map(serde_json::Value::as_str)
}

pub(super) fn user_id(expect: &UserParts) -> Option<&str> {
    expect.get("userId").and_then(Value::as_str)
}
