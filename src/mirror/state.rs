//! How much of a run folder is shipped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::found::FoundManifest;
use super::manifest::MirroredFile;
use super::part::FileStretch;
use crate::store::{Digester, digest_of_first, is_waiting, only_grows};

/// How much of a file is shipped, and its digest up to there.
#[derive(Clone, Debug, Default)]
pub(super) struct Shipped {
    pub(super) to: u64,
    digester: Digester,
}

/// What is shipped of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct ShippedState {
    pub(super) found: Option<FoundManifest>,
    pub(super) files: BTreeMap<String, Shipped>,
}

impl ShippedState {
    /// That of a folder which holds all that a mirror does, or more; nothing where it does not.
    pub(super) fn of(found: &FoundManifest, folder: &Path) -> io::Result<Option<Self>> {
        let mut files = BTreeMap::new();
        for (name, file) in &found.manifest.files {
            match digest_of_first(folder, name, file.bytes)? {
                Some(digester) if digester.clone().finish() == file.sha256 => {
                    files.insert(name.clone(), Shipped { to: file.bytes, digester });
                }
                // Others are made anew when the run ends, and these go when it is finished.
                _ if only_grows(name) && !is_waiting(name) => return Ok(None),
                _ => {}
            }
        }
        Ok(Some(Self { found: Some(found.clone()), files }))
    }
}

impl Shipped {
    /// Takes in that these bytes follow.
    pub(super) fn advance(&mut self, name: &str, bytes: Vec<u8>) -> FileStretch {
        let from = self.to;
        self.digester.add(&bytes);
        self.to += bytes.len() as u64;
        FileStretch { file: name.to_owned(), from, bytes }
    }

    /// The file as a manifest tells of it.
    pub(super) fn told(&self) -> MirroredFile {
        MirroredFile { bytes: self.to, sha256: self.digester.clone().finish() }
    }

    /// Whether it is all of a file as it is now.
    pub(super) fn is(&self, folder: &Path, name: &str, length: u64) -> io::Result<bool> {
        if self.to != length {
            return Ok(false);
        }
        let file = File::open(folder.join(name))?;
        Ok(Digester::of(file.take(length))? == self.told().sha256)
    }
}
