//! Room for the bytes of what waits between two tasks.
//!
//! A channel is bounded by its entries, and one row may hold as much as a thousand others. Small
//! entries pass; the large ones share what room there is.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The most bytes that large entries hold together; one that is larger still waits alone.
const MOST: usize = 2 * 1024 * 1024;

/// An entry of fewer bytes is small.
const SMALL: usize = 16 * 1024;

/// Room in a channel, shared by its two ends.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Room {
    /// Whether an entry of so many bytes needs room at all.
    #[must_use]
    fn is_for(bytes: usize) -> bool {
        bytes >= SMALL
    }

    /// Takes room for an entry that goes into the channel, if there is some.
    #[must_use]
    pub fn try_enter(&self, bytes: usize) -> bool {
        let taken = || self.0.try_acquire_many(permits(bytes)).map(SemaphorePermit::forget);
        !Self::is_for(bytes) || taken().is_ok()
    }

    /// Waits until there is room for an entry, and takes it.
    pub async fn enter(&self, bytes: usize) {
        if Self::is_for(bytes)
            && let Ok(permit) = self.0.acquire_many(permits(bytes)).await
        {
            permit.forget();
        }
    }

    /// Waits until there is room for an entry, and leaves it free.
    pub async fn wait(&self, bytes: usize) {
        if Self::is_for(bytes) {
            drop(self.0.acquire_many(permits(bytes)).await);
        }
    }

    /// Gives back the room of an entry that has left the channel.
    pub fn leave(&self, bytes: usize) {
        if Self::is_for(bytes) {
            self.0.add_permits(permits(bytes) as usize);
        }
    }
}

/// The share of an entry of so many bytes.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.min(MOST)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn large_entries_share_the_room_and_small_ones_pass() {
        let room = Room::default();
        let half = MOST / 2;
        assert!(room.try_enter(half) && room.try_enter(half));
        assert!(!room.try_enter(SMALL) && room.try_enter(SMALL - 1));
        assert!(room.enter(SMALL).now_or_never().is_none());
        room.leave(SMALL - 1);
        assert!(room.wait(SMALL).now_or_never().is_none());
        room.leave(half);
        assert!(room.wait(half).now_or_never().is_some());
        // Larger than all of it: alone.
        assert!(!room.try_enter(10 * MOST));
        room.leave(half);
        assert!(room.try_enter(10 * MOST) && !room.try_enter(SMALL));
    }
}
