//! Instructions: records understood, or why not.

use bytes::Bytes;
use smallvec::SmallVec;

use super::batch_terms::BatchTerms;
use super::expect;
use super::mapping::OnConflict;
use crate::catalog::{CREATE_AND_INVITE, Operation, OperationKind, PATCH_BATCH};
use crate::change::{self, Change, Changes, Subject, User, UserParts};
use crate::input::record::{Notes, Record};
use crate::issue::Issue;

/// The lanes that an instruction keeps to; hardly ever more than two.
pub type InLanes = SmallVec<[u64; 2]>;

/// A record understood: an operation, the user it names, and its changes.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the row")]
pub struct Instruction {
    /// The row that it was made from.
    pub record: Record,
    /// What to do.
    pub operation: &'static Operation,
    /// The user, as the row names it.
    pub login_id: String,
    /// What is done to the user.
    pub changes: Changes,
    /// What happens if a contact is another user's.
    pub on_conflict: OnConflict,
    /// Whether an earlier process may have sent it and its answer is not known.
    pub ambiguous: bool,
    /// The lanes that it must keep to: one for every name of a user that it touches.
    pub lanes: InLanes,
    /// How it shares a batch with others; `None` where it goes by its own endpoint.
    pub batch: Option<BatchTerms>,
    /// Whether its contacts are looked up before it goes by its own endpoint: since the server
    /// would not mind if they were somebody else's (a patch has no `failOnConflict`; API reference,
    /// 3.3), or to know who is merged away.
    pub looked_up: bool,
    /// Whether each custom attribute has a call of its own, by the endpoint that keeps the others:
    /// whether a patch does is not documented (API reference, 3.3).
    pub attributes_apart: bool,
    /// Whether the user is invited whom it makes.
    pub invites: bool,
    /// The user's ID, where it is sent by that: of a user who is to be deleted, once it is known.
    pub user_id: Option<String>,
    /// How it is sent to a user who is there, where it creates one who is not.
    pub patched: Option<Box<AsPatch>>,
    /// How the row expects the user to be; it is set aside where that is not so.
    pub expect: Option<Box<UserParts>>,
    /// What was repaired, and what may be wrong.
    pub notes: Option<Box<Notes>>,
}

/// The code of the warning that something is left out which is set only when a user is created.
const ONLY_WHEN_CREATED: &str = "only_when_created";

/// How an upsert is sent to a user who is there.
#[derive(Clone, Copy, Debug)]
pub struct AsPatch {
    /// See [`Instruction::batch`].
    pub(super) batch: Option<BatchTerms>,
    /// See [`Instruction::looked_up`].
    pub(super) looked_up: bool,
    /// See [`Instruction::attributes_apart`].
    pub(super) attributes_apart: bool,
}

impl Instruction {
    /// Whether it is decided by how its user is, which is read first.
    #[must_use]
    pub fn needs_user(&self) -> bool {
        match self.operation.kind {
            // Who was not there before is known to have been made by the run.
            OperationKind::Create | OperationKind::Upsert | OperationKind::Delete => true,
            OperationKind::Read | OperationKind::Update => {
                self.patched.is_some() || self.expect.is_some()
            }
        }
    }

    /// Whether it makes a user where nobody has the name.
    #[must_use]
    pub fn makes_user(&self) -> bool {
        matches!(self.operation.kind, OperationKind::Create | OperationKind::Upsert)
    }

    /// Decides what it does to a user who is like this, or who is not there: an upsert makes a user,
    /// or patches what differs; a user who is deleted is named by the user ID.
    ///
    /// What was sent before as the one is not sent as the other.
    pub fn resolve(&mut self, user: Option<&User>) {
        match (self.operation.kind, user) {
            (OperationKind::Upsert, Some(user)) if !self.ambiguous => self.become_patch(user),
            (OperationKind::Upsert, _) => {
                self.operation = Operation::of_kind(OperationKind::Create);
            }
            (OperationKind::Delete, Some(user)) => {
                self.user_id = Some(user.user_id().to_owned()).filter(|id| !id.is_empty());
            }
            (
                OperationKind::Read
                | OperationKind::Create
                | OperationKind::Update
                | OperationKind::Delete,
                _,
            ) => {}
        }
    }

