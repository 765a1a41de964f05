//! Rows of JSONL: one JSON object a line.
//!
//! A line stands for itself, so whatever is wrong with one, reading continues with the next.
//! What is passed on as an object is one that `serde_json` reads in full (nesting, numbers,
//! escapes), with no key twice at its top. No more than [`MAX_RECORD_BYTES`] of a line are held.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use memchr::memchr;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::rows::{Fault, InputRow, KEPT_BYTES, MAX_RECORD_BYTES, RowReader};
use super::window::Window;
use crate::input::record::{Content, Raw};
use crate::issue::Issue;

/// Reads JSONL.
pub(super) struct Jsonl<R> {
    window: Window<R>,
    /// The line at the window's first byte.
    line: u64,
    /// The rest of a line that was too long is still to be passed over.
    skipping: bool,
}

/// How much of the window is the next line, without its line feed.
enum FramedLine {
    Line(usize),
    TooLong,
    End,
}

impl<R: Read> Jsonl<R> {
    pub(super) fn new(window: Window<R>) -> Self {
        Self { window, line: 1, skipping: false }
    }

    /// Reads until a whole line is there, or more of it than is held.
    fn frame(&mut self) -> std::io::Result<FramedLine> {
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(MAX_RECORD_BYTES + 1);
            if let Some(end) = memchr(b'\n', &bytes[searched..seen]) {
                return Ok(FramedLine::Line(searched + end));
            }
            if seen > MAX_RECORD_BYTES {
                return Ok(FramedLine::TooLong);
            }
            searched = seen;
            if !self.window.fill()? {
                return Ok(match seen {
                    0 => FramedLine::End,
                    length => FramedLine::Line(length),
                });
            }
        }
    }

    /// Passes over the rest of a line, its line feed included.
    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let bytes = self.window.bytes();
            let length = bytes.len();
            if let Some(end) = memchr(b'\n', bytes) {
                self.window.consume(end + 1);
                self.line += 1;
                return Ok(());
            }
            self.window.consume(length);
            if !self.window.fill()? {
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> std::io::Result<Option<InputRow>> {
        if std::mem::take(&mut self.skipping) {
            self.skip_line()?;
        }
        loop {
            let length = match self.frame()? {
                FramedLine::Line(length) => length,
                FramedLine::TooLong => return Ok(Some(self.too_long())),
                FramedLine::End => return Ok(None),
            };
            let (line, offset) = (self.line, self.window.offset());
            let bytes = &self.window.bytes()[..length];
            let blanks = bytes.iter().take_while(|byte| is_blank(**byte)).count();
            let content = (blanks < length).then(|| content(bytes, blanks));
            let ended = self.window.bytes().len() > length;
            self.window.consume(length + usize::from(ended));
            self.line += 1;
            if let Some(content) = content {
                return Ok(Some(InputRow { line, byte: offset + blanks as u64, content }));
            }
        }
    }

    fn too_long(&mut self) -> InputRow {
        self.skipping = true;
        let problem = Issue::error("record_too_long", "the line is longer than 1 MiB")
            .hint("write one JSON object a line");
        InputRow {
            line: self.line,
            byte: self.window.offset(),
            content: broken(&self.window.bytes()[..KEPT_BYTES], problem),
        }
    }
}

impl<R: Read + Send> RowReader for Jsonl<R> {
    fn next(&mut self) -> Option<Result<InputRow, Fault>> {
        match self.read() {
            Ok(row) => row.map(Ok),
            Err(error) => Some(Err(Fault::io(self.line, &error))),
        }
    }

    fn offset(&self) -> u64 {
        self.window.offset()
    }
}

/// Blank as JSON has it.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn broken(line: &[u8], issue: Issue) -> Content {
    Content::Broken { raw: Raw::Line(line.into()), issue: Box::new(issue) }
}

/// What a line holds that begins with `blanks` blank bytes and is not blank altogether.
fn content(line: &[u8], blanks: usize) -> Content {
    let end = line.iter().rposition(|byte| !is_blank(*byte));
    let bytes = &line[blanks..end.map_or(line.len(), |last| last + 1)];
    object(bytes, ElementPlace::Column(blanks))
}

/// Where a piece of JSON stands, for messages.
#[derive(Clone, Copy)]
pub(super) enum ElementPlace {
    /// On a line of its own, behind so many bytes.
    Column(usize),
    /// From this line of its file on.
    Line(u64),
}

impl ElementPlace {
    /// The words for a place in it: a line and a column from 1.
    fn of(self, line: usize, column: usize) -> String {
        match self {
            Self::Column(before) => format!("at column {}", before + column),
            Self::Line(first) => format!("at line {}", first + (line.max(1) - 1) as u64),
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Column(_) => "write one JSON object a line (jq -c . does)",
            Self::Line(_) => "fix this element of the array",
        }
    }
}

/// The object that bytes are, or what is wrong with them.
pub(super) fn object(bytes: &[u8], place: ElementPlace) -> Content {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + memchr::memchr_iter(b'\n', before).count();
            let at = place.of(line, before.len() + 1);
            let problem = Issue::error("invalid_utf8", format!("not valid UTF-8 {at}"))
                .hint(super::rows::ENCODING_HINT);
            return broken(bytes, problem);
        }
    };
    match check(text, place) {
        Ok(()) => Content::Object(text.into()),
        Err(problem) => broken(bytes, problem),
    }
}

/// Is this one JSON object, with no key twice?
fn check(text: &str, place: ElementPlace) -> Result<(), Issue> {
    let invalid = |error: serde_json::Error| {
        let message = error.to_string();
        let reason = message.rsplit_once(" at line ").map_or(&*message, |(reason, _)| reason);
        let at = place.of(error.line(), error.column());
        Issue::error("invalid_json", format!("not valid JSON: {reason} {at}")).hint(place.hint())
    };
    if !text.starts_with('{') {
        serde_json::from_str::<ObjectValue>(text).map_err(invalid)?;
        return Err(Issue::error("not_an_object", "JSON, but not an object")
            .hint("write an object, such as {\"loginId\": \"…\"}"));
    }
    let Keys(mut keys) = serde_json::from_str(text).map_err(invalid)?;
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(Issue::error("duplicate_key", format!("the key {:?} appears twice", pair[0]))
                .at(&*pair[0])
                .hint("keep the one that is meant"))
        }
    }
}

/// Any JSON value, read in full and forgotten.
struct ObjectValue;

impl<'de> Deserialize<'de> for ObjectValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for ObjectValue {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// The keys of a JSON object whose values were read in full.
struct Keys<'de>(Vec<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Keys<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Keys<'de>, A::Error> {
                let mut keys = Vec::with_capacity(8);
                while let Some((ObjectKey(key), ObjectValue)) = entries.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// A key, borrowed from the text where it has no escapes.
struct ObjectKey<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for ObjectKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = ObjectKey<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<ObjectKey<'de>, E> {
                Ok(ObjectKey(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<ObjectKey<'de>, E> {
                Ok(ObjectKey(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
