//! A workbook, of whatever kind.

use super::table::Table;

/// A sheet of a workbook.
pub(super) struct Info {
    pub(super) name: String,
    pub(super) visible: bool,
    /// Whether any of its cells holds something.
    pub(super) filled: bool,
}

/// A workbook of one kind.
pub(super) trait Book {
    /// Its sheets, in order.
    fn sheets(&mut self) -> Result<Vec<Info>, String>;

    /// Puts the cells of a sheet into a table.
    fn read(&mut self, sheet: &str, table: &mut Table) -> Result<(), String>;
}
