//! The forecast: how many calls the rows take, and how long under the limits.

use std::time::Duration;

use crate::catalog::RateClass;
use crate::instruction::Instruction;
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

/// The most names in one search (API reference, section 4).
const NAMES_A_SEARCH: u64 = 100;

/// What rows need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needed {
    /// Calls for rows that go by themselves, by their class.
    calls: [u64; RateClass::ALL.len()],
    /// Rows that share calls. Fewer users may be behind them.
    packed: u64,
    /// Names that are searched for before.
    searched: u64,
}

impl Needed {
    pub(super) fn count(&mut self, instruction: &Instruction) {
        let class = instruction.operation.rate_class;
        match instruction.patch.as_deref() {
            Some(patch) => {
                self.packed += 1;
                self.searched += patch.contacts.len() as u64;
            }
            None => *self.of(class) += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, calls) in self.calls.iter_mut().zip(other.calls) {
            *sum += calls;
        }
        self.packed += other.packed;
        self.searched += other.searched;
    }

    fn of(&mut self, class: RateClass) -> &mut u64 {
        let index = RateClass::ALL.iter().position(|own| *own == class);
        &mut self.calls[index.unwrap_or_default()]
    }

    /// Calls by their own class, with so many users in a packed one.
    fn in_calls(mut self, pack_size: u64) -> Vec<(RateClass, u64)> {
        let size = pack_size.max(1);
        *self.of(RateClass::Users) += self.packed.div_ceil(size);
        *self.of(RateClass::UsersSearch) += self.searched.div_ceil(size.min(NAMES_A_SEARCH));
        RateClass::ALL.into_iter().zip(self.calls).collect()
    }
}

/// What the calls of every class come to.
pub(super) fn forecast(
    needed: &Needed,
    pack_size: u64,
    limits: &[(RateClass, Limit)],
) -> Vec<Calls> {
    lines(&needed.in_calls(pack_size), limits)
}

/// The same; `calls` are counted once each, by their own class.
fn lines(calls: &[(RateClass, u64)], limits: &[(RateClass, Limit)]) -> Vec<Calls> {
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
        let lines = lines(&calls, &limits);
        let told: Vec<_> = lines.iter().map(|l| (l.class, l.calls, l.time.as_secs())).collect();
        assert_eq!(told, [(RateClass::Users, 1020, 153), (RateClass::UsersUpdate, 320, 120)]);
    }

    #[test]
    fn what_fits_into_a_window_takes_no_time() {
        let limits = [(RateClass::Users, Limit { requests: 400, window: PER_MINUTE })];
        assert_eq!(lines(&[(RateClass::Users, 400)], &limits)[0].time, Duration::ZERO);
        assert_eq!(lines(&[(RateClass::Users, 401)], &[])[0].time, Duration::ZERO);
        assert_eq!(lines(&[(RateClass::Users, 401)], &limits)[0].time.as_secs(), 60);
    }
}
