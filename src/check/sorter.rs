//! Sorting more assertions than fit into memory.
//!
//! Assertions are gathered up to a bound, sorted, and put into a temporary file that has no name;
//! at the end the sorted stretches are merged. Memory stays the same for any number of rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use super::assertions::{Assertion, Encoded};
use crate::store;

/// Assertions held in memory at most: 20 MiB of them.
const HELD: usize = 512 * 1024;

/// Assertions read at once of each stretch while merging.
const BLOCK: usize = 1024;

/// The size of a assertion in a file.
const SIZE: usize = size_of::<Encoded>();

/// Gathers assertions.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Assertion>,
    most: usize,
    file: Option<File>,
    /// Where each sorted stretch ends in the file.
    ends: Vec<u64>,
}

impl Sorter {
    pub(super) fn new() -> Self {
        Self::holding(HELD)
    }

    fn holding(most: usize) -> Self {
        Self { held: Vec::new(), most, file: None, ends: Vec::new() }
    }

    /// Takes a assertion.
    pub(super) fn push(&mut self, assertion: Assertion) -> io::Result<()> {
        self.held.push(assertion);
        if self.held.len() >= self.most { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(store::unnamed_file()?),
        };
        let mut end = file.seek(SeekFrom::End(0))?;
        let mut writer = BufWriter::with_capacity(BLOCK * SIZE, file);
        for assertion in self.held.drain(..) {
            writer.write_all(&assertion.encode())?;
            end += SIZE as u64;
        }
        writer.flush()?;
        self.ends.push(end);
        Ok(())
    }
}

/// Calls `each` with the assertions of all sorters in order.
pub(super) fn merge(sorters: Vec<Sorter>, mut each: impl FnMut(Assertion)) -> io::Result<()> {
    let mut stretches = Vec::new();
    for mut sorter in sorters {
        sorter.held.sort_unstable();
        let held = std::mem::take(&mut sorter.held);
        stretches.push(Stretch { block: held, next: 0, rest: None });
        let Some(file) = sorter.file else { continue };
        let mut from = 0;
        for &end in &sorter.ends {
            let rest = Some((file.try_clone()?, from, end));
            stretches.push(Stretch { block: Vec::new(), next: 0, rest });
            from = end;
        }
    }
    let mut heads = BinaryHeap::new();
    for (index, stretch) in stretches.iter_mut().enumerate() {
        heads.extend(stretch.next()?.map(|assertion| Reverse((assertion, index))));
    }
    while let Some(Reverse((assertion, index))) = heads.pop() {
        each(assertion);
        heads.extend(stretches[index].next()?.map(|assertion| Reverse((assertion, index))));
    }
    Ok(())
}

/// A sorted stretch, of which a block is in memory.
struct Stretch {
    block: Vec<Assertion>,
    next: usize,
    /// The file, and from where to where the rest is in it.
    rest: Option<(File, u64, u64)>,
}

impl Stretch {
    fn next(&mut self) -> io::Result<Option<Assertion>> {
        if self.next == self.block.len() {
            self.fill()?;
        }
        let assertion = self.block.get(self.next).copied();
        self.next += 1;
        Ok(assertion)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.next = 0;
        let Some((file, from, end)) = &mut self.rest else { return Ok(()) };
        let left = usize::try_from(*end - *from).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(BLOCK * SIZE)];
        file.read_exact_at(&mut bytes, *from)?;
        *from += bytes.len() as u64;
        let (assertions, _) = bytes.as_chunks::<SIZE>();
        self.block.extend(assertions.iter().map(Assertion::decode));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::assertions::{AssertionKind, RowPlace};

    proptest! {
        #[test]
        fn claims_come_out_sorted_and_none_is_lost(
            pushed in proptest::collection::vec((any::<u64>(), 0..3_u32, 1..100_u64), 0..200),
            most in 1..40_usize,
        ) {
            let assertion = |&(key, tag, row): &(u64, u32, u64)| Assertion {
                key: key % 7,
                tag,
                at: RowPlace { row, line: 1, source: 0 },
                kind: AssertionKind::Sets,
                value: key,
            };
            let mut expected: Vec<Assertion> = pushed.iter().map(assertion).collect();
            let mut sorters = vec![Sorter::holding(most), Sorter::holding(2 * most)];
            for (index, assertion) in expected.iter().enumerate() {
                sorters[index % 2].push(*assertion).unwrap();
            }
            let mut merged = Vec::new();
            merge(sorters, |assertion| merged.push(assertion)).unwrap();
            expected.sort_unstable();
            prop_assert_eq!(merged, expected);
        }
    }
}
