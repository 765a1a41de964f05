//! What is in conflict, and what is not.

use super::*;

/// A claim on key 1 (or on another) in a row.
fn claim(row: u64, kind: AssertionKind, tag: u32, value: u64) -> Assertion {
    Assertion { key: 1, tag, at: RowPlace { row, line: 0, source: 0 }, kind, value }
}

/// Conflicts with the row at fault and the other.
fn found(mut claims: Vec<Assertion>) -> Vec<(Conflict, u64, u64)> {
    let mut found = Vec::new();
    let mut conflicts = Conflicts::new(|f: FoundConflicts| {
        found.push((f.conflict, f.assertion.at.row, f.other.row));
    });
    claims.sort_unstable();
    for claim in claims {
        conflicts.take(claim);
    }
    conflicts.finish();
    found
}

const A: u64 = 10;
const B: u64 = 20;
const FIELD: u32 = 5;

#[test]
fn one_field_set_twice() {
    let set = |row, tag, value| claim(row, AssertionKind::Sets, tag, value);
    assert_eq!(found(vec![set(1, FIELD, 7), set(2, FIELD, 7)]), [(Conflict::Repeated, 2, 1)]);
    assert_eq!(found(vec![set(1, FIELD, 7), set(2, FIELD, 8)]), [(Conflict::Contradicting, 2, 1)]);
    assert_eq!(
        found(vec![set(1, FIELD, 7), set(2, FIELD, 8), set(3, FIELD, 8)]),
        [(Conflict::Contradicting, 2, 1), (Conflict::Repeated, 3, 2)]
    );
    assert_eq!(found(vec![set(1, FIELD, 7), set(2, FIELD + 1, 8)]), []);
    let other_user = Assertion { key: 2, ..set(2, FIELD, 8) };
    assert_eq!(found(vec![set(1, FIELD, 7), other_user]), []);
    assert_eq!(
        found(vec![claim(1, AssertionKind::Uses, 9, 0), claim(2, AssertionKind::Uses, 9, 0)]),
        []
    );
}

#[test]
fn one_value_for_two_users() {
    let hold = |row, user| claim(row, AssertionKind::Holds, NAME, user);
    assert_eq!(found(vec![hold(1, A), hold(2, B)]), [(Conflict::SharedValue, 2, 1)]);
    assert_eq!(found(vec![hold(1, A), hold(2, A)]), []);
    assert_eq!(
        found(vec![hold(1, A), hold(2, B), hold(3, A), hold(4, B)]),
        [(Conflict::SharedValue, 2, 1), (Conflict::SharedValue, 4, 1)]
    );
}

#[test]
fn a_name_that_was_given_up() {
    let leaves = |row| claim(row, AssertionKind::Leaves, NAME, B);
    let sets = |row| claim(row, AssertionKind::Sets, FIELD, 7);
    assert_eq!(found(vec![leaves(2), sets(3)]), [(Conflict::RenamedAway, 3, 2)]);
    assert_eq!(found(vec![sets(1), leaves(2)]), []);
    assert_eq!(
        found(vec![leaves(2), claim(3, AssertionKind::Uses, 9, 0)]),
        [(Conflict::RenamedAway, 3, 2)]
    );
    assert_eq!(found(vec![leaves(1), leaves(2)]), [(Conflict::RenamedAway, 2, 1)]);
    // Another user has it by then.
    let arrives = claim(3, AssertionKind::Arrives, NAME, A);
    assert_eq!(found(vec![leaves(2), arrives, sets(4)]), []);
}

#[test]
fn a_name_that_somebody_has() {
    let arrives = |row, from| claim(row, AssertionKind::Arrives, NAME, from);
    let leaves = |row, to| claim(row, AssertionKind::Leaves, NAME, to);
    assert_eq!(found(vec![arrives(1, A), arrives(2, B)]), [(Conflict::SharedLoginId, 2, 1)]);
    assert_eq!(found(vec![arrives(1, A), leaves(2, A)]), [(Conflict::Swap, 1, 2)]);
    assert_eq!(found(vec![arrives(1, A), leaves(2, B)]), [(Conflict::TakenUntil, 1, 2)]);
    assert_eq!(found(vec![leaves(1, B), arrives(2, A)]), []);
    let sets = claim(1, AssertionKind::Sets, FIELD, 7);
    assert_eq!(found(vec![sets, arrives(2, A)]), [(Conflict::SharedLoginId, 2, 1)]);
    let later = claim(3, AssertionKind::Sets, FIELD, 7);
    assert_eq!(found(vec![arrives(2, A), later]), []);
}
