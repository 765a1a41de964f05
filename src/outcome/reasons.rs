//! Why rows failed, counted: the commonest reasons of a run, with where each was first met.
//!
//! The memory is bounded: beyond [`KEPT`] different reasons, new ones are only counted
//! together. Reasons differ by kind and by the server's code or, without one, by message.

use serde::Serialize;

use super::Finished;

/// Different reasons kept apart.
const KEPT: usize = 256;

/// A reason, and how often it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The failures' kind.
    pub kind: &'static str,
    /// The server's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many rows failed for it.
    pub count: u64,
    /// The place of the first: `file:line (row n)`.
    pub first: String,
    /// What the first said; left out where it is the server's words, which may name a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it, as the first said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The reasons met so far.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    kept: Vec<Reason>,
    others: u64,
}

impl Reasons {
    /// Counts the reason of a row, if it failed.
    pub fn count(&mut self, finished: &Finished) {
        let Some(error) = &finished.outcome.error else {
            return;
        };
        // The server's words differ by user; ours tell one cause from another.
        let message = error.code.is_none().then_some(&error.message);
        let same = |reason: &&mut Reason| {
            let own = (reason.kind, reason.code.as_ref(), reason.message.as_ref());
            own == (error.kind, error.code.as_ref(), message)
        };
        if let Some(reason) = self.kept.iter_mut().find(same) {
            reason.count += 1;
        } else if self.kept.len() < KEPT {
            self.kept.push(Reason {
                kind: error.kind,
                code: error.code.clone(),
                count: 1,
                first: finished.record.place(),
                message: message.cloned(),
                hint: error.hint.clone(),
            });
        } else {
            self.others += 1;
        }
    }

    /// The commonest reasons, the commonest first; of equals the one met first.
    #[must_use]
    pub fn top(&self, many: usize) -> Vec<Reason> {
        let mut sorted = self.kept.clone();
        sorted.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        sorted.truncate(many);
        sorted
    }

    /// Failures for reasons too many to be kept apart.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::Outcome;
    use crate::record::{Content, Encoding, Format, Position, Problem, Record, Source};

    fn failed(row: u64, kind: &'static str, code: Option<String>) -> Finished {
        let source = Arc::new(Source {
            name: "u.csv".to_owned(),
            format: Format::Csv,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: Vec::new(),
        });
        let position = Position { row, line: row + 1, byte: 0 };
        let problem = Problem::new(kind, format!("wrong in row {row}")).hint("mend it");
        let mut outcome = Outcome::invalid(problem, jiff::Timestamp::UNIX_EPOCH);
        outcome.error.as_mut().unwrap().code = code;
        Finished {
            record: Record { source, position, content: Content::Object("{}".into()) },
            operation: None,
            login_id: None,
            outcome,
            notes: None,
        }
    }

    #[test]
    fn the_commonest_come_first_with_their_first_place() {
        let mut reasons = Reasons::default();
        let rows =
            [("a", None), ("b", Some("E1")), ("b", Some("E2")), ("c", None), ("b", Some("E2"))];
        for (row, (kind, code)) in (1..).zip(rows) {
            reasons.count(&failed(row, kind, code.map(str::to_owned)));
        }
        let mut fine = failed(6, "d", None);
        fine.outcome.error = None;
        reasons.count(&fine);
        let top = reasons.top(3);
        let shown: Vec<_> = top.iter().map(|r| (r.kind, r.code.as_deref(), r.count)).collect();
        assert_eq!(shown, [("b", Some("E2"), 2), ("a", None, 1), ("b", Some("E1"), 1)]);
        assert_eq!(top[0].first, "u.csv:4 (row 3)");
        assert_eq!(top[0].message, None, "the server's words stay in the run folder");
        assert_eq!(top[1].message.as_deref(), Some("wrong in row 1"));
        assert_eq!(top[0].hint.as_deref(), Some("mend it"));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut reasons = Reasons::default();
        for row in 0..2 * KEPT as u64 {
            reasons.count(&failed(row, "x", Some(row.to_string())));
        }
        assert_eq!(reasons.top(usize::MAX).len(), KEPT);
        assert_eq!(reasons.others(), KEPT as u64);
    }
}
