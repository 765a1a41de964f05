//! Conflicts: what two rows say that cannot both be meant.
//!
//! Pure. Takes assertions in their order, so that all on one user or one value come together, and
//! needs no more memory than for one of them.

use std::collections::HashMap;

use super::assertions::{Assertion, AssertionKind, NAME, RowPlace};

/// Assertions on one login ID that are looked at; who renames one more often has other worries.
const MOST_RENAMES: usize = 10_000;

/// Renames that are remembered to find those in three steps; 24 bytes each.
const MOST_TAKEN_OVER: usize = 100_000;

/// What is wrong with two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Conflict {
    /// One user's field is set to the same value again.
    Repeated,
    /// One user's field is set to another value.
    Contradicting,
    /// The user is made twice, without having been taken away between.
    MadeTwice,
    /// The user is taken away twice, without having been made between.
    UnmadeTwice,
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
    /// A user is given a phone number or e-mail address by which another row names its user.
    AnothersLoginId,
    /// The same, where the server merges the other user into this one and deletes it.
    Merges,
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
    /// Who is given the current value, one after the other.
    holders: Vec<Assertion>,
    /// The first row that names the user of the current key.
    user: Option<Assertion>,
    /// Whether the server merges users.
    merges: bool,
    /// Login IDs that are taken on before somebody gives them up, with both assertions.
    taken: Vec<(Assertion, Assertion)>,
    /// The row in which a login ID is taken on that was given up, by login ID and taker.
    taken_over: HashMap<(u64, u64), u64>,
    /// The assertion before, of the same field.
    before: Option<Assertion>,
    /// The assertion before, of whether the user is there.
    being: Option<Assertion>,
    /// Whether the names' own conflicts have been looked for.
    closed: bool,
    /// Whether the name was found to be in use before another user takes it on.
    in_use: bool,
}

impl<F: FnMut(FoundConflicts)> Conflicts<F> {
    pub(super) fn new(merges: bool, each: F) -> Self {
        Self {
            each,
            key: 0,
            name: Vec::new(),
            holders: Vec::new(),
            user: None,
            merges,
            taken: Vec::new(),
            taken_over: HashMap::new(),
            before: None,
            being: None,
            closed: true,
            in_use: false,
        }
    }

    /// Takes the next assertion.
    pub(super) fn take(&mut self, assertion: Assertion) {
        if assertion.key != self.key {
            self.end_key();
            self.key = assertion.key;
            self.name.clear();
            (self.user, self.before, self.being) = (None, None, None);
            (self.closed, self.in_use) = (false, false);
        }
        match assertion.kind {
            AssertionKind::Leaves | AssertionKind::Arrives => {
                if self.name.len() < MOST_RENAMES {
                    self.name.push(assertion);
                }
            }
            AssertionKind::Holds => {
                if self.holders.len() < MOST_RENAMES {
                    self.holders.push(assertion);
                }
            }
            AssertionKind::Makes | AssertionKind::Unmakes => {
                self.close_name();
                self.user.get_or_insert(assertion);
                self.named(assertion);
                self.is_there(assertion);
            }
            AssertionKind::Sets | AssertionKind::Uses => {
                self.close_name();
                self.user.get_or_insert(assertion);
                self.named(assertion);
                if assertion.kind == AssertionKind::Sets {
                    self.sets(assertion);
                }
            }
        }
    }

    /// Ends the last key.
    pub(super) fn finish(mut self) {
        self.end_key();
        for (takes, leaves) in std::mem::take(&mut self.taken) {
            // By then the other of a swap has the old name: this is its user, on its third step.
            let other = self.taken_over.get(&(takes.value, leaves.value));
            let third_step = other.is_some_and(|row| takes.at.row < *row && *row < leaves.at.row);
            if !third_step {
                self.found(Conflict::TakenUntil, takes, leaves);
            }
        }
    }

    fn found(&mut self, conflict: Conflict, assertion: Assertion, other: Assertion) {
        (self.each)(FoundConflicts { conflict, assertion, other: other.at });
    }

    /// What is said of the current value, once all of it is there.
    fn end_key(&mut self) {
        self.close_name();
        let holders = std::mem::take(&mut self.holders);
        for fields in holders.chunk_by(|one, other| one.tag == other.tag) {
            for holder in fields {
                let others = if self.merges { Conflict::Merges } else { Conflict::AnothersLoginId };
                match self.user {
                    Some(user) if holder.value != self.key && !self.is_free_at(holder.at) => {
                        self.found(others, *holder, user);
                    }
                    _ if holder.value != fields[0].value => {
                        self.found(Conflict::SharedValue, *holder, fields[0]);
                    }
                    _ => {}
                }
            }
        }
        // Most keys have one holder, and their room is used again.
        self.holders = holders;
        self.holders.clear();
    }

    /// Whether the current name was given up before a row, and not taken on since.
    fn is_free_at(&self, at: RowPlace) -> bool {
        let before = self.name.iter().take_while(|name| name.at < at);
        before.last().is_some_and(|name| name.kind == AssertionKind::Leaves)
    }

    fn sets(&mut self, assertion: Assertion) {
        if let Some(before) = self.before.filter(|before| before.tag == assertion.tag) {
            let same = before.value == assertion.value;
            let conflict = if same { Conflict::Repeated } else { Conflict::Contradicting };
            self.found(conflict, assertion, before);
        }
        self.before = Some(assertion);
    }

    /// A row that makes its user, or takes the user away.
    fn is_there(&mut self, assertion: Assertion) {
        if let Some(before) = self.being.filter(|before| before.kind == assertion.kind) {
            let conflict = match assertion.kind {
                AssertionKind::Makes => Conflict::MadeTwice,
                _ => Conflict::UnmadeTwice,
            };
            self.found(conflict, assertion, before);
        }
        self.being = Some(assertion);
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

    /// A name is taken on that is given up later; whether by its old user is known at the end.
    fn taken_until(&mut self, takes: Assertion, leaves: Assertion) {
        if self.taken.len() < MOST_RENAMES {
            self.taken.push((takes, leaves));
        } else {
            self.found(Conflict::TakenUntil, takes, leaves);
        }
    }

    /// What is said of the name itself, once all of it is there.
    fn close_name(&mut self) {
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
                        self.taken_until(assertion, *later);
                    }
                    _ => {}
                },
                (AssertionKind::Arrives, Some(gone))
                    if gone.kind == AssertionKind::Leaves
                        && self.taken_over.len() < MOST_TAKEN_OVER =>
                {
                    self.taken_over.insert((assertion.key, assertion.value), assertion.at.row);
                }
                _ => {}
            }
            last = Some(assertion);
        }
        self.name = name;
    }
}

#[cfg(test)]
mod tests;
