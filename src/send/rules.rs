//! What is done about users before anything is sent for them.

use crate::catalog::OperationKind;
use crate::rows::Instruction;

/// What is done about users before anything is sent for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookRules {
    /// Whether they are kept as they were.
    pub keep: bool,
    /// Whether nothing is sent where nothing would change.
    pub skip_unchanged: bool,
    /// What becomes of rows whose user is not as the row expects.
    pub on_drift: OnDrift,
}

/// What becomes of a row whose user is not as the row expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnDrift {
    /// It is set aside, and ends as `drifted`.
    #[default]
    Skip,
    /// It is sent all the same.
    Apply,
    /// It is set aside, and the run stops.
    Halt,
}

impl LookRules {
    /// Whether the user of an instruction is read before anything is sent for it.
    pub(super) fn read(self, instruction: &Instruction) -> bool {
        // Of a user who is to be made there is nothing to be kept.
        let keep = self.keep && instruction.operation.kind != OperationKind::Create;
        keep || self.skip_unchanged || instruction.needs_user()
    }
}
