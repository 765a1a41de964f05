//! The manifest: what the mirror holds, by which a reader goes and nothing else. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::summary::Tool;
use crate::store::{Digest, is_plain_name};

/// The name of the object.
pub(super) const NAME: &str = "manifest.json";

/// The version of the mirror's format.
const MIRROR_VERSION: u32 = 1;

/// What a mirror holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    version: u32,
    tool: Tool,
    /// The name of the run's folder.
    pub(super) run: String,
    /// The number of the lease under which it was written.
    pub(super) lease: u64,
    /// Whether the run is over, and all of its folder is here.
    pub(super) whole: bool,
    /// The parts, in the order in which they are put together.
    pub(super) parts: Vec<PartRange>,
    /// The files, put together.
    pub(super) files: BTreeMap<String, MirroredFile>,
}

/// Parts that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartRange {
    /// The number of the lease under which they were written.
    pub(super) lease: u64,
    /// The first of them.
    pub(super) first: u64,
    /// The last of them.
    pub(super) last: u64,
}

/// A file of the run's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MirroredFile {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

impl Manifest {
    /// One of a run of which nothing is there yet.
    pub(super) fn new(run: &str, lease: u64) -> Self {
        let (parts, files) = Default::default();
        let version = MIRROR_VERSION;
        Self { version, tool: Tool::THIS, run: run.to_owned(), lease, whole: false, parts, files }
    }

    /// The one that an object holds.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let wrong = |error: serde_json::Error| format!("{NAME}: {error}");
        let Versioned { version } = serde_json::from_slice(bytes).map_err(wrong)?;
        if version > MIRROR_VERSION {
            return Err(format!(
                "{NAME} is of version {version}, and this program reads up to version {MIRROR_VERSION}"
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(wrong)?;
        let names = || manifest.files.keys().chain([&manifest.run]);
        if let Some(name) = names().find(|name| !is_plain_name(name)) {
            return Err(format!("{NAME} names {name:?}, which is no file of a run"));
        }
        Ok(manifest)
    }

    /// Its bytes.
    pub(super) fn written(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The same, written under another lease.
    pub(super) fn under(self, lease: u64) -> Self {
        Self { lease, ..self }
    }

    /// Takes in a part of a lease behind the others.
    pub(super) fn add_part(&mut self, lease: u64, number: u64) {
        match self.parts.last_mut() {
            Some(range) if range.lease == lease && range.last + 1 == number => range.last = number,
            _ => self.parts.push(PartRange { lease, first: number, last: number }),
        }
    }

    /// The names of the parts, in order.
    pub(super) fn part_names(&self) -> impl Iterator<Item = String> {
        self.parts.iter().flat_map(|range| {
            (range.first..=range.last).map(|number| part_name(range.lease, number))
        })
    }
}

/// The name of a part: no two leases have a part of one name, so nobody writes over another's.
pub(super) fn part_name(lease: u64, number: u64) -> String {
    format!("parts/{lease:04}-{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_in_the_order_in_which_they_came() {
        let mut manifest = Manifest::new("users-20261124T040625Z", 1);
        // The second was never finished; another host went on.
        for (lease, number) in [(1, 1), (1, 3), (1, 4), (2, 1)] {
            manifest.add_part(lease, number);
        }
        assert_eq!(manifest.parts.len(), 3);
        let names: Vec<_> = manifest.part_names().collect();
        let expected = ["0001-00000001", "0001-00000003", "0001-00000004", "0002-00000001"];
        assert_eq!(names, expected.map(|name| format!("parts/{name}")));
        assert_eq!(Manifest::read(&manifest.written()), Ok(manifest));
    }

    #[test]
    fn one_that_names_files_elsewhere_is_refused() {
        let manifest = Manifest::new("users", 1);
        for name in ["../users", "/etc/passwd", "", ".ssh", "lock"] {
            let text = manifest.written();
            let text = String::from_utf8(text).unwrap().replace("\"users\"", &format!("{name:?}"));
            assert!(Manifest::read(text.as_bytes()).is_err(), "{name}");
        }
        let later = String::from_utf8(manifest.written()).unwrap();
        let later = later.replace("\"version\": 1", "\"version\": 2");
        assert!(Manifest::read(later.as_bytes()).unwrap_err().contains("version 2"));
    }
}
