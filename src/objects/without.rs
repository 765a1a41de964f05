//! Builds without object storage: no bucket can be opened, so nothing is ever asked of one.

use std::convert::Infallible;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::address::ObjectUrl;
use super::facts::{ObjectFacts, ObjectTag, PutWhen};
use super::fault::{FaultKind, StorageFault};

/// A folder of a bucket: none.
#[derive(Clone, Debug)]
pub(crate) struct ObjectFolder(Infallible);

impl ObjectFolder {
    pub(crate) fn open(folder: &ObjectUrl) -> Result<Self, StorageFault> {
        Err(StorageFault { scheme: folder.scheme, kind: FaultKind::NotBuilt })
    }

    pub(crate) fn fault(&self, _: impl Into<String>) -> StorageFault {
        match self.0 {}
    }

    pub(crate) fn within(&self, _: Duration) -> Self {
        match self.0 {}
    }

    pub(crate) fn facts(&self, _: &str, _: Option<&str>) -> Result<ObjectFacts, StorageFault> {
        match self.0 {}
    }

    pub(crate) fn range(
        &self,
        _: &str,
        _: Range<u64>,
        _: &ObjectTag,
    ) -> Result<Bytes, StorageFault> {
        match self.0 {}
    }

    pub(crate) fn get(&self, _: &str) -> Result<Option<(Bytes, ObjectFacts)>, StorageFault> {
        match self.0 {}
    }

    pub(crate) fn put(&self, _: &str, _: Vec<u8>, _: &PutWhen) -> Result<ObjectTag, StorageFault> {
        match self.0 {}
    }

    pub(crate) fn delete(&self, _: &str) -> Result<(), StorageFault> {
        match self.0 {}
    }
}
