//! The users of the simulator: found by login ID or user ID, changed one at a time.
//!
//! Always holds: every login ID of every user is in the index and belongs to that user alone.
//! Time is an argument, so nothing here reads a clock. Users are numbered in the order of their
//! creation; a deleted user's number is not used again.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::attributes::{Definition, Type};
use super::problem::Problem;
use super::project::Project;
use super::switches::{OldPhone, PatchConflict};
use super::users::{Status, User, canonical};
use crate::catalog::is_user_id;

/// When something happens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// Seconds since 1970, for what users show.
    pub(super) seconds: u32,
    /// Time since the simulator's start, for the lag of search.
    pub(super) elapsed: Duration,
}

/// What happens when a user's new phone or e-mail is another user's login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnConflict {
    /// The other user becomes part of this one.
    Merge,
    /// It is refused.
    Error,
    /// Nothing.
    Neither,
}

impl From<PatchConflict> for OnConflict {
    fn from(switch: PatchConflict) -> Self {
        match switch {
            PatchConflict::Merge => Self::Merge,
            PatchConflict::Error => Self::Error,
            PatchConflict::Neither => Self::Neither,
        }
    }
}

/// How a change treats other users and old values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    /// The phones and e-mails that the change sets.
    pub(super) contacts: &'a [&'a str],
    /// What happens when one of them is another user's login ID.
    pub(super) on_conflict: OnConflict,
    /// What becomes of a login ID that is the old phone number.
    pub(super) old_phone: OldPhone,
}

impl Rules<'static> {
    /// For a change that has nothing to do with other users.
    pub(super) const ALONE: Self =
        Self { contacts: &[], on_conflict: OnConflict::Neither, old_phone: OldPhone::Keep };
}

/// A user as it was before a change; `None` before it was created.
#[derive(Clone)]
pub(super) struct Before {
    at: Duration,
    pub(super) number: u32,
    pub(super) user: Option<User>,
}

/// The users.
#[derive(Clone, Default)]
pub(super) struct Store {
    users: Vec<Option<User>>,
    by_login_id: HashMap<Arc<str>, u32>,
    by_user_id: HashMap<Box<str>, u32>,
    /// Names that had a user and have none now; kept when missing users are created.
    gone: HashSet<Box<str>>,
    /// Whether a name never heard of becomes a user.
    create_missing: bool,
    /// Custom attributes seen, with the type that they seem to have.
    seen_attributes: BTreeMap<String, Type>,
    /// Shared, so that it can be looked at while a user is changed.
    project: Arc<Project>,
    lag: Duration,
    pub(super) recent: VecDeque<Before>,
    /// Deleted and test users, which a plain listing has to leave out.
    unlisted: usize,
}

const ID_PREFIX: &str = "U2simulated";

/// The user ID made of a number: 28 characters, as the service's are, and counted from 1.
fn made_id(number: u32) -> String {
    format!("{ID_PREFIX}{:017}", u64::from(number) + 1)
}

impl Store {
    /// No users.
    pub(super) fn new(create_missing: bool, lag: Duration) -> Self {
        Self { create_missing, lag, ..Self::default() }
    }

    /// Adds `user1@example.com` and so on.
    pub(super) fn generate(&mut self, count: u32) -> Result<(), Problem> {
        self.users.reserve(count as usize);
        self.by_login_id.reserve(count as usize);
        for n in 1..=count {
            let mut user = User::named(&format!("user{n}@example.com"));
            user.status = Status::Enabled;
            self.create(
                user,
                Moment { seconds: 1_700_000_000_u32.saturating_add(n), ..Moment::default() },
            )?;
        }
        Ok(())
    }

    /// Lets search see everything that is there.
    pub(super) fn settle(&mut self) {
        self.recent.clear();
    }

    /// The user ID of a number.
    pub(super) fn user_id(&self, number: u32) -> String {
        Self::id_of(self.get(number), number)
    }

    /// The user ID of a user with this number.
    pub(super) fn id_of(user: Option<&User>, number: u32) -> String {
        match user.map(|user| &*user.details().user_id) {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => made_id(number),
        }
    }

    /// The user of a number.
    pub(super) fn get(&self, number: u32) -> Option<&User> {
        self.users.get(number as usize)?.as_ref()
    }

    /// A user as answers show it.
    pub(super) fn show(&self, number: u32, user: &User) -> String {
        user.to_json(&Self::id_of(Some(user), number), &self.project)
    }

    /// What is declared beside the users.
    pub(super) fn project(&self) -> Arc<Project> {
        Arc::clone(&self.project)
    }

