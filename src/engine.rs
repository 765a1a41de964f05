//! The engine: the only loop. Rows in, work items out, outcomes to the recorder.
//!
//! It keeps the order of each user's rows (lanes), lets rows share batches (the batcher), bounds
//! what is held (the window), heeds the stop and counts. How an item is completed it leaves to the
//! executor, and knows neither files nor network.
//! At its end every row that it took has an outcome or is counted as not attempted.

mod batcher;
pub mod breaker;
pub mod events;
pub mod lanes;
mod recent;
pub mod recorder_handle;
pub mod room;
pub mod work;

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use serde_json::value::RawValue;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::catalog::NAMES_A_SEARCH;
use crate::change::{Changes, User};
use crate::engine::recorder_handle::Entry;
use crate::engine::work::{Before, Completed, Executor, UserOutcomes, UserRows, WorkItem};
use crate::outcome::{Finished, Outcome, Status, Tally};
use crate::rows::{Instruction, Invalid, lane};
use crate::stop::{Stop, StopReason};
use batcher::Batcher;
use breaker::CircuitBreaker;
pub use events::Ended;
use events::{Event, Sinks};
use lanes::Lanes;
use recent::Recent;
use room::Room;

/// A row as it comes from the input.
#[derive(Debug)]
pub enum Row {
    /// It can be sent. In a box: a channel keeps room for more rows than wait in it.
    Ready(Box<Instruction>),
    /// It cannot.
    Invalid(Box<Invalid>),
    /// No row follows before those so far have their outcome.
    Pause,
    /// There are no further rows, because the input cannot be read any further. Those before it are
    /// worked on to their end.
    Unreadable(StopReason),
}

impl Row {
    /// The bytes of its record.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Ready(instruction) => instruction.record.content.bytes(),
            Self::Invalid(invalid) => invalid.record.content.bytes(),
            Self::Pause | Self::Unreadable(_) => 0,
        }
    }
}

/// What bounds the bytes that wait before the engine and behind it.
#[derive(Clone, Debug, Default)]
pub struct Rooms {
    /// Rows on their way from the input.
    pub rows: Room,
    /// Rows on their way to the recorder.
    pub ended: Room,
}

/// The loop, with its components and what it holds.
#[derive(Debug)]
pub struct Engine<S> {
    executor: Arc<S>,
    recorder: Sender<Entry>,
    sinks: Sinks,
    stop: Stop,
    breaker: CircuitBreaker,
    /// The most rows that are held at a time, whether sent, asleep or waiting in a lane.
    window: usize,
    held: usize,
    /// The bytes of their records.
    held_bytes: usize,
    rooms: Rooms,
    /// Whether there was a row yet that may share a batch.
    batches: bool,
    /// Requests that were begun so far, if each is answered at once.
    requests: u64,
    lanes: Lanes<UserRows>,
    batcher: Batcher,
    /// Users who are to be read together, while they are being gathered.
    unread: Batcher,
    /// Reads whose turn it is; they go a little ahead of what is sent.
    reads: VecDeque<WorkItem>,
    /// Users whom this run has written to lately.
    recent: Recent,
    /// Work items whose turn it is, until there is room for them.
    ready: VecDeque<WorkItem>,
    /// Work items in progress, driven by this loop: a task for each would cost more.
    at_work: FuturesUnordered<Work>,
    /// Rows with their outcome, until the recorder takes them. Nothing is begun meanwhile, but
    /// work in progress continues: it may wait for the recorder, too.
    ended: VecDeque<Box<Finished>>,
    tally: Tally,
    /// What was done before; its failures are borne already.
    earlier: Tally,
    unreadable: Option<StopReason>,
    /// Whether nothing more comes before the rows so far have their outcome.
    paused: bool,
}

/// A work item in progress; in a box, since it is large and stays in its place.
type Work = Pin<Box<dyn Future<Output = Completed> + Send>>;

/// The least number of batches that fit into the window, once there are any: enough to
/// use up the limits of the API where an answer takes a second or two.
const BATCHES: usize = 16;

/// Reads begin when fewer work items than this wait for their turn: early enough that sending does
/// not stand still, and late enough that what was read is not old.
const READ_AHEAD: usize = NAMES_A_SEARCH / 2;

/// The most bytes of records that are held: while a row is worked on, its record, its changes, the
/// request, the response and the user in it are as large again each.
const MOST_BYTES: usize = 8 * 1024 * 1024;

