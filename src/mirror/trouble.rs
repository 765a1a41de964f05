//! What may go wrong with a mirror.

use std::io;

use crate::exit::Error;
use crate::objects::{ObjectUrl, StorageFault};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum MirrorTrouble {
    /// The storage did not do what it was asked.
    #[error("{0}")]
    Storage(#[from] StorageFault),
    /// Another host has the lease.
    #[error("{0}")]
    Held(String),
    /// Another host has written to it.
    #[error("another host works on the run by now")]
    Lost,
    /// What is there makes no sense.
    #[error("the mirror is damaged: {0}")]
    Damaged(String),
    /// The folder on this machine cannot be read or written.
    #[error("{0}")]
    Folder(#[from] io::Error),
    /// The run was stopped meanwhile.
    #[error("stopped before the first row")]
    Stopped,
}

impl MirrorTrouble {
    /// As an error that ends the program, with the place.
    pub(super) fn at(self, url: &ObjectUrl) -> Error {
        let told = format!("--mirror {url}: {self}");
        match self {
            Self::Held(_) => Error::Busy(told),
            _ => Error::Unready(told),
        }
    }
}
