//! Why a storage did not do what it was asked, in words that say what to do.

use std::fmt;
use std::io;

use super::address::Scheme;

/// What it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "object-storage"), expect(dead_code, reason = "nothing is ever asked"))]
pub(crate) enum FaultKind {
    /// There is no such object.
    Missing,
    /// There is no such bucket.
    NoBucket,
    /// These credentials may not.
    Refused,
    /// There are no credentials.
    NoCredentials,
    /// What the environment says of credentials or of the storage is wrong, in words.
    WrongSettings(String),
    /// The object is not the one that was meant any more.
    Changed,
    /// Something else, in words; it may go well another time.
    Failed(String),
    /// The build has no object storage.
    #[cfg_attr(feature = "object-storage", expect(dead_code, reason = "it has"))]
    NotBuilt,
}

/// Why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorageFault {
    pub(super) scheme: Scheme,
    pub(crate) kind: FaultKind,
}

impl std::error::Error for StorageFault {}

impl fmt::Display for StorageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = self.scheme.variables();
        match &self.kind {
            FaultKind::Missing => f.write_str("there is no such object, or no such bucket"),
            FaultKind::NoBucket => f.write_str("there is no such bucket"),
            FaultKind::Refused => write!(
                f,
                "the storage refuses access: look at {variables}, at their rights, and at the region"
            ),
            FaultKind::NoCredentials => write!(
                f,
                "there are no credentials: set {variables}, or run it where the machine has a role"
            ),
            FaultKind::WrongSettings(why) => write!(
                f,
                "the credentials or settings in the environment are wrong ({why}): look at {variables}"
            ),
            FaultKind::Changed => f.write_str("the object was changed meanwhile"),
            FaultKind::Failed(why) => write!(f, "the storage did not answer as it should: {why}"),
            FaultKind::NotBuilt => f.write_str(
                "this build has no object storage: build it with `cargo install --features object-storage`",
            ),
        }
    }
}

impl From<StorageFault> for io::Error {
    fn from(fault: StorageFault) -> Self {
        let kind = match fault.kind {
            FaultKind::Missing | FaultKind::NoBucket => io::ErrorKind::NotFound,
            FaultKind::Refused | FaultKind::NoCredentials | FaultKind::WrongSettings(_) => {
                io::ErrorKind::PermissionDenied
            }
            FaultKind::Changed => io::ErrorKind::StaleNetworkFileHandle,
            FaultKind::Failed(_) => io::ErrorKind::Other,
            FaultKind::NotBuilt => io::ErrorKind::Unsupported,
        };
        Self::new(kind, fault)
    }
}
