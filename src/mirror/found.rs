//! The manifest that a mirror holds, and what it was told by.

use super::manifest::{self, Manifest};
use super::trouble::MirrorTrouble;
use crate::objects::{FaultKind, ObjectFolder, ObjectTag, PutWhen, StorageFault};

/// How often a manifest is read again that another host has written meanwhile.
const TRIES: usize = 5;

/// A manifest as it was found.
#[derive(Clone, Debug)]
pub(super) struct FoundManifest {
    pub(super) manifest: Manifest,
    pub(super) tag: ObjectTag,
}

/// The manifest of a mirror; nothing where there is none.
pub(super) fn read_manifest(bucket: &ObjectFolder) -> Result<Option<FoundManifest>, MirrorTrouble> {
    let Some((bytes, facts)) = bucket.get(manifest::NAME)? else { return Ok(None) };
    let manifest = Manifest::read(&bytes).map_err(MirrorTrouble::Damaged)?;
    Ok(Some(FoundManifest { manifest, tag: facts.tag }))
}

impl FoundManifest {
    /// The same, written under a lease: who had an earlier one can write no other from then on.
    pub(super) fn fenced(
        mut self,
        bucket: &ObjectFolder,
        lease: u64,
    ) -> Result<Self, MirrorTrouble> {
        for _ in 0..TRIES {
            // Parts are named after leases, and none is written over.
            if self.manifest.lease >= lease {
                let why = "its lease.json is older than its manifest.json: put it back";
                return Err(MirrorTrouble::Damaged(why.to_owned()));
            }
            let fenced = self.manifest.clone().under(lease);
            let when = PutWhen::Unchanged(self.tag.clone());
            match bucket.put(manifest::NAME, fenced.written(), &when) {
                Ok(tag) => return Ok(Self { manifest: fenced, tag }),
                // The host that had the lease has just written it, or the answer to ours was lost.
                Err(StorageFault { kind: FaultKind::Changed, .. }) => {
                    self = read_manifest(bucket)?.ok_or(MirrorTrouble::Lost)?;
                    if self.manifest == fenced {
                        return Ok(self);
                    }
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(MirrorTrouble::Lost)
    }
}
