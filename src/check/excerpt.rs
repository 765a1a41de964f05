//! Excerpts: the line at fault as it is shown, and where in it the fault is.
//!
//! Pure. The line is put together again from what was read, in the file's own dialect; for
//! text from a compressed file or a spreadsheet there is no other way to point at it. Secrets
//! are masked, and long lines are cut around the place.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::input::record::{Content, Raw, Record};

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Characters shown on either side of the fault.
const AROUND: usize = 60;

/// Characters of a value that are shown.
const VALUE: usize = 40;

/// A line, and the part of it at fault, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, cut where it is long; without control characters.
    pub text: String,
    /// The part at fault; all of it where no column is.
    pub span: Range<usize>,
}

/// A cell of the line that is shown.
struct Shown {
    text: String,
    /// Where each column's value is in it.
    values: Vec<(String, Range<usize>)>,
}

/// The record's line with the column marked, and the value there. Nothing of a line that cannot
/// be taken apart is shown where columns hold secrets.
pub(super) fn excerpt(
    record: &Record,
    column: Option<&str>,
    is_secret: &dyn Fn(&str) -> bool,
) -> (Option<Excerpt>, Option<String>) {
    let separator = record.source.delimiter.map_or(',', |delimiter| char::from(delimiter.byte()));
    let shown = match &record.content {
        Content::Cells(cells) => {
            let names = record.source.columns.iter().map(String::as_str);
            line_of_cells(names.zip(cells.iter()), separator, is_secret)
        }
        Content::Object(text) => match line_of_object(text, is_secret) {
            Some(shown) => shown,
            None => return (None, None),
        },
        Content::Broken { .. } if record.source.columns.iter().any(|name| is_secret(name)) => {
            return (None, None);
        }
        Content::Broken { raw: Raw::Line(line), .. } if names_secret(line, is_secret) => {
            return (None, None);
        }
        Content::Broken { raw: Raw::Line(line), .. } => {
            Shown { text: String::from_utf8_lossy(line).into_owned(), values: Vec::new() }
        }
        Content::Broken { raw: Raw::Cells(cells), .. } => {
            let texts: Vec<_> = cells.iter().map(String::from_utf8_lossy).collect();
            let names =
                record.source.columns.iter().map(String::as_str).chain(std::iter::repeat(""));
            line_of_cells(names.zip(texts.iter().map(|text| &**text)), separator, is_secret)
        }
    };
    let place = column.and_then(|column| {
        shown.values.iter().find(|(name, _)| name == column).map(|(_, range)| range.clone())
    });
    let value = place.clone().map(|range| shorten(&shown.text[range], VALUE));
    let value = value.filter(|_| column.is_some_and(|column| !is_secret(column)));
    let span = place.unwrap_or(0..shown.text.len());
    (Some(cut(&shown.text, span)), value)
}

fn line_of_cells<'a>(
    cells: impl Iterator<Item = (&'a str, &'a str)>,
    separator: char,
    is_secret: &dyn Fn(&str) -> bool,
) -> Shown {
    let mut shown = Shown { text: String::new(), values: Vec::new() };
    for (index, (name, cell)) in cells.enumerate() {
        if index > 0 {
            shown.text.push(separator);
        }
        let from = shown.text.len();
        if is_secret(name) {
            shown.text.push_str(MASK);
        } else if cell.contains([separator, '"', '\n', '\r']) {
            shown.text.push('"');
            shown.text.push_str(&cell.replace('"', "\"\""));
            shown.text.push('"');
        } else {
            shown.text.push_str(cell);
        }
        shown.values.push((name.to_owned(), from..shown.text.len()));
    }
    shown
}

/// Whether a line that cannot be taken apart names what holds a secret, as a word or in quotes.
fn names_secret(line: &[u8], is_secret: &dyn Fn(&str) -> bool) -> bool {
    let line = String::from_utf8_lossy(line);
    let word = |c: char| !c.is_alphanumeric() && c != '_' && c != '-';
    line.split(word).chain(line.split('"')).any(|name| !name.is_empty() && is_secret(name))
}

fn line_of_object(text: &str, is_secret: &dyn Fn(&str) -> bool) -> Option<Shown> {
    let members = crate::change::members(text).ok()?;
    let mut shown = Shown { text: String::with_capacity(text.len()), values: Vec::new() };
    let mut copied = 0;
    for (key, value) in members {
        let from = offset(text, value)?;
        shown.text.push_str(&text[copied..from]);
        copied = from + value.get().len();
        let start = shown.text.len();
        shown.text.push_str(if is_secret(&key) { MASK } else { value.get() });
        shown.values.push((key, start..shown.text.len()));
    }
    shown.text.push_str(&text[copied..]);
    Some(shown)
}

/// Where a value that was borrowed from a text stands in it.
fn offset(text: &str, value: &RawValue) -> Option<usize> {
    let offset = (value.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (offset + value.get().len() <= text.len()).then_some(offset)
}

/// The first characters of a text, each visible.
fn shorten(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).map(visible).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// The text around a part of it, on one line.
fn cut(text: &str, span: Range<usize>) -> Excerpt {
    let start = text[..span.start].char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let more = if start > 0 { "…" } else { "" };
    let mut line = more.to_owned() + &shorten(&text[start..span.start], AROUND);
    let from = line.len();
    line.push_str(&shorten(&text[span.clone()], 2 * AROUND));
    let to = line.len();
    line.push_str(&shorten(&text[span.end..], AROUND));
    Excerpt { text: line, span: from..to }
}

/// A character that neither breaks the line nor commands the terminal.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\n' | '\r' => '⏎',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests;
