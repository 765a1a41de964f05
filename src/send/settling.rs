//! What became of a row that makes a user or takes one away, and whose answer was lost. Pure.

use crate::api::load::Load;
use crate::api::reconcile::{self, Reconciled};
use crate::catalog::OperationKind;
use crate::change::User;
use crate::rows::Instruction;

/// What became of a row that makes a user or takes one away, by what reading the user showed.
pub(super) fn reconciled(instruction: &Instruction, load: Load) -> Reconciled {
    if is_deletion(instruction) {
        reconcile::deletion(load)
    } else {
        reconcile::creation(load, |user| shows(instruction, user))
    }
}

pub(super) fn is_deletion(instruction: &Instruction) -> bool {
    instruction.operation.kind == OperationKind::Delete
}

/// Whether a user shows all that a row wants which makes one.
fn shows(instruction: &Instruction, user: &User) -> bool {
    let seen = || instruction.changes.iter().filter(|change| change.part().is_some());
    let after = user.after(&instruction.login_id, seen());
    !seen().any(|change| change.tells_apart(user, &after))
}
