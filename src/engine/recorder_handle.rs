//! The handle to the recorder: what it is told, and by whom.
//!
//! The engine tells of rows that ended. The client tells, before it sends a request that must
//! not be sent twice, that it is about to, and waits until that is durable.

use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::outcome::Finished;

/// A user as it was read before anything is sent for it.
#[derive(Debug)]
pub struct ReadUser {
    /// The first row that is about to change the user.
    pub row: u64,
    /// When the user was read.
    pub at: Timestamp,
    /// Whether the user was read by itself, and not by a search.
    pub alone: bool,
    /// The user as the server sent it.
    pub user: Box<RawValue>,
}

/// What the recorder is told.
#[derive(Debug)]
pub enum Entry {
    /// A row has its outcome. In a box, as rows are on their way to the engine.
    Finished(Box<Finished>),
    /// Rows that must not be sent twice are about to be sent.
    Sent {
        /// Their numbers.
        rows: Vec<u64>,
        /// Told when that is durable; dropped when it cannot be made so.
        written: oneshot::Sender<()>,
    },
    /// Users are about to be changed.
    Before {
        /// How they were.
        users: Vec<ReadUser>,
        /// Told when that is durable; dropped when it cannot be made so.
        written: oneshot::Sender<()>,
    },
}

/// The client's way to the recorder. It does not keep the recorder from ending.
#[derive(Clone, Debug)]
pub struct RecorderHandle(mpsc::WeakSender<Entry>);

impl RecorderHandle {
    /// The way to the recorder behind a channel.
    #[must_use]
    pub fn new(recorder: &mpsc::Sender<Entry>) -> Self {
        Self(recorder.downgrade())
    }

    /// Makes durable how users were; `false` when that cannot be done, and then nothing must be sent
    /// for them.
    pub async fn keep_before(&self, users: Vec<ReadUser>) -> bool {
        let (written, durable) = oneshot::channel();
        let Some(recorder) = self.0.upgrade() else { return false };
        recorder.send(Entry::Before { users, written }).await.is_ok() && durable.await.is_ok()
    }

    /// Makes durable that rows are about to be sent; `false` when that cannot be done, and then
    /// they must not be sent.
    pub async fn about_to_send(&self, rows: Vec<u64>) -> bool {
        let (written, durable) = oneshot::channel();
        let Some(recorder) = self.0.upgrade() else { return false };
        recorder.send(Entry::Sent { rows, written }).await.is_ok() && durable.await.is_ok()
    }
}
