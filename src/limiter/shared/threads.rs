//! The threads that keep the files of budgets, which the budgets of a process share.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};

use super::file::{BudgetFile, StateChange};

/// The most threads: one for each budget would be hundreds in a fleet, and a single one would do their
/// work one after the other where the file system is slow.
pub(super) const MOST: usize = 8;

/// The threads, each of them once a budget needs it.
static THREADS: [Mutex<Option<Sender<Told>>>; MOST] = [const { Mutex::new(None) }; MOST];

/// Budgets so far: they take turns among the threads.
static BUDGETS: AtomicUsize = AtomicUsize::new(0);

/// What may wait for a thread: far more than there are requests on the wire, each of which is told of
/// once, and asked for once.
const WAITING: usize = 1 << 18;

/// How soon a file is tried again that another process holds. Others wait no longer for it.
const AGAIN: Duration = Duration::from_millis(2);

/// What a thread is told about a budget.
pub(super) struct Told(pub(super) Arc<Mutex<BudgetFile>>, pub(super) News);

/// What is new.
pub(super) enum News {
    /// The state changes.
    Change(StateChange),
    /// Told when all that came before is in the file.
    Written(Box<dyn FnOnce() + Send>),
}

/// The thread whose turn it is to keep a budget.
pub(super) fn for_next_budget() -> io::Result<Sender<Told>> {
    let turn = BUDGETS.fetch_add(1, Ordering::Relaxed) % MOST;
    let mut thread = THREADS[turn].lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(thread) = &*thread {
        return Ok(thread.clone());
    }
    let (tell, told) = mpsc::channel(WAITING);
    thread::Builder::new().name("budget-file".into()).spawn(move || keep(told))?;
    Ok(thread.insert(tell).clone())
}

/// Changes states as it is told.
fn keep(mut told: Receiver<Told>) {
    let mut due = Vec::new();
    loop {
        if due.is_empty() {
            let Some(first) = told.blocking_recv() else { return };
            take_in(&mut due, first);
        } else {
            thread::park_timeout(AGAIN);
        }
        while let Ok(next) = told.try_recv() {
            take_in(&mut due, next);
        }
        due.retain_mut(|budget| !budget.try_finish());
    }
}

/// Changes of one budget that wait are made together.
fn take_in(due: &mut Vec<DueBudget>, Told(budget, news): Told) {
    let place = due.iter().position(|own| Arc::ptr_eq(&own.budget, &budget));
    let place = place.unwrap_or_else(|| {
        due.push(DueBudget { budget, changes: Vec::new(), waiting: Vec::new() });
        due.len() - 1
    });
    match news {
        News::Change(change) => due[place].changes.push(change),
        News::Written(tell) => due[place].waiting.push(tell),
    }
}

/// A budget with what is to be done to it.
struct DueBudget {
    budget: Arc<Mutex<BudgetFile>>,
    changes: Vec<StateChange>,
    /// Those who wait until all is in the file.
    waiting: Vec<Box<dyn FnOnce() + Send>>,
}

impl DueBudget {
    /// Does it, unless another process holds the file; whether it is done.
    fn try_finish(&mut self) -> bool {
        if !self.changes.is_empty() {
            let changes = std::mem::take(&mut self.changes);
            // A defect that one budget brings to light is not the end of the others.
            let left = catch_unwind(AssertUnwindSafe(|| self.file().change(changes)));
            self.changes = left.unwrap_or_else(|_| {
                self.file().fail("a defect of this program");
                Vec::new()
            });
        }
        if self.changes.is_empty() {
            self.waiting.drain(..).for_each(|tell| tell());
        }
        self.changes.is_empty()
    }

    fn file(&self) -> MutexGuard<'_, BudgetFile> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
