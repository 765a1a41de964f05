//! Changes: what is done to a user, field by field, typed from the row to the end. Pure.
//!
//! Three functions stand on them: [`body()`] makes of them what is sent, [`compare()`] tells which of
//! them a user does not show yet, and [`invert()`] gives the changes that take them back. Each
//! decides by the subject of a change, without a wildcard.

mod body;
mod compare;
mod field_change;
mod invert;
#[cfg(test)]
mod tests;
mod user;
mod value;

pub use body::body;
pub use compare::compare;
pub use field_change::{Action, Change, Changes, Subject};
pub use invert::{Inverse, Irreversible, invert};
pub use user::User;
pub use value::{Tenant, Value, members, write_text};
