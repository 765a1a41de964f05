//! The journal, cut at every byte and held against an oracle.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use crate::outcome::Tally;
use crate::store::journal::{
    Commit, Identity, InputIdentity, JOURNAL_VERSION, JournalLine, Lengths, Recovered,
    parse_ranges, ranges, recover,
};

fn identity() -> Identity {
    Identity {
        version: JOURNAL_VERSION,
        inputs: vec![InputIdentity {
            name: "a.csv".into(),
            path: "/x/a.csv".into(),
            bytes: 10,
            fingerprint: "00".into(),
        }],
        settings: json!({"operation": "phone"}).as_object().unwrap().clone(),
    }
}

fn lengths(results: u64) -> Lengths {
    let failures = ("failures.csv".to_owned(), results / 2);
    [("results.jsonl".to_owned(), results), failures].into_iter().collect()
}

fn commit(rows: &[u64], results: u64, updated: u64) -> JournalLine {
    JournalLine::Commit(Commit {
        chain: None,
        rows: ranges(&mut rows.to_vec()),
        lengths: lengths(results),
        tally: Tally { updated, ..Tally::default() },
    })
}

fn journal(lines: &[JournalLine]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for line in lines {
        line.write(&mut bytes).unwrap();
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn read(bytes: &[u8]) -> Option<Recovered> {
    recover(bytes, |_| true).unwrap()
}

#[test]
fn a_journal_cut_at_any_byte_tells_of_its_whole_lines() {
    let lines = [
        JournalLine::Begin(identity()),
        JournalLine::Sent(3),
        commit(&[1, 2, 4], 100, 3),
        JournalLine::Sent(9),
        commit(&[3, 5], 180, 5),
        JournalLine::Complete,
    ];
    let (bytes, ends) = journal(&lines);
    for cut in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let Some(recovered) = read(&bytes[..cut]) else {
            assert_eq!(whole, 0, "cut at {cut}");
            continue;
        };
        let finished: Vec<u64> = recovered.finished.iter().collect();
        let sent: Vec<u64> = recovered.sent.iter().copied().collect();
        let expected: (&[u64], &[u64], u64, u64, bool) = match whole {
            1 => (&[], &[], 0, 0, false),
            2 => (&[], &[3], 0, 0, false),
            3 => (&[1, 2, 4], &[3], 100, 3, false),
            4 => (&[1, 2, 4], &[3, 9], 100, 3, false),
            5 => (&[1, 2, 3, 4, 5], &[9], 180, 5, false),
            _ => (&[1, 2, 3, 4, 5], &[9], 180, 5, true),
        };
        let told =
            (recovered.lengths.of("results.jsonl"), recovered.tally.updated, recovered.complete);
        assert_eq!(
            (finished.as_slice(), sent.as_slice()),
            (expected.0, expected.1),
            "cut at {cut}"
        );
        assert_eq!(told, (expected.2, expected.3, expected.4), "cut at {cut}");
        assert_eq!(recovered.whole, ends[whole - 1] as u64, "cut at {cut}");
    }
}

#[test]
fn a_line_that_is_damaged_ends_the_reading() {
    let (bytes, ends) =
        journal(&[JournalLine::Begin(identity()), commit(&[1], 1, 1), commit(&[2], 2, 2)]);
    for at in ends[0]..ends[1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let recovered = read(&damaged).unwrap();
        assert_eq!((recovered.whole, recovered.finished.len()), (ends[0] as u64, 0), "byte {at}");
    }
}

#[test]
fn a_line_that_tells_of_more_than_the_files_hold_ends_the_reading() {
    let (bytes, ends) = journal(&[
        JournalLine::Begin(identity()),
        commit(&[1], 100, 1),
        commit(&[2], 200, 2),
        commit(&[3], 300, 3),
    ]);
    let holds = |lengths: &Lengths| lengths.of("results.jsonl") <= 250;
    let recovered = recover(bytes.as_slice(), holds).unwrap().unwrap();
    assert_eq!(recovered.finished.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((recovered.lengths.of("results.jsonl"), recovered.whole), (200, ends[2] as u64));
}

#[test]
fn files_that_hold_less_than_was_synced_are_an_error() {
    let holds = |lengths: &Lengths| lengths.of("results.jsonl") <= 150;
    let begun = [JournalLine::Begin(identity()), commit(&[1], 100, 1)];
    for after in [JournalLine::Synced, JournalLine::Complete, JournalLine::Sent(3)] {
        let mut lines = begun.to_vec();
        lines.extend([commit(&[2], 200, 2), after]);
        let (bytes, ends) = journal(&lines);
        assert!(recover(bytes.as_slice(), holds).is_err());
        // Without that line it may have been the power that failed.
        let recovered = recover(&bytes[..ends[2]], holds).unwrap().unwrap();
        assert_eq!((recovered.finished.len(), recovered.whole), (1, ends[1] as u64));
    }
}

#[test]
fn what_changed_is_said() {
    let then = identity();
    assert_eq!(then.differences(&then), Vec::<String>::new());
    let mut now = identity();
    now.inputs[0].fingerprint = "01".into();
    now.settings.insert("operation".into(), "email".into());
    now.settings.insert("blank".into(), "clear".into());
    assert_eq!(
        then.differences(&now),
        [
            "the content of a.csv",
            "blank: it was nothing, now \"clear\"",
            "operation: it was \"phone\", now \"email\"",
        ]
    );
    now.inputs[0].path = "/y/a.csv".into();
    assert!(!then.same_inputs(&now));
}

proptest! {
    /// Any rows in any batches come back, whole or cut anywhere.
    #[test]
    fn any_batches_come_back(
        batches in prop::collection::vec(prop::collection::btree_set(1u64..500, 1..40), 1..10),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut lines = vec![JournalLine::Begin(identity())];
        lines.extend(batches.iter().map(|rows| commit(&rows.iter().copied().collect::<Vec<_>>(), 1, 1)));
        let (bytes, ends) = journal(&lines);
        let cut = cut.index(bytes.len() + 1);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let expected: BTreeSet<u64> = batches.iter().take(whole.saturating_sub(1)).flatten().copied().collect();
        let finished: BTreeSet<u64> = read(&bytes[..cut]).iter().flat_map(|r| r.finished.iter()).collect();
        prop_assert_eq!(finished, expected);
    }

    /// Bytes that are no journal are none, and never a panic.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(read(&bytes), None);
    }
}

#[test]
fn lengths_are_held_by_files_that_are_as_long() {
    let file = |name: &str, length| (name.to_owned(), length);
    let lengths: Lengths = [file("a", 5), file("b", 0)].into_iter().collect();
    assert_eq!(serde_json::to_string(&lengths).unwrap(), r#"{"a":5}"#, "b was not begun");
    for (held, expected) in [
        (vec![file("a", 5)], true),
        (vec![file("a", 9), file("c", 1)], true),
        (vec![file("a", 4)], false),
        (vec![file("c", 5)], false),
        (vec![], false),
    ] {
        assert_eq!(lengths.are_held_by(&held.iter().cloned().collect()), expected, "{held:?}");
    }
    assert!(Lengths::default().are_held_by(&std::collections::BTreeMap::new()));
}

#[test]
fn a_run_is_about_its_inputs_by_their_paths() {
    let (one, mut other) = (identity(), identity());
    other.inputs[0].fingerprint = "ff".into();
    assert!(one.same_inputs(&other), "whatever they hold now");
    other.inputs[0].path = "/y/a.csv".into();
    assert!(!one.same_inputs(&other));
    other.inputs.clear();
    assert!(!one.same_inputs(&other));
}

#[test]
fn rows_are_written_as_ranges_and_read_back() {
    assert_eq!(ranges(&mut [7, 2, 1, 3, 5]), "1-3,5,7");
    assert_eq!(parse_ranges("1-3,5,7"), Some(vec![(1, 3), (5, 5), (7, 7)]));
    for damaged in ["3-1", "1-99999999999999", "99999999999999", "a", "1-", "-1", "1-2-3"] {
        assert_eq!(parse_ranges(damaged), None, "{damaged}");
    }
}
