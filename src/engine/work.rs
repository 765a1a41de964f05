//! Work items: what the engine hands over, and the one seam behind which rows are worked on.
//!
//! An item carries one or several instructions and yields an outcome for each of them. The
//! client executes them over the wire; tests execute them in memory.

use std::future::Future;

use serde_json::value::RawValue;

use crate::catalog::NAMES_A_SEARCH;
use crate::change::{User, UserNames};
use crate::issue::Issue;
use crate::outcome::Outcome;
use crate::rows::{InLanes, Instruction, Sets, lane};
use crate::stop::Stop;

/// One user's rows, or a batch.
#[derive(Debug)]
pub enum WorkItem {
    /// One user's instructions, each by its own endpoint, one after the other.
    User(UserRows),
    /// The instructions of many users, a patch for each of them, in one request.
    Batch {
        /// What is to be done, no user twice.
        users: Vec<UserRows>,
        /// Whether it is known that nobody else has the contacts that they set.
        searched: bool,
    },
    /// Users who are read before anything is sent for them, no user twice.
    Read(Vec<UserRows>),
}

impl WorkItem {
    /// How many instructions it carries.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::User(user_rows) => user_rows.rows(),
            Self::Batch { users, .. } | Self::Read(users) => users.iter().map(UserRows::rows).sum(),
        }
    }

    /// How many requests it takes, if each is answered at once.
    #[must_use]
    pub fn requests(&self) -> u64 {
        match self {
            Self::User(rows) => rows.instructions().map(own_requests).sum(),
            Self::Batch { searched: true, .. } | Self::Read(_) => 1,
            Self::Batch { users, searched: false } => batch_requests(users),
        }
    }
}

/// How many requests an instruction takes by its own endpoint.
fn own_requests(instruction: &Instruction) -> u64 {
    let reads = if instruction.looked_up { instruction.contact_names().count() } else { 0 };
    (instruction.calls().len() + reads) as u64
}

/// How many requests a batch of these users takes: the patch, and the searches for the contacts
/// that it gives away.
pub(super) fn batch_requests(users: &[UserRows]) -> u64 {
    let names = users.iter().flat_map(UserRows::instructions).flat_map(Instruction::guarded_names);
    1 + names.count().div_ceil(NAMES_A_SEARCH) as u64
}

/// Consecutive instructions of one user, in file order.
///
/// Several are one patch, or one after the other; they are never torn apart between work items.
#[derive(Debug)]
pub struct UserRows {
    /// The first, which names the user for all of them.
    pub first: Box<Instruction>,
    /// What follows it.
    pub more: Vec<Instruction>,
    /// Updates sent for it in earlier requests.
    pub attempts: u32,
    /// Whether it may have been done: the answer to an earlier request did not tell.
    pub ambiguous: bool,
    /// What is known of the user.
    pub before: Before,
    /// Whether this run may have changed the user a short time ago: a search may show how it was
    /// before that.
    pub is_recent: bool,
}

/// What is known of a user before their rows are sent.
#[derive(Clone, Debug, Default)]
pub enum Before {
    /// Nothing: the user was not read.
    #[default]
    Unread,
    /// How the server last showed the user.
    Seen(Box<RawValue>),
    /// There is no such user.
    Missing,
    /// Reading the user failed.
    Failed(Box<Issue>),
}

impl UserRows {
    /// The rows of a user, of which there is one.
    #[must_use]
    pub fn single(instruction: Box<Instruction>) -> Self {
        Self {
            first: instruction,
            more: Vec::new(),
            attempts: 0,
            ambiguous: false,
            before: Before::Unread,
            is_recent: false,
        }
    }

    /// Decides what its rows do, by what is known of the user.
    pub fn resolve(&mut self) {
        let user = match &self.before {
            Before::Seen(user) => User::read(user),
            // Nothing is decided by what could not be read.
            Before::Failed(_) => return,
            Before::Unread | Before::Missing => None,
        };
        for instruction in std::iter::once(&mut *self.first).chain(&mut self.more) {
            instruction.resolve(user.as_ref());
        }
    }

    /// The user as the server last showed it.
    #[must_use]
    pub fn seen(&self) -> Option<Box<RawValue>> {
        match &self.before {
            Before::Seen(user) => Some(user.clone()),
            Before::Unread | Before::Missing | Before::Failed(_) => None,
        }
    }

