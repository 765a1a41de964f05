//! Absent users: those of a project whom the input of a finished run does not name.
//!
//! It is the last step of a synchronisation with a directory. Nothing is changed here: rows are made
//! that a plan or a run takes. Who cannot be told to be absent is not.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::api::transport::ReadWire;
use crate::catalog::{CREATED_TIME, NAMES_A_SEARCH, Operation, OperationKind, Role, USER_ID};
use crate::change::{self, Action, Change, ChangeRecord, Changes, Subject, User};
use crate::exit::Error;
use crate::read::page_body;
use crate::requester::Requester;
use crate::rows::{EXPECT, lane};
use crate::send::Protected;
use crate::stop::Stop;
use crate::store::KeepUsers;
use crate::store::results::ResultLine;

/// What is to become of absent users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AbsentAction {
    /// Nothing: they are listed.
    #[default]
    Report,
    /// They are disabled.
    Disable,
    /// They are deleted.
    Delete,
}

/// The users whom the rows of a run name.
#[derive(Debug, Default)]
pub(crate) struct NamedUsers {
    /// The lanes of all their names.
    names: HashSet<u64>,
    /// Rows that name nobody.
    pub(crate) nameless: u64,
    /// Rows whose user was not kept, so that who is called otherwise by now is not recognised.
    pub(crate) not_kept: u64,
    /// Rows.
    pub(crate) rows: u64,
}

impl NamedUsers {
    /// Takes in the outcome of a row. Who is named by a row that failed is no less named.
    pub(crate) fn take(&mut self, line: &ResultLine<'_>) {
        self.rows += 1;
        let user = line.user.as_ref().and_then(|user| User::read(user)).unwrap_or_default();
        let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
        let given = changes.iter().flat_map(given_names);
        let names = user.names().into_iter().chain(line.login_id.as_deref()).chain(given);
        let lanes: Vec<u64> = names.filter(|name| !name.is_empty()).map(lane).collect();
        self.not_kept += u64::from(line.user_kept == KeepUsers::None);
        self.nameless += u64::from(lanes.is_empty());
        self.names.extend(lanes);
    }

    /// Whether a row names a user by any name.
    fn has(&self, user: &User) -> bool {
        user.names().into_iter().any(|name| self.names.contains(&lane(name)))
    }
}

