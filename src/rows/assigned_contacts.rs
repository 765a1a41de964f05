//! Which names the rows so far have assigned for their users. Pure.
//!
//! The search that goes before a batch lags behind writes (API reference, section 4), so
//! it cannot see what this run itself has just handed out. Names are kept as 32 bits of their
//! hash, two to three bytes each: a name that only looks assigned costs its row a call of its own.

use super::instruction::{Instruction, lane};

/// The names assigned so far.
#[derive(Debug, Default)]
pub struct AssignedContacts(Hashes);

impl AssignedContacts {
    /// Takes in the names that an instruction gives its user, in the order of the file. An
    /// instruction that sets a contact which is assigned already is to go alone.
    pub fn take(&mut self, instruction: &mut Instruction) {
        let user = lane(&instruction.login_id);
        let mut again = false;
        for name in instruction.lanes.iter().filter(|name| **name != user) {
            again |= !self.0.insert(*name);
        }
        let guards = instruction.guarded_contacts().next().is_some();
        if let Some(batch) = instruction.batch.as_mut().filter(|_| guards) {
            batch.alone |= again;
        }
    }
}

/// A set of hashes, of which the lower 32 bits are kept: the upper half of these in the index of a
/// bucket, the lower half in it.
#[derive(Debug, Default)]
struct Hashes {
    /// Each in order.
    buckets: Vec<Vec<u16>>,
}

impl Hashes {
    const BUCKETS: usize = 1 << 16;

    /// Adds a hash; `false` if it was there.
    fn insert(&mut self, hash: u64) -> bool {
        let [low, lower, high, higher, ..] = hash.to_le_bytes();
        if self.buckets.is_empty() {
            self.buckets.resize(Self::BUCKETS, Vec::new());
        }
        let bucket = &mut self.buckets[usize::from(u16::from_le_bytes([high, higher]))];
        let kept = u16::from_le_bytes([low, lower]);
        match bucket.binary_search(&kept) {
            Ok(_) => false,
            Err(place) => {
                bucket.insert(place, kept);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_is_there_once_it_was_added(
            hashes in prop::collection::vec(prop_oneof![0..9_u64, any::<u64>()], 0..200),
        ) {
            let (mut ours, mut model) = (Hashes::default(), HashSet::new());
            for hash in hashes {
                prop_assert_eq!(ours.insert(hash), model.insert(hash & 0xffff_ffff));
            }
        }
    }
}
