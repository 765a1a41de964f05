//! What the columns of a file show as a whole, where one cell alone proves too little: the region of
//! phone numbers without `+`, the type of a custom attribute.

use std::collections::HashMap;
use std::sync::Arc;

use super::cell::Cell;
use crate::rows::values::{
    AttributeType, CellReading, Evidence, Fits, PhoneReading, Phones, Region, StatedRegion,
    TypeCounts,
};

/// Columns by file and name: a file may be of one country, and its neighbour not.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    columns: Vec<(Arc<str>, Arc<str>)>,
    fits: HashMap<(usize, Region), Fits>,
    types: HashMap<usize, TypeCounts>,
}

impl Survey {
    /// Counts what a cell of a column of phone numbers holds.
    pub(super) fn count_phone(
        &mut self,
        column: (&str, &str),
        cell: Cell<'_>,
        reading: PhoneReading,
    ) {
        let Some(region) = needed(cell, reading) else { return };
        let column = self.column(column);
        self.fits.entry((column, region)).or_default().count(&cell.shown(), region);
    }

    /// Counts what a cell of a column of a custom attribute holds. What JSON holds has its type.
    pub(super) fn count_attribute(&mut self, column: (&str, &str), cell: Cell<'_>) {
        if let Cell::Text(text) = cell
            && !cell.is_blank()
        {
            let column = self.column(column);
            self.types.entry(column).or_default().count(text);
        }
    }

    /// How a cell of a column of phone numbers is read.
    pub(super) fn phone(
        &self,
        column: (&str, &str),
        cell: Cell<'_>,
        reading: CellReading,
    ) -> CellReading {
        let fits = needed(cell, reading.phone)
            .and_then(|region| self.fits.get(&(self.place(column)?, region)));
        let evidence = match fits.map(|fits| fits.evidence()) {
            Some(Evidence::Mismatch { .. }) if reading.phone.mismatch_allowed => Evidence::None,
            Some(evidence) => evidence,
            None => Evidence::None,
        };
        CellReading { phone: PhoneReading { evidence, ..reading.phone }, ..reading }
    }

    /// The type of a custom attribute by its column, where none is stated.
    pub(super) fn attribute(&self, column: (&str, &str)) -> AttributeType {
        let counts = self.place(column).and_then(|column| self.types.get(&column));
        counts.map_or(AttributeType::AsWritten, TypeCounts::shown)
    }

    fn column(&mut self, column: (&str, &str)) -> usize {
        self.place(column).unwrap_or_else(|| {
            self.columns.push((column.0.into(), column.1.into()));
            self.columns.len() - 1
        })
    }

    fn place(&self, (file, column): (&str, &str)) -> Option<usize> {
        self.columns.iter().position(|(f, c)| **c == *column && **f == *file)
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
