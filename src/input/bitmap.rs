//! A set of row numbers: a bit for each, in pages that are there only where rows are.

use std::collections::BTreeMap;

/// Bits in a page, which takes 8 KiB.
const PAGE: u64 = 1 << 16;

const WORDS: usize = (PAGE / 64) as usize;

/// Row numbers. Ten million that follow each other take 1.2 MB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    pages: BTreeMap<u64, Box<[u64]>>,
}

impl RowSet {
    /// Adds all rows of a range, both ends included.
    pub fn insert_range(&mut self, first: u64, last: u64) {
        let mut row = first;
        while row <= last {
            let page = self.pages.entry(row / PAGE).or_insert_with(|| vec![0; WORDS].into());
            let end = last.min(row | (PAGE - 1));
            set(page, row % PAGE, end % PAGE);
            let Some(next) = end.checked_add(1) else { return };
            row = next;
        }
    }

    /// Adds a row; false if it is in it already.
    pub(crate) fn insert(&mut self, row: u64) -> bool {
        let (word, bit) = place(row % PAGE);
        let page = self.pages.entry(row / PAGE).or_insert_with(|| vec![0; WORDS].into());
        let is_new = page[word] & (1 << bit) == 0;
        page[word] |= 1 << bit;
        is_new
    }

    /// Whether a row is in it.
    #[must_use]
    pub fn contains(&self, row: u64) -> bool {
        let (word, bit) = place(row % PAGE);
        self.pages.get(&(row / PAGE)).is_some_and(|page| page[word] & (1 << bit) != 0)
    }

    /// The rows, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        let of_page = |page: &u64| {
            let first = page * PAGE;
            (first..first + PAGE).filter(|row| self.contains(*row))
        };
        self.pages.keys().flat_map(of_page)
    }

    /// How many rows are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        let words = self.pages.values().flat_map(|page| page.iter());
        words.map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether no row is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The word and the bit in it of a place in a page.
fn place(within: u64) -> (usize, u64) {
    (usize::try_from(within / 64).unwrap_or(0), within % 64)
}

/// Sets the bits of a range within a page, both ends included.
fn set(page: &mut [u64], first: u64, last: u64) {
    let ((from, low), (to, high)) = (place(first), place(last));
    for (index, word) in page.iter_mut().enumerate().take(to + 1).skip(from) {
        let above = if index == from { u64::MAX << low } else { u64::MAX };
        let below = if index == to { u64::MAX >> (63 - high) } else { u64::MAX };
        *word |= above & below;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_million_rows_take_little() {
        let mut rows = RowSet::default();
        rows.insert_range(1, 10_000_000);
        assert_eq!(rows.len(), 10_000_000);
        assert_eq!(rows.pages.len() * WORDS * 8, 153 * 8192);
        rows.insert_range(u64::MAX, u64::MAX);
        assert!(rows.contains(u64::MAX) && !rows.contains(u64::MAX - 1) && !rows.contains(0));
    }

    proptest! {
        #[test]
        fn it_holds_what_a_set_would(
            ranges in prop::collection::vec((0..3 * PAGE, 0..200_u64), 0..8),
            asked in prop::collection::vec(0..3 * PAGE, 20),
        ) {
            let (mut rows, mut model) = (RowSet::default(), BTreeSet::new());
            for (first, more) in &ranges {
                rows.insert_range(*first, first + more);
                model.extend(*first..=first + more);
            }
            let ends = ranges.iter().flat_map(|(first, more)| {
                [first.saturating_sub(1), *first, first + more, first + more + 1]
            });
            for row in asked.into_iter().chain(ends) {
                prop_assert_eq!(rows.contains(row), model.contains(&row), "{}", row);
            }
            prop_assert_eq!(rows.len(), model.len() as u64);
        }
    }
}
