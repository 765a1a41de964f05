//! Reading users: one by a name, or many by a search, over a wire that need not be able to write.

mod project;

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::api::explain;
use crate::api::load::Load;
use crate::api::response::{Body, Reply, Response};
use crate::api::transport::ReadWire;
use crate::catalog::{self, NAMES_A_SEARCH, Operation, is_user_id};
use crate::change::{User, UserNames};
use crate::issue::Issue;
use crate::outcome::Status;
use crate::requester::{End, Request, Requester, Tries};
use crate::rows::lane;
use crate::stop::Stop;
pub(crate) use project::Listing;

/// A read.
enum ReadRequest<'a> {
    /// Of the user who has a name.
    Load(&'a str),
    /// Of the users who have some user IDs, whose body is this.
    LoadMany(&'a Bytes),
    /// Of all users who fit a search, whose body is this.
    Search(&'a Bytes),
    /// The same, where it is possible.
    SearchIfAllowed(&'a Bytes),
}

impl<W: ReadWire> Request<W> for ReadRequest<'_> {
    fn operation(&self) -> &'static Operation {
        match self {
            Self::Load(_) => &catalog::LOAD,
            Self::LoadMany(_) => &catalog::LOAD_MANY,
            Self::Search(_) | Self::SearchIfAllowed(_) => &catalog::SEARCH,
        }
    }

    fn is_dispensable(&self) -> bool {
        matches!(self, Self::SearchIfAllowed(_))
    }

    async fn send(&self, wire: &W) -> Reply {
        match self {
            // Rare and large: what most requests take should stay small.
            Self::Load(name) => Box::pin(wire.load(name)).await,
            Self::LoadMany(body) => Box::pin(wire.load_many((*body).clone())).await,
            Self::Search(body) | Self::SearchIfAllowed(body) => {
                Box::pin(wire.search((*body).clone())).await
            }
        }
    }
}

/// A page of users, as a search gave it.
#[derive(Debug, Deserialize)]
pub(crate) struct UserPage {
    /// The users.
    pub(crate) users: Vec<Box<RawValue>>,
    /// How many users fit the search.
    pub(crate) total: Option<u64>,
}

impl UserPage {
    /// The page that the answer to a search holds; `None` where it is something else.
    #[must_use]
    pub(crate) fn of(body: &Body) -> Option<Self> {
        let Body::Whole(object) = body else { return None };
        serde_json::from_str(object.get()).ok()
    }

    /// Whether it holds all users who fit the search.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        self.total.is_none_or(|total| total <= self.users.len() as u64)
    }
}

/// A user as a search showed it.
#[derive(Debug)]
pub(crate) struct ShownUser {
    /// The user as the server sent it.
    pub(crate) raw: Box<RawValue>,
    /// When it was changed last, in seconds since 1970, if it says so.
    modified: Option<i64>,
}

impl ShownUser {
    /// The user.
    #[must_use]
    pub(crate) fn user(&self) -> User {
        User::read(&self.raw).unwrap_or_default()
    }

    /// Whether it has a name, to the letter.
    #[must_use]
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let names = UserNames::read(&self.raw);
        names.user_id == name || names.login_ids.iter().any(|own| own == name)
    }

    /// Whether it can be believed: the user was not changed a short time ago.
    #[must_use]
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        let modified = self.modified.and_then(|seconds| Timestamp::from_second(seconds).ok());
        modified.is_none_or(|modified| now.duration_since(modified) >= SETTLED)
    }
}

/// The users that searches for names have found.
#[derive(Debug, Default)]
pub(crate) struct FoundUsers {
    users: Vec<ShownUser>,
    /// The users by the lanes of their names; nothing for a name of several.
    by_name: HashMap<u64, Option<usize>>,
}

impl FoundUsers {
    fn add(&mut self, raw: Box<RawValue>) {
        let index = self.users.len();
        let names = UserNames::read(&raw);
        let own: BTreeSet<u64> = names.all().filter(|name| !name.is_empty()).map(lane).collect();
        // Several searches may find one user.
        let id = lane(&names.user_id);
        if let Some(Some(known)) = self.by_name.get(&id).filter(|_| !names.user_id.is_empty())
            && UserNames::read(&self.users[*known].raw).user_id == names.user_id
        {
            return;
        }
        for name in own {
            self.by_name.entry(name).and_modify(|known| *known = None).or_insert(Some(index));
        }
        let modified = names.modified_time;
        self.users.push(ShownUser { raw, modified });
    }

    /// The same, and others that were found.
    #[must_use]
    pub(crate) fn and(mut self, others: Self) -> Self {
        others.users.into_iter().for_each(|user| self.add(user.raw));
        self
    }

    /// The user who has a name, if exactly one was found.
    #[must_use]
    pub(crate) fn named(&self, name: &str) -> Option<&ShownUser> {
        self.users.get((*self.by_name.get(&lane(name))?)?)
    }
}

impl<W: ReadWire> Requester<W> {
    /// Reads a user; `None` when the run stops before there is something to say.
    pub(crate) async fn load(&self, name: &str, stop: &Stop) -> Option<Load> {
        let mut tries = Tries::default();
        let (_, reply) = Box::pin(self.insist(&ReadRequest::Load(name), &mut tries, stop)).await?;
        Some(Load::of(reply))
    }

    /// Sends a search; the answer, if it was answered, and `None` when the run stops before.
    pub(crate) async fn search(&self, body: &Bytes, stop: &Stop) -> Option<Option<Response>> {
        self.answer_to(&ReadRequest::Search(body), stop).await
    }

