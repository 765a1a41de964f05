//! The reader: rows become instructions, beside the threads that send, since files block.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::canary::CanaryPass;
use super::intake::Reading;
use super::parts::UNREADABLE_INPUT;
use crate::engine::Row;
use crate::engine::events::{Event, Sinks};
use crate::engine::room::Room;
use crate::exit;
use crate::input::record::{Record, Source};
use crate::input::{self, Input, InputRequest, Unreadable};
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
    to_engine: ToEngine,
    canary: Option<CanaryPass>,
) -> JoinHandle<()> {
    let rows = Box::new(Rows::new(reading, recovered, sinks));
    tasks::spawn(async move {
        // An engine that takes no more is stopping.
        let _ = read(rows, &to_engine, canary).await;
    })
}

/// The way to the engine, and the room for the bytes of what is on it.
pub(super) type ToEngine = (Sender<Row>, Room);

/// The engine takes no more, or is not to be sent more.
pub(super) struct NoMore;

/// Reads for as long as the engine takes rows, and holds no thread while it takes none.
pub(super) async fn read(
    mut rows: Box<Rows>,
    to_engine: &ToEngine,
    canary: Option<CanaryPass>,
) -> Result<(), NoMore> {
    if let Some(canary) = canary {
        rows = send_canary(rows, to_engine, canary).await?;
    }
    rows = send_all(rows, to_engine).await?;
    rows.sinks.tell(&Event::AllRead);
    Ok(())
}

/// Sends the rows that go before all others, and waits until the others may go.
async fn send_canary(
    rows: Box<Rows>,
    to_engine: &ToEngine,
    CanaryPass { rows: numbers, requests, go_on }: CanaryPass,
) -> Result<Box<Rows>, NoMore> {
    let (rows, begun) =
        tasks::beside(rows, move |rows| rows.begin_canary(numbers, &requests)).await;
    if let Err(error) = begun {
        let why = StopReason::stopped(UNREADABLE_INPUT, error.to_string(), "");
        send(Row::Unreadable(why), to_engine).await?;
        return Err(NoMore);
    }
    let mut rows = send_all(rows, to_engine).await?;
    for row in rows.canary.take().into_iter().flat_map(|canary| canary.numbers) {
        rows.finished.insert_range(row, row);
    }
    send(Row::Pause, to_engine).await?;
    go_on.await.map_err(|_| NoMore)?;
    Ok(rows)
}

/// Sends what there is to be read.
async fn send_all(mut rows: Box<Rows>, to_engine: &ToEngine) -> Result<Box<Rows>, NoMore> {
    // To be woken for each row costs a thread more than the row.
    let together = (to_engine.0.max_capacity() / 2).max(1);
    loop {
        let to = to_engine.clone();
        let held;
        (rows, held) = tasks::beside(rows, move |rows| rows.fill(&to)).await;
        let Some(row) = held? else { return Ok(rows) };
        drop(to_engine.0.reserve_many(together).await.map_err(|_| NoMore)?);
        send(row, to_engine).await?;
    }
}

/// Sends a row once there is room for it.
async fn send(row: Row, (to_engine, room): &ToEngine) -> Result<(), NoMore> {
    tokio::select! {
        () = room.enter(row.bytes()) => {}
        () = to_engine.closed() => return Err(NoMore),
    }
    to_engine.send(row).await.map_err(|_| NoMore)
}

/// What a reader holds.
pub(super) struct Rows {
    input: Input,
    builder: Builder,
    /// The contacts that rows give their users, where that decides which rows may be batched.
    assigned: Option<AssignedContacts>,
    /// Rows that go before all others.
    canary: Option<CanaryRows>,
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

    /// Turns to the rows that go before all others. Blocks.
    fn begin_canary(
        &mut self,
        numbers: Vec<u64>,
        requests: &[InputRequest],
    ) -> Result<(), exit::Error> {
        // Their own reading of the inputs ends with the last of them.
        let input = input::open(requests)?;
        let sources = (input.sources().to_vec(), self.input.sources().to_vec());
        self.canary = Some(CanaryRows { input, sources, numbers });
        Ok(())
    }

    /// Sends rows until the engine takes no further one, and returns that one; nothing once all are sent.
    /// Blocks.
    fn fill(&mut self, (to_engine, room): &ToEngine) -> Result<Option<Row>, NoMore> {
        while let Some(row) = self.next_row() {
            let bytes = row.bytes();
            if !room.try_enter(bytes) {
                self.tell();
                return Ok(Some(row));
            }
            match to_engine.try_send(row) {
                Ok(()) => {}
                Err(TrySendError::Full(row)) => {
                    room.leave(bytes);
                    self.tell();
                    return Ok(Some(row));
                }
                Err(TrySendError::Closed(_)) => return Err(NoMore),
            }
        }
        self.tell();
        Ok(None)
    }

    /// The next row that the engine is to know of.
    fn next_row(&mut self) -> Option<Row> {
        loop {
            let item = match &mut self.canary {
                Some(canary) => Ok(canary.next()?),
                None => {
                    let item = self.input.next()?;
                    self.read += 1;
                    if self.read.is_multiple_of(TOLD_TOGETHER) {
                        self.tell();
                    }
                    item
                }
            };
            if let Some(row) = self.row(item) {
                return Some(row);
            }
        }
    }

    /// What the engine is to know of a row: nothing if it has its outcome.
    fn row(&mut self, item: Result<Record, Unreadable>) -> Option<Row> {
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

/// Rows that go before all others, as they are read.
struct CanaryRows {
    input: Input,
    /// The sources as they were opened for them, and those that they are named by.
    sources: (Vec<Arc<Source>>, Vec<Arc<Source>>),
    numbers: Vec<u64>,
}

impl Iterator for CanaryRows {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let last = self.numbers.last().copied().unwrap_or(0);
        loop {
            let mut record = self.input.next()?.ok()?;
            let row = record.position.row;
            if row > last {
                return None;
            }
            if self.numbers.binary_search(&row).is_ok() {
                let own = self.sources.0.iter().position(|own| Arc::ptr_eq(own, &record.source));
                if let Some(index) = own {
                    record.source = Arc::clone(&self.sources.1[index]);
                }
                return Some(record);
            }
        }
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
