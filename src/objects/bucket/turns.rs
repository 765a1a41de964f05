//! When an object may be written again: Google Cloud Storage takes one write a second of each name, and
//! refuses what comes sooner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::path::Path as Key;
use tokio::time::{Instant, sleep_until};

use super::words;
use crate::objects::address::Scheme;

/// The turns of the objects of a bucket.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    apart: Duration,
    /// When those that were written just now may be written again.
    next: Arc<Mutex<HashMap<Key, Instant>>>,
}

impl Turns {
    /// Those that a storage asks for.
    pub(super) fn of(scheme: Scheme) -> Self {
        let apart = match scheme {
            Scheme::Gs => Duration::from_secs(1),
            Scheme::S3 | Scheme::Az => Duration::ZERO,
        };
        Self { apart, next: Arc::default() }
    }

    /// Waits until an object may be written or removed.
    pub(super) async fn wait(&self, key: &Key) {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied();
        if let Some(next) = next {
            sleep_until(next).await;
        }
    }

    /// Takes in that an object was written, or may have been. The storage wrote it before it answered, so
    /// counting from now is never too soon.
    pub(super) fn taken<T>(&self, key: &Key, done: &object_store::Result<T>) {
        let is_refused = done.as_ref().is_err_and(|error| !words::may_pass(error));
        if is_refused || self.apart.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut turns = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, next| *next > now);
        turns.insert(key.clone(), now + self.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_name_is_written_once_a_second_on_google_cloud_storage() {
        let refused =
            || object_store::Error::AlreadyExists { path: String::new(), source: "".into() };
        for (scheme, seconds) in [(Scheme::Gs, 2), (Scheme::S3, 0), (Scheme::Az, 0)] {
            let turns = Turns::of(scheme);
            let began = Instant::now();
            for (name, done) in [
                ("lease", Ok(())),
                ("part", Ok(())),
                ("lease", Ok(())),
                ("lease", Err(refused())),
                ("lease", Err(refused())),
            ] {
                turns.wait(&Key::from(name)).await;
                turns.taken(&Key::from(name), &done);
            }
            assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{scheme:?}");
            // Only what was written just now is remembered.
            assert!(turns.next.lock().unwrap().len() <= 1, "{scheme:?}");
        }
    }
}
