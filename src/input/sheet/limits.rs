//! How much of a workbook is read.

/// The most bytes a workbook may have.
pub(in crate::input) const MAX_FILE_BYTES: u64 = 128 * 1024 * 1024;

/// The most bytes that a workbook may unpack to.
pub(in crate::input) const MAX_UNPACKED_BYTES: u64 = 1024 * 1024 * 1024;

/// The most rows that are read from a sheet, blank ones not counted.
pub(in crate::input) const MAX_ROWS: usize = 1_048_576;

/// The most cells of a sheet, counting the header's width for each row.
pub(in crate::input) const MAX_CELLS: usize = 16 * 1024 * 1024;

/// The most bytes of text in the rows of a sheet.
pub(in crate::input) const MAX_TEXT_BYTES: usize = 256 * 1024 * 1024;
