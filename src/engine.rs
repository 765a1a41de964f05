//! The engine: the only loop. Rows in, calls out, outcomes to the recorder.
//!
//! It keeps the order of each user's rows (lanes), bounds what is held (the window), heeds
//! the stop and counts. It performs nothing itself and knows neither files nor network.
//! At its end every row that it took has an outcome or is counted as not attempted.

pub mod halt;
pub mod lanes;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::{JoinError, JoinSet};

use crate::call::{Call, Step};
use crate::instruction::{Instruction, Invalid};
use crate::ledger::Entry;
use crate::outcome::{Finished, Outcome, Tally};
use crate::stop::{Reason, Stop};
use halt::Tripwire;
use lanes::{Lanes, Ticket};

/// A row as it comes from the input.
#[derive(Debug)]
pub enum Row {
    /// It can be sent.
    Ready(Instruction),
    /// It cannot.
    Invalid(Box<Invalid>),
    /// There are no further rows, because the input cannot be read on. Those before it are
    /// worked on to their end.
    Unreadable(Reason),
}

/// Watches rows end; shared with whoever shows and counts them.
pub trait Observer: Send {
    /// A row has its outcome.
    fn finished(&mut self, finished: &Finished);
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What became of the rows that were read.
    pub tally: Tally,
    /// Whether the input was read to its end and every row has an outcome.
    pub complete: bool,
}

/// The loop, with its parts and what it holds.
#[derive(Debug)]
pub struct Engine<S, O> {
    step: Arc<S>,
    recorder: Sender<Entry>,
    observer: O,
    stop: Stop,
    tripwire: Tripwire,
    /// The most rows that are held at a time, whether sent, asleep or waiting in a lane.
    window: usize,
    held: usize,
    /// Calls admitted so far.
    calls: u64,
    lanes: Lanes<Call>,
    /// Calls whose turn it is, until there is room for them.
    ready: VecDeque<(Ticket, Call)>,
    tasks: JoinSet<Performed>,
    tally: Tally,
    /// What was done before; its failures are borne already.
    earlier: Tally,
    unreadable: Option<Reason>,
}

/// What a task hands back: its call, and a word on each instruction.
type Performed = (Ticket, Call, Vec<Option<Outcome>>);

impl<S: Step, O: Observer> Engine<S, O> {
    /// Joins the parts. At most `window` rows are held at a time.
    pub fn new(
        step: Arc<S>,
        recorder: Sender<Entry>,
        observer: O,
        stop: Stop,
        tripwire: Tripwire,
        window: usize,
    ) -> Self {
        Self {
            step,
            recorder,
            observer,
            stop,
            tripwire,
            window,
            held: 0,
            calls: 0,
            lanes: Lanes::default(),
            ready: VecDeque::new(),
            tasks: JoinSet::new(),
            tally: Tally::default(),
            earlier: Tally::default(),
            unreadable: None,
        }
    }

    /// Works on rows until they end or the run stops, and says what became of them.
    ///
    /// The recorder's channel is closed on return, which is how the recorder learns the end.
    ///
    /// `earlier` counts the rows that had their outcome before; they do not come again.
    pub async fn run(mut self, earlier: Tally, mut rows: Receiver<Row>) -> Ended {
        self.earlier = Tally { read: earlier.finished(), ..earlier };
        self.tally = self.earlier;
        let mut reading = true;
        let mut read_to_the_end = false;
        let stop = self.stop.clone();
        // One for all turns: whoever waits anew lines up anew.
        let mut draining = pin!(stop.draining());
        // Ends by what it holds, not by `else`: the stop's branch never closes.
        while reading || !self.tasks.is_empty() || !self.ready.is_empty() {
            let begun = self.tasks.len();
            // Stopping comes before finishing, and finishing before starting more.
            tokio::select! {
                biased;
                () = &mut draining, if reading => {
                    reading = false;
                    rows.close();
                    self.drop_waiting();
                }
                Some(performed) = self.tasks.join_next() => self.finish(performed).await,
                () = self.step.room(begun), if !self.ready.is_empty() => self.start_next(),
                row = rows.recv(), if reading && self.held < self.window => match row {
                    Some(row) => {
                        self.take(row).await;
                        reading = self.unreadable.is_none();
                    }
                    None => {
                        (reading, read_to_the_end) = (false, true);
                        self.step.whole_job(self.calls);
                    }
                },
            }
        }
        if let Some(reason) = self.unreadable {
            stop.drain(reason);
        }
        let complete = read_to_the_end && self.tally.not_attempted == 0;
        Ended { tally: self.tally, complete }
    }

    async fn take(&mut self, row: Row) {
        match row {
            Row::Ready(instruction) => {
                self.tally.read += 1;
                self.held += 1;
                self.calls += 1;
                let lanes = instruction.lanes.clone();
                self.ready.extend(self.lanes.admit(&lanes, Call::single(instruction)));
            }
            Row::Invalid(invalid) => {
                self.tally.read += 1;
                let Invalid { record, operation, login_id, problem, notes } = *invalid;
                let outcome = Outcome::invalid(problem, Timestamp::now());
                self.record(Finished { record, operation, login_id, outcome, notes }).await;
            }
            Row::Unreadable(reason) => self.unreadable = Some(reason),
        }
    }

    fn start_next(&mut self) {
        let Some((ticket, call)) = self.ready.pop_front() else { return };
        let (step, stop) = (Arc::clone(&self.step), self.stop.clone());
        self.tasks.spawn(async move {
            let outcomes = step.perform(&call, &stop).await;
            (ticket, call, outcomes)
        });
    }

    async fn finish(&mut self, performed: Result<Performed, JoinError>) {
        let (ticket, call, outcomes) = match performed {
            Ok(performed) => performed,
            // A broken promise of ours must not pass for a row left undone.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let mut lanes = Vec::new();
        for (instruction, outcome) in call.instructions.into_iter().zip(outcomes) {
            let Instruction { record, operation, login_id, lanes: own, notes, .. } = instruction;
            lanes.extend(own);
            self.held -= 1;
            match outcome {
                Some(outcome) => {
                    let (operation, login_id) = (Some(operation), Some(login_id));
                    self.record(Finished { record, operation, login_id, outcome, notes }).await;
                }
                None => self.tally.not_attempted += 1,
            }
        }
        self.ready.extend(self.lanes.finish(ticket, &lanes));
        if self.stop.is_draining() {
            self.drop_waiting();
        }
    }

    /// What waits, in a lane or for its turn, when the run stops was never sent.
    fn drop_waiting(&mut self) {
        let ready = self.ready.drain(..).map(|(_, call)| call.instructions.len()).sum::<usize>();
        let dropped = self.lanes.clear_parked() + ready;
        self.held -= dropped;
        self.tally.not_attempted += dropped as u64;
    }

    async fn record(&mut self, finished: Finished) {
        self.tally.count(finished.outcome.status);
        self.observer.finished(&finished);
        if let Some(reason) = self.tripwire.step(&finished.outcome, &self.tally.since(self.earlier))
        {
            self.stop.drain(reason);
        }
        if self.recorder.send(Entry::Finished(finished)).await.is_err() {
            self.stop.drain(Reason::not_recorded());
        }
    }
}

#[cfg(test)]
mod tests;
