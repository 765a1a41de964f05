//! Who has the contacts that a batch is about to give away. Pure.

use std::collections::{HashMap, HashSet};

use crate::api::response::Body;
use crate::change::User;
use crate::engine::work::UserRows;
use crate::read::UserPage;
use crate::rows::{Instruction, lane};

/// What searches have shown.
#[derive(Debug, Default)]
pub(super) struct ContactOwners {
    /// Contacts that somebody has, with all names of that user.
    held: HashMap<u64, Vec<HashSet<u64>>>,
    /// Contacts of which nobody can tell.
    unsure: HashSet<u64>,
}

/// The contacts that users' rows set, in all their spellings.
pub(super) fn names(users: &[UserRows]) -> Vec<String> {
    users.iter().flat_map(UserRows::instructions).flat_map(Instruction::guarded_names).collect()
}

fn of_user(user_rows: &UserRows) -> impl Iterator<Item = &str> {
    user_rows.instructions().flat_map(Instruction::guarded_contacts)
}

impl ContactOwners {
    /// Takes in what a search for names has found.
    pub(super) fn add(&mut self, names: &[String], body: &Body) {
        let Some(users) = users(body) else { return self.unsure(names) };
        let searched: HashSet<u64> = names.iter().map(|name| lane(name)).collect();
        for user in &users {
            let own: HashSet<u64> = user.names().into_iter().map(lane).collect();
            let hits: Vec<u64> = own.intersection(&searched).copied().collect();
            if hits.is_empty() {
                // It was not asked for: what else may such a search have missed?
                return self.unsure(names);
            }
            for hit in hits {
                self.held.entry(hit).or_default().push(own.clone());
            }
        }
    }

    /// Nobody can tell who has these names.
    pub(super) fn unsure(&mut self, names: &[String]) {
        self.unsure.extend(names.iter().map(|name| lane(name)));
    }

    /// Whether another user has a contact that a part sets, or may have it.
    pub(super) fn concern(&self, user_rows: &UserRows) -> bool {
        let user = lane(&user_rows.first.login_id);
        of_user(user_rows).map(lane).any(|contact| {
            let held = self.held.get(&contact);
            self.unsure.contains(&contact)
                || held.is_some_and(|all| all.iter().any(|own| !own.contains(&user)))
        })
    }
}

/// The users of a search's answer; `None` if they are not all there.
fn users(body: &Body) -> Option<Vec<User>> {
    let page = UserPage::of(body).filter(UserPage::is_whole)?;
    page.users.iter().map(|user| User::read(user)).collect()
}
