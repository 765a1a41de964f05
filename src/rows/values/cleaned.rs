//! A value that is taken, and one that is refused.

use std::borrow::Cow;

use super::repairs::RepairKinds;
use crate::change::Value;
use crate::issue::Issue;

/// The code of every refusal of a value.
pub(super) const BAD_VALUE: &str = "bad_value";

pub(super) fn refuse<T>(
    message: impl Into<Cow<'static, str>>,
    hint: &'static str,
) -> Result<T, Issue> {
    Err(Issue::error(BAD_VALUE, message).hint(hint))
}

/// A value, and what was noticed on the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleaned<'a> {
    /// What is sent.
    pub value: Value<'a>,
    /// What was repaired.
    pub repairs: RepairKinds,
    /// What may be wrong.
    pub warning: Option<Box<Issue>>,
}

impl<'a> From<Value<'a>> for Cleaned<'a> {
    fn from(value: Value<'a>) -> Self {
        Self { value, repairs: RepairKinds::default(), warning: None }
    }
}
