//! Rate limits, as documented (API reference, section 8).

use std::time::Duration;

/// A set of paths that the server counts together against one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// User management as a whole; every other class counts here as well.
    Users,
    /// The full replace, `user/update`.
    UsersUpdate,
    /// Search.
    UsersSearch,
    /// Creating one user.
    UsersCreate,
    /// Creating many users.
    UsersCreateBatch,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 5] = [
        Self::Users,
        Self::UsersUpdate,
        Self::UsersSearch,
        Self::UsersCreate,
        Self::UsersCreateBatch,
    ];

    /// The documented limit: so many requests in any such window (API reference, section 8).
    #[must_use]
    pub fn documented_limit(self) -> (u32, Duration) {
        let requests = match self {
            Self::Users => 500,
            Self::UsersUpdate | Self::UsersSearch => 200,
            Self::UsersCreate | Self::UsersCreateBatch => 100,
        };
        (requests, Duration::from_secs(60))
    }

    /// The name in documents and on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "user management",
            Self::UsersUpdate => "update",
            Self::UsersSearch => "search",
            Self::UsersCreate => "create",
            Self::UsersCreateBatch => "create/batch",
        }
    }
}
