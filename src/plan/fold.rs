//! Folding: what a row finds is what the rows before it would have left.
//!
//! The changes of rows are kept in a file without a name, and an index of it by user: some 20 bytes a
//! user who would change. Only where a user turns up again are they read back.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::class::{self, ChangeClass};
use super::look::{Users, load};
use super::row::{KnownUser, PlanOutcome, PlannedChange, PlannedRow, Understood};
use crate::api::transport::ReadWire;
use crate::catalog::{OperationKind, is_user_id};
use crate::change::{
    Change, ChangeRecord, Changes, Subject, User, UserParts, all_changes, touched,
};
use crate::exit::Error;
use crate::requester::Requester;
use crate::rows::{Instruction, OnConflict, lane};
use crate::stop::Stop;
use crate::store;

/// The hash of a user ID, in halves, so that an entry of the index takes 13 bytes.
type UserKey = [u32; 2];

/// Changes begin at multiples of this, so that 4 bytes name the place of any in 64 GiB.
const ALIGNED: u64 = 16;

/// What the rows so far would have done.
pub(super) struct Fold {
    kept: File,
    end: u64,
    /// The place of the last change of each user who would change, by the hash of its user ID.
    changed: HashMap<UserKey, u32>,
    /// The places of renames, by the lane of the new login ID.
    renamed: HashMap<u64, u64>,
    /// Lanes of login IDs that were given up.
    freed: BTreeSet<u64>,
    /// Lanes of the login IDs of users whom a row would make.
    made: HashSet<u64>,
    /// Users whom a row would take away.
    gone: HashSet<UserKey>,
}

/// A row's changes, as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The place of the user's change before, and how many there are.
    before: Option<u64>,
    count: u64,
    /// The user as the row names it.
    login_id: String,
    changes: Vec<ChangeRecord>,
}

impl Fold {
    /// Of rows of which there are so many: an index that grows holds everything twice meanwhile.
    pub(super) fn new(rows: u64) -> Result<Self, Error> {
        let kept = store::unnamed_file().map_err(Error::refused)?;
        let changed = HashMap::with_capacity(usize::try_from(rows).unwrap_or(0));
        let (renamed, freed, made, gone) = Default::default();
        Ok(Self { kept, end: 0, changed, renamed, freed, made, gone })
    }

    /// What would come of the next row.
    pub(super) async fn take<W: ReadWire>(
        &mut self,
        mut row: Understood,
        users: &Users,
        requester: &Requester<W>,
        stop: &Stop,
    ) -> Result<PlannedRow, Error> {
        let instruction = match &mut row {
            Ok(instruction) => instruction,
            Err(invalid) => {
                let why = invalid.issue.message.to_string();
                return Ok(PlannedRow { verdict: refused("invalid", why), row });
            }
        };
        let user = match self.given(&instruction.login_id) {
            Some(place) => {
                let name = self.first_name(place).map_err(|error| lost(&error))?;
                load(&name, requester, stop).await?
            }
            None => users.named(&instruction.login_id).map(KnownUser::clone),
        };
        let user = user.filter(|user| !self.gone.contains(&key(user)));
        let user = user.or_else(|| self.made(instruction));
        let verdict = self.verdict(instruction, user.as_deref(), users)?;
        Ok(PlannedRow { row, verdict })
    }

    /// The rename by which an earlier row would have given somebody a login ID, if it is still
    /// theirs then.
    fn given(&self, login_id: &str) -> Option<u64> {
        let lane = lane(login_id);
        self.renamed.get(&lane).filter(|_| !self.freed.contains(&lane)).copied()
    }

    /// How the first of a user's rows names it, which is what it is called now.
    fn first_name(&mut self, place: u64) -> std::io::Result<String> {
        let mut kept = self.read(place)?;
        while let Some(before) = kept.before {
            kept = self.read(before)?;
        }
        Ok(kept.login_id)
    }

    /// The user whom an earlier row would make.
    fn made(&self, instruction: &Instruction) -> Option<KnownUser> {
        let is_made = self.made.contains(&lane(&instruction.login_id));
        is_made.then(|| KnownUser::new(User::of_login_id(&instruction.login_id)))
    }

    fn verdict(
        &mut self,
        instruction: &mut Instruction,
        user: Option<&User>,
        users: &Users,
    ) -> Result<PlanOutcome, Error> {
        match (instruction.operation.kind, user) {
            (OperationKind::Create, Some(_)) => {
                return Ok(refused("exists", "there is such a user already".to_owned()));
            }
            (OperationKind::Create | OperationKind::Upsert, None) => {
                instruction.resolve(None);
                return self.creation(instruction, users);
            }
            (OperationKind::Delete, Some(user)) => return self.deletion(instruction, user),
            (OperationKind::Delete, None) => {
                return Ok(refused("not_found", "no such user".to_owned()));
            }
            (OperationKind::Upsert, Some(user)) => {
                let earlier = self.earlier(user);
                let (before, _) = self.projected(user, earlier).map_err(|error| lost(&error))?;
                instruction.resolve(Some(&before));
                if instruction.changes.is_empty() {
                    return Ok(PlanOutcome::Unchanged);
                }
            }
            (OperationKind::Read | OperationKind::Update, _) => {}
        }
        self.change(instruction, user, users)
    }

