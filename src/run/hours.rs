//! Keeps a run to its hours: it waits outside of them, or stops.

use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime};

use crate::limiter::{SendingHours, Throttle};
use crate::settings::cli::hours::OutsideHours;
use crate::settings::hours::HourSettings;
use crate::stop::{Stop, StopReason};

/// How far apart the clock is looked at: it may be set, and the machine may have slept.
const LOOK: Duration = Duration::from_secs(10);

/// Heeds the hours as they are now.
///
/// # Errors
///
/// The reason to stop, where the run is not to wait.
pub(super) fn heed(settings: &HourSettings, throttle: &Throttle) -> Result<(), StopReason> {
    let HourSettings { hours, zone, outside } = settings;
    match (SendingHours::at(hours, &now(settings)), outside) {
        (SendingHours::Open, _) => throttle.open(),
        (SendingHours::Closed(opens), OutsideHours::Wait) => throttle.close_until(opens),
        (SendingHours::Closed(opens), OutsideHours::Stop) => {
            let opens = opens.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
            return Err(StopReason::stopped(
                "outside_hours",
                "outside the hours of --between",
                format!("resume the run when they begin: {opens}"),
            ));
        }
    }
    Ok(())
}

fn now(settings: &HourSettings) -> ZonedDateTime {
    Timestamp::now().to_zoned_datetime(settings.zone.clone())
}

/// Heeds them until it is dropped.
pub(super) async fn keep(settings: HourSettings, throttle: Throttle, stop: Stop) {
    loop {
        if let Err(reason) = heed(&settings, &throttle) {
            return stop.drain(reason);
        }
        tokio::time::sleep(until_next_look(&settings)).await;
    }
}

/// Until the next minute at most, since hours begin and end with one.
fn until_next_look(settings: &HourSettings) -> Duration {
    let now = now(settings);
    let into =
        Duration::new(now.second().unsigned_abs().into(), now.subsec_nanosecond().unsigned_abs());
    let minute = Duration::from_secs(60).saturating_sub(into);
    minute.clamp(Duration::from_millis(1), LOOK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::Held;
    use jiff::tz::TimeZone;

    /// Hours that are open for another hour at least, or closed for one.
    fn settings(open: bool, outside: OutsideHours) -> HourSettings {
        let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
        let hour = now.hour();
        let time = |plus: i8| format!("{:02}:{:02}", (hour + plus).rem_euclid(24), now.minute());
        let (from, to) = if open { (time(-1), time(2)) } else { (time(2), time(-1)) };
        HourSettings {
            hours: vec![format!("{from}-{to}").parse().unwrap()],
            zone: TimeZone::UTC,
            outside,
        }
    }

    #[test]
    fn a_run_is_held_back_outside_its_hours_and_let_go_within_them() {
        let throttle = Throttle::default();
        heed(&settings(false, OutsideHours::Wait), &throttle).unwrap();
        assert!(matches!(throttle.hold(), Some(Held::Until(opens)) if opens > Timestamp::now()));
        heed(&settings(true, OutsideHours::Wait), &throttle).unwrap();
        assert_eq!(throttle.hold(), None);
    }

    #[test]
    fn a_run_that_is_not_to_wait_stops_and_says_when_to_resume_it() {
        let throttle = Throttle::default();
        let reason = heed(&settings(false, OutsideHours::Stop), &throttle).unwrap_err();
        assert_eq!(reason.code(), "outside_hours");
        assert!(reason.hint().unwrap().ends_with(" UTC"), "{reason:?}");
        assert_eq!(heed(&settings(true, OutsideHours::Stop), &throttle), Ok(()));
        assert_eq!(throttle.interventions_from(0), [], "nobody did anything");
    }

    #[tokio::test(start_paused = true)]
    async fn hours_that_end_meanwhile_stop_the_run() {
        let (throttle, stop) = (Throttle::default(), Stop::default());
        keep(settings(false, OutsideHours::Stop), throttle, stop.clone()).await;
        assert_eq!(stop.reason().unwrap().code(), "outside_hours");
    }
}
