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

    /// Waits until an object may be written or removed, and takes the turn.
    pub(super) async fn wait(&self, key: &Key) -> Turn {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied();
        if let Some(next) = next {
            sleep_until(next).await;
        }
        self.take(key)
    }

    /// Takes the turn of an object that is to be new: it is written over nothing.
    pub(super) fn take(&self, key: &Key) -> Turn {
        Turn { turns: self.clone(), key: key.clone(), counts: !self.apart.is_zero() }
    }
}

/// A turn that was taken. When it ends, however it ends, the object was written or may have been: the
/// storage wrote it before it answered, so counting from then is never too soon.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    key: Key,
    counts: bool,
}

impl Turn {
    /// What came of it: what was refused was not written.
    pub(super) fn ended<T>(mut self, done: &object_store::Result<T>) {
        self.counts &= !done.as_ref().is_err_and(|error| !words::may_pass(error));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.counts {
            return;
        }
        let now = Instant::now();
        let mut turns = self.turns.next.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, next| *next > now);
        turns.insert(self.key.clone(), now + self.turns.apart);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_name_is_written_once_a_second_on_google_cloud_storage() {
        let refused =
            || object_store::Error::AlreadyExists { path: String::new(), source: "".into() };
        for (scheme, seconds, apart) in [(Scheme::Gs, 2, 1), (Scheme::S3, 0, 0), (Scheme::Az, 0, 0)]
        {
            let turns = Turns::of(scheme);
            let began = Instant::now();
            for (name, done) in [
                ("lease", Ok(())),
                ("part", Ok(())),
                ("lease", Ok(())),
                ("lease", Err(refused())),
                ("lease", Err(refused())),
            ] {
                turns.wait(&Key::from(name)).await.ended(&done);
            }
            assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{scheme:?}");
            // One that was given up may be on its way.
            drop(turns.take(&Key::from("lease")));
            turns.wait(&Key::from("lease")).await.ended(&Err::<(), _>(refused()));
            assert_eq!(began.elapsed(), Duration::from_secs(seconds + apart), "{scheme:?}");
            // Only what was written just now is remembered.
            assert!(turns.next.lock().unwrap().len() <= 1, "{scheme:?}");
        }
    }
}
