//! Calls: what the engine hands over, and the one seam behind which rows are worked on.
//!
//! A call carries one or several instructions and yields a word on each of them. The
//! client performs calls on the wire; tests perform them in memory.

use std::future::Future;

use crate::instruction::Instruction;
use crate::outcome::Outcome;
use crate::stop::Stop;

/// One request's worth of instructions.
#[derive(Debug)]
pub struct Call {
    /// What it carries, in file order; never empty, and never two for one user.
    pub instructions: Vec<Instruction>,
}

impl Call {
    /// A call for one instruction.
    #[must_use]
    pub fn single(instruction: Instruction) -> Self {
        Self { instructions: vec![instruction] }
    }
}

/// Something that performs calls.
pub trait Step: Send + Sync + 'static {
    /// Works on a call until there is a final word on each of its instructions, in their order.
    ///
    /// `None` says that an instruction was left undone because of the stop: either doing it
    /// again is harmless, or what became of it is to be settled before it is sent again.
    fn perform(
        &self,
        call: &Call,
        stop: &Stop,
    ) -> impl Future<Output = Vec<Option<Outcome>>> + Send;

    /// Waits until another call is of use, with so many begun and not ended.
    ///
    /// One that was begun earlier would only wait, and what waits costs time and memory.
    fn room(&self, begun: usize) -> impl Future<Output = ()> + Send {
        let _ = begun;
        std::future::ready(())
    }

    /// Told once, when all rows have been read: how many calls there are altogether, those done
    /// among them. A job that is known to be small can be hurried.
    fn whole_job(&self, calls: u64) {
        let _ = calls;
    }
}
