//! What is wrong with a job file, shown at its place.
//!
//! A line of the file is shown with the complaint, but never what could be a secret on it:
//! somebody may well have written a key where none belongs.

use std::ops::Range;
use std::path::Path;

use crate::exit::Error;
use crate::report::snippet;

/// Something wrong at a place.
#[derive(Debug)]
pub(super) struct Problem {
    /// Where, in bytes.
    pub(super) span: Range<usize>,
    /// What: a lower-case fragment.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The most problems that are shown of one file.
const MOST: usize = 20;

/// The refusal of a file for its problems, in the order of the file.
pub(super) fn refuse(path: &Path, text: &str, mut problems: Vec<Problem>) -> Error {
    problems.sort_by_key(|problem| problem.span.start);
    let more = problems.len().saturating_sub(MOST);
    let mut shown: Vec<String> =
        problems.iter().take(MOST).map(|problem| show(path, text, problem)).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    Error::refused(shown.join("\n"))
}

fn show(path: &Path, text: &str, problem: &Problem) -> String {
    let place = ProblemPlace::of(text, problem.span.start);
    let message = without_keys(&problem.message);
    let mut shown = format!("{}:{}:{}: {message}", path.display(), place.line, place.column);
    let kept = visible(place.text);
    if !kept.trim().is_empty() {
        let mut line = kept.to_owned();
        if kept.len() < place.text.len() {
            line.push('…');
        }
        let within = |byte: usize| kept.floor_char_boundary(byte.saturating_sub(place.begins));
        let (start, end) = (within(problem.span.start), within(problem.span.end));
        let span = start..end.max(start);
        shown.push('\n');
        shown.push_str(&snippet::line(&snippet::SourceLine {
            number: place.line,
            text: &line,
            span,
        }));
    }
    if let Some(hint) = &problem.hint {
        shown.push_str("\n  ");
        shown.push_str(&without_keys(hint));
    }
    shown
}

/// A place in a text.
pub(super) struct ProblemPlace<'a> {
    /// The number of its line, from 1.
    pub(super) line: usize,
    /// The number of its character in the line, from 1.
    pub(super) column: usize,
    /// Where the line begins, in bytes.
    begins: usize,
    /// The line.
    text: &'a str,
}

impl<'a> ProblemPlace<'a> {
    /// The place of a byte; one that is in no place is at the end.
    pub(super) fn of(text: &'a str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let begins = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = text.get(begins..).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(begins..).unwrap_or_default().chars().count() + 1,
            begins,
            text: rest.lines().next().unwrap_or_default(),
        }
    }
}

/// Words in names of what must not be shown.
const SECRETS: &[&str] =
    &["key", "password", "passwd", "secret", "token", "hash", "credential", "totp"];

/// Whether a name is one of something that must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    SECRETS
        .iter()
        .any(|word| name.replace("keyfile", "").replace("passwordfile", "").contains(word))
}

/// Whether a word looks like a management key.
pub(super) fn looks_like_key(word: &str) -> bool {
    const SHORTEST: usize = 16;
    word.len() >= SHORTEST
        && word.starts_with('K')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// What may be shown of a line: up to the value of a name that says secret, and up to a word
/// that looks like a key.
fn visible(line: &str) -> &str {
    let mut from = 0;
    let mut end = line.len();
    for (at, _) in line.match_indices(['=', ':']) {
        if is_secret(&line[from..at]) {
            end = at + 1;
            break;
        }
        from = at + 1;
    }
    let word = |c: char| !c.is_ascii_alphanumeric();
    let keys = line.split(word).filter(|word| looks_like_key(word));
    let key = keys.map(|word| word.as_ptr() as usize - line.as_ptr() as usize).min();
    end = end.min(key.unwrap_or(end));
    // A URL may hold a password.
    if let Some(begins) = line[..end].find("://").filter(|at| line[*at..].contains('@')) {
        end = begins + 3;
    }
    &line[..end]
}

/// A message without what looks like a key: it may name what the file holds.
fn without_keys(message: &str) -> String {
    let pieces = message.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    pieces
        .map(|piece| {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if looks_like_key(word) { piece.replacen(word, "…", 1) } else { piece.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (line, shown) in [
            ("concurrency = 4", "concurrency = 4"),
            ("key-file = \"a\"", "key-file = \"a\""),
            ("key = \"K2a\"", "key ="),
            ("management_key=K2a", "management_key="),
            ("project = { id = \"P2\", key = \"a\" }", "project = { id = \"P2\", key ="),
            ("newPassword = hush", "newPassword ="),
            ("a = \"K2abcdefghijklmnop\" # x", "a = \""),
            ("base-url = \"https://u:p@x.com\"", "base-url = \"https://"),
            ("Kaffeemaschinenbau = 1", "Kaffeemaschinenbau = 1"),
            ("", ""),
        ] {
            assert_eq!(visible(line), shown);
        }
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "a\nä = 1\n";
        for (byte, line, column) in [(0, 1, 1), (2, 2, 1), (5, 2, 3), (99, 3, 1), (3, 3, 1)] {
            let place = ProblemPlace::of(text, byte);
            assert_eq!((place.line, place.column), (line, column), "{byte}");
        }
    }
}
