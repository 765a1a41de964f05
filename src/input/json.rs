//! Elements of a JSON array, one at a time.
//!
//! An element ends at the comma or bracket behind it, outside strings and brackets of its own,
//! so a bad one is told apart from its neighbours and reading goes on. Where that cannot be told
//! (brackets that do not match, a string that does not end) reading ends: what follows might be
//! the inside of a string. No more than [`MAX_RECORD_BYTES`] of an element are held.

use std::io::{self, Read};

use super::jsonl::{self, Place};
use super::lines::Lines;
use super::rows::{Fault, KEPT_BYTES, MAX_RECORD_BYTES, Row, Rows};
use super::window::Window;
use crate::issue::Issue;

/// How deep brackets may stand in each other.
const MAX_DEPTH: usize = 4096;

/// Reads a JSON array.
pub(super) struct Json<R> {
    window: Window<R>,
    lines: Lines,
    state: State,
    /// Why reading ends behind the row that was returned last.
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array.
    Start,
    /// Behind its opening bracket.
    First,
    /// Behind a comma.
    Next,
    /// Behind its closing bracket.
    End,
}

/// Whether an element ends within what is held.
enum Framed {
    /// So long, and whether it is the array's last; nothing if the file ends there.
    Element(usize, Option<bool>),
    TooLong,
    /// Nobody can tell, for this reason, which shows behind so many bytes.
    Doubt(usize, &'static str),
}

impl<R: Read> Json<R> {
    pub(super) fn new(window: Window<R>) -> Self {
        Self { window, lines: Lines::new(), state: State::Start, fault: None }
    }

    fn consume(&mut self, count: usize) {
        self.lines.pass(&self.window.bytes()[..count]);
        self.window.consume(count);
    }

    /// Goes to the next byte that is not blank; nothing at the end of the file.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.window.bytes();
            let blanks = bytes.iter().take_while(|byte| jsonl::is_blank(**byte)).count();
            let next = bytes.get(blanks).copied();
            self.consume(blanks);
            if next.is_some() || !self.window.fill()? {
                return Ok(next);
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<Result<Row, Fault>>> {
        loop {
            let next = self.peek()?;
            match (self.state, next) {
                (State::Start | State::End, None) => return Ok(None),
                (State::Start, Some(b'[')) => {
                    self.consume(1);
                    self.state = State::First;
                }
                (State::First, Some(b']')) => {
                    self.consume(1);
                    self.state = State::End;
                }
                (State::Start, Some(_)) => {
                    return Ok(Some(Err(
                        self.ends("does not begin with [, so it is no JSON array")
                    )));
                }
                (State::End, Some(_)) => {
                    return Ok(Some(Err(
                        self.ends("the array has ended, but more stands behind it")
                    )));
                }
                (_, None) => return Ok(Some(Err(self.ends("the file ends within the array")))),
                (_, Some(b',' | b']')) => {
                    return Ok(Some(Err(self.ends("a comma has no element behind it"))));
                }
                (_, Some(_)) => return self.element().map(|row| Some(Ok(row))),
            }
        }
    }

    fn ends(&self, reason: &str) -> Fault {
        Fault::new(
            self.lines.line,
            format!("{reason}; nothing from here on is read, mend the array (jq . shows where)"),
        )
    }

    /// The element that begins at the next byte.
    fn element(&mut self) -> io::Result<Row> {
        let (line, byte) = (self.lines.line, self.window.offset());
        let place = Place::Line(line);
        let mut scan = Scan::default();
        let (content, end) = match self.frame(&mut scan)? {
            Framed::Element(length, last) => {
                let content = jsonl::object(self.window.bytes()[..length].trim_ascii_end(), place);
                self.consume(length);
                if last.is_none() {
                    self.state = State::Next;
                    return Ok(Row { line, byte, content });
                }
                (content, Ok(last == Some(true)))
            }
            Framed::TooLong => {
                let problem = Issue::error("record_too_long", "the element is longer than 1 MiB")
                    .hint("look for quotes and brackets that do not match, or shorten it");
                let content = jsonl::broken(&self.window.bytes()[..KEPT_BYTES], problem);
                self.consume(MAX_RECORD_BYTES + 1);
                (content, self.pass(&mut scan)?)
            }
            Framed::Doubt(length, reason) => {
                let kept = &self.window.bytes()[..length.min(KEPT_BYTES)];
                let problem = Issue::error("invalid_json", format!("not valid JSON: {reason}"))
                    .hint(place.hint());
                (jsonl::broken(kept, problem), Err(reason))
            }
        };
        match end {
            Ok(last) => {
                self.consume(1);
                self.state = if last { State::End } else { State::Next };
            }
            Err(reason) => {
                self.fault = Some(Fault::new(
                    line,
                    format!("{reason}, so nothing from here on can be told apart; mend the array"),
                ));
            }
        }
        Ok(Row { line, byte, content })
    }

    /// Reads until the element's end is there, or more of it than is held.
    fn frame(&mut self, scan: &mut Scan) -> io::Result<Framed> {
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(MAX_RECORD_BYTES + 1);
            match scan.go(&bytes[searched..seen]) {
                Some(Ended::At(at, last)) => {
                    return Ok(Framed::Element(searched + at, Some(last)));
                }
                Some(Ended::Doubt(at, reason)) => {
                    return Ok(Framed::Doubt(searched + at, reason));
                }
                None if seen > MAX_RECORD_BYTES => return Ok(Framed::TooLong),
                None => searched = seen,
            }
            if !self.window.fill()? {
                return Ok(if scan.is_whole() {
                    Framed::Element(searched, None)
                } else {
                    Framed::Doubt(searched, ENDS_WITHIN)
                });
            }
        }
    }

