//! Where the quotes of a CSV row leave the rules.
//!
//! `csv_core` reads anything: a quote that is never closed swallows the rest of the file, and
//! one that closes in the middle of a cell joins two rows, both without an error. This looks
//! at the raw bytes of a row by the same rules and tells. It agrees with `csv_core` on what is
//! inside quotes: a quote opens at the start of a cell only, and a doubled one does not close.

use memchr::memchr;

/// What was found in the bytes of a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Quotes {
    /// The offset of a quote still open at the end.
    pub(super) open: Option<usize>,
    /// The offset of the first closing quote with more of its cell behind it.
    pub(super) stray: Option<usize>,
}

/// Looks through a row from its first byte.
pub(super) fn scan(row: &[u8], delimiter: u8) -> Quotes {
    let mut found = Quotes::default();
    let mut at = 0;
    while let Some(open) = next_quote(row, at) {
        if open > 0 && row[open - 1] != delimiter {
            at = open + 1; // part of an unquoted cell
            continue;
        }
        let Some(close) = closing_quote(row, open + 1) else {
            found.open = Some(open);
            break;
        };
        at = close + 1;
        match row.get(at) {
            Some(&byte) if byte != delimiter && byte != b'\n' && byte != b'\r' => {
                found.stray = found.stray.or(Some(close));
            }
            _ => {}
        }
    }
    found
}

fn next_quote(row: &[u8], from: usize) -> Option<usize> {
    memchr(b'"', &row[from..]).map(|offset| from + offset)
}

fn closing_quote(row: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let quote = next_quote(row, from)?;
        if row.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        from = quote + 2;
    }
}
