//! Runs as the library's users start them: several at once, with sinks, stopped early.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Run, RunEnd};
use crate::engine::events::{Event, Sink};
use crate::exit::Exit;
use crate::outcome::Tally;
use crate::settings::config::Config;
use crate::stop::StopReason;

/// Notes the kinds of events in the order in which they come; ticks come when they like.
#[derive(Clone, Default)]
struct Kinds(Arc<Mutex<Vec<&'static str>>>);

impl Sink for Kinds {
    fn event(&mut self, event: &Event<'_>) {
        let kind = match event {
            Event::Started(_) => "started",
            Event::RowFinished(_) => "row",
            Event::Stopping(_) => "stopping",
            Event::Finished(_) => "finished",
            Event::CanaryChecked(_) => "canary",
            Event::Intervened(_) => "intervened",
            Event::Read { .. } | Event::AllRead | Event::Waiting(_) | Event::Tick(_) => return,
        };
        self.0.lock().unwrap().push(kind);
    }
}

/// A rehearsal of `rows` patches below a folder.
fn rehearsal(folder: &Path, rows: usize, more: &[&str]) -> Config {
    let input = folder.join(format!("{rows}.csv"));
    let lines = (1..=rows).map(|row| format!("u{row}@example.com,Ada\n"));
    std::fs::write(&input, format!("loginId,givenName\n{}", lines.collect::<String>())).unwrap();
    let (input, runs) = (input.to_str().unwrap(), folder.join("runs"));
    let words = [input, "--operation", "patch", "--simulate", "--runs-dir", runs.to_str().unwrap()];
    Config::from_words(words.iter().chain(more), &|_| None).unwrap()
}

fn updated(end: RunEnd) -> u64 {
    let RunEnd::Finished { summary, exit: Exit::Success, unrecorded: None } = end else {
        panic!("{end:?}");
    };
    assert_eq!(
        summary.tally,
        Tally { read: summary.tally.read, updated: summary.tally.read, ..Tally::default() }
    );
    summary.tally.updated
}

#[tokio::test]
async fn two_runs_go_on_side_by_side_and_tell_their_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [Kinds::default(), Kinds::default()];
    let start = |rows, kinds: &Kinds| {
        Run::new(rehearsal(folder.path(), rows, &[])).sink(kinds.clone()).start()
    };
    let (one, other) = (start(2, &kinds[0]), start(3, &kinds[1]));
    assert_eq!(updated(one.wait().await.unwrap()), 2);
    assert_eq!(updated(other.wait().await.unwrap()), 3);
    let [one, other] = kinds.map(|kinds| kinds.0.lock().unwrap().clone());
    assert_eq!(one, ["started", "row", "row", "finished"]);
    assert_eq!(other, ["started", "row", "row", "row", "finished"]);
}

#[tokio::test]
async fn a_run_that_is_stopped_before_its_first_row_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::new(rehearsal(folder.path(), 2, &[])).start();
    run.stop().drain(StopReason::Terminated);
    let end = run.wait().await.unwrap();
    assert!(matches!(end, RunEnd::NotBegun(StopReason::Terminated)), "{end:?}");
    let runs = std::fs::read_dir(folder.path().join("runs"));
    let left =
        runs.map_or(0, |runs| runs.filter(|run| run.as_ref().unwrap().path().is_dir()).count());
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_run_that_stops_early_names_the_command_that_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let config = || {
        rehearsal(
            folder.path(),
            3,
            &[
                "--fault",
                "500:rate=1",
                "--max-failures",
                "1",
                "--max-attempts",
                "1",
                "--concurrency",
                "1",
            ],
        )
    };
    let stopped = |end| match end {
        RunEnd::Finished { summary, exit: Exit::Stopped, unrecorded: None } => {
            summary.stopped.unwrap()
        }
        end => panic!("{end:?}"),
    };
    let typed = ["run", "a b.csv"].map(str::to_owned).to_vec();
    let told = stopped(Run::new(config()).typed(typed).start().wait().await.unwrap());
    assert_eq!(told.resume.as_deref(), Some("descope-bulk run --resume 'a b.csv'"));
    let untold = stopped(Run::new(config()).start().wait().await.unwrap());
    assert_eq!(untold.resume, None);
}
