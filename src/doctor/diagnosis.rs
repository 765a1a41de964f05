//! What was found of one thing, and how good that is.

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CheckStatus {
    /// Nothing is to be done.
    Ok,
    /// It could not be tried, or need not be.
    NotChecked,
    /// A run would go, and somebody should look.
    Warning,
    /// A run would fail.
    Failed,
}

impl CheckStatus {
    /// The word for it.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// What was looked at: a stable word.
    pub(crate) check: &'static str,
    /// How good it is.
    pub(crate) status: CheckStatus,
    /// What was found.
    pub(crate) found: String,
    /// What to do, if anything.
    pub(crate) advice: Option<String>,
}

impl Diagnosis {
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::Ok, found: found.into(), advice: None }
    }

    pub(crate) fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::NotChecked, found: why.into(), advice: None }
    }

    pub(crate) fn warning(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { check, status: CheckStatus::Warning, found: found.into(), advice }
    }

    pub(crate) fn failed(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into()).filter(|advice| !advice.is_empty());
        Self { check, status: CheckStatus::Failed, found: found.into(), advice }
    }

    /// A failure in the words of an error, whose hint stands on a line of its own.
    pub(crate) fn of_error(check: &'static str, error: &str) -> Self {
        let (found, advice) = error.split_once("\n  ").unwrap_or((error, ""));
        Self::failed(check, found, advice)
    }
}
