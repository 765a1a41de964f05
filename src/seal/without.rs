//! Builds without encryption: nobody can be named, so nothing is ever sealed.

use std::convert::Infallible;
use std::io;
use std::path::Path;

const MISSING: &str =
    "this build has no encryption: build it with `cargo install --features encryption`";

/// Those who can read what is encrypted: nobody.
#[derive(Clone, Debug)]
pub struct Recipients(Infallible);

impl Recipients {
    /// Nobody can be named.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn named(_: &[String]) -> Result<Self, String> {
        Err(MISSING.to_owned())
    }

    pub(super) fn encrypt(&self, _: &[u8]) -> io::Result<Vec<u8>> {
        match self.0 {}
    }
}

/// The secret keys that open what was encrypted: none.
#[derive(Debug)]
pub(crate) struct Identities(Infallible);

impl Identities {
    /// None can be read.
    ///
    /// # Errors
    ///
    /// Always.
    pub(crate) fn read(_: &Path) -> Result<Self, String> {
        Err(MISSING.to_owned())
    }

    pub(super) fn decrypt(&self, _: &[u8]) -> io::Result<Vec<u8>> {
        match self.0 {}
    }
}
