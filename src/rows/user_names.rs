//! The names of columns that say which user a row is about.

use std::sync::Arc;

use crate::catalog::{LOGIN_IDS, USER, normalize};

/// Whether a column holds all login IDs of a user.
pub(super) fn holds_login_ids(name: &str) -> bool {
    normalize(name) == normalize(LOGIN_IDS)
}

/// Whether a column names a row's user.
pub(super) fn names_user(name: &str) -> bool {
    let wanted = normalize(name);
    user_names().any(|known| known == wanted)
}

/// The names that a column with a row's user has by itself, normalized.
pub(super) fn user_names() -> impl Iterator<Item = String> {
    std::iter::once(&USER.name).chain(USER.aliases).map(|name| normalize(name))
}

/// The names of columns that can only be a header's, normalized: those of a row's user.
#[must_use]
pub fn header_names(map: &[(String, String)]) -> Arc<[String]> {
    let mapped = map.iter().filter(|(_, field)| names_user(field));
    user_names().chain(mapped.map(|(column, _)| normalize(column))).collect()
}
