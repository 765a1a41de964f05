//! What can be done to a run from its page.

use crate::limiter::Throttle;
use crate::stop::Stop;

/// Steers a run.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    /// Pauses it, and changes its pace.
    pub(crate) throttle: Throttle,
    /// Stops it.
    pub(crate) stop: Stop,
}
