//! The whole program, measured beside others that do the same work.
//!
//! `cargo bench --bench whole` takes some minutes and prints tables in Markdown. Behind `--`,
//! `full` measures longer and up to ten million rows, `write` puts the tables and the chart into
//! `docs/`, and `program=PATH` measures another build. Without `--bench`, as under `cargo test`, a
//! few rows show that all of it still works.
//!
//! This file is also the programs that it measures against: it starts itself as the responder
//! and as the plain program.

#[path = "../rows.rs"]
mod rows;

mod compared;
mod latency;
mod machine;
mod measure;
mod plain;
mod programs;
mod report;
mod responder;
mod sizes;
mod throughput;

use std::path::PathBuf;

use programs::Programs;
use report::Report;

/// How much is measured.
#[derive(Debug)]
struct Plan {
    /// How often each program runs where they are compared.
    rounds: usize,
    /// The rows of each such run.
    rows: u64,
    /// How many times the latency each run against a slow server takes.
    turns: u64,
    /// The numbers of rows that one run is measured with.
    sizes: &'static [u64],
    /// The most rows of a run in which all are of one user, which waits for each answer.
    one_user: u64,
}

const SMOKE: Plan = Plan { rounds: 1, rows: 200, turns: 2, sizes: &[2_000], one_user: 200 };

const USUAL: Plan =
    Plan { rounds: 5, rows: 50_000, turns: 80, sizes: &[1_000_000], one_user: 100_000 };

const FULL: Plan = Plan {
    rounds: 9,
    rows: 100_000,
    turns: 200,
    sizes: &[1_000_000, 10_000_000],
    one_user: 1_000_000,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["responder", latency] => responder::main(latency),
        ["plain", url, rows, out, concurrency] => plain::main(url, rows, out, concurrency),
        _ => measure_all(&words),
    }
}

fn measure_all(words: &[&str]) {
    let has = |word| words.contains(&word);
    let plan = match (has("--bench"), has("full")) {
        (false, _) => SMOKE,
        (true, false) => USUAL,
        (true, true) => FULL,
    };
    let program = words.iter().find_map(|word| word.strip_prefix("program="));
    let program = program.unwrap_or(env!("CARGO_BIN_EXE_descope-bulk"));
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let programs = Programs::new(PathBuf::from(program), scratch.path());
    let mut report = Report::new(&programs);
    throughput::measure(&plan, &programs, &mut report);
    latency::measure(&plan, &programs, &mut report);
    sizes::measure(&plan, &programs, &mut report);
    println!("{}", report.text());
    if has("write") {
        report.write();
    }
}
