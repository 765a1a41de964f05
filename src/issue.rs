//! Issues: something wrong with a row, a cell or a setting, or what the server says of a row.
//!
//! One type for all of them, from the check of a cell to the results file. An issue says what is
//! wrong, where and what to do; who reads it needs nothing else to act.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How bad an issue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The row cannot be sent, or has failed.
    #[default]
    Error,
    /// The row can be sent, and may not do what is meant.
    Warning,
}

impl Severity {
    /// The word in files and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that is wrong.
///
/// Its JSON is the form of the results file, where `code` is called `kind`, and the server's own
/// code is called `code`. The severity is told by where it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// How bad it is.
    #[serde(skip)]
    pub severity: Severity,
    /// A stable word for what is wrong, such as `missing_value`.
    #[serde(rename = "kind")]
    pub code: Cow<'static, str>,
    /// The server's own error code, such as `E112102`.
    #[serde(rename = "code", default, skip_serializing_if = "Option::is_none")]
    pub server_code: Option<String>,
    /// The column, key or setting at fault, as the user names it.
    #[serde(rename = "column", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong: a lower-case fragment, or the server's words.
    pub message: Cow<'static, str>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Cow<'static, str>>,
    /// What a refused value may have been meant to be, where that is not one thing: a user's data,
    /// so it goes into the run folder and onto the screen of `check` only, never into a message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

impl Issue {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.into(),
            server_code: None,
            place: None,
            message: message.into(),
            hint: None,
            candidates: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same, at a column, a key or a setting.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with the server's own code for it.
    #[must_use]
    pub fn server_code(mut self, code: Option<String>) -> Self {
        self.server_code = code;
        self
    }

    /// Whether the message quotes what stands in the row, as few of ours do and the server's may: then it
    /// is for the run folder and for the screen of `check` only.
    #[must_use]
    pub fn quotes_values(&self) -> bool {
        const QUOTING: [&str; 4] =
            ["unknown_operation", "unknown_field", "invalid_json", "duplicate_key"];
        let is_of_a_plan = self.place.as_deref().is_some_and(|place| place.starts_with('_'));
        self.server_code.is_some() || is_of_a_plan || QUOTING.contains(&&*self.code)
    }

    /// The hint with the candidates in it, for those who may see users' data.
    #[must_use]
    pub fn hint_with_candidates(&self) -> Option<Cow<'_, str>> {
        let hint = self.hint.as_deref()?;
        if self.candidates.is_empty() {
            return Some(hint.into());
        }
        Some(format!("{hint}: {}", self.candidates.join(" or ")).into())
    }
}
