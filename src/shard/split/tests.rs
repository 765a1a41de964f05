use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::input::{Input, Stated};
use crate::rows::Mapping;

/// The parts of a split of a table.
fn parts(table: &str, of: u64) -> Vec<Split> {
    let part = |index| {
        let bytes = std::io::Cursor::new(table.to_owned().into_bytes());
        let input = Input::of_reader("in.csv", Stated::default(), bytes).unwrap();
        let mut builder = Builder::new(Mapping::default(), input.sources()).unwrap();
        let rows = input.map(|row| row.unwrap());
        split(&mut builder, rows, Shard::new(index, of).unwrap()).unwrap()
    };
    (0..of).map(part).collect()
}

/// Which part each row is in.
fn part_of(parts: &[Split]) -> BTreeMap<u64, usize> {
    let numbered = parts.iter().enumerate();
    numbered.flat_map(|(index, part)| part.rows.iter().map(move |row| (row, index))).collect()
}

#[test]
fn how_rows_are_split_never_changes() {
    let table = "operation,loginId,newLoginId,phone,verified\n\
        phone,ada@example.com,,+447911123456,true\n\
        loginid,bob@example.com,rob@example.com,,\n\
        phone,ROB@example.com,,+447911123457,true\n\
        phone,cleo@example.com,,,\n\
        phone,dora@example.com,,+447911123458,true\n\
        phone,,,,\n\
        phone,eve@example.com,,+44 7911 123458,true\n\
        phone,finn@example.com,,+447911123459,true\n";
    let parts = parts(table, 4);
    let told: Vec<usize> = part_of(&parts).into_values().collect();
    // A job may be begun by one version of this program and be finished by another.
    assert_eq!(told, [3, 2, 2, 3, 2, 3, 2, 1]);
    let first = parts[0].told();
    assert_eq!(first["fingerprint"], "3379fdfe3585ca54");
    assert_eq!(first["all"], 8);
    let own: u64 = parts.iter().map(|part| part.own).sum();
    assert_eq!(own, 8);
    assert!(parts.iter().all(|part| part.fingerprint == parts[0].fingerprint));
}

#[test]
fn more_connections_than_can_be_held_are_told() {
    let sorter = || {
        let mut names = Sorter::new();
        for person in 0..5 {
            names.push(NamedBy { name: 7, person }).unwrap();
        }
        names
    };
    assert!(connections(sorter(), 3).unwrap().is_none());
    assert_eq!(connections(sorter(), 4).unwrap().map(|held| held.len()), Some(4));
}

proptest! {
    #[test]
    fn every_row_is_in_one_part_and_rows_of_one_person_are_together(
        rows in prop::collection::vec((0..20_u8, prop::option::of(0..20_u8), any::<bool>()), 1..40),
        of in 1..9_u64,
    ) {
        let mut table = "loginId,newLoginId\n".to_owned();
        for (user, new, upper) in &rows {
            let user = format!("u{user}@example.com");
            let user = if *upper { user.to_uppercase() } else { user };
            let new = new.map(|new| format!("u{new}@example.com")).unwrap_or_default();
            writeln!(table, "{user},{new}").unwrap();
        }
        let parts = parts(&table, of);
        let part_of = part_of(&parts);
        prop_assert_eq!(parts.iter().map(|part| part.own).sum::<u64>(), rows.len() as u64);
        prop_assert_eq!(part_of.len(), rows.len());
        let mut sets: Vec<u8> = (0..20).collect();
        for (user, new, _) in &rows {
            let Some(new) = new else { continue };
            let (from, to) = (sets[usize::from(*user)], sets[usize::from(*new)]);
            sets.iter_mut().filter(|set| **set == from).for_each(|set| *set = to);
        }
        let mut parts_of_set: BTreeMap<u8, BTreeSet<usize>> = BTreeMap::new();
        for (row, (user, ..)) in (1..).zip(&rows) {
            parts_of_set.entry(sets[usize::from(*user)]).or_default().insert(part_of[&row]);
        }
        prop_assert!(parts_of_set.values().all(|parts| parts.len() == 1), "{:?}", parts_of_set);
    }
}
