//! The forecast: how many calls the rows take, and how long under the limits.

use std::time::Duration;

use crate::catalog::RateClass;
use crate::limit::Limit;

/// Calls of one rate class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The class.
    pub class: RateClass,
    /// Its calls; those of user management as a whole count all.
    pub calls: u64,
    /// What of the server's limit is used; `None` for no limit.
    pub limit: Option<Limit>,
    /// The shortest time that they take under the limit.
    pub time: Duration,
}

/// What the calls of every class come to. `calls` are counted once each, by their own class.
pub(super) fn forecast(calls: &[(RateClass, u64)], limits: &[(RateClass, Limit)]) -> Vec<Calls> {
    let total: u64 = calls.iter().map(|(_, calls)| calls).sum();
    let line = |class: RateClass, calls: u64| {
        let limit = limits.iter().find(|(own, _)| *own == class).map(|(_, limit)| *limit);
        Calls {
            class,
            calls,
            limit,
            time: limit.map_or(Duration::ZERO, |limit| time(calls, limit)),
        }
    };
    let lower = calls.iter().filter(|(class, calls)| *class != RateClass::Users && *calls > 0);
    std::iter::once(line(RateClass::Users, total))
        .chain(lower.map(|&(class, calls)| line(class, calls)))
        .collect()
}

/// A job that fits into one window goes out at once; a longer one takes its share of the rate.
fn time(calls: u64, limit: Limit) -> Duration {
    if calls <= u64::from(limit.requests) {
        return Duration::ZERO;
    }
    #[expect(clippy::cast_precision_loss, reason = "a forecast")]
    Duration::try_from_secs_f64(calls as f64 / limit.per_second()).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn every_call_counts_as_user_management_and_against_its_own_limit() {
        let limits = [
            (RateClass::Users, Limit { requests: 400, window: PER_MINUTE }),
            (RateClass::UsersUpdate, Limit { requests: 160, window: PER_MINUTE }),
        ];
        let calls = [(RateClass::Users, 700), (RateClass::UsersUpdate, 320)];
        let lines = forecast(&calls, &limits);
        let told: Vec<_> = lines.iter().map(|l| (l.class, l.calls, l.time.as_secs())).collect();
        assert_eq!(told, [(RateClass::Users, 1020, 153), (RateClass::UsersUpdate, 320, 120)]);
    }

    #[test]
    fn what_fits_into_a_window_takes_no_time() {
        let limits = [(RateClass::Users, Limit { requests: 400, window: PER_MINUTE })];
        assert_eq!(forecast(&[(RateClass::Users, 400)], &limits)[0].time, Duration::ZERO);
        assert_eq!(forecast(&[(RateClass::Users, 401)], &[])[0].time, Duration::ZERO);
        assert_eq!(forecast(&[(RateClass::Users, 401)], &limits)[0].time.as_secs(), 60);
    }
}
