//! An object as bytes that are read one after the other, all of one content.

use std::io::{self, Read};

use bytes::{Buf, Bytes};

use super::address::ObjectUrl;
use super::bucket::ObjectFolder;
use super::facts::{ObjectFacts, ObjectTag};
use super::fault::{FaultKind, StorageFault};

/// How much is asked for at first: enough to look what it is.
const FIRST: u64 = 256 << 10;

/// How much is asked for at most.
const MOST: u64 = 8 << 20;

/// An object whose content is settled: another one is not taken for it.
#[derive(Clone, Debug)]
pub(crate) struct PinnedObject {
    bucket: ObjectFolder,
    url: ObjectUrl,
    facts: ObjectFacts,
}

/// The content is what counts, not how it is reached.
impl PartialEq for PinnedObject {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.facts.tag, self.facts.bytes)
            == (&other.url, &other.facts.tag, other.facts.bytes)
    }
}

impl Eq for PinnedObject {}

impl PinnedObject {
    /// Looks at an object, and settles its content.
    pub(crate) fn pin(path: &str) -> Result<Self, String> {
        let url = ObjectUrl::parse(path)?;
        if url.key.is_empty() || url.key.ends_with('/') {
            return Err("names no object: put its key behind the bucket".to_owned());
        }
        let bucket = ObjectFolder::open(&url).map_err(|fault| fault.to_string())?;
        let mut facts =
            bucket.facts("", url.version.as_deref()).map_err(|fault| fault.to_string())?;
        if facts.tag.etag.is_none() && facts.tag.version.is_none() {
            return Err("the storage gives it no ETag, so nobody could tell a change".to_owned());
        }
        // Reading a version by its name takes a right of its own, and its ETag says as much.
        if facts.tag.etag.is_some() {
            facts.tag.version.clone_from(&url.version);
        }
        Ok(Self { bucket, url, facts })
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.facts.bytes
    }

    /// Its content, from the beginning.
    pub(crate) fn content(&self) -> ObjectContent {
        ObjectContent { object: self.clone(), at: 0, piece: Bytes::new(), next: FIRST }
    }

    /// How it differs by now, if the storage says so.
    pub(crate) fn difference(&self) -> Option<&'static str> {
        match self.bucket.facts("", self.url.version.as_deref()) {
            Ok(now) => {
                let same = ObjectTag { version: None, ..now.tag.clone() }
                    == ObjectTag { version: None, ..self.facts.tag.clone() };
                (!same).then_some(REPLACED)
            }
            Err(fault) => told(&fault),
        }
    }
}

const REPLACED: &str = "another object has taken its place";

/// What a fault says of the object itself.
fn told(fault: &StorageFault) -> Option<&'static str> {
    match fault.kind {
        FaultKind::Changed => Some(REPLACED),
        FaultKind::Missing | FaultKind::NoBucket => Some("it is gone"),
        _ => None,
    }
}

/// The content of an object, asked for range by range.
#[derive(Debug)]
pub(crate) struct ObjectContent {
    object: PinnedObject,
    at: u64,
    piece: Bytes,
    next: u64,
}

impl ObjectContent {
    /// What an error of reading says of the object itself.
    pub(crate) fn difference(error: &io::Error) -> Option<&'static str> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<StorageFault>()).and_then(told)
    }

    fn fetch(&mut self) -> Result<(), StorageFault> {
        let end = self.object.bytes().min(self.at + self.next);
        self.piece = self.object.bucket.range("", self.at..end, &self.object.facts.tag)?;
        (self.at, self.next) = (end, MOST.min(self.next * 2));
        Ok(())
    }
}

impl Read for ObjectContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && self.at < self.object.bytes() && !buffer.is_empty() {
            self.fetch()?;
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