    /// The same, to be changed.
    pub(super) fn project_mut(&mut self) -> &mut Project {
        Arc::make_mut(&mut self.project)
    }

    /// The number of a login ID, in any form.
    pub(super) fn by_login_id(&self, login_id: &str) -> Option<u32> {
        self.by_login_id.get(&*canonical(login_id)).copied()
    }

    /// The number of a user ID.
    pub(super) fn by_user_id(&self, user_id: &str) -> Option<u32> {
        let made = || {
            let digits = user_id.strip_prefix(ID_PREFIX).filter(|d| d.len() == 17)?;
            let number = digits.parse::<u32>().ok()?.checked_sub(1)?;
            self.get(number).filter(|user| user.details().user_id.is_empty())?;
            Some(number)
        };
        self.by_user_id.get(user_id).copied().or_else(made)
    }

    /// The user of a name: a login ID, or a user ID where those are taken. If missing users are
    /// created and nobody ever had the name, that makes the user.
    pub(super) fn find(&mut self, name: &str, user_ids: bool, moment: Moment) -> Option<u32> {
        let found = self.by_login_id(name).or_else(|| self.by_user_id(name).filter(|_| user_ids));
        if found.is_some() || !self.create_missing || name.is_empty() {
            return found;
        }
        if self.gone.contains(&*canonical(name)) {
            return None;
        }
        let mut user = User::named(name);
        user.status = Status::Enabled;
        if user_ids && is_user_id(name) {
            user.details_mut().user_id = name.into();
        }
        let number = self.create(user, moment).ok()?;
        self.users[number as usize].as_mut()?.conjured = true;
        Some(number)
    }

    /// The same for reading: what is only somebody's phone number or e-mail address makes no user.
    pub(super) fn find_to_read(&mut self, name: &str, moment: Moment) -> Option<u32> {
        let found = self.by_login_id(name).or_else(|| self.by_user_id(name));
        if found.is_some() || !self.create_missing {
            return found;
        }
        let contact = canonical(name);
        let has = |user: &User| *user.phone == *contact || user.email.as_deref() == Some(&*contact);
        if self.users.iter().flatten().any(has) { None } else { self.find(name, true, moment) }
    }

    /// Adds a user, unless one of its login IDs or its user ID is taken. Who was only ever looked
    /// for and not there is no obstacle, but for the user ID.
    pub(super) fn create(&mut self, mut user: User, moment: Moment) -> Result<u32, Problem> {
        let user_id = &*user.details().user_id;
        let owners = user.login_ids.iter().filter_map(|id| self.by_login_id.get(id).copied());
        let owners: Vec<u32> = owners.collect();
        let real = |number: &u32| self.get(*number).is_some_and(|owner| !owner.conjured);
        if owners.iter().any(real) || (!user_id.is_empty() && self.by_user_id(user_id).is_some()) {
            return Err(Problem::user_exists());
        }
        for owner in owners {
            self.delete(owner, moment);
        }
        let number = u32::try_from(self.users.len())
            .map_err(|_| Problem::invalid("The simulator holds no more users"))?;
        if user.created == 0 {
            user.created = moment.seconds;
        }
        self.users.push(None);
        self.unlisted += 1;
        if !user.details().user_id.is_empty() {
            self.by_user_id.insert(user.details().user_id.clone(), number);
        }
        self.put(number, user, moment);
        Ok(number)
    }

    /// Changes a user, or leaves everything as it was and says why.
    pub(super) fn change(
        &mut self,
        number: u32,
        moment: Moment,
        rules: Rules<'_>,
        effect: impl FnOnce(&mut User) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let before = self.get(number).ok_or_else(|| Problem::user_not_found(404))?;
        let mut user = before.clone();
        user.conjured = false;
        effect(&mut user)?;
        if rules.old_phone == OldPhone::Replace && !user.phone.is_empty() {
            let old = user.login_ids.iter_mut().find(|id| ***id == *before.phone);
            if let Some(login_id) = old.filter(|_| !before.phone.is_empty()) {
                *login_id = (&*user.phone).into();
            }
        }
        let merged = self.merged(number, rules)?;
        for login_id in &user.login_ids {
            let owner = self.by_login_id.get(login_id);
            if owner.is_some_and(|owner| *owner != number && !merged.contains(owner)) {
                return Err(Problem::conflict("login ID"));
            }
        }
        for other in merged {
            if let Some(other) = self.delete(other, moment) {
                user.absorb(other);
            }
        }
        self.put(number, user, moment);
        Ok(())
    }

