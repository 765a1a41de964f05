//! Arguments of a run that takes its files from a folder.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::civil::Time;

/// Where files come from, one by one, and until when.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Inbox")]
pub struct InboxArgs {
    /// Take the complete files of a folder, in order of name, one run each, and move each to DIR/done or
    /// DIR/failed. A run that was interrupted is resumed first
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "out"])]
    pub inbox: Option<PathBuf>,

    /// How long a file must stay as it is to count as complete; 0s where files are only ever renamed
    /// into the folder
    #[arg(
        long,
        value_name = "TIME",
        value_parser = humantime::parse_duration,
        default_value = "10s",
        requires = "inbox",
        conflicts_with = "files"
    )]
    pub settle: Duration,

    /// Wait for a file until it is this time of day for the next time, and end with exit code 6 if none
    /// came
    #[arg(
        long,
        value_name = "HH:MM",
        value_parser = time_of_day,
        requires = "inbox",
        conflicts_with = "files"
    )]
    pub expect_by: Option<Time>,
}

fn time_of_day(text: &str) -> Result<Time, String> {
    const HOW: &str = "write a time of day from 00:00 to 23:59, such as 06:00";
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, rest) = parts.split_first().ok_or(HOW)?;
    let number = |part: &str| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i8>().ok().filter(|_| digits && part.len() <= 2).ok_or(HOW)
    };
    match rest {
        [minutes, ..] if rest.len() <= 2 && rest.iter().all(|part| part.len() == 2) => {
            let seconds = rest.get(1).map_or(Ok(0), |seconds| number(seconds))?;
            Time::new(number(hours)?, number(minutes)?, seconds, 0).map_err(|_| HOW.to_owned())
        }
        _ => Err(HOW.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_hours_and_minutes_and_may_have_seconds() {
        for (text, expected) in [
            ("06:00", Some((6, 0))),
            ("6:05", Some((6, 5))),
            ("23:59", Some((23, 59))),
            ("24:00", None),
            ("12:60", None),
            ("6", None),
            ("6:5", None),
            ("+6:00", None),
            ("06:00:00", Some((6, 0))),
            ("06:00:0", None),
            ("06:00:60", None),
            ("06:00:00:00", None),
            ("", None),
        ] {
            let time = time_of_day(text).ok().map(|time| (time.hour(), time.minute()));
            assert_eq!(time, expected, "{text:?}");
        }
    }
}
