//! Programs compared: they take turns, so that what else the machine does meets all of them.

use crate::measure::median;
use crate::programs::{Done, Job, Program, Programs};
use crate::report::{Table, decimal, thousands};

/// The programs, and what each has done in each round.
pub(crate) struct Compared(Vec<(Program, Vec<Done>)>);

impl Compared {
    /// Runs those of the programs that are installed in turns.
    pub(crate) fn run(
        programs: &Programs,
        which: &[Program],
        rounds: usize,
        job: &Job<'_>,
    ) -> Self {
        let there = which.iter().filter(|program| programs.version(**program).is_some());
        let mut all: Vec<_> = there.map(|program| (*program, Vec::new())).collect();
        for round in 1..=rounds {
            for (program, done) in &mut all {
                done.push(programs.run(*program, job));
                let rate = thousands(done.last().map_or(0.0, |done| done.rate));
                eprintln!("  round {round} of {rounds}: {}, {rate} rows/s", program.name());
            }
        }
        Self(all)
    }

    /// The median rate of each program.
    pub(crate) fn rates(&self) -> impl Iterator<Item = (Program, f64)> {
        self.0.iter().map(|(program, rounds)| (*program, median(rounds.iter().map(|d| d.rate))))
    }

    /// The medians as a table, with the rates as multiples of those of some programs.
    pub(crate) fn table(&self, over: &[Program]) -> Table {
        let there = |program: &&Program| self.rounds(**program).is_some();
        let over: Vec<Program> = over.iter().filter(there).copied().collect();
        let mut head: Vec<String> =
            ["program", "rows/s", "CPU s per 100,000 rows", "peak MiB"].map(str::to_owned).into();
        head.extend(over.iter().map(|base| format!("÷ {}", base.name())));
        let mut table = Table::new(&head);
        for ((program, rate), (_, rounds)) in self.rates().zip(&self.0) {
            let mut row = vec![
                program.name().to_owned(),
                thousands(rate),
                some(rounds, |done| done.cpu_per_100k, 2),
                some(rounds, |done| done.usage.peak_mib, 1),
            ];
            row.extend(over.iter().map(|base| decimal(self.ratio(program, *base), 2)));
            table.row(&row);
        }
        table
    }

    /// How many times the rate of another a program has: the median of what it is in each round.
    fn ratio(&self, program: Program, base: Program) -> f64 {
        let both = self.rounds(program).zip(self.rounds(base));
        let (own, base) = both.expect("both were run");
        median(own.iter().zip(base).map(|(own, base)| own.rate / base.rate))
    }

    fn rounds(&self, program: Program) -> Option<&[Done]> {
        self.0.iter().find(|(other, _)| *other == program).map(|(_, rounds)| &rounds[..])
    }
}

/// The median of what is known in every round.
fn some(rounds: &[Done], of: impl Fn(&Done) -> Option<f64>, digits: usize) -> String {
    let values: Option<Vec<f64>> = rounds.iter().map(of).collect();
    values.map_or_else(|| "–".to_owned(), |values| decimal(median(values), digits))
}
