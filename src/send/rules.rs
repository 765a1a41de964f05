//! What is done about users before anything is sent for them.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::rows::{Instruction, lane};

/// What is done about users before anything is sent for them.
#[derive(Clone, Debug, Default)]
pub struct LookRules {
    /// Whether they are kept as they were.
    pub keep: bool,
    /// Whether nothing is sent where nothing would change.
    pub skip_unchanged: bool,
    /// What becomes of rows whose user is not as the row expects.
    pub on_drift: OnDrift,
    /// Users who are never deleted.
    pub protected: Protected,
}

/// Users who are never deleted, by any of their names.
#[derive(Clone, Debug, Default)]
pub struct Protected(Arc<HashSet<u64>>);

impl Protected {
    /// Those whom a text names: a login ID or a user ID a line; lines that begin with `#` are remarks.
    ///
    /// # Errors
    ///
    /// The number of a line that holds more than a name, such as one of a CSV file.
    pub fn named_in(text: &str) -> Result<Self, usize> {
        let mut names = HashSet::new();
        for (index, line) in text.lines().enumerate() {
            let name = line.trim_start_matches('\u{feff}').trim();
            if name.contains(['"', '\'', ',', ';', '\t']) && !name.starts_with('#') {
                return Err(index + 1);
            }
            if !name.is_empty() && !name.starts_with('#') {
                names.insert(lane(name));
            }
        }
        Ok(Self(Arc::new(names)))
    }

    /// The same, and others.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        Arc::make_mut(&mut self.0).extend(others.0.iter());
        self
    }

    /// Whether any of some names is one of them.
    pub fn has_any<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> bool {
        !self.0.is_empty() && names.any(|name| self.0.contains(&lane(name)))
    }
}

/// How many users a run may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDeletes {
    /// So many.
    Count(u64),
    /// So many of a hundred users of the project.
    Percent(u32),
}

impl MaxDeletes {
    /// Whether so many users of so many may be deleted; `None` where that cannot be told.
    #[must_use]
    pub fn allows(self, users: u64, of: Option<u64>) -> Option<bool> {
        match self {
            Self::Count(most) => Some(users <= most),
            Self::Percent(percent) => {
                Some(u128::from(users) * 100 <= u128::from(percent) * u128::from(of?))
            }
        }
    }
}

impl fmt::Display for MaxDeletes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What becomes of a row whose user is not as the row expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnDrift {
    /// It is set aside, and ends as `drifted`.
    #[default]
    Skip,
    /// It is sent all the same.
    Apply,
    /// It is set aside, and the run stops.
    Halt,
}

impl LookRules {
    /// Whether the user of an instruction is read before anything is sent for it.
    pub(super) fn read(&self, instruction: &Instruction) -> bool {
        self.keep || self.skip_unchanged || instruction.needs_user()
    }
}
