//! The hours of the day in which a run sends, and the time zone whose clock they go by.

use jiff::tz::TimeZone;

use super::cli::hours::{HourArgs, OutsideHours};
use crate::exit::Error;
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
    ///
    /// # Errors
    ///
    /// A time zone that is not known here; this machine's own where that is needed.
    pub fn of(args: &HourArgs) -> Result<Self, Error> {
        let zone = match &args.tz {
            // Nobody asks for the time.
            None if args.between.is_empty() => TimeZone::UTC,
            stated => time_zone(stated.as_deref())?,
        };
        Ok(Self { hours: args.between.clone(), zone, outside: args.outside })
    }
}

/// A time zone by its name, or this machine's.
pub(crate) fn time_zone(name: Option<&str>) -> Result<TimeZone, Error> {
    let Some(name) = name else {
        return TimeZone::try_system().map_err(|error| {
            Error::refused(format!("this machine's time zone is not known: use --tz ({error})"))
        });
    };
    TimeZone::get(name).map_err(|_| {
        Error::refused(format!(
            "--tz {name}: there is no such time zone here: write it as Europe/Berlin or UTC; \
             this machine's are below /usr/share/zoneinfo (package tzdata)"
        ))
    })
}