    /// The other users that a change merges into this one.
    fn merged(&self, number: u32, rules: Rules<'_>) -> Result<Vec<u32>, Problem> {
        let mut merged = Vec::new();
        for contact in rules.contacts {
            match self.by_login_id(contact).filter(|owner| *owner != number) {
                Some(_) if rules.on_conflict == OnConflict::Error => {
                    return Err(Problem::conflict("value"));
                }
                Some(owner)
                    if rules.on_conflict == OnConflict::Merge && !merged.contains(&owner) =>
                {
                    merged.push(owner);
                }
                _ => {}
            }
        }
        Ok(merged)
    }

    /// Takes a user out.
    pub(super) fn delete(&mut self, number: u32, moment: Moment) -> Option<User> {
        let user_id = self.user_id(number);
        let user = self.users.get_mut(number as usize)?.take()?;
        self.unlisted += usize::from(!user.test);
        for login_id in &user.login_ids {
            self.by_login_id.remove(login_id);
            self.bury(login_id);
        }
        self.by_user_id.remove(&*user_id);
        self.bury(&user_id);
        self.remember(number, Some(&user), moment);
        Some(user)
    }

    fn bury(&mut self, name: &str) {
        if self.create_missing {
            self.gone.insert(name.into());
        }
    }

    /// Puts a user in its place, with the index in line; the caller made sure that the login
    /// IDs are free.
    fn put(&mut self, number: u32, mut user: User, moment: Moment) {
        user.modified = moment.seconds;
        let before = self.users[number as usize].take();
        let old_ids = before.as_ref().map_or(&[][..], |user| &user.login_ids);
        if old_ids != user.login_ids {
            for login_id in old_ids {
                self.by_login_id.remove(login_id);
                if self.create_missing {
                    self.gone.insert((&**login_id).into());
                }
            }
            for login_id in &user.login_ids {
                self.by_login_id.insert(Arc::clone(login_id), number);
                if self.create_missing {
                    self.gone.remove(&**login_id);
                }
            }
        }
        for (key, value) in &user.details().attributes {
            if !self.seen_attributes.contains_key(key) {
                self.seen_attributes.insert(key.clone(), Type::of(value));
            }
        }
        let listed = |user: &User| usize::from(!user.test);
        self.unlisted += before.as_ref().map_or(0, listed);
        self.unlisted -= listed(&user);
        self.remember(number, before.as_ref(), moment);
        self.users[number as usize] = Some(user);
    }

    fn remember(&mut self, number: u32, before: Option<&User>, moment: Moment) {
        if self.lag.is_zero() {
            return;
        }
        self.forget(moment);
        self.recent.push_back(Before { at: moment.elapsed, number, user: before.cloned() });
    }

    /// Drops what search has caught up with.
    pub(super) fn forget(&mut self, moment: Moment) {
        let caught_up = |before: &Before| before.at + self.lag <= moment.elapsed;
        let past = self.recent.iter().take_while(|b| caught_up(b)).count();
        self.recent.drain(..past);
    }

    /// One past the highest number.
    pub(super) fn end(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap_or(u32::MAX)
    }

    /// Whether every number below the end is a user, and none is a test user.
    pub(super) fn lists_all(&self) -> bool {
        self.unlisted == 0
    }

    /// The numbers of the users who are like that.
    pub(super) fn numbers(&self, like: impl Fn(&User) -> bool) -> Vec<u32> {
        (0..)
            .zip(&self.users)
            .filter(|(_, user)| user.as_ref().is_some_and(&like))
            .map(|(number, _)| number)
            .collect()
    }

    /// The custom attributes: those declared or, as long as none is, those that users have had.
    pub(super) fn attributes(&self) -> Vec<Definition> {
        if !self.project.attributes.is_empty() {
            return self.project.attributes.clone();
        }
        let seen = self.seen_attributes.iter();
        seen.map(|(name, kind)| Definition::guessed(name, *kind)).collect()
    }

    /// Takes a custom attribute away, from users as well.
    pub(super) fn drop_attribute(&mut self, name: &str, moment: Moment) -> Result<(), Problem> {
        self.project_mut().attributes.retain(|definition| definition.name != name);
        for number in self.numbers(|user| user.details().attributes.contains_key(name)) {
            self.change(number, moment, Rules::ALONE, |user| {
                user.details_mut().attributes.shift_remove(name);
                Ok(())
            })?;
        }
        self.seen_attributes.remove(name);
        Ok(())
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
