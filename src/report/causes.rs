//! Why rows failed, counted: the commonest reasons of a run, with where each was first met.
//!
//! The memory is bounded: beyond [`KEPT`] different reasons, new ones are not kept. Causes differ by kind and by the server's code or, without one, by message.

use crate::issue::Issue;
use crate::outcome::{Finished, Status};
use crate::store::summary::FailureCause;

/// Different reasons kept apart.
const KEPT: usize = 256;

/// The reasons met so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureCauses {
    kept: Vec<FailureCause>,
}

impl FailureCauses {
    /// Counts the reason of a row, if it failed.
    pub(crate) fn count(&mut self, finished: &Finished) {
        let Some(error) = &finished.outcome.error else {
            return;
        };
        let message = harmless_message(error, finished);
        // The server's words may differ by user; ours tell one cause from another.
        let coded = error.server_code.is_some();
        let same = |reason: &&mut FailureCause| {
            let own = (&*reason.kind, reason.code.as_deref());
            own == (&*error.code, error.server_code.as_deref())
                && (coded || reason.message == message)
        };
        if let Some(reason) = self.kept.iter_mut().find(same) {
            reason.count += 1;
        } else if self.kept.len() < KEPT {
            self.kept.push(FailureCause {
                kind: error.code.to_string(),
                code: error.server_code.clone(),
                count: 1,
                first: finished.record.place(),
                message,
                hint: error.hint.as_ref().map(ToString::to_string),
            });
        }
    }

    /// The commonest reasons, the commonest first; of equals the one met first.
    #[must_use]
    pub(crate) fn top(&self, many: usize) -> Vec<FailureCause> {
        let mut sorted = self.kept.clone();
        sorted.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        sorted.truncate(many);
        sorted
    }
}

/// The message as it may be printed and told to others: of a row that was sent, which may be in the
/// server's words, without what may name a user; of an invalid one none that quotes the row.
fn harmless_message(error: &Issue, finished: &Finished) -> Option<String> {
    if finished.outcome.status != Status::Invalid {
        return Some(without_people(&error.message, finished.login_id.as_deref()));
    }
    (!error.quotes_values()).then(|| error.message.to_string())
}

/// The server's words without what may name a user: the row's own login ID, an address, a number.
fn without_people(words: &str, login_id: Option<&str>) -> String {
    let names = |word: &str| {
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '+');
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        // The API's codes are an E and six digits.
        let number = digits > 5 && !bare.starts_with("E1");
        Some(bare) == login_id || word.contains('@') || number
    };
    let kept = words.split(' ').map(|word| if names(word) { "…" } else { word });
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
    use crate::outcome::Outcome;

    fn failed(row: u64, kind: &'static str, code: Option<String>) -> Finished {
        let source = Arc::new(Source {
            name: "u.csv".to_owned(),
            format: Format::Csv,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: Vec::new(),
            header_line: 1,
        });
        let position = Position { row, line: row + 1, byte: 0 };
        let problem = Issue::error(kind, format!("wrong in row {row}")).hint("fix it");
        let mut outcome = Outcome::invalid(Box::new(problem), jiff::Timestamp::UNIX_EPOCH);
        if code.is_some() {
            outcome.status = Status::Rejected;
        }
        outcome.error.as_mut().unwrap().server_code = code;
        Finished {
            record: Record { source, position, content: Content::Object("{}".into()) },
            operation: None,
            login_id: None,
            changes: crate::change::Changes::new(),
            outcome,
            notes: None,
        }
    }

    #[test]
    fn the_commonest_come_first_with_their_first_place() {
        let mut reasons = FailureCauses::default();
        let rows =
            [("a", None), ("b", Some("E1")), ("b", Some("E2")), ("c", None), ("b", Some("E2"))];
        for (row, (kind, code)) in (1..).zip(rows) {
            reasons.count(&failed(row, kind, code.map(str::to_owned)));
        }
        let mut fine = failed(6, "d", None);
        fine.outcome.error = None;
        reasons.count(&fine);
        let top = reasons.top(3);
        let shown: Vec<_> = top.iter().map(|r| (&*r.kind, r.code.as_deref(), r.count)).collect();
        assert_eq!(shown, [("b", Some("E2"), 2), ("a", None, 1), ("b", Some("E1"), 1)]);
        assert_eq!(top[0].first, "u.csv:4 (row 3)");
        assert_eq!(top[0].message.as_deref(), Some("wrong in row 3"), "what the first said");
        assert_eq!(top[1].message.as_deref(), Some("wrong in row 1"));
        assert_eq!(top[0].hint.as_deref(), Some("fix it"));
    }

    #[test]
    fn the_servers_words_name_nobody() {
        for (words, shown) in [
            ("User 'ada' exists, adam", "User … exists, adam"),
            ("phone +447911123456 is taken by bob@example.com", "phone … is taken by …"),
            ("Cannot find user (E112102)", "Cannot find user (E112102)"),
            ("at most 500 in 60 s", "at most 500 in 60 s"),
        ] {
            assert_eq!(without_people(words, Some("ada")), shown);
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut reasons = FailureCauses::default();
        for row in 0..2 * KEPT as u64 {
            reasons.count(&failed(row, "x", Some(row.to_string())));
        }
        assert_eq!(reasons.top(usize::MAX).len(), KEPT);
    }
}