/// The login IDs that a change gives.
fn given_names(change: &Change) -> Vec<&str> {
    match (&change.subject, &change.action) {
        (Subject::LoginId, Action::Set(change::Value::Text(name))) => vec![name],
        (Subject::LoginIds, Action::Set(change::Value::List(names))) => {
            names.iter().map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}

/// How long before the run a user must have been created to be taken for absent: the file may have
/// been made some time before, and clocks differ.
const NEW: SignedDuration = SignedDuration::from_hours(24);

/// Which users are looked at, and what is left alone.
pub(crate) struct AbsentRules {
    /// The members of the search.
    pub(crate) filter: Map<String, Value>,
    /// What is to become of absent users.
    pub(crate) action: AbsentAction,
    /// Users who are left alone.
    pub(crate) protected: Protected,
    /// When the run began: who was created later may have come after the file was made.
    pub(crate) begun: Timestamp,
}

/// What a user of the project is to the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A row names the user.
    Named,
    /// No row does.
    Absent,
    /// No row does, and the user was created within a day before the run began, or later.
    TooNew,
    /// No row does, and the user is protected.
    Protected,
    /// No row does, and the user is disabled already.
    Disabled,
}

impl AbsentRules {
    fn presence(&self, user: &User, named: &NamedUsers) -> Presence {
        if named.has(user) {
            return Presence::Named;
        }
        let created = user.get(CREATED_TIME).and_then(Value::as_i64);
        // Without a time it cannot be told.
        if created.is_none_or(|seconds| seconds >= (self.begun - NEW).as_second()) {
            return Presence::TooNew;
        }
        if self.protected.has_any(user.names().into_iter()) {
            return Presence::Protected;
        }
        let is_disabled = user.text("status") == "disabled";
        if self.action == AbsentAction::Disable && is_disabled {
            return Presence::Disabled;
        }
        Presence::Absent
    }
}

/// Reads the users of a project, page by page; `each` takes what each is to the input.
///
/// # Errors
///
/// Users who cannot be read, a stop, and what `each` fails with.
pub(crate) async fn absent<W: ReadWire>(
    rules: &AbsentRules,
    named: &NamedUsers,
    requester: &Requester<W>,
    stop: &Stop,
    each: &mut dyn FnMut(&User, Presence) -> Result<(), Error>,
) -> Result<(), Error> {
    // Pages shift while users come and go: nobody is taken twice.
    let mut seen: HashSet<u64> = HashSet::new();
    for page in 0_u64.. {
        let found = match requester.page(&page_body(&rules.filter, page), stop).await {
            None => return Err(Error::Stopped("stopped; no file was written".to_owned())),
            Some(Err(why)) => {
                return Err(Error::Stopped(format!(
                    "users cannot be read: {}; no file was written",
                    why.message
                )));
            }
            Some(Ok(found)) => found,
        };
        for raw in &found.users {
            let user = User::read(raw).unwrap_or_default();
            if !user.user_id().is_empty() && seen.insert(lane(user.user_id())) {
                each(&user, rules.presence(&user, named))?;
            }
        }
        if found.users.len() < NAMES_A_SEARCH {
            return Ok(());
        }
    }
    Ok(())
}

/// The line of an absent user: a row of input that expects the user to be as now, or a remark where
/// nothing is to be done.
#[must_use]
pub(crate) fn line_of(user: &User, action: AbsentAction) -> Vec<u8> {
    let operation = match action {
        AbsentAction::Report => {
            let line = json!({
                "_status": "absent",
                "_userId": user.user_id(),
                "_loginIds": user.list("loginIds"),
            });
            return line.to_string().into_bytes();
        }
        AbsentAction::Disable => Operation::that_sets(Role::Status),
        AbsentAction::Delete => Operation::of_kind(OperationKind::Delete),
    };
    let disabled = Change {
        subject: Subject::Status,
        action: Action::Set(change::Value::Text("disabled".into())),
    };
    let changes: &[Change] = match action {
        AbsentAction::Disable => std::slice::from_ref(&disabled),
        AbsentAction::Delete | AbsentAction::Report => &[],
    };
    let parts = [USER_ID, "loginIds", "status"].map(str::to_owned);
    let expect = json!(user.parts(&parts));
    change::row(operation, user.user_id(), &changes.iter(), &[(EXPECT, &expect)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(value: &Value) -> User {
        User::from(value.as_object().unwrap().clone())
    }

    fn named(lines: &[&str]) -> NamedUsers {
        let mut named = NamedUsers::default();
        for line in lines {
            let line = format!(
                r#"{{"version":1,"file":"a","row":1,"line":1,"attempts":0,"durationMs":0,"finishedAt":"2026-01-01T00:00:00Z",{line}}}"#
            );
            named.take(&ResultLine::parse(&line).unwrap());
        }
        named
    }

    #[test]
    fn a_user_is_named_by_any_name_and_by_rows_that_failed() {
        let named = named(&[
            r#""loginId":"a@x.com","status":"updated","user":{"userId":"U1","loginIds":["a@x.com","+14155550100"]}"#,
            r#""loginId":"B@x.com","status":"rejected""#,
            r#""status":"invalid""#,
            r#""loginId":"old","status":"rejected","changes":[{"field":"loginId","set":"renamed@x.com"}]"#,
            r#""loginId":"e","status":"created","changes":[{"field":"loginIds","set":["e2"]}]"#,
        ]);
        assert_eq!((named.rows, named.nameless), (5, 1));
        let rules = AbsentRules {
            filter: Map::new(),
            action: AbsentAction::Disable,
            protected: Protected::named_in("p@x.com\n# q@x.com").unwrap(),
            begun: Timestamp::from_second(86_400 + 1000).unwrap(),
        };
        for (shown, expected) in [
            (json!({"userId": "U1", "loginIds": ["new"], "createdTime": 1}), Presence::Named),
            (json!({"userId": "U2", "loginIds": ["b@x.com"], "createdTime": 1}), Presence::Named),
            (
                json!({"userId": "U7", "loginIds": ["renamed@x.com"], "createdTime": 1}),
                Presence::Named,
            ),
            (json!({"userId": "U8", "loginIds": ["e2"], "createdTime": 1}), Presence::Named),
            (json!({"userId": "U3", "loginIds": ["c@x.com"], "createdTime": 1}), Presence::Absent),
            (json!({"userId": "U3", "loginIds": ["q@x.com"], "createdTime": 1}), Presence::Absent),
            (
                json!({"userId": "U4", "loginIds": ["c@x.com"], "createdTime": 1000}),
                Presence::TooNew,
            ),
            (json!({"userId": "U4", "loginIds": ["c@x.com"]}), Presence::TooNew),
            (
                json!({"userId": "U5", "loginIds": ["x", "p@x.com"], "createdTime": 1}),
                Presence::Protected,
            ),
            (
                json!({"userId": "U6", "loginIds": ["d"], "createdTime": 1, "status": "disabled"}),
                Presence::Disabled,
            ),
        ] {
            assert_eq!(rules.presence(&user(&shown), &named), expected, "{shown}");
        }
    }

    #[test]
    fn a_line_is_a_row_that_expects_the_user_as_now_or_a_remark() {
        let user = user(&json!({"userId": "U1", "loginIds": ["a"], "status": "enabled"}));
        for (action, expected) in [
            (AbsentAction::Report, r#"{"_status":"absent","_userId":"U1","_loginIds":["a"]}"#),
            (
                AbsentAction::Disable,
                r#"{"operation":"status","loginId":"U1","status":"disabled","_expect":{"loginIds":["a"],"status":"enabled","userId":"U1"}}"#,
            ),
            (
                AbsentAction::Delete,
                r#"{"operation":"delete","loginId":"U1","_expect":{"loginIds":["a"],"status":"enabled","userId":"U1"}}"#,
            ),
        ] {
            let line = String::from_utf8(line_of(&user, action)).unwrap();
            assert_eq!(line, expected);
        }
    }
}
