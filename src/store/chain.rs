//! The chain of a run: each commit of the journal is linked to the one before. Pure.
//!
//! A link is the SHA-256 of the link before, of what the commit says, and of the bytes that it
//! appended to each file. Whoever changes a byte, a row or the order of commits changes all links
//! from there on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Digester};
use crate::outcome::Tally;

/// What a commit appended to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Appended {
    /// How long the file is with it in.
    pub(super) to: u64,
    /// The SHA-256 of the bytes.
    pub(super) sha256: Digest,
}

/// How a commit is linked to those before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// The link.
    pub(super) link: Digest,
    /// What was appended to the files that grew, by their names.
    pub(super) files: BTreeMap<String, Appended>,
}

/// Where a chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The last link; of a chain without links what it begins with.
    pub last: Digest,
    /// How many links there are.
    pub links: u64,
}

impl Chain {
    /// The beginning of the chain of a run, from the JSON of the first line of its journal.
    pub(super) fn begin(first_line: &[u8]) -> Self {
        let mut digester = Digester::default();
        digester.add(b"descope-bulk chain 1\n");
        digester.add_part(first_line);
        Self { last: digester.finish(), links: 0 }
    }

    /// Adds the link of a commit.
    pub(super) fn link(
        &mut self,
        rows: &str,
        tally: &Tally,
        files: BTreeMap<String, Appended>,
    ) -> serde_json::Result<Link> {
        let mut digester = Digester::default();
        digester.add_digest(&self.last);
        digester.add_part(rows.as_bytes());
        digester.add_part(&serde_json::to_vec(tally)?);
        for (name, Appended { to, sha256 }) in &files {
            digester.add_part(name.as_bytes());
            digester.add(&to.to_be_bytes());
            digester.add_digest(sha256);
        }
        *self = Self { last: digester.finish(), links: self.links + 1 };
        Ok(Link { link: self.last, files })
    }
}
