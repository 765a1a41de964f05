//! Lanes: lining rows up by their users, and letting the next ones go.

use descope_bulk::internals::engine::lanes::Lanes;
use divan::Bencher;
use divan::counter::ItemsCount;

/// As many rows as a run holds.
const WINDOW: u64 = 512;

#[divan::bench]
fn each_its_own_user(bencher: Bencher) {
    pass_through(bencher, |row| row);
}

#[divan::bench]
fn eight_rows_a_user(bencher: Bencher) {
    pass_through(bencher, |row| row / 8);
}

#[divan::bench]
fn all_one_user(bencher: Bencher) {
    pass_through(bencher, |_| 0);
}

/// Lines a window of rows up, then finishes each as soon as it may go.
fn pass_through(bencher: Bencher, lane: impl Fn(u64) -> u64 + Sync) {
    bencher.counter(ItemsCount::new(WINDOW)).bench(|| {
        let mut lanes = Lanes::default();
        let admit = |row| lanes.admit(row, &[lane(row)], row);
        let mut free: Vec<_> = (0..WINDOW).filter_map(admit).collect();
        let mut finished = 0;
        while let Some(row) = free.pop() {
            finished += 1;
            free.extend(lanes.finish(row, &[lane(row)]));
        }
        assert_eq!(finished, WINDOW);
    });
}
