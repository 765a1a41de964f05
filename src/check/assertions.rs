//! Assertions: what a row says about users, in a form that millions of rows can be compared by.
//!
//! Pure. Two rows contradict each other when they assert something about one user, or one value,
//! that cannot both be meant. An assertion is a few numbers: names and values are only hashed.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::sorter::Sortable;
use crate::catalog::OperationKind;
use crate::change::{Action, Change, Subject, Value};
use crate::rows::{Instruction, lane};

/// What is claimed. The order is that in which assertions on one subject are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AssertionKind {
    /// The login ID is given up; the value is the lane of the one that takes its place.
    Leaves,
    /// The login ID is taken on; the value is the lane of the user that takes it.
    Arrives,
    /// The user's field is set; the value is a hash of what it is set to.
    Sets,
    /// The user is made.
    Makes,
    /// The user is taken away.
    Unmakes,
    /// The user is named, and nothing of it is set.
    Uses,
    /// A value that one user only may have, and that would be a login ID of its own; the value is
    /// the lane of the user that gets it.
    Holds,
}

/// Where an assertion is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowPlace {
    /// The row, from 1.
    pub(super) row: u64,
    /// The line in its file.
    pub(super) line: u32,
    /// The file's index.
    pub(super) source: u16,
}

/// An assertion. The field order is the order of sorting: all of one subject together, what is said
/// of its name first, then each of its fields by itself, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Assertion {
    /// The lane of the user, or of the value that one user only may have.
    pub(super) key: u64,
    /// The field; [`NAME`] for the login ID itself.
    pub(super) tag: u32,
    /// Where.
    pub(super) at: RowPlace,
    /// What.
    pub(super) kind: AssertionKind,
    /// See [`AssertionKind`].
    pub(super) value: u64,
}

/// The tag of assertions on a login ID.
pub(super) const NAME: u32 = 0;

/// The tag of assertions on whether the user is there.
const BEING: u32 = 1;

/// The tag of rows that only name their user.
const USE: u32 = u32::MAX;

/// Makes assertions of instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assertions {
    seed: u64,
}

impl Assertions {
    pub(super) fn new() -> Self {
        Self { seed: fastrand::u64(..) }
    }

    /// Calls `each` with every assertion of an instruction and the name of the field that makes it.
    pub(super) fn of(
        self,
        instruction: &Instruction,
        at: RowPlace,
        each: &mut dyn FnMut(Assertion, &str),
    ) {
        let operation = instruction.operation;
        let user = lane(&instruction.login_id);
        let assertion = |key, tag, kind, value| Assertion { key, tag, at, kind, value };
        let being = match operation.kind {
            OperationKind::Create => Some(AssertionKind::Makes),
            OperationKind::Delete => Some(AssertionKind::Unmakes),
            OperationKind::Read | OperationKind::Update | OperationKind::Upsert => None,
        };
        if let Some(being) = being {
            each(assertion(user, BEING, being, 0), operation.fields[0].name);
        }
        let mut says = being.is_some();
        for change in &instruction.changes {
            // A flag belongs to its contact, and what is added or removed contradicts nothing.
            if matches!(change.subject, Subject::Verified(_))
                || matches!(change.action, Action::Add(_) | Action::Remove(_))
            {
                continue;
            }
            let field = change.subject.index_in(operation).map_or("", |i| operation.fields[i].name);
            self.on_names(change, instruction, &mut |key, tag, kind, value| {
                each(assertion(key, tag, kind, value), field);
            });
            says |= change.subject == Subject::LoginId;
            // What a new user has contradicts nothing: there was nothing before.
            if being.is_none() && change.subject != Subject::LoginId {
                says = true;
                let within = change.subject.within().unwrap_or_default();
                let (tag, value) =
                    (self.tag(change.subject.word(), within), self.value(change, instruction));
                each(assertion(user, tag, AssertionKind::Sets, value), field);
            }
        }
        if !says {
            each(assertion(user, USE, AssertionKind::Uses, 0), operation.fields[0].name);
        }
    }

