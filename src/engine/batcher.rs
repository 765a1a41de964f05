//! The batcher: which instructions share a batch, or a search. Pure.
//!
//! It fills one batch at a time. Rows in it hold their lanes already, so the batch is never
//! to wait for anything but room.

use std::collections::HashMap;

use super::lanes::Lanes;
use crate::engine::work::{UserRows, batch_requests};
use crate::rows::{Instruction, Sets, lane};

/// The batch that is being filled.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    users: Vec<UserRows>,
    /// What the rows of each user set together.
    sets: Vec<Sets>,
    /// The place of each user, by the lane of its name.
    by_user: HashMap<u64, usize>,
    rows: usize,
}

/// The most instructions of a batch, for each user that it may have: what waits in a batch that
/// is not full takes up room in the window.
const ROWS_A_USER: usize = 4;

impl Batcher {
    /// Lets an instruction go as one patch with those of its user that are in the batch, if
    /// they directly precede it, name the user alike and all set different things; gives it back
    /// if not.
    pub(super) fn join<T>(
        &mut self,
        instruction: Box<Instruction>,
        lanes: &mut Lanes<T>,
    ) -> Option<Box<Instruction>> {
        let Some(batch) = instruction.batch.filter(|batch| !batch.alone) else {
            return Some(instruction);
        };
        let Some(index) = self.by_user.get(&lane(&instruction.login_id)).copied() else {
            return Some(instruction);
        };
        let first = &self.users[index].first;
        let sets = self.sets[index];
        // Names in one lane may be two users all the same.
        if first.login_id != instruction.login_id
            || !sets.goes_with(batch.sets)
            || !lanes.widen(first.record.position.row, &instruction.lanes)
        {
            return Some(instruction);
        }
        self.sets[index] = sets.and(batch.sets);
        self.users[index].more.push(*instruction);
        self.rows += 1;
        None
    }

    /// Takes in the rows of a user that have their lanes.
    pub(super) fn add(&mut self, user_rows: UserRows) {
        let sets = user_rows.sets();
        if sets.is_some() {
            self.by_user.insert(lane(&user_rows.first.login_id), self.users.len());
        }
        self.rows += user_rows.rows();
        self.sets.push(sets.unwrap_or_default());
        self.users.push(user_rows);
    }

    /// Whether there is no room for more.
    pub(super) fn is_full(&self, size: usize) -> bool {
        self.users.len() >= size || self.rows >= size * ROWS_A_USER
    }

    /// How many requests the batch takes as it is; none if it is empty.
    pub(super) fn requests(&self) -> u64 {
        if self.rows == 0 { 0 } else { batch_requests(&self.users) }
    }

    /// How many instructions are in the batch.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The batch as it is; the next is empty.
    pub(super) fn take(&mut self) -> Vec<UserRows> {
        std::mem::take(self).users
    }
}
