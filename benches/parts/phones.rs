//! Phone numbers: from what is written to E.164.

use descope_bulk::internals::catalog::Kind;
use descope_bulk::internals::rows::values::{
    CellReading, PhoneReading, Phones, StatedRegion, from_cell,
};
use divan::{Bencher, black_box};

#[divan::bench]
fn clean(bencher: Bencher) {
    read(bencher, "+442079460000", Phones::Check);
}

#[divan::bench]
fn with_blanks_and_brackets(bencher: Bencher) {
    read(bencher, "+44 (0)20 7946 0000", Phones::Check);
}

#[divan::bench]
fn without_country_code(bencher: Bencher) {
    read(bencher, "020 7946 0000", Phones::Check);
}

#[divan::bench]
fn with_its_plus_lost(bencher: Bencher) {
    read(bencher, "442079460000", Phones::Check);
}

#[divan::bench]
fn as_is(bencher: Bencher) {
    read(bencher, "+442079460000", Phones::AsIs);
}

fn read(bencher: Bencher, cell: &str, phones: Phones) {
    let region = StatedRegion::As("GB".parse().unwrap());
    let phone = PhoneReading { phones, region, ..PhoneReading::default() };
    let reading = CellReading { phone, ..CellReading::default() };
    // The numbering plans are made ready the first time.
    assert!(from_cell(Kind::Phone, cell, reading).is_ok());
    bencher.bench(|| from_cell(Kind::Phone, black_box(cell), reading).is_ok());
}
