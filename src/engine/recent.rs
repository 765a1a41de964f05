//! The users that a run has written to lately. Pure.

use std::collections::HashSet;

/// Lanes in which rows were sent lately: at least so many of the last, and twice as many at most.
///
/// What a search shows of them may be older than what was sent, so it is not believed.
#[derive(Debug, Default)]
pub(super) struct Recent {
    now: HashSet<u64>,
    before: HashSet<u64>,
}

/// Lanes in one of the two halves: what is sent in the seconds by which search lags, at any speed.
const HALF: usize = 65_536;

impl Recent {
    /// Takes lanes in.
    pub(super) fn add(&mut self, lanes: &[u64]) {
        if self.now.len() >= HALF {
            self.before = std::mem::take(&mut self.now);
        }
        self.now.extend(lanes);
    }

    /// Whether one of some lanes is among them.
    pub(super) fn has(&self, lanes: &[u64]) -> bool {
        lanes.iter().any(|lane| self.now.contains(lane) || self.before.contains(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_remembered_and_those_long_past_are_not() {
        let mut recent = Recent::default();
        let half = HALF as u64;
        for lane in 0..3 * half {
            recent.add(&[lane]);
        }
        assert!(recent.has(&[0, 3 * half - 1]));
        assert!(recent.has(&[2 * half]), "at least half as many as are held");
        assert!(!recent.has(&[0, half - 1]));
        assert!(recent.now.len() + recent.before.len() <= 2 * HALF);
    }
}
