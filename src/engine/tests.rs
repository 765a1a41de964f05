mod batching;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::catalog::OPERATIONS;
use crate::change::Changes;
use crate::engine::breaker::MaxFailures;
use crate::engine::events::Sink;
use crate::engine::recorder_handle::RecorderHandle;
use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
use crate::issue::Issue;
use crate::outcome::Status;
use crate::rows::OnConflict;

/// A step in memory: sleeps, notes who it works on, and gives out what it is told to.
#[derive(Default)]
struct Fake {
    log: Mutex<Vec<u64>>,
    busy: Mutex<HashMap<u64, u64>>,
    most: Mutex<usize>,
    delays: HashMap<u64, Duration>,
    /// Rows that fail.
    failing: HashSet<u64>,
    /// How many rows each user of each batch had.
    packed: Mutex<Vec<Vec<usize>>>,
    /// What batches are to come to, the last first; none that is left comes to its end.
    turns: Mutex<Vec<Turn>>,
}

/// What a batch comes to.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A word on each of its rows.
    Done,
    /// Two calls.
    Halves,
    /// Outcomes for every other user; the others need a request each.
    Apart,
}

impl Executor for Fake {
    async fn execute(&self, call: WorkItem, stop: &Stop) -> Completed {
        let mut further = Vec::new();
        let done = match call {
            WorkItem::User(user_rows) => vec![self.work(user_rows, stop).await],
            WorkItem::Batch { mut users, .. } => {
                self.packed.lock().unwrap().push(users.iter().map(UserRows::rows).collect());
                let turn = self.turns.lock().unwrap().pop().unwrap_or(Turn::Done);
                let now = match turn {
                    Turn::Done => users,
                    Turn::Halves => {
                        let rest = users.split_off(users.len() / 2);
                        let halves = [users, rest].into_iter().filter(|half| !half.is_empty());
                        further
                            .extend(halves.map(|users| WorkItem::Batch { users, searched: true }));
                        Vec::new()
                    }
                    Turn::Apart => {
                        let (now, later): (Vec<_>, Vec<_>) =
                            users.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
                        further.extend(
                            later.into_iter().map(|(_, user_rows)| WorkItem::User(user_rows)),
                        );
                        now.into_iter().map(|(_, user_rows)| user_rows).collect()
                    }
                };
                futures_util::future::join_all(
                    now.into_iter().map(|user_rows| self.work(user_rows, stop)),
                )
                .await
            }
            WorkItem::Read(users) => return Completed { read: users, ..Completed::default() },
        };
        Completed { done, further, ..Completed::default() }
    }

    fn batch_size(&self) -> usize {
        3
    }
}

impl Fake {
    async fn work(&self, user_rows: UserRows, stop: &Stop) -> UserOutcomes {
        let row = user_rows.first.record.position.row;
        let lanes = user_rows.lanes();
        {
            let mut busy = self.busy.lock().unwrap();
            for lane in &lanes {
                assert!(busy.insert(*lane, row).is_none(), "two rows of one user at once");
            }
            let mut most = self.most.lock().unwrap();
            *most = (*most).max(busy.len());
        }
        let delay = self.delays.get(&row).copied().unwrap_or(Duration::from_millis(10));
        let undone = tokio::select! {
            () = tokio::time::sleep(delay) => false,
            () = stop.draining() => true,
        };
        self.busy.lock().unwrap().retain(|lane, _| !lanes.contains(lane));
        if undone {
            return UserOutcomes::alike(user_rows, None);
        }
        self.log.lock().unwrap().push(row);
        let fails = self.failing.contains(&row);
        let status = if fails { Status::Rejected } else { Status::Updated };
        let outcome = Outcome { status, error: fails.then(failure), ..updated(delay) };
        UserOutcomes::alike(user_rows, Some(&outcome))
    }
}

fn updated(duration: Duration) -> Outcome {
    Outcome {
        status: Status::Updated,
        attempts: 1,
        http_status: Some(200),
        duration,
        finished_at: Timestamp::UNIX_EPOCH,
        user: None,
        merged: None,
        error: None,
        requests: Vec::new(),
    }
}

fn failure() -> Box<Issue> {
    Box::new(Issue::error("refused", ""))
}

struct Seen(Arc<Mutex<u64>>);

impl Sink for Seen {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::RowFinished(_) = event {
            *self.0.lock().unwrap() += 1;
        }
    }
}

fn seen(rows: &Arc<Mutex<u64>>) -> Sinks {
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(Seen(Arc::clone(rows)))];
    sinks.into()
}

fn record(row: u64) -> Record {
    Record {
        source: Arc::new(Source {
            name: "in".into(),
            format: Format::Jsonl,
            encoding: Encoding::Utf8,
            delimiter: None,
            columns: vec![],
            header_line: 1,
        }),
        position: Position { row, line: row, byte: 0 },
        content: Content::Object("{}".into()),
    }
}

