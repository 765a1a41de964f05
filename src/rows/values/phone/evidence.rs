//! What a column of phone numbers shows of the region that is stated for them. Pure.
//!
//! One cell proves little: ten digits of a number of another country are often a number of the
//! stated one, too, once a zero is put in front of them. All numbers of a column together show
//! whether they are of the region.

use super::national::repairs_of;
use super::number::{Number, Standing};
use super::region::Region;
use super::scan::scan;
use crate::rows::values::repairs::RepairKind;

/// What the numbers of a column show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing, or too little.
    #[default]
    None,
    /// They are of the region, so those without the leading zero have lost it.
    ZerosLost,
    /// A good part of them are no numbers of the region.
    Mismatch {
        /// How many are not.
        misfits: u64,
        /// Of how many without `+`.
        of: u64,
    },
}

/// The numbers of a column that have no `+`, by how they fit their region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fits {
    /// Numbers in use, as people write them.
    whole: u64,
    /// Numbers in use once they have the leading zero that people write.
    zeroless: u64,
    /// Those of them that are in use in North America as they stand, where numbers have ten
    /// digits and no zero.
    american: u64,
    /// What is no number in use.
    misfits: u64,
}

impl Fits {
    /// Whether all are numbers in use as they stand.
    #[must_use]
    pub fn all_whole(self) -> bool {
        let Self { whole, zeroless, american: _, misfits } = self;
        whole > 0 && zeroless == 0 && misfits == 0
    }

    /// Counts what a cell holds, if it is a number that needs the region.
    pub fn count(&mut self, cell: &str, region: Region) {
        let Ok(written) = scan(cell.trim()) else { return };
        if written.plus || written.digits.starts_with("00") {
            return;
        }
        match repairs_of(&written, region) {
            Some(Ok(repairs)) if repairs.contains(RepairKind::ZeroRestored) => {
                self.zeroless += 1;
                let american = format!("1{}", written.digits);
                let in_use = |number: Number<'_>| number.standing() == Standing::Valid;
                self.american += u64::from(Number::of(&american).is_some_and(in_use));
            }
            Some(Ok(_)) => self.whole += 1,
            Some(Err(())) => self.misfits += 1,
            // It could be two numbers of the region.
            None => {}
        }
    }

    /// What they show together.
    #[must_use]
    pub fn evidence(self) -> Evidence {
        /// So many numbers at least are a column that shows something.
        const LEAST: u64 = 3;
        let Self { whole, zeroless, american, misfits } = self;
        let fitting = whole + zeroless;
        let of = fitting + misfits;
        // More than a tenth; a single mistake is one in any column.
        if misfits > 1 && misfits * 10 > of {
            return Evidence::Mismatch { misfits, of };
        }
        let few_misfits = misfits * 20 <= of;
        if fitting >= LEAST && few_misfits && american * 2 < zeroless {
            Evidence::ZerosLost
        } else {
            Evidence::None
        }
    }
}
