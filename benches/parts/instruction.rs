//! Understanding: from records to instructions.

use std::io::Cursor;

use descope_bulk::internals::input::record::Record;
use descope_bulk::internals::input::{Input, Stated};
use descope_bulk::internals::rows::{Builder, Mapping};
use divan::Bencher;
use divan::counter::ItemsCount;

use crate::input::{csv_of, jsonl_of};

const ROWS: u64 = 1_000;

#[divan::bench]
fn of_cells(bencher: Bencher) {
    build(bencher, "rows.csv", csv_of(ROWS));
}

#[divan::bench]
fn of_json(bencher: Bencher) {
    build(bencher, "rows.jsonl", jsonl_of(ROWS));
}

fn build(bencher: Bencher, name: &str, file: Vec<u8>) {
    let input = Input::of_reader(name, Stated::default(), Cursor::new(file)).unwrap();
    let builder = Builder::new(Mapping::default(), input.sources()).unwrap();
    let records: Vec<Record> = input.map(Result::unwrap).collect();
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| (builder.clone(), records.clone()))
        .bench_values(|(mut builder, records)| {
            let built = records.into_iter().filter_map(|record| builder.build(record).ok());
            assert_eq!(built.count() as u64, ROWS);
        });
}
