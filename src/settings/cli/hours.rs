//! Arguments that say at which hours of the day a run sends.

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::limiter::Hours;

/// At which hours of the day to send.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hours")]
pub struct HourArgs {
    /// Send between these times of the day only, such as 22:00-06:00; may be repeated
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub between: Vec<Hours>,

    /// The time zone of times of day, such as Europe/Berlin; by default this machine's
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub tz: Option<TimeZone>,

    /// What to do outside the hours of --between
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub outside: OutsideHours,
}

impl HourArgs {
    /// The time zone of times of day. A machine that says nothing of its own is in UTC, as POSIX has it.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        let stated = self.tz.clone();
        stated.or_else(|| TimeZone::try_system().ok()).unwrap_or(TimeZone::UTC)
    }
}

/// What a run does outside its hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutsideHours {
    /// Wait until they begin again
    #[default]
    Wait,
    /// Finish the requests in flight and stop with exit code 3; --resume continues
    Stop,
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        "there is no such time zone on this machine; write a name such as Europe/Berlin, or UTC \
         (most names need the package tzdata)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_by_its_name() {
        assert!(zone("UTC").is_ok());
        assert!(zone("Nowhere/City").is_err());
    }
}
