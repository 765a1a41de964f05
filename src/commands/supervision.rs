//! Who has started the program and wants to hear of it, by what systemd puts into the environment.

use std::time::Duration;

use crate::report::Supervisor;
use crate::settings::Environment;

/// Where to tell how it goes.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How often to tell that the program is alive, in microseconds, and which process is meant.
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHED: &str = "WATCHDOG_PID";

/// The supervisor, if there is one.
pub(super) fn supervisor(environment: Environment<'_>) -> Option<Supervisor> {
    let socket = environment(SOCKET)?;
    match Supervisor::at(&socket, watchdog(environment, std::process::id())) {
        Ok(supervisor) => Some(supervisor),
        Err(error) => {
            tracing::warn!("{SOCKET}: nobody can be told how it goes: {error}");
            None
        }
    }
}

fn watchdog(environment: Environment<'_>, own: u32) -> Option<Duration> {
    let is_other = |pid: String| pid.trim().parse() != Ok(own);
    if environment(WATCHED).is_some_and(is_other) {
        return None;
    }
    let apart = environment(WATCHDOG)?.trim().parse().ok().map(Duration::from_micros);
    apart.filter(|apart| !apart.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_ours_only_where_this_process_is_meant() {
        let second = Some(Duration::from_secs(1));
        for (apart, pid, expected) in [
            (Some("1000000"), None, second),
            (Some("1000000"), Some("7"), second),
            (Some("1000000"), Some("8"), None),
            (Some("1000000"), Some("x"), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("7"), None),
        ] {
            let given = |name: &str| match name {
                WATCHDOG => apart.map(str::to_owned),
                WATCHED => pid.map(str::to_owned),
                _ => None,
            };
            assert_eq!(watchdog(&given, 7), expected, "{apart:?} {pid:?}");
        }
    }
}
