//! The hours of the day in which a run sends, and the time zone whose clock they go by.

use jiff::tz::TimeZone;

use super::cli::hours::{HourArgs, OutsideHours};
use crate::limiter::Hours;

/// In which hours to send, and what to do outside of them.
#[derive(Clone, Debug)]
pub struct HourSettings {
    /// The hours; none for always.
    pub hours: Vec<Hours>,
    /// Whose clock they go by.
    pub zone: TimeZone,
    /// What to do outside of them.
    pub outside: OutsideHours,
}

impl HourSettings {
    /// What the arguments mean.
    #[must_use]
    pub fn of(args: &HourArgs) -> Self {
        Self { hours: args.between.clone(), zone: args.zone(), outside: args.outside }
    }
}
