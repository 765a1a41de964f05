//! What is written in a cell for a phone number: its digits, and what stood between them.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use super::super::cleaned::refuse;
use super::super::repairs::{RepairKind, RepairKinds};
use super::super::text::is_invisible;
use super::number::WRITE_IT;
use crate::issue::Issue;

/// A phone number as it is written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Whether a `+` stands before the digits.
    pub(super) plus: bool,
    /// The digits, ASCII.
    pub(super) digits: String,
    /// The index of a zero that stands alone in brackets behind other digits: `+44 (0) 20 …`.
    pub(super) bracketed_zero: Option<usize>,
    /// Whether there are digits only, as a spreadsheet leaves them of a number.
    pub(super) bare: bool,
    /// What was repaired on the way.
    pub(super) repairs: RepairKinds,
}

/// Reads a cell, and refuses what is no single phone number.
pub(super) fn scan(text: &str) -> Result<Written, Issue> {
    // Far longer than any number with all its separators.
    const MOST: usize = 256;
    if text.len() > MOST {
        return refuse("it is far too long for a phone number", WRITE_IT);
    }
    let mut written = Written { bare: true, ..Written::default() };
    let mut rest = text;
    if let Some(quoted) = rest.strip_prefix(['\'', '\u{2019}', '\u{2018}', '`']) {
        written.repairs.add(RepairKind::ApostropheRemoved);
        rest = quoted.trim_start();
    }
    if let Some((scheme, number)) = rest.split_at_checked(4)
        && scheme.eq_ignore_ascii_case("tel:")
    {
        written.repairs.add(RepairKind::SchemeRemoved);
        rest = number.trim_start();
    }
    refuse_rounded(rest)?;
    if let Some(whole) = whole_float(rest)? {
        written.repairs.add(RepairKind::FloatSuffixRemoved);
        rest = whole;
    }
    refuse_letters(rest)?;
    let mut bracket = None;
    for c in rest.chars() {
        match c {
            '+' | '\u{ff0b}' => written.plus(c)?,
            '0'..='9' => written.digits.push(c),
            '(' | '\u{ff08}' => bracket = Some(written.digits.len()),
            ')' | '\u{ff09}' => {
                if let Some(open) = bracket.take().filter(|open| *open > 0)
                    && &written.digits[open..] == "0"
                {
                    written.bracketed_zero = Some(open);
                }
            }
            '/' | '\u{ff0f}' => written.slash()?,
            _ if is_invisible(c) => written.repairs.add(RepairKind::InvisibleRemoved),
            _ if is_separator(c) => {}
            _ => written.other(c)?,
        }
        written.bare &= c.is_ascii_digit();
    }
    let behind_slash = rest.rsplit(['/', '\u{ff0f}']).next().filter(|tail| tail.len() < rest.len());
    if behind_slash.is_some_and(|tail| tail.chars().filter(char::is_ascii_digit).count() < 3) {
        return two_numbers();
    }
    if written.digits.is_empty() {
        return refuse("it contains no digits", WRITE_IT);
    }
    Ok(written)
}

impl Written {
    fn plus(&mut self, c: char) -> Result<(), Issue> {
        if self.plus || !self.digits.is_empty() {
            return two_numbers();
        }
        if c != '+' {
            self.repairs.add(RepairKind::DigitsConverted);
        }
        self.plus = true;
        Ok(())
    }

    /// A slash may stand behind an area code; behind more digits it parts two numbers.
    fn slash(&mut self) -> Result<(), Issue> {
        const AREA: usize = 7;
        if self.digits.len() > AREA { two_numbers() } else { Ok(()) }
    }

    fn other(&mut self, c: char) -> Result<(), Issue> {
        if c.is_numeric() {
            let digit = PHONE_NUMBER_UTIL.normalize_digits_only(c.encode_utf8(&mut [0; 4]));
            if digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()) {
                self.digits.push_str(&digit);
                self.repairs.add(RepairKind::DigitsConverted);
                return Ok(());
            }
        }
        if matches!(c, ';' | ',' | '|' | '&' | '\u{3001}' | '\u{60c}') {
            return two_numbers();
        }
        refuse(format!("{c:?} is not allowed in a phone number"), WRITE_IT)
    }
}

/// Whether a character separates digits and means nothing itself.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2212}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
                    | '\u{ff0e}'
                    | '\u{30fc}'
                    | '\u{b7}'
        )
}

fn two_numbers<T>() -> Result<T, Issue> {
    refuse(
        "the cell contains more than one number",
        "keep one; a user has one phone number and one for recovery",
    )
}

/// Refuses `4.47911E+11`, of which digits may be lost.
fn refuse_rounded(text: &str) -> Result<(), Issue> {
    let parts = text.split_once(['e', 'E']);
    let number = |part: &str, marks: &[char]| {
        part.contains(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_digit() || marks.contains(&c))
    };
    match parts {
        Some((mantissa, exponent))
            if number(mantissa, &['.', ',', '+']) && number(exponent, &['+', '-']) =>
        {
            refuse(
                "a spreadsheet has rounded this number and lost some of its digits",
                "export the column again as text",
            )
        }
        _ => Ok(()),
    }
}

/// What stands before the `.0` of a number that was taken for a float. A float has neither a `+`
/// nor a zero in front; behind those the point is a separator.
fn whole_float(text: &str) -> Result<Option<&str>, Issue> {
    const LEAST: usize = 7;
    let Some((whole, fraction)) = text.split_once(['.', ',']) else { return Ok(None) };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_float = all_digits(whole) && all_digits(fraction) && !whole.starts_with('0');
    if !is_float || whole.len() < LEAST || fraction.len() > 2 {
        return Ok(None);
    }
    if fraction.bytes().all(|byte| byte == b'0') {
        return Ok(Some(whole));
    }
    refuse("it is a number with a fraction, not a phone number", WRITE_IT)
}

/// Refuses extensions and letters, each for its reason.
fn refuse_letters(text: &str) -> Result<(), Issue> {
    if !text.contains(|c: char| c.is_alphabetic() || c == '#') {
        return Ok(());
    }
    let lower = text.to_lowercase();
    let behind_digit = |(index, c): (usize, char)| {
        matches!(c, 'x' | '#' | '\u{d7}')
            && lower[..index].trim_end().ends_with(|c: char| c.is_ascii_digit())
    };
    if lower.contains("ext") || lower.char_indices().any(behind_digit) {
        return refuse(
            "it includes an extension, which no text message can reach",
            "remove the extension, if the number itself is the user's",
        );
    }
    if !lower.contains(char::is_alphabetic) {
        return Ok(());
    }
    refuse("the phone number contains letters", WRITE_IT)
}