    /// What a change says about login IDs, and about values that would be one.
    fn on_names(
        self,
        change: &Change,
        instruction: &Instruction,
        each: &mut dyn FnMut(u64, u32, AssertionKind, u64),
    ) {
        let user = lane(&instruction.login_id);
        match (&change.subject, &change.action) {
            (Subject::LoginId, _) => {
                let new = instruction.renames_to().map_or(0, lane);
                if new != user {
                    each(user, NAME, AssertionKind::Leaves, new);
                    if new != 0 {
                        each(new, NAME, AssertionKind::Arrives, user);
                    }
                }
            }
            (Subject::LoginIds, Action::Set(Value::List(names))) => {
                for name in names.iter().map(|name| lane(name)).filter(|name| *name != user) {
                    each(name, NAME, AssertionKind::Arrives, user);
                }
            }
            (Subject::Contact(contact), _) if contact.signs_in().is_some() => {
                if let Some(text) = change.text() {
                    let tag = self.tag(contact.key(), "");
                    each(lane(text), tag, AssertionKind::Holds, user);
                }
            }
            (
                Subject::LoginIds
                | Subject::Contact(_)
                | Subject::Verified(_)
                | Subject::Status
                | Subject::Roles(_)
                | Subject::Tenants
                | Subject::Apps
                | Subject::Attribute(_)
                | Subject::Attributes
                | Subject::Secret(_)
                | Subject::Unseen(_)
                | Subject::Fixed(_)
                | Subject::Plain(_),
                _,
            ) => {}
        }
    }

    /// A hash of what a field is set to, the flag beside it included.
    fn value(self, change: &Change, instruction: &Instruction) -> u64 {
        let json = |change: &Change| {
            let mut json = Vec::new();
            change.write_json(&mut json);
            json
        };
        let flag = match change.subject {
            Subject::Contact(contact) => {
                let of_contact = |flag: &&Change| flag.subject == Subject::Verified(contact);
                instruction.changes.iter().find(of_contact).map(json)
            }
            _ => None,
        };
        self.hash_bytes(&json(change), &flag.unwrap_or_default())
    }

    fn hash(self, text: &str, more: &str) -> u64 {
        self.hash_bytes(text.as_bytes(), more.as_bytes())
    }

    fn hash_bytes(self, text: &[u8], more: &[u8]) -> u64 {
        xxh3_64_with_seed(text, self.seed) ^ xxh3_64_with_seed(more, !self.seed)
    }

    /// The tag of a field, which is none of the fixed ones.
    fn tag(self, field: &str, within: &str) -> u32 {
        let hash = self.hash(field, within).to_le_bytes();
        u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]).clamp(BEING + 1, USE - 1)
    }
}

/// An assertion in 32 bytes, for files that are sorted.
type Encoded = [u8; 32];

impl Sortable for Assertion {
    type Encoded = Encoded;

    fn encode(&self) -> Encoded {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.key.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.tag.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.at.line.to_le_bytes());
        bytes[24..26].copy_from_slice(&self.at.source.to_le_bytes());
        bytes[26] = self.kind as u8;
        // Five bytes count a million million rows.
        bytes[27..].copy_from_slice(&self.at.row.to_le_bytes()[..5]);
        bytes
    }

    fn decode(bytes: &Encoded) -> Self {
        let long = |from: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
        let short = |from: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[from + i]));
        let mut row = [0; 8];
        row[..5].copy_from_slice(&bytes[27..]);
        let kind = match bytes[26] {
            0 => AssertionKind::Leaves,
            1 => AssertionKind::Arrives,
            2 => AssertionKind::Sets,
            3 => AssertionKind::Makes,
            4 => AssertionKind::Unmakes,
            5 => AssertionKind::Uses,
            _ => AssertionKind::Holds,
        };
        let at = RowPlace {
            row: u64::from_le_bytes(row),
            line: short(20),
            source: u16::from_le_bytes([bytes[24], bytes[25]]),
        };
        Self { key: long(0), value: long(8), tag: short(16), at, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_claim_survives_packing(
            (key, value, tag) in any::<(u64, u64, u32)>(),
            (line, source, row, kind) in (any::<u32>(), any::<u16>(), 0..1_u64 << 40, 0..7_usize),
        ) {
            use AssertionKind::{Arrives, Holds, Leaves, Makes, Sets, Unmakes, Uses};
            let kind = [Leaves, Arrives, Sets, Makes, Unmakes, Uses, Holds][kind];
            let assertion = Assertion { key, tag, at: RowPlace { row, line, source }, kind, value };
            prop_assert_eq!(Assertion::decode(&assertion.encode()), assertion);
        }
    }
}
