//! Arguments that say at which hours of the day a run sends.

use clap::{Args, ValueEnum};

use crate::limiter::Hours;

/// At which hours of the day to send.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hours")]
pub struct HourArgs {
    /// Send between these times of the day only, such as 22:00-06:00; may be repeated
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub between: Vec<Hours>,

    /// The time zone of --between, such as Europe/Berlin; by default this machine's
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,

    /// What to do outside the hours of --between
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub outside: OutsideHours,
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
