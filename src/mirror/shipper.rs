//! Ships: what was recorded since becomes parts, and the manifest behind them.
//!
//! A part is never written twice under one name, and a manifest over the one that was written before
//! only. So whoever reads the manifest finds whole commits, whatever becomes of this process meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use super::found::{FoundManifest, read_manifest};
use super::manifest::{self, Manifest};
use super::part::{self, FileStretch};
use super::state::{Shipped, ShippedState};
use super::trouble::MirrorTrouble;
use crate::objects::{FaultKind, ObjectFolder, ObjectTag, PutWhen, StorageFault};
use crate::store::{Growth, only_grows, read_stretch};

/// The most that a part holds.
const PART: u64 = 8 << 20;

/// A manifest that may have been written, and what is shipped with it.
struct Attempt {
    manifest: Manifest,
    shipped: BTreeMap<String, Shipped>,
}

/// Ships the folder of a run.
pub(super) struct Shipper {
    bucket: ObjectFolder,
    folder: PathBuf,
    growth: Growth,
    lease: u64,
    /// The number of the last part that was begun.
    number: u64,
    manifest: Manifest,
    /// Nothing while no manifest was written.
    tag: Option<ObjectTag>,
    shipped: BTreeMap<String, Shipped>,
    /// What nobody knows to be written or not; nothing else is written before that is known.
    attempt: Option<Attempt>,
}

/// How many bytes stretches are.
fn held(part: &[FileStretch]) -> u64 {
    part.iter().map(|own| own.bytes.len() as u64).sum()
}

impl Shipper {
    /// One of the run in a folder, of which this is shipped, under a lease.
    pub(super) fn new(
        bucket: &ObjectFolder,
        folder: &Path,
        lease: u64,
        state: Option<ShippedState>,
    ) -> Self {
        let ShippedState { found, files } = state.unwrap_or_default();
        let run = folder.file_name().unwrap_or_default().to_string_lossy();
        let (manifest, tag) = match found {
            Some(FoundManifest { manifest, tag }) => (manifest.under(lease), Some(tag)),
            None => (Manifest::new(&run, lease), None),
        };
        let (bucket, growth) = (bucket.clone(), Growth::of(folder));
        let folder = folder.to_owned();
        Self {
            bucket,
            folder,
            growth,
            lease,
            number: 0,
            manifest,
            tag,
            shipped: files,
            attempt: None,
        }
    }

    /// Ships what belongs to whole commits by now.
    pub(super) fn ship(&mut self) -> Result<(), MirrorTrouble> {
        self.settle()?;
        let lengths = self.growth.so_far()?;
        self.ship_up_to(&lengths, false)
    }

    /// Ships all of the folder of a run that is over, and tries for so long.
    pub(super) fn ship_all(&mut self, patience: Duration) -> Result<(), MirrorTrouble> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let bucket = self.bucket.clone();
            self.bucket = bucket.within(left.max(Duration::from_secs(1)));
            let shipped = self.settle().and_then(|()| {
                let lengths = self.growth.at_the_end()?;
                self.ship_up_to(&lengths, true)
            });
            self.bucket = bucket;
            match shipped {
                Err(MirrorTrouble::Storage(fault))
                    if matches!(fault.kind, FaultKind::Failed(_)) && !left.is_zero() => {}
                shipped => return shipped,
            }
        }
    }

    fn ship_up_to(
        &mut self,
        lengths: &BTreeMap<String, u64>,
        whole: bool,
    ) -> Result<(), MirrorTrouble> {
        let mut manifest = self.manifest.clone();
        manifest.whole = whole;
        let mut shipped = self.shipped.clone();
        shipped.retain(|name, _| lengths.contains_key(name));
        let mut part = Vec::new();
        for (name, &length) in lengths {
            let own = shipped.entry(name.clone()).or_default();
            if !only_grows(name) && !own.is(&self.folder, name, length)? {
                // It was put in the place of an earlier one as a whole.
                *own = Shipped::default();
            }
            while own.to < length {
                let bytes = (PART - held(&part)).min(length - own.to);
                let bytes = read_stretch(&self.folder, name, own.to, bytes)?;
                part.push(own.advance(name, bytes));
                if held(&part) == PART {
                    self.put_part(&mut manifest, &mut part)?;
                }
            }
        }
        self.put_part(&mut manifest, &mut part)?;
        manifest.files = shipped.iter().map(|(name, own)| (name.clone(), own.told())).collect();
        if manifest == self.manifest && self.tag.is_some() {
            return Ok(());
        }
        self.attempt = Some(Attempt { manifest, shipped });
        self.settle()
    }

    /// Writes what is gathered as a part, if there is anything.
    fn put_part(
        &mut self,
        manifest: &mut Manifest,
        part: &mut Vec<FileStretch>,
    ) -> Result<(), MirrorTrouble> {
        if part.is_empty() {
            return Ok(());
        }
        // Whatever becomes of this one, its name is used up.
        self.number += 1;
        let name = manifest::part_name(self.lease, self.number);
        self.bucket.put(&name, part::pack(part), &PutWhen::Always)?;
        manifest.add_part(self.lease, self.number);
        part.clear();
        Ok(())
    }

    /// Writes the manifest that was about to be written, and takes in that it is there.
    fn settle(&mut self) -> Result<(), MirrorTrouble> {
        let Some(Attempt { manifest, .. }) = &self.attempt else { return Ok(()) };
        let when = self.tag.clone().map_or(PutWhen::New, PutWhen::Unchanged);
        let tag = match self.bucket.put(manifest::NAME, manifest.written(), &when) {
            Ok(tag) => tag,
            Err(StorageFault { kind: FaultKind::Changed, .. }) => {
                match read_manifest(&self.bucket)? {
                    // It was written, and the answer was lost.
                    Some(found) if found.manifest == *manifest => found.tag,
                    _ => return Err(MirrorTrouble::Lost),
                }
            }
            Err(fault) => return Err(fault.into()),
        };
        if let Some(Attempt { manifest, shipped }) = self.attempt.take() {
            (self.manifest, self.shipped, self.tag) = (manifest, shipped, Some(tag));
        }
        Ok(())
    }
}
