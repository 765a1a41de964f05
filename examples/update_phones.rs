//! Corrects the phone numbers of samples/phones.csv, with a sink that counts as it goes.

use std::error::Error;

use descope_bulk::{Config, Event, Run, RunEnd, Sink};

/// Shows every tenth row.
#[derive(Default)]
struct EveryTenth(u64);

impl Sink for EveryTenth {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::RowFinished(row) = event {
            self.0 += 1;
            if self.0.is_multiple_of(10) {
                println!("{} rows, the last one is {}", self.0, row.outcome.status.word());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runs = std::env::temp_dir().join("descope-bulk-example");
    let runs = format!("--runs-dir={}", runs.display());
    // To reach a project: leave --simulate out and hand over DESCOPE_PROJECT_ID and
    // DESCOPE_MANAGEMENT_KEY, as `&|name| std::env::var(name).ok()` does.
    let words = ["samples/phones.csv", "--operation=phone", "--simulate", &runs];
    let config = Config::from_words(words, &|_| None)?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let run = Run::new(config).sink(EveryTenth::default()).start();
        run.wait().await
    })?;

    let RunEnd::Finished { summary, .. } = end else {
        return Err("the run did not begin".into());
    };
    println!("{} of {} rows updated", summary.tally.updated, summary.tally.read);
    println!("results: {}", summary.files.results.display());
    Ok(())
}
