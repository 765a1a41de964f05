//! Undo: the rows that take a run back.
//!
//! The newest row is taken back first. A row restores what the run's row changed, and expects its
//! user to be as that row left it: what somebody else has changed since is left alone.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::api::load::Load;
use crate::api::transport::ReadWire;
use crate::catalog::{Effect, Operation, OperationKind, PATCH_BATCH, Role, USER_ID};
use crate::change::{
    self, Action, Change, ChangeRecord, Changes, Irreversible, Subject, User, UserParts,
    all_changes, invert, touched,
};
use crate::exit::Error;
use crate::history::{History, Step, StepUsers};
use crate::outcome::Status;
use crate::read::ShownUser;
use crate::requester::Requester;
use crate::rows::EXPECT;
use crate::stop::Stop;
use crate::store::KeepUsers;
use crate::store::results::ResultLine;

/// What becomes of a row of the run.
#[derive(Debug)]
pub(crate) enum Undone {
    /// It is taken back by these rows, JSON.
    Restored(Vec<Vec<u8>>),
    /// The user was deleted, and is made anew by these rows: it is not the same user.
    Anew(Vec<Vec<u8>>),
    /// It changed nothing, so there is nothing to take back.
    Nothing,
    /// Somebody else has changed the user since, in these fields.
    ChangedSince(Vec<String>),
    /// It cannot be taken back, for this reason; what can be is.
    Cannot(String, Vec<Vec<u8>>),
}

/// Which rows are taken back, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct UndoRules {
    /// Whether users are restored whom somebody else has changed since.
    pub(crate) force: bool,
    /// The rows that are taken back, by number; all if there are none.
    pub(crate) rows: Vec<(u64, u64)>,
    /// The words of the statuses that are taken back; all if there are none.
    pub(crate) statuses: Vec<String>,
    /// The operations that are taken back; all if there are none.
    pub(crate) operations: Vec<&'static Operation>,
}

impl UndoRules {
    fn take(&self, line: &ResultLine<'_>) -> bool {
        let row = self.rows.is_empty()
            || self.rows.iter().any(|(from, to)| (*from..=*to).contains(&line.row));
        let operation = line.operation.as_deref();
        let operation = self.operations.is_empty()
            || self.operations.iter().any(|own| Some(own.name) == operation);
        let status = line.status.word();
        let status = self.statuses.is_empty() || self.statuses.iter().any(|own| own == status);
        row && operation && status
    }
}

/// Rows that are worked on together; as many users fit into one answer of a search.
const TOGETHER: usize = crate::catalog::NAMES_A_SEARCH;

