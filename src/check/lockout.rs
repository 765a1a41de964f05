//! The lock-out guard: rows that take away what a user may sign in with.
//!
//! Pure. Nothing here is forbidden: it is said before it happens (API reference, 3.1.1, 10).

use serde_json::value::RawValue;

use super::assertions::Members;
use crate::catalog::Need;
use crate::issue::Issue;
use crate::rows::Instruction;

/// The code of every such problem.
pub(super) const CODE: &str = "lock_out";

/// What a user signs in with.
const WAYS: [(&str, &str); 2] = [("phone", "phone number"), ("email", "e-mail address")];

/// What an instruction takes away of it, if anything.
pub(super) fn lock_out(instruction: &Instruction, members: &Members<'_>) -> Option<Issue> {
    let operation = instruction.operation;
    if operation.name == "loginid" && instruction.renames_to.is_none() {
        return Some(problem(
            "newLoginId",
            "the login ID is removed: nobody signs in with it any more",
        ));
    }
    let value = |name: &str| members.iter().find(|(n, _)| *n == name).map(|(_, json)| *json);
    WAYS.iter().find_map(|&(field, what)| {
        operation.index_of(field)?;
        let flag = operation.fields.iter().find(|f| f.need == Need::With(field))?.name;
        match (value(field).map(RawValue::get), value(flag).map(RawValue::get)) {
            (Some("\"\""), _) => Some(problem(
                field,
                &format!("the {what} is removed: the user cannot sign in with it any more"),
            )),
            (_, Some("false")) => Some(problem(
                flag,
                &format!("the {what} is not verified: the user cannot sign in with it until it is"),
            )),
            (None, _) if operation.destructive.is_some() => Some(problem(
                field,
                &format!(
                    "{} without {field} removes it: the user cannot sign in with it any more",
                    operation.name
                ),
            )),
            _ => None,
        }
    })
}

fn problem(field: &str, message: &str) -> Issue {
    Issue::warning(CODE, message.to_owned())
        .at(field)
        .hint(format!("make sure that there is another way in; if it is meant, --allow {CODE}"))
}