    /// What comes of a row that makes a user.
    fn creation(&mut self, instruction: &Instruction, users: &Users) -> Result<PlanOutcome, Error> {
        let (name, changes) = (&instruction.login_id, &instruction.changes);
        if is_user_id(name) {
            return Ok(refused("not_found", "no user has this user ID".to_owned()));
        }
        let user = User::of_login_id(name);
        if let Some((value, holder)) = self.holder(instruction, &user, users) {
            return Ok(refused("conflict", format!("{value} is the login ID of {holder}")));
        }
        if changes.iter().any(|change| change.part().is_none()) {
            let why = "would be created, with a secret such as a password, which is never in a plan: run it from its own file";
            return Ok(refused("secret", why.to_owned()));
        }
        let after = user.after(name, changes);
        let parts = touched(changes);
        self.keep(instruction, changes, key(&user), (None, 1)).map_err(|error| lost(&error))?;
        for name in after.names() {
            self.gone.remove(&key(&User::of_login_id(name)));
            self.made.insert(lane(name));
            self.freed.remove(&lane(name));
        }
        let mut differences = vec![("loginIds".to_owned(), Value::Null, after.part("loginIds"))];
        let others = parts.iter().filter(|part| *part != "loginIds");
        differences.extend(others.map(|part| (part.clone(), Value::Null, after.part(part))));
        Ok(PlanOutcome::Changes(Box::new(PlannedChange {
            differences,
            classes: if instruction.invites {
                [ChangeClass::Creation, ChangeClass::Invitation].into()
            } else {
                [ChangeClass::Creation].into()
            },
            expect: UserParts::new(),
            shown_as: name.clone(),
            of_user: 1,
        })))
    }

    /// What comes of a row that takes a user away.
    fn deletion(&mut self, instruction: &Instruction, user: &User) -> Result<PlanOutcome, Error> {
        let earlier = self.earlier(user);
        let (before, count) = self.projected(user, earlier).map_err(|error| lost(&error))?;
        let parts: BTreeSet<String> = TELLING.iter().map(ToString::to_string).collect();
        let since = instruction.expect.as_ref().map(|expect| before.differs_in(expect));
        if let Some(fields) = since.filter(|fields| !fields.is_empty()) {
            let why = format!("somebody else has changed {}", fields.join(", "));
            return Ok(refused("drifted", why));
        }
        self.gone.insert(key(user));
        for name in before.names() {
            self.made.remove(&lane(name));
            self.freed.insert(lane(name));
        }
        let differences = parts
            .iter()
            .map(|part| (part.clone(), before.part(part), Value::Null))
            .filter(|(_, was, _)| !was.is_null())
            .collect();
        let first = before.list("loginIds").first().map(ToString::to_string);
        Ok(PlanOutcome::Changes(Box::new(PlannedChange {
            differences,
            classes: [ChangeClass::Deletion].into(),
            // Of a user whom an earlier row makes nothing is known yet.
            expect: if user.user_id().is_empty() { UserParts::new() } else { before.parts(&parts) },
            shown_as: first.unwrap_or_else(|| instruction.login_id.clone()),
            of_user: count + 1,
        })))
    }

    /// The place of a user's last change.
    fn earlier(&self, user: &User) -> Option<u64> {
        self.changed.get(&key(user)).map(|place| u64::from(*place) * ALIGNED)
    }

    /// What comes of a row that changes a user who is there.
    fn change(
        &mut self,
        instruction: &Instruction,
        user: Option<&User>,
        users: &Users,
    ) -> Result<PlanOutcome, Error> {
        let changes = all_changes(instruction.operation, &instruction.changes);
        if changes.is_empty() || changes.iter().any(|change| change.part().is_none()) {
            let why =
                "what it changes cannot be shown, such as a password: run it from its own file";
            return Ok(refused("secret", why.to_owned()));
        }
        let Some(user) = user else {
            return Ok(refused("not_found", "no such user".to_owned()));
        };
        let (key, earlier) = (key(user), self.earlier(user));
        let (before, count) = self.projected(user, earlier).map_err(|error| lost(&error))?;
        let name = &instruction.login_id;
        if !before.names().iter().any(|own| lane(own) == lane(name)) {
            let why = "an earlier row gives the user another login ID".to_owned();
            return Ok(refused("not_found", why));
        }
        let since = instruction.expect.as_ref().map(|expect| before.differs_in(expect));
        if let Some(fields) = since.filter(|fields| !fields.is_empty()) {
            let why = format!("somebody else has changed {}", fields.join(", "));
            return Ok(refused("drifted", why));
        }
        let after = before.after(name, &changes);
        let parts = touched(&changes);
        let differs = |part: &&String| before.part(part) != after.part(part);
        let differing: BTreeSet<String> = parts.iter().filter(differs).cloned().collect();
        if differing.is_empty() {
            return Ok(PlanOutcome::Unchanged);
        }
        let holder = self.holder(instruction, &before, users);
        if let Some((value, holder)) = &holder
            && (instruction.on_conflict == OnConflict::Fail || instruction.renames_to().is_some())
        {
            let why = format!("{value} is the login ID of {holder}");
            return Ok(refused("conflict", why));
        }
        let mut classes = class::classes(&before, &after, &parts);
        if holder.is_some() {
            classes.remove(&ChangeClass::Plain);
            classes.insert(ChangeClass::Merge);
        }
        self.keep(instruction, &changes, key, (earlier, count + 1))
            .map_err(|error| lost(&error))?;
        let mut expect = before.parts(&parts);
        // A user whom an earlier row makes has no ID yet.
        if !before.user_id().is_empty() {
            expect.insert("userId".to_owned(), before.part("userId"));
        }
        let differences = differing
            .into_iter()
            .map(|part| (part.clone(), before.part(&part), after.part(&part)))
            .collect();
        let is_own = before.list("loginIds").contains(&name.as_str());
        let first = before.list("loginIds").first().map_or(name.as_str(), |first| first).to_owned();
        Ok(PlanOutcome::Changes(Box::new(PlannedChange {
            differences,
            classes,
            expect,
            shown_as: if is_own { name.clone() } else { first },
            of_user: count + 1,
        })))
    }

