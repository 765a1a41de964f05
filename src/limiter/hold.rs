//! What a request waits for.

use std::time::Duration;

use super::state::{Moment, Wait};

/// What to wait for, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// The window is full for so long; `None` while only a reply can free it.
    Full(Option<Duration>),
    /// The next request is due in so long.
    Pace(Duration),
    /// The server has asked for quiet for so long.
    Closed(Duration),
}

impl Hold {
    pub(super) fn of(wait: Wait, now: Moment) -> Self {
        let left = |until: Moment| until.saturating_sub(now).max(Duration::from_micros(1));
        match wait {
            Wait::Full(until) => Self::Full(until.map(left)),
            Wait::Pace(until) => Self::Pace(left(until)),
            Wait::Closed(until) => Self::Closed(left(until)),
        }
    }
}
