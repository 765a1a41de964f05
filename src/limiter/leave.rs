//! Leave to send, which lasts for a time unless it is renewed: of several hosts that could do a run, one
//! has it.
//!
//! Two clocks measure it, and the one that has gone further counts: one does not go while the machine
//! sleeps, and the other may be set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct LeaveMoment {
    steady: Instant,
    wall: SystemTime,
}

impl LeaveMoment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago it was, by the clock that has gone further.
    fn age(self, now: Self) -> Duration {
        let steady = now.steady.saturating_duration_since(self.steady);
        // A clock that was set back has not gone further.
        steady.max(now.wall.duration_since(self.wall).unwrap_or_default())
    }
}

/// Leave to send, shared by who renews it and who heeds it.
#[derive(Clone, Debug)]
pub struct Leave {
    asked: Arc<Mutex<LeaveMoment>>,
    lasts: Duration,
}

impl Leave {
    /// Leave that was asked for at a moment and lasts for a time from then.
    #[must_use]
    pub fn new(asked: LeaveMoment, lasts: Duration) -> Self {
        Self { asked: Arc::new(Mutex::new(asked)), lasts }
    }

    /// It was given again to who asked at this moment.
    pub fn renew(&self, asked: LeaveMoment) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// How long it lasts yet.
    #[must_use]
    pub fn left(&self) -> Duration {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        self.lasts.saturating_sub(asked.age(LeaveMoment::now()))
    }

    /// Whether it lasts.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        !self.left().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_has_gone_further_counts() {
        let asked = LeaveMoment::now();
        let after = |steady: u64, wall: i64| {
            let moved = Duration::from_secs(wall.unsigned_abs());
            let wall = if wall < 0 { asked.wall - moved } else { asked.wall + moved };
            LeaveMoment { steady: asked.steady + Duration::from_secs(steady), wall }
        };
        for (steady, wall, age) in [(5, 5, 5), (0, 70, 70), (9, -3600, 9), (9, 2, 9)] {
            assert_eq!(asked.age(after(steady, wall)), Duration::from_secs(age));
        }
    }

    #[test]
    fn it_ends_unless_it_is_renewed() {
        let lasts = Duration::from_secs(40);
        let long_ago = LeaveMoment { wall: SystemTime::UNIX_EPOCH, ..LeaveMoment::now() };
        let leave = Leave::new(long_ago, lasts);
        assert!(!leave.is_in_force());
        leave.renew(LeaveMoment::now());
        assert!(leave.is_in_force() && leave.left() <= lasts);
    }
}
