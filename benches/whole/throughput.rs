//! How many rows a second one processor core gets through, where nothing else holds it up.

use crate::Plan;
use crate::compared::Compared;
use crate::programs::{Job, Program, Programs};
use crate::report::Report;
use crate::server::Server;

/// The requests at a time.
const CONCURRENCY: u64 = 64;

/// Measures against a server that does nothing, and against the simulator.
pub(crate) fn measure(plan: &Plan, programs: &Programs, report: &mut Report) {
    let file = programs.file("rows.csv", plan.rows, |row| row);
    let against = |url: &str, which: &[Program]| {
        let job = Job { url, file: &file, rows: plan.rows, concurrency: CONCURRENCY, seconds: 2 };
        Compared::run(programs, which, plan.rounds, &job)
    };

    report.section("Every request answered at once");
    let all = [Program::Ours, Program::Plain, Program::Wrk];
    let compared = against(&Server::responder(0).url, &all);
    report.table(&compared.table(&[Program::Plain]));
    for (program, rate) in compared.rates() {
        report.bar(program.name(), rate);
    }
    if programs.version(Program::Wrk).is_none() {
        report.note("`wrk` is not installed, so it is left out.");
    }

    report.section("The simulator, without a limit");
    let compared = against(&Server::simulator(programs).url, &[Program::Ours, Program::Plain]);
    report.table(&compared.table(&[Program::Plain]));
}
