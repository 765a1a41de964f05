//! What is known of objects, and under which condition they are written.

use jiff::Timestamp;

/// What a storage says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectFacts {
    /// Its size.
    pub(crate) bytes: u64,
    /// By what it is told from what was there before and what comes after.
    pub(crate) tag: ObjectTag,
    /// When it was written, by the storage's own clock.
    pub(crate) written_at: Timestamp,
}

/// What tells a content of an object from every other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectTag {
    /// Its `ETag`.
    pub(crate) etag: Option<String>,
    /// Its version, where the storage keeps any.
    pub(crate) version: Option<String>,
}

/// When an object is written.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "object-storage"), expect(dead_code, reason = "nothing is ever written"))]
pub(crate) enum PutWhen {
    /// Whatever is there.
    Always,
    /// If nothing is there.
    New,
    /// If this is there.
    Unchanged(ObjectTag),
}
