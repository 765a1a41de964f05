//! Which names the rows so far have claimed for their users. Pure.
//!
//! The search that goes before a batch lags behind writes (API reference, section 4), so
//! it cannot see what this run itself has just handed out. Names are kept as 32 bits of their
//! hash, two to three bytes each: a name that only looks claimed costs its row a call of its own.

use roaring::RoaringBitmap;

use super::{Instruction, lane};

/// The names claimed so far.
#[derive(Debug, Default)]
pub struct AssignedContacts(RoaringBitmap);

impl AssignedContacts {
    /// Takes in the names that an instruction gives its user, in the order of the file. An
    /// instruction that sets a contact which is claimed already is to go alone.
    pub fn take(&mut self, instruction: &mut Instruction) {
        let user = lane(&instruction.login_id);
        let mut again = false;
        for name in instruction.lanes.iter().filter(|name| **name != user) {
            // The lower half of a good hash is a good hash.
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            let fresh = self.0.insert(*name as u32);
            again |= !fresh;
        }
        let guards = instruction.guarded_contacts().next().is_some();
        if let Some(batch) = instruction.batch.as_mut().filter(|_| guards) {
            batch.alone |= again;
        }
    }
}
