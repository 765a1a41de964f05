//! Conflicts: what two rows say that cannot both be meant.
//!
//! Pure. Takes claims in their order, so that all on one user or one value come together, and
//! needs no more memory than for one of them.

use super::claims::{At, Claim, Kind, NAME};

/// Claims on one login ID that are looked at; who renames one more often has other worries.
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

/// Two rows in conflict: the claim at fault, and where the other one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) conflict: Conflict,
    pub(super) claim: Claim,
    pub(super) other: At,
}

/// Looks for conflicts in claims that come in order.
pub(super) struct Conflicts<F> {
    each: F,
    key: u64,
    /// The claims on the name of the current key.
    name: Vec<Claim>,
    /// The first holder of the current value.
    holder: Option<Claim>,
    /// The claim before, of the same field.
    before: Option<Claim>,
    /// Whether the names' own conflicts have been looked for.
    settled: bool,
    /// Whether the name was found to be in use before another user takes it on.
    in_use: bool,
}

impl<F: FnMut(Found)> Conflicts<F> {
    pub(super) fn new(each: F) -> Self {
        Self {
            each,
            key: 0,
            name: Vec::new(),
            holder: None,
            before: None,
            settled: true,
            in_use: false,
        }
    }

    /// Takes the next claim.
    pub(super) fn take(&mut self, claim: Claim) {
        if claim.key != self.key {
            self.settle();
            self.key = claim.key;
            self.name.clear();
            (self.holder, self.before) = (None, None);
            (self.settled, self.in_use) = (false, false);
        }
        match claim.kind {
            Kind::Leaves | Kind::Arrives => {
                if self.name.len() < MOST_RENAMES {
                    self.name.push(claim);
                }
            }
            Kind::Holds => self.holds(claim),
            Kind::Sets | Kind::Uses => {
                self.settle();
                self.named(claim);
                if claim.kind == Kind::Sets {
                    self.sets(claim);
                }
            }
        }
    }

    /// Ends the last key.
    pub(super) fn finish(mut self) {
        self.settle();
    }

    fn found(&mut self, conflict: Conflict, claim: Claim, other: Claim) {
        (self.each)(Found { conflict, claim, other: other.at });
    }

    fn holds(&mut self, claim: Claim) {
        match self.holder {
            Some(first) if first.value != claim.value => {
                self.found(Conflict::SharedValue, claim, first);
            }
            Some(_) => {}
            None => self.holder = Some(claim),
        }
    }

    fn sets(&mut self, claim: Claim) {
        if let Some(before) = self.before.filter(|before| before.tag == claim.tag) {
            let same = before.value == claim.value;
            let conflict = if same { Conflict::Repeated } else { Conflict::Contradicting };
            self.found(conflict, claim, before);
        }
        self.before = Some(claim);
    }

    /// A row that names its user: is that still, or already, its name?
    fn named(&mut self, claim: Claim) {
        let earlier = self.name.partition_point(|name| name.at.row < claim.at.row);
        match (earlier.checked_sub(1).map(|last| self.name[last]), self.name.first().copied()) {
            (Some(last), _) if last.kind == Kind::Leaves => {
                self.found(Conflict::RenamedAway, claim, last);
            }
            (None, Some(first)) if first.kind == Kind::Arrives && !self.in_use => {
                // Named before another user takes the name on: it is somebody's.
                self.in_use = true;
                if first.at.row != claim.at.row {
                    self.found(Conflict::SharedLoginId, first, claim);
                }
            }
            _ => {}
        }
    }

    /// What is said of the name itself, once all of it is there.
    fn settle(&mut self) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        debug_assert!(self.name.iter().all(|claim| claim.tag == NAME), "names come first");
        let name = std::mem::take(&mut self.name);
        let mut last: Option<Claim> = None;
        for (index, &claim) in name.iter().enumerate() {
            let leaves_later = name[index + 1..].iter().find(|later| later.kind == Kind::Leaves);
            match (claim.kind, last) {
                (Kind::Leaves, Some(gone)) if gone.kind == Kind::Leaves => {
                    self.found(Conflict::RenamedAway, claim, gone);
                }
                (Kind::Arrives, Some(other))
                    if other.kind == Kind::Arrives && other.value != claim.value =>
                {
                    self.found(Conflict::SharedLoginId, claim, other);
                }
                (Kind::Arrives, None) => match leaves_later {
                    Some(later) if later.value == claim.value => {
                        self.found(Conflict::Swap, claim, *later);
                    }
                    // A name that is taken on and given up again is a chain, if by one user.
                    Some(later) if later.at.row != claim.at.row => {
                        self.found(Conflict::TakenUntil, claim, *later);
                    }
                    _ => {}
                },
                _ => {}
            }
            last = Some(claim);
        }
        self.name = name;
    }
}

#[cfg(test)]
mod tests;
