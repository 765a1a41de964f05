//! Object storage: objects read in pinned ranges, and written under conditions, on S3, Google Cloud
//! Storage and Azure.
//!
//! Everything here blocks; what goes over the network runs on a thread of its own. Credentials come
//! from the environment or the machine, as the clouds' own tools take them, and are in no URL. The
//! storage itself is there in builds with the feature `object-storage`; URLs are told apart without it.

mod address;
#[cfg_attr(not(feature = "object-storage"), path = "objects/without.rs")]
mod bucket;
mod content;
mod facts;
mod fault;

pub use address::ObjectUrl;
pub(crate) use address::{is_object_url, without_query};
pub(crate) use bucket::ObjectFolder;
pub(crate) use content::{ObjectContent, PinnedObject};
pub(crate) use facts::{ObjectTag, PutWhen};
pub(crate) use fault::{FaultKind, StorageFault};
