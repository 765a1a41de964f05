//! Conflicts: what two rows say that cannot both be meant.
//!
//! Pure. Takes assertions in their order, so that all on one user or one value come together, and
//! needs no more memory than for one of them.

use super::assertions::{Assertion, AssertionKind, NAME, RowPlace};

/// Assertions on one login ID that are looked at; who renames one more often has other worries.
const MOST_RENAMES: usize = 10_000;

/// What is wrong with two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Conflict {
    /// One user's field is set to the same value again.
    Repeated,
    /// One user's field is set to another value.
    Contradicting,
    /// The user was renamed by an earlier row, and is named as before.
    RenamedAway,
    /// The login ID is given to a user while another, who gives it up, still has it.
    TakenUntil,
    /// The same, both ways: a swap.
    Swap,
    /// Two users are given one login ID.
    SharedLoginId,
    /// Two users are given one phone number or e-mail address.
    SharedValue,
}

/// Two rows in conflict: the assertion at fault, and where the other one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundConflicts {
    pub(super) conflict: Conflict,
    pub(super) assertion: Assertion,
    pub(super) other: RowPlace,
}

/// Looks for conflicts in assertions that come in order.
pub(super) struct Conflicts<F> {
    each: F,
    key: u64,
    /// The assertions on the name of the current key.
    name: Vec<Assertion>,
    /// The first holder of the current value.
    holder: Option<Assertion>,
    /// The assertion before, of the same field.
    before: Option<Assertion>,
    /// Whether the names' own conflicts have been looked for.
    closed: bool,
    /// Whether the name was found to be in use before another user takes it on.
    in_use: bool,
}

impl<F: FnMut(FoundConflicts)> Conflicts<F> {
    pub(super) fn new(each: F) -> Self {
        Self {
            each,
            key: 0,
            name: Vec::new(),
            holder: None,
            before: None,
            closed: true,
            in_use: false,
        }
    }

    /// Takes the next assertion.
    pub(super) fn take(&mut self, assertion: Assertion) {
        if assertion.key != self.key {
            self.close_key();
            self.key = assertion.key;
            self.name.clear();
            (self.holder, self.before) = (None, None);
            (self.closed, self.in_use) = (false, false);
        }
        match assertion.kind {
            AssertionKind::Leaves | AssertionKind::Arrives => {
                if self.name.len() < MOST_RENAMES {
                    self.name.push(assertion);
                }
            }
            AssertionKind::Holds => self.holds(assertion),
            AssertionKind::Sets | AssertionKind::Uses => {
                self.close_key();
                self.named(assertion);
                if assertion.kind == AssertionKind::Sets {
                    self.sets(assertion);
                }
            }
        }
    }

    /// Ends the last key.
    pub(super) fn finish(mut self) {
        self.close_key();
    }

    fn found(&mut self, conflict: Conflict, assertion: Assertion, other: Assertion) {
        (self.each)(FoundConflicts { conflict, assertion, other: other.at });
    }

    fn holds(&mut self, assertion: Assertion) {
        match self.holder {
            Some(first) if first.value != assertion.value => {
                self.found(Conflict::SharedValue, assertion, first);
            }
            Some(_) => {}
            None => self.holder = Some(assertion),
        }
    }

    fn sets(&mut self, assertion: Assertion) {
        if let Some(before) = self.before.filter(|before| before.tag == assertion.tag) {
            let same = before.value == assertion.value;
            let conflict = if same { Conflict::Repeated } else { Conflict::Contradicting };
            self.found(conflict, assertion, before);
        }
        self.before = Some(assertion);
    }

    /// A row that names its user: is that still, or already, its name?
    fn named(&mut self, assertion: Assertion) {
        let earlier = self.name.partition_point(|name| name.at.row < assertion.at.row);
        match (earlier.checked_sub(1).map(|last| self.name[last]), self.name.first().copied()) {
            (Some(last), _) if last.kind == AssertionKind::Leaves => {
                self.found(Conflict::RenamedAway, assertion, last);
            }
            (None, Some(first)) if first.kind == AssertionKind::Arrives && !self.in_use => {
                // Named before another user takes the name on: it is somebody's.
                self.in_use = true;
                if first.at.row != assertion.at.row {
                    self.found(Conflict::SharedLoginId, first, assertion);
                }
            }
            _ => {}
        }
    }

    /// What is said of the name itself, once all of it is there.
    fn close_key(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        debug_assert!(self.name.iter().all(|assertion| assertion.tag == NAME), "names come first");
        let name = std::mem::take(&mut self.name);
        let mut last: Option<Assertion> = None;
        for (index, &assertion) in name.iter().enumerate() {
            let leaves_later =
                name[index + 1..].iter().find(|later| later.kind == AssertionKind::Leaves);
            match (assertion.kind, last) {
                (AssertionKind::Leaves, Some(gone)) if gone.kind == AssertionKind::Leaves => {
                    self.found(Conflict::RenamedAway, assertion, gone);
                }
                (AssertionKind::Arrives, Some(other))
                    if other.kind == AssertionKind::Arrives && other.value != assertion.value =>
                {
                    self.found(Conflict::SharedLoginId, assertion, other);
                }
                (AssertionKind::Arrives, None) => match leaves_later {
                    Some(later) if later.value == assertion.value => {
                        self.found(Conflict::Swap, assertion, *later);
                    }
                    // A name that is taken on and given up again is a chain, if by one user.
                    Some(later) if later.at.row != assertion.at.row => {
                        self.found(Conflict::TakenUntil, assertion, *later);
                    }
                    _ => {}
                },
                _ => {}
            }
            last = Some(assertion);
        }
        self.name = name;
    }
}

#[cfg(test)]
mod tests;