fn ready(row: u64, lane: u64) -> Row {
    Row::Ready(Box::new(Instruction {
        record: record(row),
        operation: &OPERATIONS[0],
        login_id: lane.to_string(),
        changes: Changes::new(),
        on_conflict: OnConflict::Fail,
        ambiguous: false,
        lanes: [lane].into_iter().collect(),
        batch: None,
        looked_up: false,
        attributes_apart: false,
        invites: false,
        user_id: None,
        patched: None,
        expect: None,
        notes: None,
    }))
}

fn invalid(row: u64) -> Row {
    Row::Invalid(Box::new(Invalid {
        record: record(row),
        operation: None,
        login_id: None,
        issue: Box::new(Issue::error("bad_value", "bad")),
        notes: None,
    }))
}

const HOUR: Duration = Duration::from_secs(3600);

/// Runs rows through an engine; returns the counts and the rows recorded, in order.
async fn run(fake: Arc<Fake>, rows: Vec<Row>, window: usize, stop: Stop) -> (Tally, Vec<u64>) {
    let (to_recorder, mut from_engine) = tokio::sync::mpsc::channel(8);
    let breaker = CircuitBreaker::new(MaxFailures::Count(2), 0);
    let seen = Arc::new(Mutex::new(0));
    let engine = Engine::new(fake, to_recorder, self::seen(&seen), stop.clone(), breaker, window);
    let all = rows.len() as u64;
    let from_input = reading(rows.into_iter());
    let recorder = tokio::spawn(async move {
        let mut recorded = Vec::new();
        while let Some(finished) = from_engine.recv().await {
            if let Entry::Finished(finished) = finished {
                recorded.push(finished.record.position.row);
            }
        }
        recorded
    });
    // The clock moves when nobody else does: then the engine waits for what never comes.
    let ended = tokio::time::timeout(HOUR, engine.run(Tally::default(), from_input)).await;
    let Ended { tally, complete } = ended.expect("the run ends");
    assert_eq!(tally.finished(), *seen.lock().unwrap());
    let all_done = tally.not_attempted == 0 && tally.read == all;
    // A stop may come between the last row and the end behind it.
    assert!(complete == all_done || (all_done && stop.is_draining()));
    assert!(tally.balances(), "{tally:?}");
    (tally, recorder.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn rows_of_one_user_keep_their_order_and_others_do_not_wait() {
    let delays = HashMap::from([(1, Duration::from_secs(60))]);
    let fake = Arc::new(Fake { delays, ..Fake::default() });
    let rows = vec![ready(1, 7), ready(2, 7), ready(3, 8), ready(4, 7), ready(5, 9)];
    let (tally, recorded) = run(Arc::clone(&fake), rows, 100, Stop::default()).await;
    assert_eq!(tally.updated, 5);
    assert_eq!(recorded, [3, 5, 1, 2, 4]);
}

#[tokio::test(start_paused = true)]
async fn the_window_bounds_what_is_held() {
    let fake = Arc::new(Fake::default());
    let rows = (1..=100).map(|row| ready(row, row)).collect();
    let (tally, _) = run(Arc::clone(&fake), rows, 5, Stop::default()).await;
    assert_eq!(tally.updated, 100);
    assert_eq!(*fake.most.lock().unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_rows_undone_and_counts_them() {
    let fake = Arc::new(Fake::default());
    let stop = Stop::default();
    let later = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(25)).await;
        later.drain(StopReason::Interrupted);
    });
    let rows = (1..=1000).map(|row| ready(row, row % 2)).collect();
    let (tally, recorded) = run(fake, rows, 10, stop).await;
    assert_eq!(tally.updated, 4, "two users, two rows each in 25 ms");
    assert_eq!(tally.not_attempted, 10, "the window was full");
    assert_eq!(recorded.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_stop_the_run() {
    let stop = Stop::default();
    let rows = (1..=1000).map(invalid).collect();
    let (tally, _) = run(Arc::new(Fake::default()), rows, 10, stop.clone()).await;
    assert_eq!(tally.invalid, 3);
    assert_eq!(stop.reason().unwrap().code(), "max_failures");
}

#[tokio::test(start_paused = true)]
async fn the_last_row_at_work_may_be_one_failure_too_many() {
    let stop = Stop::default();
    let fake = Fake { failing: HashSet::from([1, 2, 3]), ..Fake::default() };
    let rows = (1..=6).map(|row| ready(row, 7)).collect();
    let (tally, recorded) = run(Arc::new(fake), rows, 10, stop.clone()).await;
    assert_eq!((tally.rejected, tally.not_attempted), (3, 3));
    assert_eq!(recorded, [1, 2, 3]);
    assert_eq!(stop.reason().unwrap().code(), "max_failures");
}

#[tokio::test(start_paused = true)]
async fn unreadable_input_stops_the_run_after_the_rows_before_it() {
    let stop = Stop::default();
    let broken = Row::Unreadable(StopReason::stopped("unreadable", "a quote", "close it"));
    let rows = vec![ready(1, 1), broken, ready(2, 2)];
    let (tally, _) = run(Arc::new(Fake::default()), rows, 10, stop.clone()).await;
    assert_eq!((tally.read, tally.updated), (1, 1));
    assert_eq!(stop.reason().unwrap().code(), "unreadable");
}

/// An engine that bears all failures.
fn engine<S: Executor>(step: S, recorder: Sender<Entry>, stop: &Stop, window: usize) -> Engine<S> {
    let breaker = CircuitBreaker::new(MaxFailures::Unlimited, 0);
    Engine::new(Arc::new(step), recorder, Sinks::default(), stop.clone(), breaker, window)
}

/// Rows as they come, until nobody takes them.
fn reading(rows: impl Iterator<Item = Row> + Send + 'static) -> Receiver<Row> {
    let (to_engine, from_input) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        for row in rows {
            if to_engine.send(row).await.is_err() {
                break;
            }
        }
    });
    from_input
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_gone_stops_the_run() {
    let (to_recorder, from_engine) = tokio::sync::mpsc::channel(8);
    drop(from_engine);
    let stop = Stop::default();
    let rows = reading((1..=100).map(|row| ready(row, row)));
    let engine = engine(Fake::default(), to_recorder, &stop, 1);
    let Ended { tally, .. } = engine.run(Tally::default(), rows).await;
    assert!(tally.balances() && tally.read < 5, "{tally:?}");
    assert_eq!(stop.reason().unwrap().code(), "not_recorded");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_goes_while_it_is_waited_for_stops_the_run() {
    let (to_recorder, from_engine) = tokio::sync::mpsc::channel(1);
    let stop = Stop::default();
    let rows = reading((1..=100).map(|row| ready(row, row)));
    let run = engine(Fake::default(), to_recorder, &stop, 10).run(Tally::default(), rows);
    let (ended, ()) = tokio::join!(run, async move {
        tokio::time::sleep(HOUR).await;
        drop(from_engine);
    });
    assert!(ended.tally.balances() && ended.tally.read < 50, "{ended:?}");
    assert_eq!(stop.reason().unwrap().code(), "not_recorded");
}

#[tokio::test(start_paused = true)]
async fn what_ended_is_recorded_though_the_run_is_stopped_while_the_recorder_is_full() {
    let (to_recorder, mut from_engine) = tokio::sync::mpsc::channel(1);
    let stop = Stop::default();
    let rows = reading((1..=100).map(|row| ready(row, row)));
    let run = engine(Fake::default(), to_recorder, &stop, 10).run(Tally::default(), rows);
    let (ended, recorded) = tokio::join!(run, async {
        tokio::time::sleep(HOUR).await;
        stop.drain(StopReason::Interrupted);
        let mut recorded = 0;
        while from_engine.recv().await.is_some() {
            recorded += 1;
        }
        recorded
    });
    assert!(ended.tally.balances() && !ended.complete, "{ended:?}");
    assert!(recorded > 1 && recorded == ended.tally.finished(), "{recorded} {ended:?}");
}

/// Tells the recorder before it works on a row, as a client does of one that must not be sent
/// twice.
struct Tells(RecorderHandle);

impl Executor for Tells {
    async fn execute(&self, call: WorkItem, _: &Stop) -> Completed {
        let WorkItem::User(user_rows) = call else { panic!("nothing here is packed") };
        assert!(self.0.about_to_send(vec![user_rows.first.record.position.row]).await);
        let outcome = updated(Duration::ZERO);
        let done = vec![UserOutcomes::alike(user_rows, Some(&outcome))];
        Completed { done, ..Completed::default() }
    }

    fn batch_size(&self) -> usize {
        1
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_the_recorder_do_not_keep_it_from_the_rows_that_ended() {
    let (to_recorder, mut from_engine) = tokio::sync::mpsc::channel(1);
    let step = Tells(RecorderHandle::new(&to_recorder));
    let rows = (1..=100).map(|row| if row % 3 == 0 { invalid(row) } else { ready(row, row) });
    let engine = engine(step, to_recorder, &Stop::default(), 100);
    let run = engine.run(Tally::default(), reading(rows));
    tokio::spawn(async move {
        while let Some(entry) = from_engine.recv().await {
            if let Entry::Sent { written, .. } = entry {
                written.send(()).unwrap();
            }
        }
    });
    let ended = tokio::time::timeout(HOUR, run).await;
    let Ended { tally, complete } = ended.expect("the run ends");
    assert!(complete);
    assert_eq!((tally.updated, tally.invalid), (67, 33));
}

struct Panics;

impl Executor for Panics {
    async fn execute(&self, _: WorkItem, _: &Stop) -> Completed {
        panic!("a broken promise")
    }

    fn batch_size(&self) -> usize {
        1
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a broken promise")]
async fn a_panic_is_not_swallowed() {
    let (to_recorder, _from_engine) = tokio::sync::mpsc::channel(8);
    let rows = reading(std::iter::once(ready(1, 1)));
    engine(Panics, to_recorder, &Stop::default(), 1).run(Tally::default(), rows).await;
}
