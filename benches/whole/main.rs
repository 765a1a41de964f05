//! The whole program, measured beside others that do the same work.
//!
//! `cargo bench --bench whole` takes some minutes and prints tables in Markdown. Behind `--`,
//! words say what else: `docs/performance.md` lists them. Without `--bench`, as under `cargo test`, a
//! few rows show that all of it still works.
//!
//! This file is also the programs that it measures against: it starts itself as the responder
//! and as the plain program.

#[path = "../common/rows.rs"]
mod rows;

mod compared;
mod latency;
mod machine;
mod measure;
mod plain;
mod programs;
mod report;
mod responder;
mod server;
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
    sizes: Vec<u64>,
    /// The most rows of a run in which all are of one user, which waits for each answer.
    one_user: u64,
}

impl Plan {
    fn of(words: &[&str]) -> Self {
        const MILLION: u64 = 1_000_000;
        let has = |word| words.contains(&word);
        let mut plan = if !has("--bench") {
            Self { rounds: 1, rows: 200, turns: 2, sizes: vec![2_000], one_user: 200 }
        } else if has("full") {
            let sizes = vec![MILLION, 10 * MILLION];
            Self { rounds: 9, rows: 200_000, turns: 200, sizes, one_user: MILLION }
        } else {
            Self { rounds: 5, rows: 200_000, turns: 80, sizes: vec![MILLION], one_user: 100_000 }
        };
        if let Some(rows) = value(words, "rows=") {
            plan.sizes = vec![rows.parse().expect("rows=N, a number of rows")];
        }
        plan
    }
}

/// What is said behind the beginning of a word.
fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["responder", latency] => responder::main(latency),
        ["plain", url, rows, out, concurrency] => plain::main(url, rows, out, concurrency),
        _ => measure_all(&words),
    }
}

/// A part of the measurements, which may be asked for by its name.
type Section = fn(&Plan, &Programs, &mut Report);

const SECTIONS: [(&str, Section); 3] =
    [("throughput", throughput::measure), ("latency", latency::measure), ("sizes", sizes::measure)];

/// Refuses a word that would be passed over, which may cost somebody half an hour.
fn refuse_unknown(words: &[&str]) {
    let known = |word: &str| {
        let section = SECTIONS.iter().any(|(name, _)| *name == word);
        // Those with hyphens are cargo's.
        let named = word.starts_with("program=") || word.starts_with("rows=");
        section || named || ["full", "write"].contains(&word) || word.starts_with("--")
    };
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        panic!("{unknown} is unknown; docs/performance.md lists the words");
    }
}

fn measure_all(words: &[&str]) {
    refuse_unknown(words);
    let plan = Plan::of(words);
    let has = |word: &str| words.contains(&word);
    let program = value(words, "program=").unwrap_or(env!("CARGO_BIN_EXE_descope-bulk"));
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let programs = Programs::new(PathBuf::from(program), scratch.path());
    let mut report = Report::new(words, &programs);
    let all = !SECTIONS.iter().any(|(name, _)| has(name));
    for (_, section) in SECTIONS.iter().filter(|(name, _)| all || has(name)) {
        section(&plan, &programs, &mut report);
    }
    println!("{}", report.text());
    if has("write") {
        assert!(all, "the document shows everything, so everything must be measured");
        report.write();
    }
}
