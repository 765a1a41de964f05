//! The engine: the only loop. Rows in, calls out, outcomes to the recorder.
//!
//! It keeps the order of each user's rows (lanes), bounds what is held (the window), heeds
//! the stop and counts. It performs nothing itself and knows neither files nor network.
//! At its end every row that it took has an outcome or is counted as not attempted.

pub mod halt;
pub mod lanes;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::{JoinError, JoinSet};

use crate::call::{Call, Step};
use crate::instruction::{Instruction, Invalid};
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

/// Watches rows go by; shared with whoever shows them.
pub trait Observer: Send {
    /// A row was read, or ended: here are the counts now.
    fn counts(&mut self, tally: &Tally);
}

/// The loop's parts.
#[derive(Debug)]
pub struct Engine<S> {
    step: Arc<S>,
    recorder: Sender<Finished>,
    stop: Stop,
    tripwire: Tripwire,
    /// The most rows that are held at a time, whether sent, asleep or waiting in a lane.
    window: usize,
    unreadable: Option<Reason>,
}

/// What a task hands back: its call, and a word on each instruction.
type Performed = (Ticket, Call, Vec<Option<Outcome>>);

struct Held {
    lanes: Lanes<Call>,
    tasks: JoinSet<Performed>,
    rows: usize,
}

impl<S: Step> Engine<S> {
    /// Joins the parts.
    pub fn new(
        step: Arc<S>,
        recorder: Sender<Finished>,
        stop: Stop,
        tripwire: Tripwire,
        window: usize,
    ) -> Self {
        Self {
            step,
            recorder,
            stop,
            tripwire,
            window,
            unreadable: None,
        }
    }

    /// Works on rows until they end or the run stops, and says what became of them.
    ///
    /// The recorder's channel is closed on return, which is how the recorder learns the end.
    pub async fn run(mut self, mut rows: Receiver<Row>, observer: &mut dyn Observer) -> Tally {
        let mut tally = Tally::default();
        let mut held = Held {
            lanes: Lanes::default(),
            tasks: JoinSet::new(),
            rows: 0,
        };
        let mut reading = true;
        let stop = self.stop.clone();
        // Ends by what it holds, not by `else`: the stop's branch never closes.
        while reading || !held.tasks.is_empty() {
            // Finishing comes before starting more, and stopping before both.
            tokio::select! {
                biased;
                () = stop.draining(), if reading => {
                    reading = false;
                    rows.close();
                    self.drop_parked(&mut held, &mut tally);
                }
                Some(performed) = held.tasks.join_next() => {
                    self.finish(performed, &mut held, &mut tally).await;
                }
                row = rows.recv(), if reading && held.rows < self.window => match row {
                    Some(row) => {
                        self.take(row, &mut held, &mut tally).await;
                        reading = self.unreadable.is_none();
                    }
                    None => reading = false,
                },
            }
            observer.counts(&tally);
        }
        if let Some(reason) = self.unreadable {
            stop.drain(reason);
        }
        tally
    }

    async fn take(&mut self, row: Row, held: &mut Held, tally: &mut Tally) {
        match row {
            Row::Ready(instruction) => {
                tally.read += 1;
                held.rows += 1;
                let lanes = instruction.lanes.clone();
                if let Some((ticket, call)) = held.lanes.admit(&lanes, Call::single(instruction)) {
                    self.start(ticket, call, held);
                }
            }
            Row::Invalid(invalid) => {
                tally.read += 1;
                let Invalid {
                    record,
                    operation,
                    login_id,
                    problem,
                } = *invalid;
                let outcome = Outcome::invalid(problem, Timestamp::now());
                self.record(
                    Finished {
                        record,
                        operation,
                        login_id,
                        outcome,
                    },
                    tally,
                )
                .await;
            }
            Row::Unreadable(reason) => self.unreadable = Some(reason),
        }
    }

    fn start(&self, ticket: Ticket, call: Call, held: &mut Held) {
        let (step, stop) = (Arc::clone(&self.step), self.stop.clone());
        held.tasks.spawn(async move {
            let outcomes = step.perform(&call, &stop).await;
            (ticket, call, outcomes)
        });
    }

    async fn finish(
        &mut self,
        performed: Result<Performed, JoinError>,
        held: &mut Held,
        tally: &mut Tally,
    ) {
        let (ticket, call, outcomes) = match performed {
            Ok(performed) => performed,
            // A broken promise of ours must not pass for a row left undone.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let mut lanes = Vec::new();
        for (instruction, outcome) in call.instructions.into_iter().zip(outcomes) {
            held.rows -= 1;
            let Instruction {
                record,
                operation,
                login_id,
                lanes: own,
                ..
            } = instruction;
            lanes.extend(own);
            match outcome {
                Some(outcome) => {
                    let finished = Finished {
                        record,
                        operation: Some(operation),
                        login_id: Some(login_id),
                        outcome,
                    };
                    self.record(finished, tally).await;
                }
                None => tally.not_attempted += 1,
            }
        }
        let freed = held.lanes.finish(ticket, &lanes);
        for (ticket, call) in freed {
            if self.stop.is_draining() {
                held.rows -= call.instructions.len();
                tally.not_attempted += call.instructions.len() as u64;
            } else {
                self.start(ticket, call, held);
            }
        }
        if self.stop.is_draining() {
            self.drop_parked(held, tally);
        }
    }

    /// What waits in a lane when the run stops was never sent.
    fn drop_parked(&self, held: &mut Held, tally: &mut Tally) {
        let dropped = held.lanes.clear_parked();
        held.rows -= dropped;
        tally.not_attempted += dropped as u64;
    }

    async fn record(&mut self, finished: Finished, tally: &mut Tally) {
        tally.count(finished.outcome.status);
        if let Some(reason) = self.tripwire.step(&finished.outcome, tally) {
            self.stop.drain(reason);
        }
        if self.recorder.send(finished).await.is_err() {
            self.stop.drain(Reason::halted(
                "not_recorded",
                "results cannot be written any more",
                "make room, or choose another place with --out",
            ));
        }
    }
}

#[cfg(test)]
mod tests;
