//! What a run leaves behind besides what it must.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::change::UserNames;
use crate::seal::Recipients;

/// How much of the users that the server returns is kept in the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum KeepUsers {
    /// Everything that the server sent.
    #[default]
    Full,
    /// The user ID and the login IDs.
    Ids,
    /// Nothing.
    None,
}

impl KeepUsers {
    /// Whether everything is kept.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    #[must_use]
    pub(super) fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// What is kept of a user.
    pub(super) fn of(self, user: &RawValue) -> serde_json::Result<Option<Cow<'_, RawValue>>> {
        match self {
            Self::Full => super::object::one_line(user).map(Some),
            Self::Ids => {
                let names = UserNames::read(user);
                let kept = json!({"userId": names.user_id, "loginIds": names.login_ids});
                RawValue::from_string(kept.to_string()).map(|kept| Some(Cow::Owned(kept)))
            }
            Self::None => Ok(None),
        }
    }
}

/// A file for spreadsheets in which all rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableForm {
    /// `results.csv`.
    Csv,
    /// `results.xlsx`.
    Xlsx,
}

/// What a run leaves behind besides what it must.
#[derive(Clone, Debug, Default)]
pub struct OutputRules {
    /// How much of the users that the server returns is kept in the results.
    pub keep_users: KeepUsers,
    /// Whether the results are packed as they are written.
    pub compress_results: bool,
    /// The files for spreadsheets in which all rows are.
    pub tables: Vec<TableForm>,
    /// The fields of the returned users that these show.
    pub fields: Vec<String>,
    /// Those who alone can read what is written about users, if it is encrypted.
    pub recipients: Option<Recipients>,
}
