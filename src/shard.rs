//! Shards: the rows of one job, split so that several hosts can work on them.
//!
//! A row belongs to the shard of its person: all rows that name one person, by whatever login ID, are on
//! one shard, where they keep their order. Which shard that is follows from the rows alone, so hosts need
//! not agree on anything. How rows are split must never change: a job may be begun by one version of this
//! program and be finished by another.

mod connections;
mod identity;
mod split;

pub(crate) use identity::{SHARD, SPLIT, Shard, are_siblings, is_sibling};
pub(crate) use split::{Split, split};
