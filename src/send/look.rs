//! Looking before sending: how users are before anything is sent for them, and what follows.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Client;
use super::rules::OnDrift;
use super::settling::is_deletion;
use crate::api::explain;
use crate::api::load::Load;
use crate::api::transport::Wire;
use crate::catalog::{OperationKind, is_user_id};
use crate::change::{User, UserNames, all_changes, touched};
use crate::engine::recorder_handle::ReadUser;
use crate::engine::work::{Before, Completed, UserRows};
use crate::issue::Issue;
use crate::outcome::Status;
use crate::read::FoundUsers;
use crate::rows::Instruction;
use crate::stop::{Stop, StopReason};

/// Users as calls for many of them showed them.
struct SeenUsers {
    /// By their user IDs.
    loaded: FoundUsers,
    /// By their login IDs; nothing where the search failed.
    searched: Option<FoundUsers>,
}

/// How a user was read.
enum Seen {
    BySearch(Box<RawValue>),
    Loaded(Box<RawValue>),
    Alone(Load),
}

impl<W: Wire> Client<W> {
    /// Reads users, and keeps those whom this run has not written to yet.
    pub(super) async fn read_users(&self, mut users: Vec<UserRows>, stop: &Stop) -> Completed {
        let Some(found) = self.found(&users, stop).await else {
            return Completed::default().leaving(users);
        };
        let now = Timestamp::now();
        let looks = users.iter().map(|user_rows| self.look(user_rows, &found, now, stop));
        let seen = join_all(looks).await;
        let mut kept = Vec::new();
        for (user_rows, seen) in users.iter_mut().zip(seen) {
            let Some(seen) = seen else { continue };
            let (before, alone) = before(seen);
            if let (Before::Seen(user), false, true) =
                (&before, user_rows.is_recent, self.looking.keep)
            {
                let row = user_rows.first.record.position.row;
                kept.push(ReadUser { row, at: now, alone, user: user.clone() });
            }
            if matches!(before, Before::Failed(_)) && self.looking.keep {
                self.not_kept.fetch_add(1, Ordering::Relaxed);
            }
            user_rows.before = before;
        }
        if !kept.is_empty() && !self.recorder.keep_before(kept).await {
            stop.drain(StopReason::not_recorded());
        }
        if stop.is_draining() {
            return Completed::default().leaving(users);
        }
        Completed { read: users, ..Completed::default() }
    }

    /// Users as one call for many of them shows them; `None` for a stop.
    async fn found(&self, users: &[UserRows], stop: &Stop) -> Option<SeenUsers> {
        let ids: Vec<String> = users
            .iter()
            .filter_map(|user_rows| user_rows.first.expected_user_id())
            .map(str::to_owned)
            .collect();
        let names: Vec<String> = users
            .iter()
            .filter(|own| !own.is_recent && own.first.expected_user_id().is_none())
            .map(|user_rows| user_rows.first.login_id.clone())
            .collect();
        // What a row hangs on is loaded, which does not lag.
        let mut loaded = self.requester.load_many(&ids, stop).await?;
        let searched = self.requester.find_if_allowed(&names, stop).await?;
        let to_delete = users.iter().filter(|own| is_deletion(&own.first));
        let found = searched.as_ref();
        let shown = to_delete.filter_map(|own| found?.named(&own.first.login_id));
        let ids: Vec<String> = shown.map(|shown| shown.user().user_id().to_owned()).collect();
        if !ids.is_empty() {
            loaded = self.requester.load_many(&ids, stop).await?.and(loaded);
        }
        Some(SeenUsers { loaded, searched })
    }

    /// How a user is: as a search showed it, if that can be believed; `None` where that is of no use.
    async fn look(
        &self,
        user_rows: &UserRows,
        found: &SeenUsers,
        now: Timestamp,
        stop: &Stop,
    ) -> Option<Seen> {
        let name = &user_rows.first.login_id;
        let needed = user_rows.needs_user();
        let decides = self.looking.skip_unchanged || needed;
        if user_rows.is_recent && !decides {
            // How it was before this run is kept already.
            return None;
        }
        if let Some(id) = user_rows.first.expected_user_id()
            && let Some(shown) = found.loaded.named(id)
        {
            return Some(Seen::Loaded(shown.raw.clone()));
        }
        // A search may show a user who is gone, beside whom there is another by now.
        if is_deletion(&user_rows.first) {
            let shown = found.loaded.named(name).filter(|shown| shown.is_named(name));
            return match shown {
                Some(shown) => Some(Seen::Loaded(shown.raw.clone())),
                None => self.requester.load(name, stop).await.map(Seen::Alone),
            };
        }
        let distrusts = self.distrusts_until.is_some_and(|until| Instant::now() < until);
        match &found.searched {
            // Who is taken for missing and is there is not made twice: that is refused.
            Some(found) if user_rows.first.makes_user() && !user_rows.is_recent => {
                let Some(shown) = found.named(name) else {
                    return Some(Seen::Alone(Load::Missing));
                };
                // A name that differs in letter case may be another user's.
                if shown.is_named(name) && shown.is_settled(now) && !distrusts {
                    return Some(Seen::BySearch(shown.raw.clone()));
                }
            }
            Some(_) if distrusts && decides => {}
            Some(found) => {
                let shown = found.named(name).filter(|_| !user_rows.is_recent);
                if let Some(shown) = shown.filter(|shown| shown.is_settled(now)) {
                    return Some(Seen::BySearch(shown.raw.clone()));
                }
            }
            // The run is not held up by a search that fails, unless a row hangs on it.
            None if !needed => {
                let issue = Issue::error("not_read", "reading the user failed");
                return Some(Seen::Alone(Load::Failed(Box::new(issue))));
            }
            None => {}
        }
        self.requester.load(name, stop).await.map(Seen::Alone)
    }