    async fn answer_to(&self, search: &ReadRequest<'_>, stop: &Stop) -> Option<Option<Response>> {
        let mut tries = Tries::default();
        let (end, reply) = Box::pin(self.insist(search, &mut tries, stop)).await?;
        Some(match reply {
            Reply::Response(answer) if matches!(end, End::Done) => Some(answer),
            _ => None,
        })
    }

    /// Finds the users who have any of some names, login IDs or user IDs; `None` when the run stops
    /// before.
    pub(crate) async fn find(
        &self,
        names: &[String],
        stop: &Stop,
    ) -> Option<Result<FoundUsers, Box<Issue>>> {
        let mut found = FoundUsers::default();
        for (key, values) in lists_of(names) {
            if let Err(why) = self.find_by(key, &values, &mut found, stop).await? {
                return Some(Err(why));
            }
        }
        Some(Ok(found))
    }

    /// Reads the users who have some user IDs, as they are at this moment; those who are not found, or
    /// not answered for, are to be read by themselves. `None` when the run stops before.
    pub(crate) async fn load_many(&self, user_ids: &[String], stop: &Stop) -> Option<FoundUsers> {
        let mut found = FoundUsers::default();
        for user_ids in user_ids.chunks(NAMES_A_SEARCH) {
            let body: Bytes = json!({"userIds": user_ids}).to_string().into();
            let answer = self.answer_to(&ReadRequest::LoadMany(&body), stop).await?;
            let page = answer.and_then(|answer| UserPage::of(&answer.body));
            page.into_iter().flat_map(|page| page.users).for_each(|user| found.add(user));
        }
        Some(found)
    }

    /// The page of users that a search's body asks for; `None` when the run stops before.
    pub(crate) async fn page(
        &self,
        body: &Bytes,
        stop: &Stop,
    ) -> Option<Result<UserPage, Box<Issue>>> {
        let mut tries = Tries::default();
        let search = ReadRequest::Search(body);
        let (end, reply) = Box::pin(self.insist(&search, &mut tries, stop)).await?;
        let page = match &reply {
            Reply::Response(answer) if matches!(end, End::Done) => UserPage::of(&answer.body),
            _ => None,
        };
        Some(page.ok_or_else(|| Box::new(explain::failure(&reply, Status::GaveUp))))
    }

    async fn find_by(
        &self,
        key: &str,
        values: &[String],
        found: &mut FoundUsers,
        stop: &Stop,
    ) -> Option<Result<(), Box<Issue>>> {
        for values in values.chunks(NAMES_A_LIST) {
            let mut page = 0;
            loop {
                let body = page_of(key, values, page);
                let users = match self.page(&body, stop).await? {
                    Ok(users) => users,
                    Err(why) => return Some(Err(why)),
                };
                page += 1;
                let is_last = users.users.len() < NAMES_A_SEARCH
                    || users.total.is_some_and(|total| total <= page * NAMES_A_SEARCH as u64);
                users.users.into_iter().for_each(|user| found.add(user));
                if is_last {
                    break;
                }
            }
        }
        Some(Ok(()))
    }

    /// Finds the users who have any of some names, if the key may search; more names than one search
    /// takes are several searches. `Some(None)` where one of them failed, and `None` when the run
    /// stops before.
    pub(crate) async fn find_if_allowed(
        &self,
        names: &[String],
        stop: &Stop,
    ) -> Option<Option<FoundUsers>> {
        let mut found = FoundUsers::default();
        let mut searches = Vec::new();
        for (key, values) in lists_of(names) {
            for values in values.chunks(NAMES_A_SEARCH) {
                searches.push(page_of(key, values, 0));
            }
        }
        for body in searches {
            let search = ReadRequest::SearchIfAllowed(&body);
            let Some(answer) = self.answer_to(&search, stop).await? else {
                return Some(None);
            };
            let Some(page) = UserPage::of(&answer.body) else { return Some(None) };
            page.users.into_iter().for_each(|user| found.add(user));
        }
        Some(Some(found))
    }
}

/// The lists of a search for names: a search for login IDs does not find user IDs.
fn lists_of(names: &[String]) -> [(&'static str, Vec<String>); 2] {
    let (ids, names) = names.iter().cloned().partition(|name| is_user_id(name));
    [("loginIds", names), ("userIds", ids)]
}

/// The most names in one search whose answer may have several pages. No maximum is documented (API
/// reference, section 4).
const NAMES_A_LIST: usize = 4 * NAMES_A_SEARCH;

/// How old what a user says of its last change must be for a search to be believed: it lags behind
/// writes by seconds (API reference, section 4).
const SETTLED: SignedDuration = SignedDuration::from_secs(60);

/// A search for the users who have login IDs, test users among them.
pub(crate) fn of_names(names: &[String]) -> Bytes {
    page_of("loginIds", names, 0)
}

/// The body that asks for one page of the users who fit a filter.
pub(crate) fn page_body(filter: &Map<String, Value>, page: u64) -> Bytes {
    let mut body = filter.clone();
    body.insert("limit".to_owned(), json!(NAMES_A_SEARCH));
    body.insert("page".to_owned(), json!(page));
    Value::from(body).to_string().into()
}

/// A page of a search by one of its lists.
fn page_of(key: &str, values: &[String], page: u64) -> Bytes {
    let body = json!({
        key: values,
        "limit": NAMES_A_SEARCH,
        "page": page,
        "withTestUser": true,
    });
    body.to_string().into()
}
