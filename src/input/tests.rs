//! Tests of the input as a whole: bytes in, records with positions out.

use std::io;
use std::path::PathBuf;

use super::*;
use crate::input::record::Raw;
use crate::input::record::{Content, Delimiter, Encoding, Format};
use crate::issue::Issue;

mod delimited;
mod files;
mod json;
mod jsonl;
mod packed;
mod properties;
mod sheets;

/// Gives its bytes in pieces of at most `piece`.
struct Trickle {
    bytes: io::Cursor<Vec<u8>>,
    piece: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.piece);
        self.bytes.read(&mut buffer[..most])
    }
}

/// All an input says, in a form to compare.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    rows: Vec<(Position, Is)>,
    unreadable: Option<String>,
}

/// What a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Is {
    Cells(Vec<String>),
    Object(String),
    Broken(Vec<Vec<u8>>, Issue),
}

impl From<Content> for Is {
    fn from(content: Content) -> Self {
        match content {
            Content::Cells(cells) => Self::Cells(cells.iter().map(str::to_owned).collect()),
            Content::Object(text) => Self::Object(text.into()),
            Content::Broken { raw: Raw::Cells(cells), issue } => {
                Self::Broken(cells.iter().map(<[u8]>::to_vec).collect(), *issue)
            }
            Content::Broken { raw: Raw::Line(line), issue } => {
                Self::Broken(vec![line.into()], *issue)
            }
        }
    }
}

/// Where a row begins, line and byte, and what it is.
type Placed = (u64, u64, Is);

/// An input of one reader under a name.
fn input<R: Read + Send + 'static>(name: &str, reader: R) -> Result<Input, String> {
    input_of(name, Stated::default(), reader)
}

/// The same with what is stated about it.
fn input_of<R>(name: &str, stated: Stated, reader: R) -> Result<Input, String>
where
    R: Read + Send + 'static,
{
    Input::of_reader(name, stated, reader).map_err(|error| error.to_string())
}

/// Reads all, and checks what always holds.
fn drain(mut input: Input) -> Said {
    let mut said = Said { rows: Vec::new(), unreadable: None };
    let mut line = 0;
    while let Some(item) = input.next() {
        assert_eq!(said.unreadable, None, "nothing follows an error");
        assert!(said.rows.len() < 10_000, "reading comes to an end");
        match item {
            Ok(record) => {
                let decoded = input.queue.front().is_some_and(|entry| entry.meter.is_some());
                assert_eq!(record.position.row, said.rows.len() as u64 + 1);
                assert!(record.position.line >= line);
                assert!(decoded || record.position.byte <= input.bytes_read());
                line = record.position.line;
                said.rows.push((record.position, record.content.into()));
            }
            Err(error) => said.unreadable = Some(error.to_string()),
        }
    }
    said
}

/// All that bytes under a name say, read in pieces of at most `piece`.
fn read_in(name: &str, bytes: &[u8], piece: usize) -> Result<Said, String> {
    let bytes = io::Cursor::new(bytes.to_vec());
    Ok(drain(input(name, Trickle { bytes, piece })?))
}

/// All that bytes under a name say, which must be the same in pieces of one and of many bytes.
#[track_caller]
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<Said, String> {
    let bytes = bytes.as_ref();
    let whole = read_in(name, bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(read_in(name, bytes, piece), whole, "in pieces of {piece}");
    }
    whole
}

/// The rows of bytes that can be read to the end: line, byte and what is there.
#[track_caller]
fn rows(name: &str, bytes: impl AsRef<[u8]>) -> Vec<Placed> {
    let said = read(name, bytes).expect("accepted");
    assert_eq!(said.unreadable, None);
    said.rows.into_iter().map(|(position, is)| (position.line, position.byte, is)).collect()
}

fn cells(cells: &[&str]) -> Is {
    Is::Cells(cells.iter().map(|cell| (*cell).to_owned()).collect())
}
