//! The columns of a file, from its head alone.

use std::fs::{self, File};
use std::io::Read as _;

use crate::change::members;
use crate::input::record::{Content, PLAN_KEYS, is_added};
use crate::input::{Input, InputRequest};

/// How many bytes of a file are read. A workbook is understood from its end only, so one that is
/// larger has no columns here.
const HEAD: u64 = 256 * 1024;

/// How long a name may be: what is longer is text without a header, and nobody types it.
const LONGEST: usize = 256;

/// How many rows of JSON are asked for their keys.
const ROWS: usize = 20;

/// The names of a file's columns, or of the keys of its first rows; none if it cannot be understood.
pub(super) fn columns(request: &InputRequest) -> Vec<String> {
    read(request).unwrap_or_default()
}

fn read(request: &InputRequest) -> Option<Vec<String>> {
    // To open a pipe would be to wait for whoever writes to it.
    let is_file = fs::metadata(&request.path).is_ok_and(|metadata| metadata.is_file());
    let head = File::open(is_file.then_some(&request.path)?).ok()?.take(HEAD);
    let input = Input::of_reader(&request.name(), request.stated.clone(), head).ok()?;
    let columns = input.sources().first()?.columns.clone();
    let mut names = if columns.is_empty() { keys(input) } else { columns };
    let is_own = |name: &str| !is_added(name) && !PLAN_KEYS.contains(&name);
    names.retain(|name| is_own(name) && name.len() <= LONGEST);
    Some(names)
}

fn keys(rows: Input) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in rows.take(ROWS).map_while(Result::ok) {
        let Content::Object(text) = &row.content else { continue };
        for (key, _) in members(text).unwrap_or_default() {
            if !names.contains(&key) {
                names.push(key);
            }
        }
    }
    names
}