impl<S: Executor> Engine<S> {
    /// Joins the components. At most `window` rows are held at a time.
    pub fn new(
        executor: Arc<S>,
        recorder: Sender<Entry>,
        sinks: Sinks,
        stop: Stop,
        breaker: CircuitBreaker,
        window: usize,
    ) -> Self {
        Self {
            executor,
            recorder,
            sinks,
            stop,
            breaker,
            window,
            held: 0,
            held_bytes: 0,
            rooms: Rooms::default(),
            batches: false,
            requests: 0,
            lanes: Lanes::default(),
            batcher: Batcher::default(),
            unread: Batcher::default(),
            reads: VecDeque::new(),
            recent: Recent::default(),
            ready: VecDeque::new(),
            at_work: FuturesUnordered::new(),
            ended: VecDeque::new(),
            tally: Tally::default(),
            earlier: Tally::default(),
            unreadable: None,
            paused: false,
        }
    }

    /// The same, sharing the room for bytes with those at the other ends.
    #[must_use]
    pub fn with_rooms(self, rooms: Rooms) -> Self {
        Self { rooms, ..self }
    }

    /// Works on rows until they end or the run stops, and says what became of them.
    ///
    /// The recorder's channel is closed on return, which is how the recorder learns the end.
    ///
    /// `earlier` counts the rows that had their outcome before; they do not come again.
    pub async fn run(mut self, earlier: Tally, mut rows: Receiver<Row>) -> Ended {
        self.stop.begin_sending();
        self.earlier = Tally { read: earlier.finished(), ..earlier };
        self.tally = self.earlier;
        let (mut reading, mut stopping) = (true, false);
        let mut read_to_the_end = false;
        let stop = self.stop.clone();
        // One for all turns: a new one would line up anew.
        let mut draining = pin!(stop.draining());
        // Ends by what it holds, not by `else`: the stop's branch never closes.
        while reading || self.is_busy() || self.gathered() > 0 || !self.ended.is_empty() {
            let is_full = self.is_full();
            // Nothing more can come that would be read with them, or nothing else is to be done.
            let no_more = !reading || self.paused;
            if no_more || (is_full && self.ready.is_empty() && self.reads.is_empty()) {
                self.line_up_read();
            }
            let stuck = !self.is_busy() && is_full;
            if no_more || stuck || self.batcher.is_full(self.executor.batch_size()) {
                // Nothing more can come that would share the batch, or batches have become smaller.
                self.line_up_batch();
            }
            let (begun, recorded) = (self.at_work.len(), self.ended.is_empty());
            let waiting = self.ended.front().map_or(0, |finished| finished.bytes());
            let more = reading && recorded && !self.is_full();
            // Stopping comes before finishing, and finishing before starting more.
            tokio::select! {
                biased;
                () = &mut draining, if !stopping => {
                    (stopping, reading) = (true, false);
                    rows.close();
                    self.drop_waiting();
                    self.tell_stopping();
                }
                () = taken_in(&self.recorder, &self.rooms.ended, waiting), if !recorded => {}
                Some(completed) = self.at_work.next() => self.finish(completed),
                () = self.executor.room(begun), if recorded && self.has_ready() => {
                    self.start_next();
                }
                row = rows.recv(), if more => match row {
                    Some(row) => {
                        self.take(row);
                        reading = self.unreadable.is_none();
                    }
                    None => {
                        (reading, read_to_the_end) = (false, true);
                        self.executor.whole_job(self.all_requests());
                    }
                },
            }
            self.hand_over();
        }
        if let Some(reason) = self.unreadable {
            stop.drain(reason);
        }
        let complete = read_to_the_end && self.tally.not_attempted == 0;
        Ended { tally: self.tally, complete }
    }

    /// Whether there are work items in progress, or about to be.
    fn is_busy(&self) -> bool {
        !self.at_work.is_empty() || self.has_ready()
    }

    fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.reads.is_empty()
    }

    /// Rows that wait for others to go with.
    fn gathered(&self) -> usize {
        self.batcher.rows() + self.unread.rows()
    }

    /// The most rows to hold just now.
    fn most_held(&self) -> usize {
        let batched = if self.batches { BATCHES * self.executor.batch_size() } else { 0 };
        self.window.max(batched)
    }

    /// Whether no more rows are taken in just now.
    fn is_full(&self) -> bool {
        self.held >= self.most_held() || self.held_bytes >= MOST_BYTES
    }

    /// Requests that the rows take which have been read so far.
    fn all_requests(&self) -> u64 {
        let unread = self.unread.rows() as u64;
        self.requests + self.batcher.requests() + unread + self.lanes.waiting() as u64
    }

    fn take(&mut self, row: Row) {
        self.rooms.rows.leave(row.bytes());
        self.paused = matches!(row, Row::Pause);
        match row {
            Row::Pause => {}
            Row::Ready(instruction) => {
                self.tally.read += 1;
                self.held += 1;
                self.held_bytes += instruction.record.content.bytes();
                let instruction = self.unread.join(instruction, &mut self.lanes);
                let instruction =
                    instruction.and_then(|own| self.batcher.join(own, &mut self.lanes));
                if let Some(instruction) = instruction {
                    let ticket = instruction.record.position.row;
                    let lanes = instruction.lanes.clone();
                    let user_rows = UserRows::single(instruction);
                    if let Some(user_rows) = self.lanes.admit(ticket, &lanes, user_rows) {
                        self.dispatch(user_rows, None);
                    }
                }
            }
            Row::Invalid(invalid) => {
                self.tally.read += 1;
                let Invalid { record, operation, login_id, issue, notes } = *invalid;
                let outcome = Outcome::invalid(issue, Timestamp::now());
                let changes = Changes::new();
                self.record(Finished { record, operation, login_id, changes, outcome, notes });
            }
            Row::Unreadable(reason) => self.unreadable = Some(reason),
        }
    }

    /// Puts the rows of a user that hold their lanes into a work item; `shown` is what the server
    /// last showed in these lanes.
    fn dispatch(&mut self, mut user_rows: UserRows, shown: Option<&RawValue>) {
        if !self.executor.reads_first(&user_rows.first) {
            return self.dispatch_read(user_rows);
        }
        let first = &user_rows.first;
        // Its other lanes may be those of users who had its new name before.
        let own = lane(first.expected_user_id().unwrap_or(&first.login_id));
        user_rows.is_recent = self.recent.has(&[own]);
        if let Some(user) = shown.filter(|user| is_named(user, &user_rows.first.login_id)) {
            user_rows.before = Before::Seen(user.to_owned());
            return self.take_read(user_rows);
        }
        self.read_first(user_rows);
    }

    fn read_first(&mut self, user_rows: UserRows) {
        self.unread.add(user_rows);
        if self.unread.is_full(NAMES_A_SEARCH) {
            self.line_up_read();
        }
    }

    /// The rows of a user who was read: they wait for rows that name the user otherwise.
    fn take_read(&mut self, mut user_rows: UserRows) {
        let Some(own) = user_rows.user_lane() else { return self.dispatch_read(user_rows) };
        let lanes = user_rows.lanes();
        if lanes.contains(&own) {
            return self.dispatch_read(user_rows);
        }
        if !user_rows.is_recent && self.recent.has(&[own]) {
            // By another name this run has just written to the user.
            user_rows.is_recent = true;
            return self.read_first(user_rows);
        }
        user_rows.first.lanes.push(own);
        let (ticket, lanes) = (user_rows.first.record.position.row, user_rows.lanes());
        if let Some(user_rows) = self.lanes.admit_also(ticket, own, &lanes, user_rows) {
            self.dispatch_read(user_rows);
        }
    }

    /// Puts the rows of a user who need not be read any more into a work item.
    fn dispatch_read(&mut self, mut user_rows: UserRows) {
        user_rows.resolve();
        let size = self.executor.batch_size();
        if size <= 1 || user_rows.sets().is_none() {
            return self.line_up(WorkItem::User(user_rows));
        }
        self.batches = true;
        self.batcher.add(user_rows);
        if self.batcher.is_full(size) {
            self.line_up_batch();
        }
    }

    fn line_up_read(&mut self) {
        let users = self.unread.take();
        if !users.is_empty() {
            self.requests += 1;
            self.reads.push_back(WorkItem::Read(users));
        }
    }

    fn line_up_batch(&mut self) {
        let users = self.batcher.take();
        if !users.is_empty() {
            self.line_up(WorkItem::Batch { users, searched: false });
        }
    }

    fn line_up(&mut self, item: WorkItem) {
        self.requests += item.requests();
        self.ready.push_back(item);
    }

    fn start_next(&mut self) {
        let early = if self.ready.len() < READ_AHEAD { self.reads.pop_front() } else { None };
        let Some(item) = early.or_else(|| self.ready.pop_front()) else { return };
        let (executor, stop) = (Arc::clone(&self.executor), self.stop.clone());
        self.at_work.push(Box::pin(async move { executor.execute(item, &stop).await }));
    }

    fn finish(&mut self, Completed { done, further, read }: Completed) {
        for item in further {
            self.line_up(item);
        }
        for user_rows in read {
            self.take_read(user_rows);
        }
        for UserOutcomes { user_rows, outcomes } in done {
            let (ticket, lanes) = (user_rows.first.record.position.row, user_rows.lanes());
            let reads = user_rows.instructions().any(|own| self.executor.reads_first(own));
            let shown = if reads { self.shown_after(&outcomes, &lanes) } else { None };
            for (instruction, outcome) in user_rows.into_instructions().zip(outcomes) {
                self.end(instruction, outcome);
            }
            for user_rows in self.lanes.finish(ticket, &lanes) {
                self.dispatch(user_rows, shown.as_deref());
            }
        }
        if self.stop.is_draining() {
            self.drop_waiting();
        }
    }

    /// What the server showed last of a user whose rows have ended, where the next row may want
    /// it: nothing where a later row may have changed the user, and did not say.
    fn shown_after(
        &mut self,
        outcomes: &[Option<Outcome>],
        lanes: &[u64],
    ) -> Option<Box<RawValue>> {
        if outcomes.iter().flatten().any(|outcome| outcome.attempts > 0) {
            self.recent.add(lanes);
        }
        if !self.lanes.is_waited_for(lanes) {
            return None;
        }
        // Who was deleted is no more as the outcome shows.
        let last = outcomes.last()?.as_ref().filter(|last| last.status != Status::Deleted)?;
        last.user.clone()
    }

    /// The end of an instruction, in this run at least.
    fn end(&mut self, instruction: Instruction, outcome: Option<Outcome>) {
        self.held_bytes -= instruction.record.content.bytes();
        let Some(outcome) = outcome else { return self.leave(1) };
        self.held -= 1;
        let Instruction { record, operation, login_id, changes, notes, .. } = instruction;
        let (operation, login_id) = (Some(operation), Some(login_id));
        self.record(Finished { record, operation, login_id, changes, outcome, notes });
    }

    /// What waits, in a lane, in a batch that is being filled or for its turn, is not sent any more
    /// when the run stops. Their bytes go on to count, since nothing more is read.
    fn drop_waiting(&mut self) {
        let ready = self.ready.drain(..).chain(self.reads.drain(..));
        let ready: usize = ready.map(|item| item.rows()).sum();
        let dropped = self.lanes.clear_parked() + self.gathered() + ready;
        self.batcher.take();
        self.unread.take();
        self.leave(dropped);
    }

    fn leave(&mut self, rows: usize) {
        self.held -= rows;
        self.tally.not_attempted += rows as u64;
    }

    fn record(&mut self, finished: Finished) {
        self.tally.count(finished.outcome.status);
        self.sinks.tell(&Event::RowFinished(&finished));
        if let Some(reason) = self.breaker.step(&finished.outcome, &self.tally.since(self.earlier))
        {
            self.stop.drain(reason);
        }
        self.ended.push_back(Box::new(finished));
    }

    fn tell_stopping(&self) {
        if let Some(reason) = self.stop.reason() {
            self.sinks.tell(&Event::Stopping(&reason));
        }
    }

    /// Gives the recorder of what ended as much as it has room for.
    fn hand_over(&mut self) {
        while let Some(finished) = self.ended.pop_front() {
            match self.recorder.try_reserve() {
                Ok(place) if self.rooms.ended.try_enter(finished.bytes()) => {
                    place.send(Entry::Finished(finished));
                }
                Ok(_) | Err(TrySendError::Full(())) => return self.ended.push_front(finished),
                Err(TrySendError::Closed(())) => self.stop.drain(StopReason::not_recorded()),
            }
        }
    }
}

/// Whether a user as the server showed it has a name.
fn is_named(user: &RawValue, name: &str) -> bool {
    // To the letter: names in one lane may be those of two users.
    let user = User::read(user).unwrap_or_default();
    user.names().into_iter().any(|own| own == name)
}

/// Waits until a recorder can take in a row of so many bytes, or nothing any more.
async fn taken_in(recorder: &Sender<Entry>, room: &Room, bytes: usize) {
    tokio::select! {
        () = room.wait(bytes) => drop(recorder.reserve().await),
        () = recorder.closed() => {}
    }
}

#[cfg(test)]
mod tests;
