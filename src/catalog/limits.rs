//! Rate limits, as documented (API reference, section 8).

use std::time::Duration;

/// A set of paths that the server counts together against one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// User management as a whole; every other class of users counts here as well.
    Users,
    /// The full replace, `user/update`.
    UsersUpdate,
    /// Search.
    UsersSearch,
    /// Creating one user.
    UsersCreate,
    /// Creating many users.
    UsersCreateBatch,
    /// Roles and tenants of the project, which are no user management. No limit is documented for them;
    /// a third party's document tells this one (API reference, section 8).
    Project,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Users,
        Self::UsersUpdate,
        Self::UsersSearch,
        Self::UsersCreate,
        Self::UsersCreateBatch,
        Self::Project,
    ];

    /// Whether it counts as user management, too.
    #[must_use]
    pub fn is_of_users(self) -> bool {
        self != Self::Project
    }

    /// The documented limit: so many requests in any such window (API reference, section 8).
    #[must_use]
    pub fn documented_limit(self) -> (u32, Duration) {
        let requests = match self {
            Self::Users => 500,
            Self::UsersUpdate | Self::UsersSearch | Self::Project => 200,
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
            Self::Project => "roles and tenants",
        }
    }
}
