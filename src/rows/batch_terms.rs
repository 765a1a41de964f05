//! How an instruction shares a batch with others.

/// How an instruction shares a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTerms {
    /// What it sets.
    pub sets: Sets,
    /// Whether it goes by itself all the same.
    pub alone: bool,
}

/// What a patch sets: a bit for each of its fields, and one for each custom attribute.
///
/// Two attributes may have the same bit, which only keeps their rows out of one patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets(pub(super) u64);

impl Sets {
    /// Whatever there is.
    pub(super) const ALL: Self = Self(u64::MAX);

    /// Whether both can be one patch in which each sets all that it would set by itself.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// What both set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
