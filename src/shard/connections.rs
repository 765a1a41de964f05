//! Persons whom several names belong to: who is connected to whom. Pure.
//!
//! A person is the hash of a name. Only those are held that something connects, so memory grows with
//! the connections and not with the rows.

use std::collections::HashMap;

/// Connected persons that are held at most: about 160 MB of them.
pub(super) const MOST: usize = 4_000_000;

/// Sets of connected persons; each is known by its smallest member.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// For each person that is not the smallest, one of the same set that is smaller.
    smaller: HashMap<u64, u64>,
}

impl Connections {
    /// Connects two persons, and with them all who are connected to either.
    pub(super) fn connect(&mut self, one: u64, other: u64) {
        let (one, other) = (self.find(one), self.find(other));
        if one != other {
            self.smaller.insert(one.max(other), one.min(other));
        }
    }

    /// The smallest of those who are connected to a person.
    pub(super) fn find(&mut self, person: u64) -> u64 {
        let mut smallest = person;
        while let Some(&smaller) = self.smaller.get(&smallest) {
            smallest = smaller;
        }
        // The way is made short for the next time.
        let mut at = person;
        while at != smallest {
            match self.smaller.insert(at, smallest) {
                Some(next) => at = next,
                None => break,
            }
        }
        smallest
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.smaller.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whoever_can_be_reached_is_of_one_set(
            pairs in prop::collection::vec((0..30_u8, 0..30_u8), 0..30),
        ) {
            let mut connections = Connections::default();
            let mut sets: Vec<u8> = (0..30).collect();
            for &(one, other) in &pairs {
                connections.connect(one.into(), other.into());
                let (from, to) = (sets[usize::from(one)], sets[usize::from(other)]);
                sets.iter_mut().filter(|set| **set == from).for_each(|set| *set = to);
            }
            for person in 0..30_u8 {
                let set = sets[usize::from(person)];
                let smallest = (0..30_u8).find(|other| sets[usize::from(*other)] == set);
                prop_assert_eq!(Some(connections.find(person.into())), smallest.map(u64::from));
            }
        }
    }
}
