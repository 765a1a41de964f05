//! Elements of a JSON array, one at a time; the array may stand in an object under `users`.
//!
//! An element ends at the comma or bracket behind it, outside strings and brackets of its own,
//! so a bad one is told apart from its neighbours and reading continues. Where that cannot be told
//! (brackets that do not match, a string that does not end) reading ends: what follows might be
//! the inside of a string. No more than [`MAX_RECORD_BYTES`] of an element are held.

use std::io::{self, Read};

use super::jsonl::{self, ElementPlace};
use super::lines::Lines;
use super::rows::{Fault, InputRow, KEPT_BYTES, MAX_RECORD_BYTES, RowReader};
use super::window::Window;
use super::wrapper::{self, Wrapper};
use crate::issue::Issue;

/// How deep brackets may stand in each other.
const MAX_DEPTH: usize = 4096;

/// Reads a JSON array.
pub(super) struct Json<R> {
    window: Window<R>,
    lines: Lines,
    state: ArrayState,
    /// The array stands in an object.
    wrapped: bool,
    /// Why reading ends behind the row that was returned last.
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ArrayState {
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
enum FramedElement {
    /// So long, and whether it is the array's last; nothing if the file ends there.
    Element(usize, Option<bool>),
    TooLong,
    /// Nobody can tell, for this reason, which shows behind so many bytes.
    Doubt(usize, &'static str),
}

impl<R: Read> Json<R> {
    pub(super) fn new(window: Window<R>) -> Self {
        Self { window, lines: Lines::new(), state: ArrayState::Start, wrapped: false, fault: None }
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

    fn read(&mut self) -> io::Result<Option<Result<InputRow, Fault>>> {
        loop {
            let next = self.peek()?;
            match (self.state, next) {
                (ArrayState::End, _) if self.wrapped => {
                    if let Err(reason) = self.leave()? {
                        return Ok(Some(Err(self.ends(reason))));
                    }
                }
                (ArrayState::Start | ArrayState::End, None) => return Ok(None),
                (ArrayState::Start, Some(b'[')) => {
                    self.consume(1);
                    self.state = ArrayState::First;
                }
                (ArrayState::First, Some(b']')) => {
                    self.consume(1);
                    self.state = ArrayState::End;
                }
                (ArrayState::Start, Some(b'{')) if self.enter()? => {}
                (ArrayState::Start, Some(_)) => {
                    return Ok(Some(Err(
                        self.ends("does not begin with [, so it is not a JSON array")
                    )));
                }
                (ArrayState::End, Some(_)) => {
                    return Ok(Some(Err(
                        self.ends("there is more text after the end of the array")
                    )));
                }
                (_, None) => return Ok(Some(Err(self.ends("the file ends within the array")))),
                (_, Some(b',' | b']')) => {
                    return Ok(Some(Err(self.ends("a comma is not followed by an element"))));
                }
                (_, Some(_)) => return self.element().map(|row| Some(Ok(row))),
            }
        }
    }

    /// Goes into the object that begins here, if its rows are a list of users.
    fn enter(&mut self) -> io::Result<bool> {
        let found = wrapper::find_in(&mut self.window)?;
        let Wrapper::List(behind, keys) = found else { return Ok(false) };
        let users = keys == [wrapper::USERS];
        if users {
            self.consume(behind);
            (self.state, self.wrapped) = (ArrayState::First, true);
        }
        Ok(users)
    }

    /// Goes behind the object that the array stands in; another may follow, as pages do.
    fn leave(&mut self) -> io::Result<Result<(), &'static str>> {
        let rest = loop {
            let rest = wrapper::rest(self.window.bytes());
            let enough = rest.is_some() || self.window.bytes().len() > MAX_RECORD_BYTES;
            if enough || !self.window.fill()? {
                break rest;
            }
        };
        match rest {
            Some(Ok(length)) => {
                self.consume(length);
                (self.state, self.wrapped) = (ArrayState::Start, false);
                Ok(Ok(()))
            }
            Some(Err(reason)) => Ok(Err(reason)),
            None => Ok(Err("the object around the list does not end")),
        }
    }

    fn ends(&self, reason: &str) -> Fault {
        Fault::new(
            self.lines.line,
            format!("{reason}; the rest is not read; fix the array (jq . shows where)"),
        )
    }

    /// The element that begins at the next byte.
    fn element(&mut self) -> io::Result<InputRow> {
        let (line, byte) = (self.lines.line, self.window.offset());
        let place = ElementPlace::Line(line);
        let mut scan = Scan::default();
        let (content, end) = match self.frame(&mut scan)? {
            FramedElement::Element(length, last) => {
                let content = jsonl::object(self.window.bytes()[..length].trim_ascii_end(), place);
                self.consume(length);
                if last.is_none() {
                    self.state = ArrayState::Next;
                    return Ok(InputRow { line, byte, content });
                }
                (content, Ok(last == Some(true)))
            }
            FramedElement::TooLong => {
                let problem = Issue::error("record_too_long", "the element is longer than 1 MiB")
                    .hint("look for quotes and brackets that do not match, or shorten it");
                let content = jsonl::broken(&self.window.bytes()[..KEPT_BYTES], problem);
                self.consume(MAX_RECORD_BYTES + 1);
                (content, self.pass(&mut scan)?)
            }
            FramedElement::Doubt(length, reason) => {
                let kept = &self.window.bytes()[..length.min(KEPT_BYTES)];
                let problem = Issue::error("invalid_json", format!("not valid JSON: {reason}"))
                    .hint(place.hint());
                (jsonl::broken(kept, problem), Err(reason))
            }
        };
        match end {
            Ok(last) => {
                self.consume(1);
                self.state = if last { ArrayState::End } else { ArrayState::Next };
            }
            Err(reason) => {
                self.fault = Some(Fault::new(
                    line,
                    format!("{reason}, so the rest cannot be read; fix the array"),
                ));
            }
        }
        Ok(InputRow { line, byte, content })
    }

    /// Reads until the element's end is there, or more of it than is held.
    fn frame(&mut self, scan: &mut Scan) -> io::Result<FramedElement> {
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(MAX_RECORD_BYTES + 1);
            match scan.go(&bytes[searched..seen]) {
                Some(ArrayEnd::At(at, last)) => {
                    return Ok(FramedElement::Element(searched + at, Some(last)));
                }
                Some(ArrayEnd::Doubt(at, reason)) => {
                    return Ok(FramedElement::Doubt(searched + at, reason));
                }
                None if seen > MAX_RECORD_BYTES => return Ok(FramedElement::TooLong),
                None => searched = seen,
            }
            if !self.window.fill()? {
                return Ok(if scan.is_whole() {
                    FramedElement::Element(searched, None)
                } else {
                    FramedElement::Doubt(searched, ENDS_WITHIN)
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
                Some(ArrayEnd::At(at, last)) => {
                    self.consume(at);
                    return Ok(Ok(last));
                }
                Some(ArrayEnd::Doubt(_, reason)) => return Ok(Err(reason)),
                None => self.consume(there),
            }
            if !self.window.fill()? {
                return Ok(Err(ENDS_WITHIN));
            }
        }
    }
}

impl<R: Read + Send> RowReader for Json<R> {
    fn next(&mut self) -> Option<Result<InputRow, Fault>> {
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
enum ArrayEnd {
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

    fn go(&mut self, bytes: &[u8]) -> Option<ArrayEnd> {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    b'\n' | b'\r' => {
                        return Some(ArrayEnd::Doubt(at, "a string is not closed on its line"));
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' if self.open.len() == MAX_DEPTH => {
                    return Some(ArrayEnd::Doubt(at, "brackets are nested too deeply"));
                }
                b'{' => self.open.push(b'}'),
                b'[' => self.open.push(b']'),
                b'}' | b']' => match self.open.pop() {
                    Some(expected) if expected == byte => {}
                    None if byte == b']' => return Some(ArrayEnd::At(at, true)),
                    _ => {
                        return Some(ArrayEnd::Doubt(
                            at,
                            "a closing bracket has no opening bracket",
                        ));
                    }
                },
                b',' if self.open.is_empty() => return Some(ArrayEnd::At(at, false)),
                _ => {}
            }
        }
        None
    }
}
