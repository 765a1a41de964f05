//! Time and memory of one run by its number of rows.

use std::fs;
use std::path::Path;
use std::process::Command;

use descope_bulk::internals::input::{self, InputRequest, Stated};
use descope_bulk::internals::store::{OutputRules, Recorder, RunFolder};

use crate::Plan;
use crate::machine::Place;
use crate::measure::{self, Usage, int};
use crate::programs::{Job, Programs};
use crate::report::{Report, Table, decimal, thousands};
use crate::rows::{finishing_order, updated};
use crate::server::Server;

/// The requests at a time.
const CONCURRENCY: u64 = 64;

/// How many rows are left of the run that is resumed.
const LEFT: u64 = 10;

/// Measures runs, checks and resumed runs.
pub(crate) fn measure(plan: &Plan, programs: &Programs, report: &mut Report) {
    report.section("Time and memory by rows");
    let head = ["what", "rows", "seconds", "rows/s", "CPU s", "peak MiB"];
    let mut table = Table::new(&head.map(str::to_owned));
    for &rows in &plan.sizes {
        let own = programs.file("own.csv", rows, |row| row);
        table.row(&line("check, each row its own user", rows, &check(programs, &own)));
        let rest = format!("run --resume, {LEFT} rows left");
        table.row(&line(&rest, rows, &resume(programs, &own, rows)));
        table.row(&line("run, each row its own user", rows, &run(programs, &own, rows)));
        fs::remove_file(own).expect("the file of rows");

        let one = programs.file("one.csv", rows, |_| 0);
        table.row(&line("check, all rows one user", rows, &check(programs, &one)));
        let fewer = rows.min(plan.one_user);
        let one = programs.file("one.csv", fewer, |_| 0);
        table.row(&line("run, all rows one user", fewer, &run(programs, &one, fewer)));
        fs::remove_file(one).expect("the file of rows");
    }
    report.table(&table);
}

fn line(what: &str, rows: u64, usage: &Usage) -> Vec<String> {
    let known = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| decimal(v, 1));
    let cells = [
        what.to_owned(),
        thousands(int(rows)),
        decimal(usage.seconds, 1),
        thousands(int(rows) / usage.seconds),
        known(usage.cpu_seconds),
        known(usage.peak_mib),
    ];
    eprintln!("  {}", cells.join(" | "));
    cells.into()
}

fn run(programs: &Programs, file: &Path, rows: u64) -> Usage {
    let server = Server::responder(0);
    let job = Job { url: &server.url, file, rows, concurrency: CONCURRENCY, seconds: 0 };
    let out = programs.scratch("run");
    let (usage, code) = end(&mut programs.our_run(&job, &out), Place::Client);
    assert_eq!(code, Some(0), "not every row was updated");
    fs::remove_dir_all(out).expect("the run's folder");
    usage
}

fn check(programs: &Programs, file: &Path) -> Usage {
    let (usage, code) = end(programs.ours("check").arg(file), Place::Anywhere);
    // Rows that set one value of one user again and again are findings.
    assert!(code == Some(0) || code == Some(1), "the check has failed");
    usage
}

/// A run is begun and stopped, its folder filled as if nearly all rows had been done, and then
/// it is taken up. The results hold no users, which resuming does not look at.
fn resume(programs: &Programs, file: &Path, rows: u64) -> Usage {
    let server = Server::responder(10);
    let out = programs.scratch("run");
    let job = Job { url: &server.url, file, rows, concurrency: 1, seconds: 0 };
    let mut begin = programs.our_run(&job, &out);
    let (_, code) = end(begin.args(["--max-duration", "2s"]), Place::Anywhere);
    assert_eq!(code, Some(3), "the run was to be stopped");
    fill(&out, file, rows - LEFT);
    let mut resume = programs.our_run(&job, &out);
    let (usage, code) = end(resume.arg("--resume"), Place::Anywhere);
    assert_eq!(code, Some(0), "the run was not finished");
    fs::remove_dir_all(out).expect("the run's folder");
    usage
}

/// Records all rows up to a number, as a run does.
fn fill(out: &Path, file: &Path, last: u64) {
    const BATCH: usize = 256;
    let folder = RunFolder::open(out.to_owned(), false).expect("the run's folder");
    let begun = folder.recover().expect("its journal").expect("a run that was begun");
    let request = InputRequest {
        path: file.to_owned(),
        stated: Stated::default(),
        known_as: None,
        promise: None,
    };
    let rows = input::open(&[request]).expect("the file of rows");
    let mut recorder = Recorder::resume(&folder, (rows.sources(), &OutputRules::default()), &begun)
        .expect("its files");
    let rows = rows.map(|record| record.expect("a row"));
    let due = |row: u64| row <= last && !begun.finished.contains(row);
    let rows = rows.filter(|record| due(record.position.row));
    for (count, record) in finishing_order(rows).enumerate() {
        recorder.record(&updated(record, None)).expect("a disk that takes it");
        if count % BATCH == BATCH - 1 {
            recorder.commit().expect("a disk that takes it");
        }
    }
    recorder.close(false).expect("a disk that takes it");
}

/// Runs a program to its end, and gives back its exit code.
fn end(command: &mut Command, place: Place) -> (Usage, Option<i32>) {
    let (usage, status) = measure::run(command, place);
    (usage, status.code())
}
