//! Reading: from a file's bytes to records.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use bytes::Bytes;
use descope_bulk::internals::input::record::Record;
use descope_bulk::internals::input::{Input, Stated};
use divan::Bencher;
use divan::counter::ItemsCount;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::rows::{CSV_HEADER, login_id, phone, write_csv_row};

const ROWS: u64 = 10_000;

#[divan::bench]
fn csv(bencher: Bencher) {
    read(bencher, "rows.csv", csv_of(ROWS));
}

#[divan::bench]
fn csv_gzip(bencher: Bencher) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&csv_of(ROWS)).unwrap();
    read(bencher, "rows.csv.gz", packed.finish().unwrap());
}

#[divan::bench]
fn jsonl(bencher: Bencher) {
    read(bencher, "rows.jsonl", jsonl_of(ROWS));
}

#[divan::bench]
fn json_array(bencher: Bencher) {
    let lines = String::from_utf8(jsonl_of(ROWS)).unwrap();
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    read(bencher, "rows.json", array.into_bytes());
}

fn read(bencher: Bencher, name: &str, file: Vec<u8>) {
    let file = Bytes::from(file);
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| file.clone())
        .bench_values(|file| assert_eq!(open(name, file).count() as u64, ROWS));
}

fn open(name: &str, file: Bytes) -> impl Iterator<Item = Record> {
    let input = Input::of_reader(name, Stated::default(), Cursor::new(file)).unwrap();
    input.map(Result::unwrap)
}

/// Rows of as many users, as CSV.
pub(crate) fn csv_of(rows: u64) -> Vec<u8> {
    let mut text = format!("{CSV_HEADER}\n").into_bytes();
    for row in 0..rows {
        write_csv_row(&mut text, row, row).unwrap();
    }
    text
}

/// The same as JSONL.
pub(crate) fn jsonl_of(rows: u64) -> Vec<u8> {
    let mut text = String::new();
    for row in 0..rows {
        let (user, phone) = (login_id(row), phone(row));
        writeln!(text, r#"{{"loginId":"{user}","phone":"{phone}","verified":true}}"#).unwrap();
    }
    text.into_bytes()
}
