//! Text: blanks and invisible characters, control characters, placeholders.

use std::borrow::Cow;

use super::cleaned::refuse;
use super::repairs::{RepairKind, RepairKinds};
use crate::issue::Issue;

/// Whether a character shows nothing and joins nothing at the end of a text.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Whether a character inside a text is there by accident. Joiners are not: they shape emoji
/// and the letters of several scripts.
fn is_stray(c: char) -> bool {
    is_invisible(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{180e}')
}

fn is_margin(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Whether a text shows nothing: it is empty, or blanks and invisible characters only.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(first) => !first.is_ascii_graphic() && text.chars().all(is_margin),
    }
}

/// A text without what stands around it and shows nothing.
pub(super) fn trim(text: &str) -> (&str, RepairKinds) {
    let mut repairs = RepairKinds::default();
    let bytes = text.as_bytes();
    let plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if plain(bytes.first()) && plain(bytes.last()) {
        return (text, repairs);
    }
    let kept = text.trim_matches(is_margin);
    let start = text.len() - text.trim_start_matches(is_margin).len();
    let end = (start + kept.len()).min(text.len());
    for c in text[..start].chars().chain(text[end..].chars()) {
        repairs.add(if c.is_ascii() {
            RepairKind::BlanksTrimmed
        } else {
            RepairKind::InvisibleRemoved
        });
    }
    (kept, repairs)
}

/// A text without blanks around it, whatever else there is.
pub(super) fn trim_blanks(text: &str) -> (&str, RepairKinds) {
    let kept = text.trim();
    let repairs = RepairKinds::default();
    (kept, if kept.len() < text.len() { repairs.with(RepairKind::BlanksTrimmed) } else { repairs })
}

/// A trimmed text without stray invisible characters; control characters are refused.
pub(super) fn tidy(text: &str) -> Result<(Cow<'_, str>, RepairKinds), Issue> {
    let mut repairs = RepairKinds::default();
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Ok((text.into(), repairs));
    }
    let unfit = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if let Some(c) = text.chars().find(|&c| unfit(c)) {
        return refuse(
            format!("it contains the control character U+{:04X}", u32::from(c)),
            "take it out",
        );
    }
    if text.contains(is_stray) {
        repairs.add(RepairKind::InvisibleRemoved);
        return Ok((text.replace(is_stray, "").into(), repairs));
    }
    Ok((text.into(), repairs))
}

/// Words that stand for "nothing" in exports, and are texts all the same.
const PLACEHOLDERS: [&str; 9] =
    ["n/a", "null", "none", "nil", "undefined", "#n/a", "#ref!", "#value!", "nan"];

/// The warning about a text that was spoilt on its way: characters were lost, or UTF-8 was taken for
/// Windows-1252 and written as UTF-8 again.
pub(super) fn spoilt(text: &str) -> Option<Box<Issue>> {
    let (code, message) = if text.is_ascii() {
        return None;
    } else if text.contains('\u{fffd}') {
        (
            "replacement_character",
            "the text holds U+FFFD: a character was lost before this file was written",
        )
    } else if crate::input::is_decoded_twice(text) {
        (
            "decoded_twice",
            "the text looks like UTF-8 that was read as Windows-1252, such as \u{c3}\u{bc} for \u{fc}",
        )
    } else {
        return None;
    };
    let hint = format!("export the file again, as UTF-8; to send it as it is, use --allow {code}");
    Some(Box::new(Issue::warning(code, message).hint(hint)))
}

/// The warning about a text that may be no value.
pub(super) fn placeholder(text: &str) -> Option<Box<Issue>> {
    let warning = || {
        let message = "the value looks like a placeholder for no value, and is sent unchanged";
        let hint =
            "if no value is meant, empty the cell and choose what a blank means with --blank";
        Box::new(Issue::warning("placeholder_value", message).hint(hint))
    };
    is_placeholder(text).then(warning)
}

fn is_placeholder(text: &str) -> bool {
    text.len() <= 9 && PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Refuses what stands for "no value" where a phone number or an e-mail address is due.
pub(super) fn refuse_placeholder(text: &str) -> Result<(), Issue> {
    let shows_nothing = !text.chars().any(char::is_alphanumeric) && text.len() <= 3;
    if !is_placeholder(text) && !shows_nothing {
        return Ok(());
    }
    refuse(
        "it is a placeholder, not a value",
        "empty the cell and choose what a blank means with --blank, or omit the column with --ignore",
    )
}
