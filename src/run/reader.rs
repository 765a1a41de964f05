//! The reader: rows become instructions, beside the threads that send, since files block.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::canary::CanaryPass;
use super::intake::Reading;
use super::parts::UNREADABLE_INPUT;
use crate::engine::Row;
use crate::engine::events::{Event, Sinks};
use crate::engine::room::Room;
use crate::input::record::Record;
use crate::input::{self, Input, Unreadable};
use crate::rows::{AssignedContacts, Builder, Instruction, Invalid};
use crate::stop::StopReason;
use crate::store::bitmap::RowSet;
use crate::store::journal::Recovered;
use crate::tasks;

/// Rows that the sinks are told of at once, while the engine keeps up.
const TOLD_TOGETHER: u64 = 128;

/// Starts to read. Rows that have their outcome are passed over.
pub(super) fn spawn(
    reading: Reading,
    recovered: Option<Recovered>,
    sinks: Sinks,
    (to_engine, room): (Sender<Row>, Room),
    canary: Option<CanaryPass>,
) -> JoinHandle<()> {
    let rows = Rows::new(reading, recovered, sinks).with_canary(canary);
    tasks::spawn(read(Box::new(rows), to_engine, room))
}

/// Reads for as long as the engine takes rows, and holds no thread while it takes none.
async fn read(mut rows: Box<Rows>, to_engine: Sender<Row>, room: Room) {
    let goes_on;
    let (runtime, to) = (Handle::current(), to_engine.clone());
    (rows, goes_on) = beside(rows, move |rows| rows.send_canary(&runtime, &to)).await;
    if !goes_on {
        return;
    }
    // To be woken for each row costs a thread more than the row.
    let together = (to_engine.max_capacity() / 2).max(1);
    loop {
        let (to, free, held);
        (to, free) = (to_engine.clone(), room.clone());
        (rows, held) = beside(rows, move |rows| rows.fill(&to, &free)).await;
        let Some(row) = held else { return };
        let bytes = row.bytes();
        tokio::select! {
            () = room.enter(bytes) => {}
            // An engine that takes no more is stopping.
            () = to_engine.closed() => return,
        }
        if to_engine.reserve_many(together).await.is_err() || to_engine.send(row).await.is_err() {
            return;
        }
    }
}

/// Does what blocks with the rows, on a thread that all tasks share.
async fn beside<T: Send + 'static>(
    mut rows: Box<Rows>,
    work: impl FnOnce(&mut Rows) -> T + Send + 'static,
) -> (Box<Rows>, T) {
    let working = tasks::spawn_blocking(move || {
        let done = work(&mut rows);
        (rows, done)
    });
    tasks::join(working).await
}

/// What a reader holds.
pub(super) struct Rows {
    pub(super) input: Input,
    builder: Builder,
    /// The contacts that rows give their users, where that decides which rows may be batched.
    assigned: Option<AssignedContacts>,
    /// Rows that go before all others.
    canary: Option<CanaryPass>,
    /// Rows that have their outcome.
    finished: RowSet,
    /// Rows that were about to be sent when an earlier run ended, and may have been.
    sent: BTreeSet<u64>,
    /// Rows that were read.
    read: u64,
    /// Rows and bytes that the sinks know of.
    told: (u64, u64),
    sinks: Sinks,
}

impl Rows {
    pub(super) fn new(reading: Reading, recovered: Option<Recovered>, sinks: Sinks) -> Self {
        let Reading { input, builder, .. } = reading;
        let (finished, sent) = recovered.map(|r| (r.finished, r.sent)).unwrap_or_default();
        let assigned = builder.may_batch_contacts().then(AssignedContacts::default);
        let canary = None;
        Self { input, builder, assigned, canary, finished, sent, read: 0, told: (0, 0), sinks }
    }

    /// The same, with rows that go before all others.
    fn with_canary(self, canary: Option<CanaryPass>) -> Self {
        Self { canary, ..self }
    }

