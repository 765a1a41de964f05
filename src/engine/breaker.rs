//! The circuit breaker: stops a run when so much fails that continuing would waste the whole file. Pure.

use std::borrow::Cow;

use crate::outcome::{Outcome, Status, Tally};
use crate::stop::StopReason;

/// How many failures a run bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    /// Any number.
    Unlimited,
    /// So many; one more stops the run.
    Count(u64),
    /// So many of a hundred rows finished, once there were [`MaxFailures::MIN_ROWS`].
    Percent(u32),
}

impl MaxFailures {
    /// Rows that must have finished before a percentage means anything.
    pub const MIN_ROWS: u64 = 100;

    /// Whether so many of a file's rows are too many. A percentage is one of 100 rows at least, so
    /// that a few wrong rows of a short file are no reason to refuse it.
    #[must_use]
    pub fn refuses(self, wrong: u64, rows: u64) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Count(most) => wrong > most,
            Self::Percent(percent) => {
                let most = u128::from(percent) * u128::from(rows.max(Self::MIN_ROWS));
                u128::from(wrong) * 100 > most
            }
        }
    }

    fn exceeded(self, tally: &Tally) -> bool {
        let (failed, finished) = (tally.failed(), tally.finished());
        match self {
            Self::Unlimited => false,
            Self::Count(most) => failed > most,
            Self::Percent(percent) => {
                finished >= Self::MIN_ROWS && failing(tally) * 100.0 > f64::from(percent) + EXACT
            }
        }
    }
}

/// So that a share of exactly the limit is within it, whatever the rounding.
const EXACT: f64 = 1e-9;

/// The share of rows that fail. Wrong rows end when they are read, well ahead of those that are
/// sent; so their share is one of the rows read, and the rest of the rows fares like those sent.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn failing(tally: &Tally) -> f64 {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let invalid = share(tally.invalid, tally.read.max(tally.finished()));
    let sent = share(tally.failed() - tally.invalid, tally.finished() - tally.invalid);
    invalid + (1.0 - invalid) * sent
}

impl std::fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Count(most) => write!(f, "{most}"),
            Self::Percent(most) => write!(f, "{most}%"),
        }
    }
}

/// Trips when there are too many failures, or too many equal ones in a row.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    max_failures: MaxFailures,
    /// Consecutive equal failures that stop the run; 0 for never.
    max_streak: u32,
    streak: u32,
    last: Option<(Status, Cow<'static, str>, Option<String>)>,
}

impl CircuitBreaker {
    /// A breaker with its limits. `max_streak` of 0 means that equal failures never stop the run.
    #[must_use]
    pub fn new(max_failures: MaxFailures, max_streak: u32) -> Self {
        Self { max_failures, max_streak, streak: 0, last: None }
    }

