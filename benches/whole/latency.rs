//! How well the requests that may go at a time are kept going, where each takes its time.

use crate::Plan;
use crate::compared::Compared;
use crate::programs::{Job, Program, Programs};
use crate::report::Report;
use crate::server::Server;

/// How long each request takes.
const LATENCY_MS: u64 = 50;

/// Measures against a server that takes its time.
pub(crate) fn measure(plan: &Plan, programs: &Programs, report: &mut Report) {
    let responder = Server::responder(LATENCY_MS);
    for concurrency in [64, 256] {
        report.section(&format!(
            "Every request answered after {LATENCY_MS} ms, {concurrency} at a time"
        ));
        let rows = concurrency * plan.turns;
        let job = Job {
            url: &responder.url,
            file: &programs.file("rows.csv", rows, |row| row),
            rows,
            concurrency,
            seconds: (plan.turns * LATENCY_MS / 1_000).max(1),
        };
        let which = [Program::Ours, Program::Plain, Program::Wrk];
        let compared = Compared::run(programs, &which, plan.rounds.min(3), &job);
        report.table(&compared.table(&[Program::Wrk]));
    }
}
