//! Times and foreign text, the way people read them; numbers are in [`figures`](crate::figures).

use std::time::Duration;

use anstyle::Style;

pub(crate) use crate::figures::{count, size, thousands};
use crate::rows::TypesFrom;
pub(crate) use crate::shell::quoted;

/// Where the types of custom attributes come from; nothing where rows set none.
pub(crate) fn types_from(origins: &[TypesFrom]) -> Option<String> {
    let phrases: Vec<_> = origins.iter().map(|origin| origin.phrase()).collect();
    (!phrases.is_empty())
        .then(|| format!("types of custom attributes: {}", phrases.join(", some ")))
}

/// A time as its two largest units: `1h 37m`, `12s`; below a second `340ms`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let shown = match seconds {
        0 => Duration::from_millis(u64::from(time.subsec_millis())),
        1..3600 => Duration::from_secs(seconds),
        3600..86400 => Duration::from_secs(seconds / 60 * 60),
        _ => Duration::from_secs(seconds / 3600 * 3600),
    };
    humantime::format_duration(shown).to_string()
}

/// The same of milliseconds.
pub(super) fn span_ms(milliseconds: u64) -> String {
    span(Duration::from_millis(milliseconds))
}

/// Text from outside on one line, without control characters.
pub(super) fn tame(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The same, of bounded length.
pub(super) fn brief(text: &str) -> String {
    const MOST: usize = 160;
    tame(&cut(text, MOST))
}

/// Text of so many characters at most, and a sign where more is cut off.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first few names, as they are shown, and how many more there are.
pub(super) fn first_names(names: &[String], shown: impl Fn(&str) -> String) -> String {
    const NAMED: usize = 3;
    let named: Vec<_> = names.iter().take(NAMED).map(|name| shown(name)).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &more
}

/// The text in a style, if there are colours.
pub(super) fn paint(color: bool, style: Style, text: &str) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