    /// What a row comes to without being sent, by what is known of its user; `None` where it is to be
    /// sent.
    pub(super) fn decided(
        &self,
        instruction: &Instruction,
        before: &Before,
        stop: &Stop,
    ) -> Option<(Status, Option<Box<Issue>>)> {
        let decides = self.looking.skip_unchanged || instruction.needs_user();
        if !decides || instruction.ambiguous {
            return None;
        }
        if let Some(undecidable) = self.undecidable(instruction, before) {
            return Some(undecidable);
        }
        let user = match before {
            Before::Seen(raw) => User::read(raw),
            Before::Missing | Before::Unread | Before::Failed(_) => None,
        };
        let is_upsert = instruction.patched.is_some();
        let is_as_wanted = |user: &User| {
            changes_nothing(instruction, user) || (is_upsert && instruction.changes.is_empty())
        };
        if user.as_ref().is_some_and(is_as_wanted) {
            return Some((Status::Unchanged, None));
        }
        let expected = instruction.expect.as_ref()?;
        let Some(user) = user else {
            return Some(match before {
                Before::Failed(why) => (Status::GaveUp, Some(why.clone())),
                _ => self.drifted("the user is gone", stop)?,
            });
        };
        let differs = user.differs_in(expected);
        if differs.is_empty() {
            return None;
        }
        self.drifted(&format!("somebody else has changed {}", differs.join(", ")), stop)
    }

    /// What a row comes to that hangs on its user, where that could not be read, is not there, or is
    /// not to be touched.
    fn undecidable(
        &self,
        instruction: &Instruction,
        before: &Before,
    ) -> Option<(Status, Option<Box<Issue>>)> {
        let (status, issue) = match (instruction.operation.kind, before) {
            (
                OperationKind::Create | OperationKind::Upsert | OperationKind::Delete,
                Before::Failed(why),
            ) => (Status::GaveUp, *why.clone()),
            (OperationKind::Create, Before::Seen(_)) => {
                (Status::Rejected, explain::existing("a user with this login ID was there before"))
            }
            // Nobody can be made with a user ID for a login ID.
            (OperationKind::Create, _)
                if instruction.patched.is_some() && is_user_id(&instruction.login_id) =>
            {
                (Status::Rejected, explain::not_found("no user has this user ID"))
            }
            (OperationKind::Delete, _) if instruction.user_id.is_none() => (
                Status::Rejected,
                explain::not_found("there is no such user")
                    .hint("check the login ID; who is gone already need not be deleted"),
            ),
            (OperationKind::Delete, Before::Seen(user)) => {
                let names = UserNames::read(user);
                if !self.looking.protected.has_any(names.all()) {
                    return None;
                }
                let issue = Issue::error("protected", "the user is protected (--protect)");
                (Status::Rejected, issue.hint("leave the row out"))
            }
            _ => return None,
        };
        Some((status, Some(Box::new(issue))))
    }

    fn drifted(&self, what: &str, stop: &Stop) -> Option<(Status, Option<Box<Issue>>)> {
        let issue = Issue::error("drifted", format!("{what} since the row was made"))
            .hint("look at the user, and make a new plan; or use --on-drift apply");
        match self.looking.on_drift {
            OnDrift::Apply => return None,
            OnDrift::Skip => {}
            OnDrift::Halt => stop.drain(StopReason::stopped(
                "drifted",
                "a user was changed by somebody else (--on-drift halt)",
                "look at the user; to set such rows aside, resume with --on-drift skip",
            )),
        }
        Some((Status::Drifted, Some(Box::new(issue))))
    }
}

/// Whether a user would be the same after a row.
fn changes_nothing(instruction: &Instruction, user: &User) -> bool {
    if instruction.operation.kind != OperationKind::Update {
        return false;
    }
    let changes = all_changes(instruction.operation, &instruction.changes);
    if changes.is_empty() || changes.iter().any(|change| change.part().is_none()) {
        // What cannot be seen may be about to change.
        return false;
    }
    let parts = touched(&changes);
    user.after(&instruction.login_id, &changes).parts(&parts) == user.parts(&parts)
}

fn before(seen: Seen) -> (Before, bool) {
    match seen {
        Seen::BySearch(user) => (Before::Seen(user), false),
        Seen::Loaded(user) => (Before::Seen(user), true),
        Seen::Alone(Load::Found(found)) => (Before::Seen(found.user), true),
        Seen::Alone(Load::Missing) => (Before::Missing, true),
        Seen::Alone(Load::Failed(why)) => (Before::Failed(why), true),
    }
}
