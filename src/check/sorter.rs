//! Sorting more than fits into memory: assertions, and who is named by what.
//!
//! Items are gathered up to a bound, sorted, and put into a temporary file that has no name;
//! at the end the sorted stretches are merged. Memory stays the same for any number of rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use crate::store;

/// Items held in memory at most: 20 MiB of assertions.
const HELD: usize = 512 * 1024;

/// Items read at once of each stretch while merging.
const BLOCK: usize = 1024;

/// What can be sorted on disk.
pub(crate) trait Sortable: Copy + Ord {
    /// Its form in a file, which always has the same size.
    type Encoded: AsRef<[u8]> + AsMut<[u8]> + Default;

    /// Its form in a file.
    fn encode(&self) -> Self::Encoded;

    /// What has this form in a file.
    fn decode(bytes: &Self::Encoded) -> Self;
}

/// Gathers items.
#[derive(Debug)]
pub(crate) struct Sorter<T> {
    held: Vec<T>,
    most: usize,
    file: Option<File>,
    /// Where each sorted stretch ends in the file.
    ends: Vec<u64>,
}

impl<T: Sortable> Sorter<T> {
    /// The size of an item in a file.
    const SIZE: usize = size_of::<T::Encoded>();

    pub(crate) fn new() -> Self {
        Self::holding(HELD)
    }

    fn holding(most: usize) -> Self {
        Self { held: Vec::new(), most, file: None, ends: Vec::new() }
    }

    /// Takes an item.
    pub(crate) fn push(&mut self, item: T) -> io::Result<()> {
        self.held.push(item);
        if self.held.len() >= self.most { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(store::unnamed_file()?),
        };
        let mut end = file.seek(SeekFrom::End(0))?;
        let mut writer = BufWriter::with_capacity(BLOCK * Self::SIZE, file);
        for item in self.held.drain(..) {
            writer.write_all(item.encode().as_ref())?;
            end += Self::SIZE as u64;
        }
        writer.flush()?;
        self.ends.push(end);
        Ok(())
    }
}

/// Calls `each` with the items of all sorters in order.
pub(crate) fn merge<T: Sortable>(
    sorters: Vec<Sorter<T>>,
    mut each: impl FnMut(T),
) -> io::Result<()> {
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
        heads.extend(stretch.next()?.map(|item| Reverse((item, index))));
    }
    while let Some(Reverse((item, index))) = heads.pop() {
        each(item);
        heads.extend(stretches[index].next()?.map(|item| Reverse((item, index))));
    }
    Ok(())
}

/// A sorted stretch, of which a block is in memory.
struct Stretch<T> {
    block: Vec<T>,
    next: usize,
    /// The file, and from where to where the rest is in it.
    rest: Option<(File, u64, u64)>,
}

impl<T: Sortable> Stretch<T> {
    fn next(&mut self) -> io::Result<Option<T>> {
        if self.next == self.block.len() {
            self.fill()?;
        }
        let item = self.block.get(self.next).copied();
        self.next += 1;
        Ok(item)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.next = 0;
        let Some((file, from, end)) = &mut self.rest else { return Ok(()) };
        let left = usize::try_from(*end - *from).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(BLOCK * Sorter::<T>::SIZE)];
        file.read_exact_at(&mut bytes, *from)?;
        *from += bytes.len() as u64;
        self.block.extend(bytes.chunks_exact(Sorter::<T>::SIZE).map(|bytes| {
            let mut item = T::Encoded::default();
            item.as_mut().copy_from_slice(bytes);
            T::decode(&item)
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::assertions::{Assertion, AssertionKind, RowPlace};

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
