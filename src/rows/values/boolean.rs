//! True and false, as people write them in cells.

use super::cleaned::refuse;
use crate::change::Value;
use crate::issue::Issue;

/// The value of a cell with nothing around it.
pub(super) fn boolean(text: &str) -> Result<Value<'_>, Issue> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "t", "yes", "y", "1", "on"]) {
        Ok(Value::Boolean(true))
    } else if is(&["false", "f", "no", "n", "0", "off"]) {
        Ok(Value::Boolean(false))
    } else {
        refuse("expected true or false", "write true or false")
    }
}
