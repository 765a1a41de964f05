//! The switches: what the documents leave open about the service, to be tried either way.
//!
//! Each belongs to an entry of section 13 of the API reference; the defaults are what the
//! reference thinks likely.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::ValueEnum;

/// What a patch does whose phone or e-mail is another user's login ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PatchConflict {
    /// Merge the other user into this one, as the single-field endpoints do.
    Merge,
    /// Answer 409.
    Error,
    /// Set the value and leave the other user alone.
    #[default]
    Neither,
}

/// What a patch does to custom attributes that it does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PatchAttributes {
    /// They stay; a `null` takes one away.
    Merge,
    /// They go: what would do most harm, since nobody knows.
    #[default]
    Replace,
}

/// The flag of a phone or e-mail that is set without `verified`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifiedDefault {
    /// It counts as verified, as after a patch.
    #[default]
    True,
    /// It counts as unverified.
    False,
    /// The flag stays as it was.
    Keep,
}

/// The status of an update whose user is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UserNotFound {
    /// 404, as on load.
    #[default]
    #[value(name = "404")]
    NotFound,
    /// 400.
    #[value(name = "400")]
    BadRequest,
}

impl UserNotFound {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::BadRequest => 400,
        }
    }
}

/// What becomes of a login ID that is the user's old phone number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OldPhone {
    /// It stays until it is renamed.
    #[default]
    Keep,
    /// The new number takes its place.
    Replace,
}

/// What a role or tenant does that the project does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UnknownRole {
    /// The whole call fails.
    #[default]
    Fail,
    /// It is left out.
    Ignore,
}

/// What the answer to a batch says of its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BatchReply {
    /// Each one, by name.
    #[default]
    Full,
    /// Each one, those that failed without a name.
    Anonymous,
    /// Nothing of those that failed.
    Silent,
    /// Nothing of anybody.
    Empty,
}

/// How requests are counted over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RateWindow {
    /// Over the window that ends now.
    #[default]
    Sliding,
    /// From one multiple of the window to the next.
    Fixed,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RateBuckets {
    /// All of a project's requests.
    #[default]
    Project,
    /// Each path of a project by itself.
    Path,
}

/// All switches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// A patch whose phone or e-mail is another user's login ID.
    pub patch_conflict: PatchConflict,
    /// Custom attributes that a patch does not name.
    pub patch_attributes: PatchAttributes,
    /// A phone or e-mail that is set without `verified`.
    pub verified_default: VerifiedDefault,
    /// An update whose user is not there.
    pub user_not_found: UserNotFound,
    /// A login ID that is the old phone number.
    pub old_phone: OldPhone,
    /// A role or tenant that is not known.
    pub unknown_role: UnknownRole,
    /// The known roles besides those declared; where there are neither, every role is known.
    pub known_roles: BTreeSet<String>,
    /// The most users in one batch call; without it there is no maximum.
    pub batch_maximum: Option<usize>,
    /// What the answer to a batch says of its users.
    pub batch_reply: BatchReply,
    /// How requests are counted over time.
    pub rate_window: RateWindow,
    /// What is counted together.
    pub rate_buckets: RateBuckets,
    /// How far search lags behind writes.
    pub search_lag: Duration,
}
