//! The answer to a batch, taken apart by user. Pure.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::api::explain;
use crate::api::response::Body;
use crate::change::User;
use crate::engine::work::UserRows;
use crate::issue::Issue;
use crate::rows::lane;

/// What the answer says of a part.
#[derive(Clone, Debug)]
pub(super) enum ItemResult {
    /// It was done; the user as the server sent it.
    Updated(Box<RawValue>),
    /// It failed, for this reason.
    Failed(Box<Issue>),
    /// It does not tell.
    Ambiguous,
}

impl ItemResult {
    fn of_failure(text: &str) -> Self {
        let why = explain::batch_failure(text);
        // What may pass is nothing that a row could fix.
        if explain::is_temporary(&why) { Self::Ambiguous } else { Self::Failed(Box::new(why)) }
    }
}

/// API reference, 3.3: HTTP 200 even when users failed, and nothing in it is certain to be there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchBody {
    #[serde(alias = "createdUsers")]
    patched_users: Option<Vec<Box<RawValue>>>,
    /// Each with a `failure`, and a `user` that may be null.
    failed_users: Option<Vec<Value>>,
    additional_errors: Option<Map<String, Value>>,
}

/// What is said of each part.
#[derive(Debug, Default)]
struct BatchResponse {
    patched: Vec<Option<Box<RawValue>>>,
    /// The failures that name the part.
    failures: Vec<Vec<String>>,
    /// Parts that share a user with another: the answer cannot tell them apart.
    shared: Vec<bool>,
    /// Failures that name nobody.
    anonymous: Vec<String>,
    /// Whether somebody was patched who is in no part, or was not named so as to tell.
    strangers: bool,
}

/// What the answer says of each part, in their order.
pub(super) fn item_results(users: &[UserRows], body: &Body) -> Vec<ItemResult> {
    let answer = match body {
        Body::Whole(object) => serde_json::from_str(object.get()).unwrap_or_default(),
        _ => BatchBody::default(),
    };
    let said = BatchResponse::of(users, answer);
    let unnamed = (0..users.len()).filter(|index| said.is_silent_on(*index)).count();
    let mut anonymous = said.anonymous.iter();
    // As many failures as parts that nothing is said of, and all for one reason: it is theirs.
    let reason = anonymous.next().filter(|first| {
        !said.strangers && said.anonymous.len() == unnamed && anonymous.all(|other| other == *first)
    });
    (0..users.len())
        .map(|index| match (&said.patched[index], &said.failures[index][..]) {
            _ if said.shared[index] => ItemResult::Ambiguous,
            (Some(user), []) => ItemResult::Updated(user.clone()),
            (None, [failure, ..]) => ItemResult::of_failure(failure),
            (None, []) => {
                reason.map_or(ItemResult::Ambiguous, |reason| ItemResult::of_failure(reason))
            }
            (Some(_), _) => ItemResult::Ambiguous,
        })
        .collect()
}

impl BatchResponse {
    fn of(users: &[UserRows], answer: BatchBody) -> Self {
        let index_of: HashMap<u64, usize> = users
            .iter()
            .enumerate()
            .map(|(index, user_rows)| (lane(&user_rows.first.login_id), index))
            .collect();
        let named = |names: &[&str]| {
            let mut users: Vec<usize> =
                names.iter().filter_map(|name| index_of.get(&lane(name)).copied()).collect();
            users.sort_unstable();
            users.dedup();
            users
        };
        let mut said = Self {
            patched: vec![None; users.len()],
            failures: vec![Vec::new(); users.len()],
            shared: vec![false; users.len()],
            anonymous: Vec::new(),
            strangers: false,
        };
        for user in answer.patched_users.unwrap_or_default() {
            let shown = User::read(&user).unwrap_or_default();
            match named(&shown.names())[..] {
                [] => said.strangers = true,
                [index] if said.patched[index].is_none() => said.patched[index] = Some(user),
                ref several => several.iter().for_each(|index| said.shared[*index] = true),
            }
        }
        for failed in answer.failed_users.unwrap_or_default() {
            let failure = failed["failure"].as_str().unwrap_or_default().to_owned();
            let user = failed["user"].as_object().cloned().map(User::from).unwrap_or_default();
            match named(&user.names())[..] {
                [] => said.anonymous.push(failure),
                ref several => {
                    for index in several {
                        said.failures[*index].push(failure.clone());
                    }
                }
            }
        }
        for (key, value) in answer.additional_errors.unwrap_or_default() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let users = named(&[&key]);
            if users.is_empty() {
                tracing::debug!("the answer to a batch has an error that is about no row");
            }
            for index in users {
                said.failures[index].push(text.clone());
            }
        }
        said
    }

    fn is_silent_on(&self, index: usize) -> bool {
        self.patched[index].is_none() && self.failures[index].is_empty() && !self.shared[index]
    }
}
