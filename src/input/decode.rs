//! From the bytes of a text to UTF-8.
//!
//! UTF-8 passes through untouched: what is wrong with it is found row by row. Other encodings
//! are decoded as they are read. What they cannot mean becomes a byte that UTF-8 never has, so
//! that the row it stands in is a bad row and nothing is replaced in silence.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::unpack::{Bytes, Peek};
use crate::input::record::Encoding;

/// Stands for what could not be decoded.
const WRONG: u8 = 0xff;

/// The marks that text begins with.
const MARKS: [(&[u8], Encoding); 3] = [
    (b"\xef\xbb\xbf", Encoding::Utf8),
    (b"\xff\xfe", Encoding::Utf16Le),
    (b"\xfe\xff", Encoding::Utf16Be),
];

/// The room for one read.
const BLOCK: usize = 16 * 1024;

/// The text in UTF-8, and what it was written in. UTF-8 keeps its mark.
///
/// The encoding is the one that is stated, else the one that the mark tells, else UTF-8. Returns
/// what to say if both are there and differ.
pub(super) fn open(
    mut bytes: Peek,
    stated: Option<Encoding>,
) -> io::Result<Result<(Bytes, Encoding), String>> {
    let mut marked = None;
    for (mark, encoding) in MARKS {
        if bytes.begins_with(mark)? {
            marked = Some((mark, encoding));
        }
    }
    let encoding = match (marked, stated) {
        (Some((_, marked)), Some(stated)) if marked != stated => {
            return Ok(Err(format!(
                "begins with a byte order mark of {}, but --encoding is {}; omit --encoding",
                marked.name(),
                stated.name()
            )));
        }
        (Some((_, encoding)), _) | (None, Some(encoding)) => encoding,
        (None, None) => Encoding::Utf8,
    };
    let decoder = match encoding {
        Encoding::Utf8 => return Ok(Ok((Box::new(bytes), encoding))),
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
        Encoding::Windows1252 => WINDOWS_1252,
    };
    bytes.skip(marked.map_or(0, |(mark, _)| mark.len()));
    let decoded = Decoded {
        inner: bytes,
        decoder: decoder.new_decoder_without_bom_handling(),
        single_bytes: encoding == Encoding::Windows1252,
        block: vec![0; BLOCK],
        text: Vec::new(),
        at: 0,
        ended: false,
    };
    Ok(Ok((Box::new(decoded), encoding)))
}

/// A stream that is decoded as it is read.
struct Decoded {
    inner: Peek,
    decoder: Decoder,
    /// Each byte is a character, and five mean none.
    single_bytes: bool,
    block: Vec<u8>,
    /// What is decoded, and how much of it was given out.
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Decoded {
    /// Decodes what one read returns.
    fn fill(&mut self) -> io::Result<()> {
        let count = loop {
            match self.inner.read(&mut self.block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                count => break count?,
            }
        };
        self.text.clear();
        self.at = 0;
        self.ended = count == 0;
        let block = &self.block[..count];
        if !self.single_bytes {
            decode(&mut self.decoder, block, self.ended, &mut self.text);
            return Ok(());
        }
        for (number, piece) in block.split(|byte| is_undefined(*byte)).enumerate() {
            if number > 0 {
                self.text.push(WRONG);
            }
            decode(&mut self.decoder, piece, false, &mut self.text);
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.ended {
            self.fill()?;
        }
        let text = &self.text[self.at..];
        let count = text.len().min(buffer.len());
        buffer[..count].copy_from_slice(&text[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Appends what bytes mean.
fn decode(decoder: &mut Decoder, mut bytes: &[u8], last: bool, text: &mut Vec<u8>) {
    let mut room = [0; 4096];
    loop {
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(bytes, &mut room, last);
        text.extend_from_slice(&room[..written]);
        bytes = &bytes[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(WRONG),
        }
    }
}

/// The bytes that Windows-1252 gives no character.
fn is_undefined(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)
}

/// The text of bytes that begin with a byte order mark of UTF-16; nothing if they do not.
pub(super) fn marked_utf16(bytes: &[u8]) -> Option<String> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes)?;
    let text = || encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    (encoding == UTF_16LE || encoding == UTF_16BE).then(text)
}

/// Whether a text, written as Windows-1252, is UTF-8 with more in it than ASCII.
pub(crate) fn is_decoded_twice(text: &str) -> bool {
    let (bytes, _, unmappable) = WINDOWS_1252.encode(text);
    !unmappable && std::str::from_utf8(&bytes).is_ok()
}