/// Takes a run back, the newest row first; `each` takes what becomes of its rows.
///
/// # Errors
///
/// Files and users that cannot be read, and what `each` fails with.
pub(crate) async fn undo<W: ReadWire>(
    history: &mut History,
    rules: &UndoRules,
    requester: &Requester<W>,
    stop: &Stop,
    each: &mut dyn FnMut(&ResultLine<'_>, &Undone) -> Result<(), Error>,
) -> Result<(), Error> {
    // Users who turn up again, as they will be then.
    let mut states: HashMap<u64, User> = HashMap::new();
    let mut end = history.len();
    while end > 0 {
        let start = end.saturating_sub(TOGETHER);
        let mut chunk = Vec::with_capacity(end - start);
        for index in (start..end).rev() {
            let step = history.step(index);
            let line = history.line(step)?;
            if rules.take(&line) {
                chunk.push((step, line));
            }
        }
        let now = as_they_are(&chunk, &states, requester, stop).await?;
        for (step, line) in chunk {
            let user = states.remove(&step.user).or_else(|| now.get(&step.user).cloned().flatten());
            let (undone, after) = undo_step(history, rules, (step, &line), user)?;
            if let Some(after) = after.filter(|_| step.has_earlier()) {
                states.insert(step.user, after);
            }
            each(&line, &undone)?;
        }
        end = start;
    }
    Ok(())
}

/// Users as they are now; `None` for one who is gone.
async fn as_they_are<W: ReadWire>(
    chunk: &[(Step, ResultLine<'static>)],
    states: &HashMap<u64, User>,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<HashMap<u64, Option<User>>, Error> {
    let stopped =
        || Error::Stopped("stopped; nothing was changed, and no file was written".to_owned());
    let mut wanted: HashMap<u64, String> = HashMap::new();
    let is_wanted = |step: &Step| step.shows_user && !states.contains_key(&step.user);
    for (step, line) in chunk.iter().filter(|(step, _)| is_wanted(step)) {
        let user = line.user.as_ref().and_then(|user| User::read(user)).unwrap_or_default();
        wanted.entry(step.user).or_insert_with(|| user.user_id().to_owned());
    }
    let ids: Vec<String> = wanted.values().cloned().collect();
    let found = requester.load_many(&ids, stop).await.ok_or_else(stopped)?;
    let reads = wanted.into_iter().map(|(key, id)| {
        let shown = found.named(&id).map(ShownUser::user);
        async move {
            if let Some(user) = shown {
                return Ok((key, Some(user)));
            }
            match requester.load(&id, stop).await {
                None => Err(stopped()),
                Some(Load::Missing) => Ok((key, None)),
                Some(Load::Found(found)) => Ok((key, User::read(&found.user))),
                Some(Load::Failed(why)) => Err(Error::Stopped(format!(
                    "a user cannot be read: {}; nothing was written",
                    why.message
                ))),
            }
        }
    });
    futures_util::future::join_all(reads).await.into_iter().collect()
}

/// What becomes of a row, and the user after it is taken back.
fn undo_step(
    history: &mut History,
    rules: &UndoRules,
    (step, line): (Step, &ResultLine<'_>),
    user: Option<User>,
) -> Result<(Undone, Option<User>), Error> {
    if line.user_kept == KeepUsers::None {
        return Ok((cannot(NOT_KEPT), None));
    }
    if !step.shows_user {
        return Ok((cannot("what it was before cannot be read, such as a password"), None));
    }
    let users = history.users(step, line)?;
    Ok(match line.status {
        Status::Created => undo_creation(rules, (line, users.after), user),
        // The results hold who was deleted as it was before.
        Status::Deleted => undo_deletion((line, line.shown_user().or(users.before)), user),
        Status::Updated
        | Status::Unchanged
        | Status::Invalid
        | Status::Drifted
        | Status::Rejected
        | Status::GaveUp
        | Status::Unknown => undo_update(rules, (line, users), user),
    })
}

/// The fields that a row changed get the values back that they had before it.
fn undo_update(
    rules: &UndoRules,
    (line, users): (&ResultLine<'_>, StepUsers),
    user: Option<User>,
) -> (Undone, Option<User>) {
    let Some(operation) = line.operation.as_deref().and_then(Operation::named) else {
        return (cannot("its operation is not known to this version"), user);
    };
    let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
    let changes = all_changes(operation, &changes);
    // An upsert that found its user as wanted has nothing that it was about to change.
    if line.status == Status::Unchanged && changes.is_empty() {
        return (Undone::Nothing, user);
    }
    if changes.is_empty() || changes.iter().any(|change| change.part().is_none()) {
        return (cannot("what it was before cannot be read, such as a password"), user);
    }
    let (Some(before), Some(shown)) = (users.before, users.after) else {
        return (cannot("how the user was before was not kept"), user);
    };
    let parts = touched(&changes);
    let differs = |part: &String| before.part(part) != shown.part(part);
    if !parts.iter().any(differs) {
        return (Undone::Nothing, user);
    }
    let Some(user) = user else {
        return (cannot("the user is gone: a new one would have another user ID"), None);
    };
    let expect = shown.parts(parts.iter().filter(|part| differs(part)));
    let since = user.differs_in(&expect);
    if !since.is_empty() && !rules.force {
        return (Undone::ChangedSince(since), Some(user));
    }
    let login_id = line.login_id.as_deref().unwrap_or_default();
    let inverse = invert(login_id, &changes, &before);
    let mut back = Changes::new();
    for change in inverse.changes {
        // A full replace takes each attribute twice: all of them, and those that it sets.
        let is_new = !back.iter().any(|own: &Change| own.subject == change.subject);
        if is_new && change.tells_apart(&before, &shown) {
            back.push(change);
        }
    }
    let (rows, after) = rows(operation, &back, &inverse.login_id, line, user);
    let why = why_not(&inverse.irreversible, line);
    let undone = match why {
        Some(why) => Undone::Cannot(why, rows),
        None => Undone::Restored(rows),
    };
    (undone, Some(after))
}

/// A user whom the run made is deleted, unless somebody else has changed the user since.
fn undo_creation(
    rules: &UndoRules,
    (line, after): (&ResultLine<'_>, Option<User>),
    user: Option<User>,
) -> (Undone, Option<User>) {
    // Who is gone already is as before the run.
    let Some(user) = user else { return (Undone::Nothing, None) };
    let after = after.unwrap_or_default();
    let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
    let mut expect = after.parts(&touched(&changes));
    // Where IDs only were kept, nobody knows the status that the service gave the user.
    let always =
        if line.user_kept == KeepUsers::Full { &["loginIds", "status"][..] } else { &["loginIds"] };
    for part in always {
        expect.insert((*part).to_owned(), after.part(part));
    }
    let since = user.differs_in(&expect);
    if !since.is_empty() && !rules.force {
        return (Undone::ChangedSince(since), Some(user));
    }
    let now = user.parts(expect.keys());
    let delete = Operation::of_kind(OperationKind::Delete);
    // Who was made anew has no ID yet.
    let by_name = user.list("loginIds").first().copied().unwrap_or_default();
    let name = if user.user_id().is_empty() { by_name } else { user.user_id() };
    let row = row_of(delete, name, &std::iter::empty(), (line, &user, now));
    (Undone::Restored(vec![row]), None)
}

/// A user whom the run deleted is made anew.
fn undo_deletion(
    (line, before): (&ResultLine<'_>, Option<User>),
    user: Option<User>,
) -> (Undone, Option<User>) {
    if user.is_some() {
        return (cannot("the user is there, though the run deleted it"), user);
    }
    let Some(before) = before else {
        return (cannot("how the user was before was not kept"), None);
    };
    let create = Operation::of_kind(OperationKind::Create);
    let Some((login_id, changes)) = change::anew(create, &before) else {
        return (cannot("the user had no login ID"), None);
    };
    let row = change::row(create, &login_id, &changes.iter(), &[("_undoOf", &json!(line.row))]);
    let after = User::of_login_id(&login_id).after(&login_id, &changes);
    (Undone::Anew(vec![row]), Some(after))
}

/// A row that expects these parts of its user, and that it is this user.
fn row_of<'c>(
    operation: &'static Operation,
    name: &str,
    changes: &(impl Iterator<Item = &'c Change> + Clone),
    (line, user, mut expect): (&ResultLine<'_>, &User, UserParts),
) -> Vec<u8> {
    // Who is made anew has no ID yet.
    if !user.user_id().is_empty() {
        expect.insert(USER_ID.to_owned(), user.part(USER_ID));
    }
    let (undo_of, expect) = (json!(line.row), json!(expect));
    let more: [(&str, &Value); 2] = [("_undoOf", &undo_of), (EXPECT, &expect)];
    change::row(operation, name, changes, &more)
}

/// Why a row of a run that kept no users cannot be taken back.
const NOT_KEPT: &str =
    "the run was to keep no users (--keep-users none): nobody can tell whom the row changed";

fn cannot(why: &str) -> Undone {
    Undone::Cannot(why.to_owned(), Vec::new())
}

fn why_not(irreversible: &[Irreversible], line: &ResultLine<'_>) -> Option<String> {
    let fields = irreversible.first().map(|own| format!("{}: {}", own.subject.word(), own.reason));
    let merged = line.merged.as_ref().map(|_| {
        "another user was merged into this one and is gone: a new one would have another user ID"
            .to_owned()
    });
    fields.or(merged)
}

/// The rows that changes back come to, each with what it expects of its user, and the user after all
/// of them.
fn rows(
    operation: &'static Operation,
    back: &Changes,
    login_id: &str,
    line: &ResultLine<'_>,
    mut user: User,
) -> (Vec<Vec<u8>>, User) {
    let mut groups: Vec<(&'static Operation, Vec<&Change>)> = Vec::new();
    for change in back {
        let own = operation_of(change, operation);
        let at_once = |(known, _): &&mut (&'static Operation, Vec<&Change>)| {
            *known == own && takes_several(own)
        };
        match groups.iter_mut().find(at_once) {
            Some((_, changes)) => changes.push(change),
            None => groups.push((own, vec![change])),
        }
    }
    let mut rows = Vec::with_capacity(groups.len());
    for (own, changes) in groups {
        let expect = user.parts(&touched(changes.iter().copied()));
        let takes_user_id = own.fields[0].aliases.contains(&USER_ID);
        let by_id = takes_user_id && !user.user_id().is_empty();
        let name = if by_id { user.user_id() } else { login_id };
        rows.push(row_of(own, name, &changes.iter().copied(), (line, &user, expect)));
        user = user.after(login_id, changes.iter().copied());
    }
    (rows, user)
}

/// Whether several changes go into one row of an operation.
fn takes_several(operation: &Operation) -> bool {
    operation.fields.len() > 2 && !operation.sets_one_attribute()
}

/// The operation that makes a change back: a patch where the row was of several fields and the patch
/// has a place for it, so that a row is taken back by a row; else the change's own endpoint.
fn operation_of(change: &Change, of_row: &'static Operation) -> &'static Operation {
    let named = |name: &str| Operation::named(name).unwrap_or(of_row);
    let by_action = |add: &str, remove: &str, set: &str| match change.action {
        Action::Add(_) => named(add),
        Action::Remove(_) => named(remove),
        Action::Set(_) | Action::Clear => named(set),
    };
    let sets = matches!(change.action, Action::Set(_) | Action::Clear);
    let is_of_several = of_row.sets_any_field() || of_row.effect == Effect::Replaces;
    if is_of_several && sets && change.subject.index_in(&PATCH_BATCH).is_some() {
        return named("patch");
    }
    match &change.subject {
        Subject::LoginId => named("loginid"),
        Subject::Roles(_) => by_action("role-add", "role-remove", "role-set"),
        Subject::Tenants => by_action("tenant-add", "tenant-remove", "patch"),
        Subject::Apps => by_action("ssoapp-add", "ssoapp-remove", "ssoapp-set"),
        Subject::Attribute(_) | Subject::Attributes => Operation::of_one_attribute(),
        Subject::Contact(contact) | Subject::Verified(contact) => {
            Operation::that_sets(Role::Contact(*contact))
        }
        Subject::Plain(key) => Operation::that_sets(Role::Plain(key)),
        Subject::Status => named("status"),
        Subject::LoginIds => named("patch"),
        Subject::Secret(_) | Subject::Unseen(_) | Subject::Fixed(_) => of_row,
    }
}
