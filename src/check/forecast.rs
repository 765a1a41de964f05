//! The forecast: how many calls the rows take, and how long under the limits.

use std::time::Duration;

use crate::catalog::{LOAD, NAMES_A_SEARCH, OperationKind, RateClass};
use crate::change::Subject;
use crate::limiter::limit::Limit;
use crate::rows::{Instruction, OnConflict};

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

/// What rows need.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needed {
    /// Calls for rows that go by themselves, by their class.
    calls: [u64; RateClass::ALL.len()],
    /// Rows that share calls. Fewer users may be behind them.
    batched: u64,
    /// Rows that make users together.
    created: u64,
    /// Names that are searched for before.
    searched: u64,
    /// Rows that are sent.
    rows: u64,
}

impl Needed {
    /// Counts a row.
    pub(crate) fn count(&mut self, instruction: &Instruction) {
        self.rows += 1;
        match instruction.batch {
            Some(_) => {
                match instruction.operation.kind {
                    OperationKind::Create | OperationKind::Upsert => self.created += 1,
                    OperationKind::Read | OperationKind::Update | OperationKind::Delete => {
                        self.batched += 1;
                    }
                }
                self.searched += instruction.guarded_names().count() as u64;
            }
            None => {
                if instruction.looked_up {
                    *self.of(LOAD.rate_class) += instruction.contact_names().count() as u64;
                }
                for call in instruction.calls() {
                    *self.of(call.operation().rate_class) += 1;
                }
            }
        }
    }

    /// Counts a row that shares calls if a patch can set what it sets (`--batch`).
    pub(crate) fn count_batched(&mut self, instruction: &Instruction) {
        let operation = instruction.operation;
        let merges = instruction.on_conflict == OnConflict::Merge && operation.fail_on_conflict;
        let of_attributes = instruction
            .changes
            .iter()
            .any(|change| matches!(change.subject, Subject::Attribute(_)));
        if merges || of_attributes || !operation.is_patch() {
            return self.count(instruction);
        }
        self.rows += 1;
        self.batched += 1;
        self.searched += instruction.guarded_names().count() as u64;
    }

    /// Calls that it takes to read the users before, a hundred in each: one row each, at most.
    #[must_use]
    pub(crate) fn reads(&self) -> u64 {
        self.rows.div_ceil(NAMES_A_SEARCH as u64)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        for (sum, calls) in self.calls.iter_mut().zip(other.calls) {
            *sum += calls;
        }
        self.batched += other.batched;
        self.created += other.created;
        self.searched += other.searched;
    }

    fn of(&mut self, class: RateClass) -> &mut u64 {
        let index = RateClass::ALL.iter().position(|own| *own == class);
        &mut self.calls[index.unwrap_or_default()]
    }

    /// Calls by their own class, with so many users in a batch.
    fn in_calls(mut self, batch_size: u64) -> Vec<(RateClass, u64)> {
        let size = batch_size.max(1);
        if size == 1 {
            self.searched = 0;
        }
        *self.of(RateClass::Users) += self.batched.div_ceil(size);
        *self.of(RateClass::UsersCreateBatch) += self.created.div_ceil(size);
        *self.of(RateClass::UsersSearch) += self.searched.div_ceil(size.min(NAMES_A_SEARCH as u64));
        RateClass::ALL.into_iter().zip(self.calls).collect()
    }
}

/// What the calls of every class come to.
#[must_use]
pub(crate) fn forecast(
    needed: &Needed,
    batch_size: u64,
    limits: &[(RateClass, Limit)],
) -> Vec<Calls> {
    lines(&needed.in_calls(batch_size), limits)
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
    use std::sync::Arc;

    use super::*;
    use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
    use crate::rows::{Batching, Builder, Mapping};

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

    /// The calls of so many rows, by class.
    fn calls(rows: &[(u64, &str)], mapping: &Mapping, batch_size: u64) -> Vec<(RateClass, u64)> {
        let source = Arc::new(Source {
            name: "in".into(),
            format: Format::Jsonl,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: vec![],
            header_line: 1,
        });
        let mut builder = Builder::new(mapping.clone(), &[Arc::clone(&source)]).unwrap();
        let mut needed = Needed::default();
        for (many, row) in rows {
            let position = Position { row: 1, line: 1, byte: 0 };
            let content = Content::Object((*row).into());
            let record = Record { source: Arc::clone(&source), position, content };
            let instruction = builder.build(record).unwrap();
            let mut these = Needed::default();
            (0..*many).for_each(|_| these.count(&instruction));
            needed.add(&these);
        }
        let lines = forecast(&needed, batch_size, &[]);
        lines.iter().map(|line| (line.class, line.calls)).collect()
    }

    #[test]
    fn rows_that_share_calls_are_searched_for_by_their_contacts() {
        const NAME: &str = r#"{"operation":"name","loginId":"a","name":"A"}"#;
        const EMAIL: &str =
            r#"{"operation":"email","loginId":"a","email":"a@b.c","verified":true}"#;
        const BOTH: &str = r#"{"operation":"patch","loginId":"a","email":"a@b.c","verifiedEmail":true,"phone":"+14155550123","verifiedPhone":true}"#;
        const RENAME: &str = r#"{"operation":"loginid","loginId":"a","newLoginId":"b"}"#;
        let all = RateClass::Users;
        let search = RateClass::UsersSearch;
        for (batching, rows, size, expected) in [
            (Batching::Off, &[(250, NAME)][..], 100, &[(all, 250)][..]),
            (Batching::Patches, &[(250, EMAIL)], 100, &[(all, 250)]),
            (Batching::Values, &[(250, NAME)], 100, &[(all, 3)]),
            (Batching::Values, &[(250, NAME)], 50, &[(all, 5)]),
            (Batching::Values, &[(250, EMAIL)], 100, &[(all, 6), (search, 3)]),
            (
                Batching::Values,
                &[(100, NAME), (100, EMAIL), (7, RENAME)],
                100,
                &[(all, 10), (search, 1)],
            ),
            (Batching::Patches, &[(200, BOTH)], 100, &[(all, 6), (search, 4)]),
        ] {
            let mapping = Mapping { batching, ..Mapping::default() };
            assert_eq!(calls(rows, &mapping, size), expected, "{batching:?}, {size}, {rows:?}");
        }
    }
}