    fn become_patch(&mut self, user: &User) {
        let Some(patch) = self.patched.as_deref().copied() else { return };
        self.operation = Operation::of_patch();
        let after = user.after(&self.login_id, &self.changes);
        let is_of_patch = |change: &&Change| change.subject.index_in(&PATCH_BATCH).is_some();
        if let Some(left_out) = self.changes.iter().find(|change| !is_of_patch(change)) {
            let what = left_out.subject.word();
            let message =
                format!("{what} is set only when a user is created, and this one is there");
            let warning = Issue::warning(ONLY_WHEN_CREATED, message).at(what);
            self.notes.get_or_insert_default().issues.push(warning);
        }
        self.changes.retain(|change| {
            change.subject.index_in(&PATCH_BATCH).is_some() && change.tells_apart(user, &after)
        });
        (self.batch, self.looked_up) = (patch.batch, patch.looked_up);
        self.attributes_apart = patch.attributes_apart;
    }

    /// Whether only a batch takes what it sets.
    #[must_use]
    pub fn is_in_batches_only(&self) -> bool {
        let only = |change: &Change| {
            let index = change.subject.index_in(self.operation);
            index.is_some_and(|index| self.operation.fields[index].in_batches_only)
        };
        self.changes.iter().any(only)
    }

    /// What is sent for it, one after the other, where it does not share a batch. Mostly it is one
    /// call; of several, each can be sent again.
    #[must_use]
    pub fn calls(&self) -> impl ExactSizeIterator<Item = Call<'_>> {
        let apart = self.changes.iter().filter(|change| self.is_apart(change));
        let mut calls: SmallVec<[Call<'_>; 1]> =
            apart.map(|attribute| Call::Attribute(self, attribute)).collect();
        if calls.is_empty() || calls.len() < self.changes.len() {
            calls.insert(0, Call::Rest(self));
        }
        calls.into_iter()
    }

    /// Whether a change has a call of its own.
    fn is_apart(&self, change: &Change) -> bool {
        self.attributes_apart && matches!(change.subject, Subject::Attribute(_))
    }

    /// The ID of the user whom the row expects, if it says.
    #[must_use]
    pub fn expected_user_id(&self) -> Option<&str> {
        self.expect.as_deref().and_then(expect::user_id)
    }

    /// The login ID that takes the place of the one that names the user; `None` where nothing is
    /// renamed, and where a login ID is removed.
    #[must_use]
    pub fn renames_to(&self) -> Option<&str> {
        let rename = self.changes.iter().find(|change| change.subject == Subject::LoginId);
        rename.and_then(Change::text)
    }
}

/// A call of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// All changes that have no call of their own.
    Rest(&'a Instruction),
    /// A custom attribute.
    Attribute(&'a Instruction, &'a Change),
}

impl Call<'_> {
    /// The instruction that it is of.
    #[must_use]
    pub fn instruction(&self) -> &Instruction {
        match self {
            Self::Rest(instruction) | Self::Attribute(instruction, _) => instruction,
        }
    }

    /// The operation that is called.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        match self {
            Self::Rest(instruction) if instruction.invites && instruction.makes_user() => {
                &CREATE_AND_INVITE
            }
            Self::Rest(instruction) => instruction.operation,
            Self::Attribute(..) => Operation::of_one_attribute(),
        }
    }

    /// What is sent, JSON.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let instruction = self.instruction();
        let fail = instruction.on_conflict == OnConflict::Fail;
        let operation = self.operation();
        let login_id = instruction.user_id.as_ref().unwrap_or(&instruction.login_id);
        match self {
            Self::Rest(_) => {
                let rest =
                    instruction.changes.iter().filter(|change| !instruction.is_apart(change));
                change::body(operation, login_id, &rest, fail).into()
            }
            Self::Attribute(_, attribute) => {
                change::body(operation, login_id, &std::iter::once(*attribute), fail).into()
            }
        }
    }
}

/// A record that makes no instruction.
#[derive(Debug)]
pub struct Invalid {
    /// The row.
    pub record: Record,
    /// The operation, if the row got as far as naming it.
    pub operation: Option<&'static Operation>,
    /// The user, if the row names one.
    pub login_id: Option<String>,
    /// What is wrong.
    pub issue: Box<Issue>,
    /// What was noticed before that.
    pub notes: Option<Box<Notes>>,
}

/// The lane of a login ID.
///
/// Names that the server may take for one user share a lane: letter case and the separators
/// of a phone number do not count. Two users in one lane only wait for each other.
#[must_use]
pub fn lane(login_id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(folded(login_id).as_bytes())
}

/// A login ID without regard to letter case, or to the separators of a phone number.
#[must_use]
pub fn folded(login_id: &str) -> String {
    if login_id.starts_with('+') {
        let separates = |c: &char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}');
        login_id.chars().filter(|c| !separates(c)).collect()
    } else {
        login_id.to_lowercase()
    }
}
