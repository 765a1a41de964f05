//! Any bytes, with anything stated about them, are read to an end.

#![no_main]

use std::io::Cursor;

use descope_bulk::internals::input::{HeaderRow, Input, Stated};
use descope_bulk::internals::input::record::{Delimiter, Encoding, Format};
use libfuzzer_sys::fuzz_target;

/// One of them, or nothing.
fn pick<T: Copy>(of: &[T], by: u8) -> Option<T> {
    of.get(usize::from(by) % (of.len() + 1)).copied()
}

fuzz_target!(|data: (u8, u8, u8, u8, Vec<u8>)| {
    let (format, encoding, delimiter, header, bytes) = data;
    let formats =
        [Format::Csv, Format::Tsv, Format::Jsonl, Format::Json, Format::Xlsx, Format::Ods];
    let encodings =
        [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252];
    let stated = Stated {
        format: pick(&formats, format),
        encoding: pick(&encodings, encoding),
        delimiter: pick(&Delimiter::ALL, delimiter),
        header: match header % 4 {
            0 => HeaderRow::At(u64::from(header)),
            1 => HeaderRow::default(),
            _ => HeaderRow::Named(["x".to_owned(), "loginid".to_owned()].into()),
        },
        ..Stated::default()
    };
    let Ok(input) = Input::of_reader("fuzz", stated, Cursor::new(bytes)) else { return };
    let rows = input.filter(Result::is_ok).count();
    std::hint::black_box(rows);
});
