//! The columns of phone numbers without `+`, and what each shows of the region stated for it.

use std::collections::HashMap;
use std::sync::Arc;

use super::cell::Cell;
use crate::catalog::Kind;
use crate::rows::values::{Evidence, Fits, PhoneReading, Phones, Region, StatedRegion};

/// Columns by file, name and stated region: a file may be of one country, and its neighbour not.
#[derive(Clone, Debug, Default)]
pub(super) struct PhoneColumns {
    names: Vec<(Arc<str>, Arc<str>)>,
    fits: HashMap<(usize, Region), Fits>,
}

impl PhoneColumns {
    /// Counts what a cell of a column holds.
    pub(super) fn count(
        &mut self,
        (file, column): (&str, &str),
        cell: Cell<'_>,
        reading: PhoneReading,
    ) {
        let Some(region) = needed(cell, reading) else { return };
        let place = self.place(file, column).unwrap_or_else(|| {
            self.names.push((file.into(), column.into()));
            self.names.len() - 1
        });
        self.fits.entry((place, region)).or_default().count(&cell.shown(), region);
    }

    /// How a cell of a column is read, with what the column shows.
    pub(super) fn reading(
        &self,
        (file, column): (&str, &str),
        kind: Kind,
        cell: Cell<'_>,
        reading: PhoneReading,
    ) -> PhoneReading {
        if kind != Kind::Phone {
            return reading;
        }
        let fits = needed(cell, reading).and_then(|region| {
            let place = self.place(file, column)?;
            self.fits.get(&(place, region))
        });
        let evidence = match fits.map(|fits| fits.evidence()) {
            Some(Evidence::Mismatch { .. }) if reading.mismatch_allowed => Evidence::None,
            Some(evidence) => evidence,
            None => Evidence::None,
        };
        PhoneReading { evidence, ..reading }
    }

    fn place(&self, file: &str, column: &str) -> Option<usize> {
        self.names.iter().position(|(f, c)| **c == *column && **f == *file)
    }
}

/// The region that a cell needs: most numbers begin with `+` and need none.
fn needed(cell: Cell<'_>, reading: PhoneReading) -> Option<Region> {
    let StatedRegion::As(region) = reading.region else { return None };
    let text = match cell {
        Cell::Text(text) => text,
        Cell::Json(raw) => raw.get().trim_matches('"'),
    };
    let needs = reading.phones != Phones::AsIs && !text.is_empty() && !text.starts_with('+');
    needs.then_some(region)
}
