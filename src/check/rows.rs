//! Judging rows by themselves, on all cores.
//!
//! One thread reads, several judge, the caller takes what they find in the order of the rows.
//! All queues are bounded.

use std::fmt::Display;
use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::assertions::{Assertion, Assertions, RowPlace};
use super::forecast::Needed;
use super::lockout;
use super::sorter::Sorter;
use crate::catalog::Operation;
use crate::input::record::{Notes, Record, Repair, Source};
use crate::issue::Issue;
use crate::rows::{Builder, Instruction};

/// The rows to check, and what they mean.
pub(super) struct CheckInput<'a> {
    /// The files.
    pub sources: &'a [Arc<Source>],
    /// What makes instructions of their rows.
    pub builder: &'a Builder,
}

/// Rows handed over at once.
const BATCH: usize = 256;

/// The bytes of rows from which on fewer are handed over at once.
const BATCH_BYTES: usize = 256 * 1024;

/// Batches that wait before and behind each thread.
const WAITING: usize = 4;

/// A row about which there is something to say.
pub(super) struct Judged {
    pub(super) record: Record,
    pub(super) operation: Option<&'static Operation>,
    pub(super) issues: Vec<Issue>,
    pub(super) repairs: Vec<Repair>,
}

/// What all rows came to.
pub(super) struct Total {
    pub(super) rows: u64,
    pub(super) valid: u64,
    pub(super) calls: Needed,
    /// The same, if rows share calls that can.
    pub(super) batched: Needed,
    pub(super) sorters: Vec<Sorter<Assertion>>,
    /// Why reading ended before the end.
    pub(super) unreadable: Option<String>,
}

/// What a batch came to.
struct Batch {
    rows: u64,
    valid: u64,
    calls: Needed,
    batched: Needed,
    judged: Vec<Judged>,
}

/// Judges rows; `each` takes those about which there is something to say, in their order.
pub(super) fn judge<I, E>(
    subject: &CheckInput<'_>,
    assertions: Assertions,
    rows: I,
    each: &mut dyn FnMut(Judged),
) -> io::Result<Total>
where
    I: Iterator<Item = Result<Record, E>> + Send,
    E: Display + Send,
{
    thread::scope(|scope| {
        let many = thread::available_parallelism().map_or(1, usize::from);
        let (mut inputs, mut outputs, mut judges) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..many {
            let (to_judge, records) = sync_channel(WAITING);
            let (to_caller, batches) = sync_channel(WAITING);
            let judge = Judge {
                builder: subject.builder.clone(),
                sources: subject.sources,
                assertions,
                sorter: Sorter::new(),
            };
            judges.push(scope.spawn(move || judge.run(&records, &to_caller)));
            inputs.push(to_judge);
            outputs.push(batches);
        }
        let reader = scope.spawn(move || read(rows, &inputs));
        let mut total = Total {
            rows: 0,
            valid: 0,
            calls: Needed::default(),
            batched: Needed::default(),
            sorters: Vec::new(),
            unreadable: None,
        };
        // The batches went to the judges in turn, and so they come back in order.
        for batch in outputs.iter().cycle().map_while(|output| output.recv().ok()) {
            total.rows += batch.rows;
            total.valid += batch.valid;
            total.calls.add(&batch.calls);
            total.batched.add(&batch.batched);
            batch.judged.into_iter().for_each(&mut *each);
        }
        drop(outputs);
        total.unreadable = join(reader);
        total.sorters = judges.into_iter().map(join).collect::<io::Result<_>>()?;
        Ok(total)
    })
}

/// The end of a thread; what broke it breaks us.
fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Hands records over in batches, to one judge after the other; returns why it ended early.
fn read<I, E>(mut rows: I, judges: &[SyncSender<Vec<Record>>]) -> Option<String>
where
    I: Iterator<Item = Result<Record, E>>,
    E: Display,
{
    let mut unreadable = None;
    for judge in judges.iter().cycle() {
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
        let last = loop {
            match rows.next() {
                Some(Ok(record)) => {
                    bytes += record.content.bytes();
                    batch.push(record);
                }
                Some(Err(error)) => {
                    unreadable = Some(error.to_string());
                    break true;
                }
                None => break true,
            }
            if batch.len() == BATCH || bytes >= BATCH_BYTES {
                break false;
            }
        };
        // A judge that is gone has failed, and says so itself.
        if judge.send(batch).is_err() || last {
            break;
        }
    }
    unreadable
}

struct Judge<'a> {
    builder: Builder,
    sources: &'a [Arc<Source>],
    assertions: Assertions,
    sorter: Sorter<Assertion>,
}

impl Judge<'_> {
    fn run(
        mut self,
        records: &Receiver<Vec<Record>>,
        to: &SyncSender<Batch>,
    ) -> io::Result<Sorter<Assertion>> {
        for records in records {
            let mut batch = Batch {
                rows: records.len() as u64,
                valid: 0,
                calls: Needed::default(),
                batched: Needed::default(),
                judged: Vec::new(),
            };
            for record in records {
                self.judge(record, &mut batch)?;
            }
            if to.send(batch).is_err() {
                break;
            }
        }
        Ok(self.sorter)
    }

    fn judge(&mut self, record: Record, batch: &mut Batch) -> io::Result<()> {
        let judged = match self.builder.build(record) {
            Ok(instruction) => {
                batch.valid += 1;
                batch.calls.count(&instruction);
                batch.batched.count_batched(&instruction);
                self.assertion(&instruction)?;
                let lock_out = lockout::lock_out(&instruction);
                let Notes { issues, repairs } = unboxed(instruction.notes);
                Judged {
                    record: instruction.record,
                    operation: Some(instruction.operation),
                    issues: lock_out.into_iter().chain(issues).collect(),
                    repairs,
                }
            }
            Err(invalid) => {
                let Notes { issues, repairs } = unboxed(invalid.notes);
                Judged {
                    record: invalid.record,
                    operation: invalid.operation,
                    issues: iter::once(*invalid.issue).chain(issues).collect(),
                    repairs,
                }
            }
        };
        if !judged.issues.is_empty() || !judged.repairs.is_empty() {
            batch.judged.push(judged);
        }
        Ok(())
    }

    fn assertion(&mut self, instruction: &Instruction) -> io::Result<()> {
        let at = at(&instruction.record, self.sources);
        let mut pushed = Ok(());
        self.assertions.of(instruction, at, &mut |assertion, _| {
            if pushed.is_ok() {
                pushed = self.sorter.push(assertion);
            }
        });
        pushed
    }
}

fn unboxed(notes: Option<Box<Notes>>) -> Notes {
    notes.map(|notes| *notes).unwrap_or_default()
}

/// Where a record is, in numbers.
pub(super) fn at(record: &Record, sources: &[Arc<Source>]) -> RowPlace {
    let index = sources.iter().position(|source| Arc::ptr_eq(source, &record.source));
    RowPlace {
        row: record.position.row,
        line: u32::try_from(record.position.line).unwrap_or(u32::MAX),
        source: index.and_then(|index| u16::try_from(index).ok()).unwrap_or(u16::MAX),
    }
}