    /// Sends the rows that go before all others, and waits until the others may go; false if they may
    /// not.
    fn send_canary(&mut self, runtime: &Handle, to_engine: &Sender<Row>) -> bool {
        let Some(CanaryPass { rows, requests, go_on }) = self.canary.take() else { return true };
        // Their own reading of the inputs ends with the last of them.
        let input = match input::open(&requests) {
            Ok(input) => input,
            Err(error) => {
                let why = StopReason::stopped(UNREADABLE_INPUT, error.to_string(), "");
                // An engine that takes no more is stopping.
                let _ = runtime.block_on(to_engine.send(Row::Unreadable(why)));
                return false;
            }
        };
        let sources = (input.sources().to_vec(), self.input.sources().to_vec());
        let last = rows.last().copied().unwrap_or(0);
        for mut record in input.map_while(Result::ok) {
            let row = record.position.row;
            if rows.binary_search(&row).is_ok() {
                let known = sources.0.iter().position(|own| Arc::ptr_eq(own, &record.source));
                if let Some(index) = known {
                    record.source = Arc::clone(&sources.1[index]);
                }
                let Some(row) = self.row(Ok(record)) else { continue };
                if runtime.block_on(to_engine.send(row)).is_err() {
                    return false;
                }
            }
            if row >= last {
                break;
            }
        }
        for row in rows {
            self.finished.insert_range(row, row);
        }
        let paused = runtime.block_on(to_engine.send(Row::Pause)).is_ok();
        paused && runtime.block_on(go_on).is_ok()
    }

    /// Sends rows until the engine takes no further one, and returns that one; or nothing when all are
    /// sent, or the engine has stopped. Blocks.
    fn fill(&mut self, to_engine: &Sender<Row>, room: &Room) -> Option<Row> {
        let mut held = None;
        while let Some(item) = self.input.next() {
            self.read += 1;
            if self.read.is_multiple_of(TOLD_TOGETHER) {
                self.tell();
            }
            let Some(row) = self.row(item) else { continue };
            let bytes = row.bytes();
            if !room.try_enter(bytes) {
                held = Some(row);
                break;
            }
            match to_engine.try_send(row) {
                Ok(()) => {}
                Err(TrySendError::Full(row)) => {
                    room.leave(bytes);
                    held = Some(row);
                    break;
                }
                Err(TrySendError::Closed(_)) => return None,
            }
        }
        self.tell();
        if held.is_none() {
            self.sinks.tell(&Event::AllRead);
        }
        held
    }

    /// What the engine is to know of a row: nothing if it has its outcome.
    pub(super) fn row(&mut self, item: Result<Record, Unreadable>) -> Option<Row> {
        let record = match item {
            Ok(record) => record,
            Err(unreadable) => return Some(Row::Unreadable(stop_for(&unreadable))),
        };
        let row = record.position.row;
        if self.finished.contains(row) {
            // What it has given its user counts all the same.
            if self.assigned.is_some() {
                let _ = self.instruction(record);
            }
            return None;
        }
        let ambiguous = self.sent.contains(&row);
        Some(match self.instruction(record) {
            Ok(instruction) => Row::Ready(Box::new(Instruction { ambiguous, ..instruction })),
            Err(invalid) => Row::Invalid(invalid),
        })
    }

    fn instruction(&mut self, record: Record) -> Result<Instruction, Box<Invalid>> {
        let mut instruction = self.builder.build(record)?;
        if let Some(assigned) = &mut self.assigned {
            assigned.take(&mut instruction);
        }
        Ok(instruction)
    }

    fn tell(&mut self) {
        let (rows, bytes) = (self.read, self.input.bytes_read());
        let (rows_before, bytes_before) = std::mem::replace(&mut self.told, (rows, bytes));
        self.sinks.tell(&Event::Read { rows: rows - rows_before, bytes: bytes - bytes_before });
    }
}

/// Why the run stops at what cannot be read.
fn stop_for(unreadable: &Unreadable) -> StopReason {
    let (code, hint) = match unreadable {
        Unreadable::Fault(_) => (
            UNREADABLE_INPUT,
            "correct the file at that point, and run the remaining rows, with the header, as a separate file",
        ),
        Unreadable::Changed { .. } => (
            "input_changed",
            "put the file back as it was, and resume; or run the new file, which sends all of its rows",
        ),
    };
    StopReason::stopped(code, unreadable.to_string(), hint)
}
