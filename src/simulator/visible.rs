//! The users as search sees them: the store, but for the changes that search lags behind.

use std::collections::BTreeMap;

use super::store::{Moment, Store};
use super::users::User;

/// The users as search sees them.
pub(super) struct Visible<'a> {
    store: &'a Store,
    stale: BTreeMap<u32, Option<&'a User>>,
}

impl<'a> Visible<'a> {
    /// What a store holds, but for some users that search knows as they were before.
    pub(super) fn new(store: &'a Store, stale: BTreeMap<u32, Option<&'a User>>) -> Self {
        Self { store, stale }
    }

    /// The user of a number, if search knows one.
    pub(super) fn get(&self, number: u32) -> Option<&'a User> {
        match self.stale.get(&number) {
            Some(before) => *before,
            None => self.store.get(number),
        }
    }

    /// One past the highest number.
    pub(super) fn end(&self) -> u32 {
        self.store.end()
    }

    /// Whether the users are exactly the numbers below the end, and none is a test user.
    pub(super) fn is_plain(&self) -> bool {
        self.stale.is_empty() && self.store.lists_all()
    }

    /// The numbers that the index has for some login IDs and user IDs, and those it may not
    /// have any more; in order, without repetition.
    pub(super) fn candidates(&self, login_ids: &[&str], user_ids: &[&str]) -> Vec<u32> {
        let logins = login_ids.iter().filter_map(|id| self.store.by_login_id(id));
        let users = user_ids.iter().filter_map(|id| self.store.by_user_id(id));
        let stale = self.stale.keys().copied();
        let mut numbers: Vec<u32> = logins.chain(users).chain(stale).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// A user as answers show it, if search knows one of the number.
    pub(super) fn show(&self, number: u32) -> Option<String> {
        Some(self.store.show(number, self.get(number)?))
    }

    /// The user ID of a number.
    pub(super) fn user_id(&self, number: u32) -> String {
        Store::id_of(self.get(number), number)
    }
}

impl Store {
    /// The users as search sees them now, which lags behind.
    pub(super) fn visible(&mut self, moment: Moment) -> Visible<'_> {
        self.forget(moment);
        let mut stale = BTreeMap::new();
        for before in &self.recent {
            stale.entry(before.number).or_insert(before.user.as_ref());
        }
        Visible::new(self, stale)
    }
}
