//! Arrivals at stated times, and which are refused.

use super::*;

const PATH: &str = "/v1/mgmt/user/update/phone";

fn limiter(limit: &str, window: RateWindow, buckets: RateBuckets) -> Limiter {
    Limiter::new(limit.parse().unwrap(), window, buckets)
}

fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sends at each time, and gathers the answers.
fn send(limiter: &mut Limiter, class: RateClass, times: &[u64]) -> Vec<Result<(), u64>> {
    times.iter().map(|ms| limiter.arrive("P1", class, PATH, milliseconds(*ms))).collect()
}

#[test]
fn limits_are_read_and_printed() {
    for (text, printed) in [
        ("off", "off"),
        ("documented", "documented"),
        ("10/1s", "10/1s"),
        ("500/1m", "500/60s"),
        ("500/60", "error"),
        ("7/s", "7/1s"),
        ("3/500ms", "3/0.5s"),
        ("0/1s", "error"),
        ("x/1s", "error"),
        ("5/0s", "error"),
        ("5/", "error"),
        ("lots", "error"),
    ] {
        let read = text.parse::<Limit>().map_or("error".to_owned(), |limit| limit.to_string());
        assert_eq!(read, printed, "{text}");
    }
}

#[test]
fn a_sliding_window_holds_no_more_than_the_limit_and_exceeding_costs_a_window() {
    let mut limiter = limiter("2/1s", RateWindow::Sliding, RateBuckets::Project);
    let answers =
        send(&mut limiter, RateClass::Users, &[0, 900, 1000, 1800, 1801, 2799, 2800, 2801]);
    let closed = Err(1);
    assert_eq!(
        answers,
        [
            Ok(()),
            Ok(()),
            Ok(()),
            closed, // 900 and 1000 are in the window: closed until 2800
            closed,
            closed,
            Ok(()),
            Ok(()),
        ]
    );
}

#[test]
fn a_fixed_window_starts_anew_at_each_multiple() {
    let mut limiter = limiter("2/1s", RateWindow::Fixed, RateBuckets::Project);
    let answers = send(&mut limiter, RateClass::Users, &[900, 950, 1000, 1001, 1002]);
    assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Ok(()), Err(1)]);
}

#[test]
fn the_documented_limits_are_a_whole_and_its_parts() {
    for class in RateClass::ALL {
        let (requests, window) = class.documented_limit();
        let mut limiter = limiter("documented", RateWindow::Sliding, RateBuckets::Project);
        let times = vec![5; requests as usize];
        assert!(send(&mut limiter, class, &times).iter().all(Result::is_ok));
        assert_eq!(send(&mut limiter, class, &[5]), [Err(window.as_secs())]);
        // The part is refused; the whole goes on for as long as it has room.
        let whole = send(&mut limiter, RateClass::Users, &[6])[0];
        assert_eq!(whole.is_ok(), class != RateClass::Users, "{}", class.name());
    }
}

#[test]
fn seconds_to_wait_are_rounded_up() {
    let mut limiter = limiter("1/60s", RateWindow::Sliding, RateBuckets::Project);
    let answers = send(&mut limiter, RateClass::Users, &[0, 1, 2, 59_002, 60_001]);
    assert_eq!(answers, [Ok(()), Err(60), Err(60), Err(1), Ok(())]);
}

#[test]
fn projects_are_counted_apart_and_paths_if_asked() {
    let now = Duration::ZERO;
    let users = RateClass::Users;
    let mut one = limiter("1/1s", RateWindow::Sliding, RateBuckets::Project);
    assert!(one.arrive("P1", users, "/a", now).is_ok());
    assert!(one.arrive("P2", users, "/a", now).is_ok());
    assert!(one.arrive("P1", users, "/b", now).is_err());
    let mut each = limiter("1/1s", RateWindow::Sliding, RateBuckets::Path);
    assert!(each.arrive("P1", users, "/a", now).is_ok());
    assert!(each.arrive("P1", users, "/b", now).is_ok());
    assert!(each.arrive("P1", users, "/a", now).is_err());
}

#[test]
fn idle_projects_are_forgotten() {
    let mut limiter = limiter("1/1s", RateWindow::Sliding, RateBuckets::Project);
    for n in 0..3 * PROJECTS as u64 {
        let project = format!("P{n}");
        let now = Duration::from_secs(2 * n);
        assert!(limiter.arrive(&project, RateClass::Users, PATH, now).is_ok());
    }
    assert!(limiter.projects.len() <= PROJECTS);
}

#[test]
fn nothing_is_held_when_limits_are_off() {
    let mut limiter = limiter("off", RateWindow::Sliding, RateBuckets::Project);
    assert!(send(&mut limiter, RateClass::Users, &[0; 1000]).iter().all(Result::is_ok));
    assert!(limiter.projects.is_empty());
}
