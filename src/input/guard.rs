//! The guard that keeps a cell text when a spreadsheet opens the file.
//!
//! A spreadsheet takes a CSV cell such as `+447911123456` for a number and `=1+1` for a
//! formula, and saves what it made of them. In the files that we write for people to open, such
//! a cell gets an apostrophe in front; where we read such a file again, it is taken off. A cell
//! that looks guarded already gets one more, so that taking one off is exact.

use std::borrow::Cow;

const GUARD: u8 = b'\'';

/// What begins a formula or a number, the wide forms of East Asian keyboards included.
const STARTS: [&str; 8] = ["=", "+", "-", "@", "＝", "＋", "－", "＠"];

/// The cell as it is written into a file that a spreadsheet may open.
#[must_use]
pub fn put_on(cell: &[u8]) -> Cow<'_, [u8]> {
    if is_at_risk(cell) { [&[GUARD], cell].concat().into() } else { cell.into() }
}

/// The cell that was written with its guard.
#[must_use]
pub fn take_off(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(&[GUARD]).filter(|rest| is_at_risk(rest)).unwrap_or(cell)
}

/// The text that was written with its guard.
#[must_use]
pub fn take_off_text(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_at_risk(rest.as_bytes())).unwrap_or(cell)
}

/// Whether a spreadsheet would calculate with it, or it looks as if it had a guard.
fn is_at_risk(cell: &[u8]) -> bool {
    let guards = cell.iter().take_while(|byte| **byte == GUARD).count();
    let bare = &cell[guards..];
    // Blanks in front do not keep a spreadsheet from it.
    let begun = bare.trim_ascii_start();
    matches!(bare.first(), Some(b'\t' | b'\r'))
        || looks_like_a_number(begun.trim_ascii_end())
        || STARTS.iter().any(|start| begun.starts_with(start.as_bytes()))
}

/// Whether a spreadsheet would take it for a number, an amount or a date and write it in its own
/// way: `007`, `1.50`, `1e5`, `1/2`, `(5)`. A whole number that it keeps as it is needs no guard.
fn looks_like_a_number(cell: &[u8]) -> bool {
    const EXACT: usize = 15;
    let whole = cell.len() <= EXACT && cell.iter().all(u8::is_ascii_digit);
    if whole && (cell.len() == 1 || cell.first() != Some(&b'0')) {
        return false;
    }
    matches!(cell.first(), Some(b'0'..=b'9' | b'(' | b'.' | b'$'))
        && cell.iter().all(|byte| byte.is_ascii_digit() || b" ()+-.,:/%$eE".contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_calculated_with_is_guarded() {
        for (cell, written) in [
            ("", ""),
            ("ada", "ada"),
            ("'", "'"),
            ("'ada", "'ada"),
            ("a+b", "a+b"),
            ("447911123456", "447911123456"),
            ("+447911123456", "'+447911123456"),
            ("7", "7"),
            ("0", "0"),
            ("123456789012345", "123456789012345"),
            ("1234567890123456", "'1234567890123456"),
            ("007", "'007"),
            ("4.47911E+11", "'4.47911E+11"),
            ("1.50", "'1.50"),
            ("1/2", "'1/2"),
            ("(5)", "'(5)"),
            ("5%", "'5%"),
            ("12 Main Street", "12 Main Street"),
            ("3ab@x.com", "3ab@x.com"),
            ("=1+1", "'=1+1"),
            ("-", "'-"),
            ("@ada", "'@ada"),
            ("  =1", "'  =1"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("＝1", "'＝1"),
            ("'+1", "''+1"),
            ("'' =1", "''' =1"),
        ] {
            assert_eq!(&*put_on(cell.as_bytes()), written.as_bytes(), "{cell:?}");
            assert_eq!(take_off_text(written), cell);
        }
    }

    proptest! {
        #[test]
        fn taking_off_is_exact(cell in "['=+@ \t\ra-]{0,6}|(?s).*") {
            let written = put_on(cell.as_bytes());
            prop_assert_eq!(take_off(&written), cell.as_bytes());
            prop_assert_eq!(take_off_text(str::from_utf8(&written).unwrap()), &cell);
        }
    }
}