    /// Who has what a row wants to give its user, if it is somebody else: the value, and the other's
    /// login ID.
    fn holder(
        &self,
        instruction: &Instruction,
        user: &User,
        users: &Users,
    ) -> Option<(String, String)> {
        instruction.given_names().find_map(|value| {
            if user.names().iter().any(|own| lane(own) == lane(&value)) {
                return None;
            }
            if self.given(&value).is_some() || self.made.contains(&lane(&value)) {
                return Some((value, "another user, by an earlier row".to_owned()));
            }
            let holder = users.named(&value).filter(|_| !self.freed.contains(&lane(&value)))?;
            let holder =
                holder.list("loginIds").first().map_or_else(String::new, ToString::to_string);
            Some((value, holder))
        })
    }

    /// A user as the rows so far would have left it, and how many of them changed it.
    fn projected(&mut self, user: &User, last: Option<u64>) -> std::io::Result<(User, u64)> {
        let mut chain = Vec::new();
        let mut place = last;
        while let Some(at) = place {
            let kept = self.read(at)?;
            place = kept.before;
            chain.push(kept);
        }
        let count = chain.first().map_or(0, |kept| kept.count);
        let mut projected = user.clone();
        for kept in chain.iter().rev() {
            let changes: Vec<Change> =
                kept.changes.iter().filter_map(ChangeRecord::change).collect();
            projected = projected.after(&kept.login_id, &changes);
        }
        Ok((projected, count))
    }

    fn keep(
        &mut self,
        instruction: &Instruction,
        changes: &Changes,
        user: UserKey,
        (before, count): (Option<u64>, u64),
    ) -> std::io::Result<()> {
        let kept = Kept {
            before,
            count,
            login_id: instruction.login_id.clone(),
            changes: changes.iter().map(ChangeRecord::from).collect(),
        };
        let text = serde_json::to_vec(&kept)?;
        let place = self.end;
        self.kept.seek(SeekFrom::Start(place))?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let record = [&length.to_le_bytes()[..], &text].concat();
        self.kept.write_all(&record)?;
        self.end = (place + record.len() as u64).next_multiple_of(ALIGNED);
        let index = u32::try_from(place / ALIGNED)
            .map_err(|_| std::io::Error::other("there are more changes than fit into it"))?;
        self.changed.insert(user, index);
        if changes.iter().any(|change| change.subject == Subject::LoginId) {
            self.freed.insert(lane(&instruction.login_id));
        }
        if let Some(new) = instruction.renames_to() {
            self.renamed.insert(lane(new), place);
            self.freed.remove(&lane(new));
        }
        Ok(())
    }

    fn read(&mut self, place: u64) -> std::io::Result<Kept> {
        self.kept.seek(SeekFrom::Start(place))?;
        let mut length = [0; 4];
        self.kept.read_exact(&mut length)?;
        let mut text = vec![0; u32::from_le_bytes(length) as usize];
        self.kept.read_exact(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// The parts of a user that would tell whether somebody else had to do with it since.
const TELLING: [&str; 7] =
    ["userId", "loginIds", "email", "phone", "status", "roleNames", "userTenants"];

/// By the user ID, or by the login ID of a user who has none yet.
fn key(user: &User) -> UserKey {
    let name = match user.user_id() {
        "" => user.list("loginIds").first().copied().unwrap_or_default(),
        id => id,
    };
    let hash = xxh3_64(name.as_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
    let halves = [hash as u32, (hash >> 32) as u32];
    halves
}

fn refused(status: &'static str, why: String) -> PlanOutcome {
    PlanOutcome::Refused { status, why }
}

fn lost(error: &std::io::Error) -> Error {
    Error::Stopped(format!("the plan cannot continue: its temporary file: {error}"))
}