    /// The lane of the user's ID, if the user was read.
    #[must_use]
    pub fn user_lane(&self) -> Option<u64> {
        let Before::Seen(user) = &self.before else { return None };
        let id = UserNames::read(user).user_id;
        (!id.is_empty()).then(|| lane(&id))
    }

    /// Whether its rows hang on how the user is.
    #[must_use]
    pub fn needs_user(&self) -> bool {
        self.instructions().any(Instruction::needs_user)
    }

    /// Whether a request that must not be sent twice may have been applied.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.ambiguous && !self.first.operation.is_idempotent()
    }

    /// What its rows set, if they may share a batch.
    #[must_use]
    pub fn sets(&self) -> Option<Sets> {
        self.instructions().try_fold(Sets::default(), |sets, instruction| {
            let terms = instruction.batch.filter(|batch| !batch.alone)?;
            Some(sets.and(terms.sets))
        })
    }

    /// The same, after so many attempts of a batch that it was in.
    #[must_use]
    pub fn after(self, attempts: u32) -> Self {
        Self { attempts: self.attempts + attempts, ..self }
    }

    /// Its instructions, in order.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> + Clone {
        std::iter::once(&*self.first).chain(&self.more)
    }

    /// Its instructions, in order.
    pub fn into_instructions(self) -> impl Iterator<Item = Instruction> {
        std::iter::once(*self.first).chain(self.more)
    }

    /// How many instructions it has; at least one.
    #[must_use]
    pub fn rows(&self) -> usize {
        1 + self.more.len()
    }

    /// The lanes that it holds, each once.
    #[must_use]
    pub fn lanes(&self) -> InLanes {
        let mut lanes = self.first.lanes.clone();
        for instruction in &self.more {
            lanes.extend_from_slice(&instruction.lanes);
        }
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }
}

/// The rows of a user with an outcome for each, in their order.
///
/// `None` says that an instruction was left undone because of the stop: either doing it again
/// is harmless, or what became of it is to be reconciled before it is sent again.
#[derive(Debug)]
pub struct UserOutcomes {
    /// The rows.
    pub user_rows: UserRows,
    /// What became of its instructions.
    pub outcomes: Vec<Option<Outcome>>,
}

impl UserOutcomes {
    /// The rows of a user that all come to the same.
    #[must_use]
    pub fn alike(user_rows: UserRows, outcome: Option<&Outcome>) -> Self {
        let outcomes = vec![outcome.cloned(); user_rows.rows()];
        Self { user_rows, outcomes }
    }
}

/// What executing a work item came to: each of its users is in one of these.
#[derive(Debug, Default)]
pub struct Completed {
    /// The users whose rows have outcomes.
    pub done: Vec<UserOutcomes>,
    /// How the others are to be worked on.
    pub further: Vec<WorkItem>,
    /// Those that were read, and can be sent.
    pub read: Vec<UserRows>,
}

impl Completed {
    /// The same, with users whose rows were left undone because of the stop.
    #[must_use]
    pub fn leaving(mut self, users: Vec<UserRows>) -> Self {
        self.leave(users);
        self
    }

    /// Takes in users whose rows were left undone because of the stop.
    pub fn leave(&mut self, users: Vec<UserRows>) {
        self.done.extend(users.into_iter().map(|user_rows| UserOutcomes::alike(user_rows, None)));
    }
}

/// Something that executes work items.
pub trait Executor: Send + Sync + 'static {
    /// Works on an item until there is a final word on its rows, or it is clear that they need
    /// further items.
    fn execute(&self, item: WorkItem, stop: &Stop) -> impl Future<Output = Completed> + Send;

    /// The most users that a batch is to have just now.
    fn batch_size(&self) -> usize;

    /// Whether the user of an instruction is read before anything is sent for it.
    fn reads_first(&self, instruction: &Instruction) -> bool {
        let _ = instruction;
        false
    }

    /// Waits until another item is of use, with so many begun and not ended.
    ///
    /// One that was begun earlier would only wait, and what waits costs time and memory.
    fn room(&self, begun: usize) -> impl Future<Output = ()> + Send {
        let _ = begun;
        std::future::ready(())
    }

    /// Told once, when all rows have been read: how many requests they take altogether, those
    /// sent among them. A job that is known to be small can be hurried.
    fn whole_job(&self, requests: u64) {
        let _ = requests;
    }
}
