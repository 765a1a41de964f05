//! What the header of a file with columns says, and when it says nothing.
//!
//! Names may be missing, or there twice: whether that matters is for those to say who know which
//! columns are read. A header that suggests another delimiter is refused with what to do.

use memchr::memchr2;

use crate::input::guard;
use crate::input::record::{Delimiter, is_added};

/// The most columns; what a spreadsheet has at most.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// How much of a name a message shows.
const SHOWN: usize = 60;

/// What a first line `sep=;`, which spreadsheets write for each other, says, and its length.
pub(super) fn separator_line(bytes: &[u8]) -> Option<(Delimiter, usize)> {
    let line = &bytes[..memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len())];
    let quoted = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    match quoted.unwrap_or(line) {
        [key @ .., separator] if key.eq_ignore_ascii_case(b"sep=") => {
            Some((Delimiter::of(*separator)?, line.len()))
        }
        _ => None,
    }
}

/// Its length; refused if another delimiter is read.
pub(super) fn skip_separator_line(bytes: &[u8], delimiter: Delimiter) -> Result<usize, String> {
    match separator_line(bytes) {
        None => Ok(0),
        Some((separator, length)) if separator == delimiter => Ok(length),
        Some((separator, _)) => Err(format!(
            "the first line asks for {:?} between the cells, but {:?} is read; say which it is \
             with --delimiter, and take that line out if it is wrong",
            char::from(separator.byte()),
            char::from(delimiter.byte())
        )),
    }
}

/// The names of the columns, trimmed; or why they cannot be read.
pub(super) fn names<'a>(
    cells: impl Iterator<Item = &'a str>,
    delimiter: Option<Delimiter>,
) -> Result<Vec<String>, String> {
    let names: Vec<String> = cells.map(|name| name.trim().to_owned()).collect();
    if names.len() > MAX_COLUMNS {
        return Err(format!(
            "the header has {} columns, more than the {MAX_COLUMNS} that are read; check its line \
             ends and delimiters",
            names.len()
        ));
    }
    let problem = delimiter.and_then(|delimiter| other_delimiter(&names, delimiter));
    problem.map_or(Ok(names), Err)
}

/// Whether a file of ours has these columns, whose cells have their guard on; takes that of the
/// names off. One of the columns that we add is enough: people remove some.
pub(super) fn take_guard_off(names: &mut [String]) -> bool {
    let guarded = names.iter().any(|name| is_added(name));
    if guarded {
        for name in names {
            *name = guard::take_off_text(name).to_owned();
        }
    }
    guarded
}

fn other_delimiter(names: &[String], delimiter: Delimiter) -> Option<String> {
    let [only] = names else { return None };
    let other = Delimiter::ALL
        .into_iter()
        .find(|other| *other != delimiter && only.contains(char::from(other.byte())))?;
    Some(format!(
        "the header is one column, {:?}: are its cells separated by {:?}? {:?} is read; if \
         so, say --delimiter {}",
        only.chars().take(SHOWN).collect::<String>(),
        char::from(other.byte()),
        char::from(delimiter.byte()),
        other.name()
    ))
}
