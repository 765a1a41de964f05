//! What the header of a CSV or TSV file says, and when it says nothing.
//!
//! A header is taken if each column has one name of its own. Whatever else would have to be
//! guessed (a name twice, a name missing, another delimiter) is refused with what to do.

use csv::StringRecord;
use memchr::memchr2;

/// What other programs separate cells with.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The length of a first line `sep=,`, which spreadsheets write for each other.
///
/// Nothing if it is not there; refused if it names another delimiter.
pub(super) fn separator_line(bytes: &[u8], delimiter: u8) -> Result<usize, String> {
    let line = &bytes[..memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len())];
    let quoted = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\""));
    match quoted.unwrap_or(line) {
        [key @ .., separator] if key.eq_ignore_ascii_case(b"sep=") => {
            if *separator == delimiter {
                return Ok(line.len());
            }
            Err(format!(
                "the first line asks for {:?} between the cells, but {:?} is read; save the \
                 file with the latter",
                char::from(*separator),
                char::from(delimiter)
            ))
        }
        _ => Ok(0),
    }
}

/// The names of the columns, trimmed; or why they cannot be told apart.
pub(super) fn names(cells: &StringRecord, delimiter: u8) -> Result<Vec<String>, String> {
    let names: Vec<String> = cells.iter().map(|name| name.trim().to_owned()).collect();
    let problem = other_delimiter(&names, char::from(delimiter))
        .or_else(|| blank(&names))
        .or_else(|| twice(&names));
    problem.map_or(Ok(names), Err)
}

fn other_delimiter(names: &[String], delimiter: char) -> Option<String> {
    let [only] = names else { return None };
    let other = only.chars().find(|c| *c != delimiter && DELIMITERS.contains(c))?;
    Some(format!(
        "the header is one column, {only:?}: are its cells separated by {other:?}? \
         {delimiter:?} is read; save the file with that"
    ))
}

fn blank(names: &[String]) -> Option<String> {
    let numbers: Vec<String> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| name.is_empty())
        .map(|(index, _)| (index + 1).to_string())
        .collect();
    (!numbers.is_empty()).then(|| {
        format!(
            "columns without a name in the header: number {}; name them or take them out",
            numbers.join(", ")
        )
    })
}

fn twice(names: &[String]) -> Option<String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    let mut twice: Vec<String> = sorted
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| format!("{:?}", pair[0]))
        .collect();
    twice.dedup();
    (!twice.is_empty()).then(|| {
        format!("columns more than once in the header: {}; keep one of each", twice.join(", "))
    })
}