    /// Goes to the end of an element that is too long to be held: is it the last?
    fn pass(&mut self, scan: &mut Scan) -> io::Result<Result<bool, &'static str>> {
        loop {
            let bytes = self.window.bytes();
            let there = bytes.len();
            match scan.go(bytes) {
                Some(Ended::At(at, last)) => {
                    self.consume(at);
                    return Ok(Ok(last));
                }
                Some(Ended::Doubt(_, reason)) => return Ok(Err(reason)),
                None => self.consume(there),
            }
            if !self.window.fill()? {
                return Ok(Err(ENDS_WITHIN));
            }
        }
    }
}

impl<R: Read + Send> Rows for Json<R> {
    fn next(&mut self) -> Option<Result<Row, Fault>> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        self.read().unwrap_or_else(|error| Some(Err(Fault::io(self.lines.line, &error))))
    }

    fn offset(&self) -> u64 {
        self.window.offset()
    }
}

const ENDS_WITHIN: &str = "the file ends within an element";

/// Looks for the end of an element, over bytes that come in pieces.
#[derive(Default)]
struct Scan {
    /// What closes the brackets that are open.
    open: Vec<u8>,
    in_string: bool,
    escaped: bool,
}

/// What was found.
enum Ended {
    /// The byte behind the element, and whether it closes the array.
    At(usize, bool),
    /// From this byte on nobody can tell where it ends.
    Doubt(usize, &'static str),
}

impl Scan {
    /// Whether nothing is open.
    fn is_whole(&self) -> bool {
        self.open.is_empty() && !self.in_string
    }

    fn go(&mut self, bytes: &[u8]) -> Option<Ended> {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    b'\n' | b'\r' => {
                        return Some(Ended::Doubt(at, "a string does not end on its line"));
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' if self.open.len() == MAX_DEPTH => {
                    return Some(Ended::Doubt(at, "brackets stand too deep in each other"));
                }
                b'{' => self.open.push(b'}'),
                b'[' => self.open.push(b']'),
                b'}' | b']' => match self.open.pop() {
                    Some(expected) if expected == byte => {}
                    None if byte == b']' => return Some(Ended::At(at, true)),
                    _ => return Some(Ended::Doubt(at, "a bracket closes what is not open")),
                },
                b',' if self.open.is_empty() => return Some(Ended::At(at, false)),
                _ => {}
            }
        }
        None
    }
}