    /// Looks at one more outcome, already counted; says why to stop, if it is time.
    ///
    /// Invalid rows cost nothing at the server and make no streak.
    pub fn step(&mut self, outcome: &Outcome, tally: &Tally) -> Option<StopReason> {
        if outcome.status == Status::Invalid {
            // Neither breaks a streak nor makes one.
        } else if let Some(error) = &outcome.error {
            let this = (outcome.status, error.code.clone(), error.server_code.clone());
            self.streak = if self.last.as_ref() == Some(&this) { self.streak + 1 } else { 1 };
            self.last = Some(this);
        } else {
            self.streak = 0;
            self.last = None;
        }
        if self.max_streak > 0 && self.streak >= self.max_streak {
            let error = outcome.error.as_ref()?;
            let code =
                error.server_code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
            return Some(StopReason::stopped(
                "same_failure",
                format!(
                    "{} consecutive rows failed with the same error: {}{code}",
                    self.streak, error.code
                ),
                "look at failures: is a column mapped to the wrong field? --max-same-failures 0 turns this limit off",
            ));
        }
        if self.max_failures.exceeded(tally) {
            return Some(StopReason::stopped(
                "max_failures",
                format!(
                    "{} of {} rows failed, more than --max-failures allows",
                    tally.failed(),
                    tally.read.max(tally.finished())
                ),
                "look at the failures file and fix the cause; after a resume, as many failures are allowed again",
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::Issue;
    use jiff::Timestamp;
    use std::time::Duration;

    #[test]
    fn a_file_is_refused_for_too_many_wrong_rows() {
        for (most, wrong, rows, expected) in [
            (MaxFailures::Percent(10), 10, 12, false),
            (MaxFailures::Percent(10), 11, 12, true),
            (MaxFailures::Percent(10), 300, 3000, false),
            (MaxFailures::Percent(10), 301, 3000, true),
            (MaxFailures::Percent(0), 0, 5, false),
            (MaxFailures::Percent(0), 1, 5, true),
            (MaxFailures::Percent(100), 5, 5, false),
            (MaxFailures::Percent(100), u64::MAX, u64::MAX, false),
            (MaxFailures::Count(3), 3, 5, false),
            (MaxFailures::Count(3), 4, 5, true),
            (MaxFailures::Unlimited, 5, 5, false),
        ] {
            assert_eq!(most.refuses(wrong, rows), expected, "{most}: {wrong} of {rows}");
        }
    }

    #[test]
    fn a_limit_is_shown_as_it_is_typed() {
        let shown = [MaxFailures::Unlimited, MaxFailures::Count(7), MaxFailures::Percent(5)];
        assert_eq!(shown.map(|most| most.to_string()), ["unlimited", "7", "5%"]);
    }

    fn outcome(status: Status, kind: Option<&'static str>) -> Outcome {
        let error = kind.map(|kind| Box::new(Issue::error(kind, "")));
        Outcome {
            status,
            attempts: 1,
            http_status: None,
            duration: Duration::ZERO,
            finished_at: Timestamp::UNIX_EPOCH,
            user: None,
            merged: None,
            requests: Vec::new(),
            error,
        }
    }

    /// After how many of the outcomes the wire trips, and why.
    fn trips(
        mut wire: CircuitBreaker,
        outcomes: &[(Status, Option<&'static str>)],
    ) -> Option<(usize, &'static str)> {
        let mut tally = Tally::default();
        for (i, (status, kind)) in outcomes.iter().enumerate() {
            tally.count(*status);
            if let Some(reason) = wire.step(&outcome(*status, *kind), &tally) {
                return Some((i + 1, reason.code()));
            }
        }
        None
    }

    const FINE: (Status, Option<&str>) = (Status::Updated, None);
    const LOST: (Status, Option<&str>) = (Status::Rejected, Some("user_not_found"));
    const CONFLICT: (Status, Option<&str>) = (Status::Rejected, Some("conflict"));
    const WRONG: (Status, Option<&str>) = (Status::Invalid, Some("bad_value"));

    #[test]
    fn equal_failures_in_a_row_halt() {
        let wire = || CircuitBreaker::new(MaxFailures::Unlimited, 3);
        assert_eq!(trips(wire(), &[LOST, LOST, LOST]), Some((3, "same_failure")));
        assert_eq!(trips(wire(), &[LOST, LOST, FINE, LOST, LOST]), None);
        assert_eq!(trips(wire(), &[LOST, LOST, CONFLICT, LOST, LOST]), None);
        assert_eq!(trips(wire(), &[WRONG, WRONG, WRONG, WRONG]), None);
        assert_eq!(trips(wire(), &[LOST, WRONG, LOST, WRONG, LOST]), Some((5, "same_failure")));
        assert_eq!(trips(CircuitBreaker::new(MaxFailures::Unlimited, 0), &[LOST; 100]), None);
    }

    #[test]
    fn wrong_rows_that_are_read_ahead_are_a_share_of_what_was_read() {
        let limit = MaxFailures::Percent(20);
        let ahead = Tally { read: 520, invalid: 52, updated: 60, ..Tally::default() };
        assert!(!limit.exceeded(&ahead), "a tenth of the rows is wrong");
        assert!(limit.exceeded(&Tally { invalid: 150, ..ahead }));
        assert!(limit.exceeded(&Tally { rejected: 30, ..ahead }), "a third of those sent fail");
        // A tenth is wrong; with 5 of 65 sent it is 17 % in all, with 10 of 70 it is 23 %.
        assert!(!limit.exceeded(&Tally { rejected: 5, ..ahead }));
        assert!(limit.exceeded(&Tally { rejected: 10, ..ahead }));
    }

    #[test]
    fn too_many_failures_halt() {
        let count = CircuitBreaker::new(MaxFailures::Count(1), 0);
        assert_eq!(trips(count.clone(), &[LOST, FINE, FINE]), None);
        assert_eq!(trips(count, &[LOST, FINE, WRONG]), Some((3, "max_failures")));
        let percent = CircuitBreaker::new(MaxFailures::Percent(10), 0);
        let mut rows = vec![LOST; 11];
        rows.extend(vec![FINE; 88]);
        assert_eq!(trips(percent.clone(), &rows), None, "99 rows are too few to tell");
        rows.push(FINE);
        assert_eq!(trips(percent.clone(), &rows), Some((100, "max_failures")));
        rows[0] = FINE;
        assert_eq!(trips(percent, &rows), None, "10 of 100 are allowed");
    }
}
