//! The recorder and its journal: from outcomes to files, and back to what was done.

use std::fs;
use std::io::Cursor;
use std::sync::Arc;

use descope_bulk::Finished;
use descope_bulk::internals::input::record::Source;
use descope_bulk::internals::input::{Input, Stated};
use descope_bulk::internals::store::journal::{Identity, JOURNAL_VERSION, recover};
use descope_bulk::internals::store::{OutputRules, Place, Recorder, RunFolder};
use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;

use crate::input::csv_of;
use crate::rows::{USER, finishing_order, updated};

const ROWS: u64 = 4_096;

/// As many rows as the program commits at a time when it is busy.
const BATCH: usize = 256;

#[divan::bench(sample_count = 20)]
fn one_commit(bencher: Bencher) {
    write(bencher, usize::MAX, false);
}

#[divan::bench(sample_count = 20)]
fn commit_every_256_rows(bencher: Bencher) {
    write(bencher, BATCH, false);
}

#[divan::bench(sample_count = 20)]
fn commit_every_row(bencher: Bencher) {
    write(bencher, 1, false);
}

#[divan::bench(sample_count = 20)]
fn commit_and_sync_every_256_rows(bencher: Bencher) {
    write(bencher, BATCH, true);
}

fn write(bencher: Bencher, batch: usize, sync: bool) {
    let (sources, rows) = finished(ROWS, Some(USER));
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| Run::begin(&sources))
        .bench_values(|run| run.write(&rows, batch, sync));
}

/// What `--resume` reads first: the journal of a run, here of 100,000 rows.
#[divan::bench]
fn recovery_of_a_journal(bencher: Bencher) {
    const ROWS: u64 = 100_000;
    let (sources, rows) = finished(ROWS, None);
    let run = Run::begin(&sources).write(&rows, BATCH, false);
    let journal = fs::read(run.folder.path().join("journal")).unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench(|| {
        let recovered = recover(journal.as_slice(), |_| true).unwrap().unwrap();
        assert_eq!(recovered.finished.len(), ROWS);
    });
}

/// A run's files, in a folder that goes away.
struct Run {
    recorder: Recorder,
    folder: RunFolder,
    _parent: TempDir,
}

impl Run {
    fn begin(sources: &[Arc<Source>]) -> Self {
        let parent = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let folder = RunFolder::create(&Place::Exactly(parent.path().join("run"))).unwrap();
        let identity = Identity {
            version: JOURNAL_VERSION,
            inputs: Vec::new(),
            settings: serde_json::Map::new(),
        };
        let recorder =
            Recorder::new(&folder, (sources, &OutputRules::default()), &identity).unwrap();
        Self { recorder, folder, _parent: parent }
    }

    /// Writes the rows, and gives itself back so that removing it is not measured.
    fn write(mut self, rows: &[Finished], batch: usize, sync: bool) -> Self {
        for batch in rows.chunks(batch) {
            for row in batch {
                self.recorder.record(row).unwrap();
            }
            self.recorder.commit().unwrap();
            if sync {
                self.recorder.sync(&[]).unwrap();
            }
        }
        self
    }
}

/// Rows that were updated, in an order in which they may finish.
fn finished(rows: u64, user: Option<&str>) -> (Vec<Arc<Source>>, Vec<Finished>) {
    let input = Input::of_reader("rows.csv", Stated::default(), Cursor::new(csv_of(rows))).unwrap();
    let sources = input.sources().to_vec();
    let finished = finishing_order(input).map(|record| updated(record.unwrap(), user));
    (sources, finished.collect())
}
