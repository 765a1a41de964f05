//! Whatever rows hold, they are understood or refused.

#![no_main]

use std::io::Cursor;

use descope_bulk::internals::input::{Input, Stated};
use descope_bulk::internals::rows::{Builder, Mapping};
use libfuzzer_sys::fuzz_target;

/// Headers that make different operations.
const HEADERS: [&str; 4] = [
    "loginId,phone,verified\n",
    "operation,loginId,name,email,phone,verified,roleNames,customAttributes\n",
    "loginId,newLoginId,_row,_status,_error,_message,_hint\n",
    "",
];

fuzz_target!(|data: (u8, Vec<u8>)| {
    let (which, bytes) = data;
    let header = HEADERS[usize::from(which) % HEADERS.len()];
    let name = if header.is_empty() { "fuzz.jsonl" } else { "fuzz.csv" };
    let file = [header.as_bytes(), &bytes].concat();
    let Ok(input) = Input::of_reader(name, Stated::default(), Cursor::new(file)) else { return };
    let Ok(mut builder) = Builder::new(Mapping::default(), input.sources()) else { return };
    for record in input.map_while(Result::ok) {
        let _ = std::hint::black_box(builder.build(record));
    }
});
