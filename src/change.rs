//! Changes: what is done to a user, field by field, typed from the row to the end. Pure.
//!
//! Three functions stand on them: [`body()`] makes of them what is sent, [`compare()`] tells which of
//! them a user does not show yet, and [`invert()`] gives the changes that take them back. Each
//! decides by the subject of a change, without a wildcard.

mod anew;
mod apply;
mod body;
pub(crate) mod cells;
mod compare;
mod field_change;
mod invert;
mod part;
mod record;
#[cfg(test)]
mod tests;
mod user;
mod value;

pub use anew::anew;
pub use apply::all_changes;
pub use body::{body, row};
pub use compare::compare;
pub use field_change::{Action, Change, Changes, Subject};
pub use invert::{Inverse, Irreversible, invert};
pub use part::{UserParts, touched};
pub use record::ChangeRecord;
pub use user::{User, UserNames};
pub use value::{Tenant, Value, members, write_text};
