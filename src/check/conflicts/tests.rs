//! What is in conflict, and what is not.

use super::AssertionKind::{Arrives, Leaves};
use super::*;

/// A claim on key 1 (or on another) in a row.
fn claim(row: u64, kind: AssertionKind, tag: u32, value: u64) -> Assertion {
    Assertion { key: 1, tag, at: RowPlace { row, line: 0, source: 0 }, kind, value }
}

/// Conflicts with the row at fault and the other.
fn found(claims: Vec<Assertion>) -> Vec<(Conflict, u64, u64)> {
    found_where(false, claims)
}

/// The same, where the server merges users or not.
fn found_where(merges: bool, mut claims: Vec<Assertion>) -> Vec<(Conflict, u64, u64)> {
    let mut found = Vec::new();
    let mut conflicts = Conflicts::new(merges, |f: FoundConflicts| {
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
fn a_value_that_is_the_login_id_of_another_row() {
    let holds = |row, user| claim(row, AssertionKind::Holds, FIELD, user);
    let sets = |row| claim(row, AssertionKind::Sets, FIELD + 1, 7);
    let uses = |row| claim(row, AssertionKind::Uses, 9, 0);
    for named in [sets, uses] {
        for (at, named_at) in [(1, 2), (2, 1)] {
            let claims = vec![holds(at, A), named(named_at)];
            let expected = |conflict| [(conflict, at, named_at)];
            assert_eq!(found(claims.clone()), expected(Conflict::AnothersLoginId));
            assert_eq!(found_where(true, claims), expected(Conflict::Merges));
        }
    }
    // The user's own login ID, a value that names nobody, and a name that is free by then.
    assert_eq!(found(vec![holds(1, 1), sets(2)]), []);
    assert_eq!(found(vec![holds(1, A)]), []);
    let leaves = |row| claim(row, AssertionKind::Leaves, NAME, B);
    assert_eq!(found(vec![sets(1), leaves(2), holds(3, A)]), []);
    assert_eq!(found(vec![sets(1), holds(2, A), leaves(3)]), [(Conflict::AnothersLoginId, 2, 1)]);
    // It is told once, for the worse of its reasons.
    assert_eq!(found(vec![holds(1, 1), sets(1), holds(2, A)]), [(Conflict::AnothersLoginId, 2, 1)]);
}

#[test]
fn three_steps_by_a_third_name_are_a_swap_that_works() {
    let on = |key, row, kind, value| Assertion { key, ..claim(row, kind, NAME, value) };
    let (a, b, third) = (10, 20, 30);
    let steps = |[one, two, three]: [u64; 3]| {
        vec![
            on(a, one, Leaves, third),
            on(third, one, Arrives, a),
            on(b, two, Leaves, a),
            on(a, two, Arrives, b),
            on(third, three, Leaves, b),
            on(b, three, Arrives, third),
        ]
    };
    assert_eq!(found(steps([1, 2, 3])), []);
    assert!(!found(steps([2, 3, 1])).is_empty() || !found(steps([3, 2, 1])).is_empty());
    // Users who each take the name of the next, in the wrong order.
    let shift = vec![
        on(a, 1, Leaves, b),
        on(b, 1, Arrives, a),
        on(b, 2, Leaves, third),
        on(third, 2, Arrives, b),
    ];
    assert_eq!(found(shift), [(Conflict::TakenUntil, 1, 2)]);
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
