//! One budget for a project, shared by the processes of a host.
//!
//! A small file, locked while it is looked at, holds the state. So processes that run at the same
//! time, or one after the other, keep one limit together. The file names no user and holds no key.
//! Files block, so they are looked at on threads, which the budgets of a process share.

mod file;
mod threads;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tokio::time::timeout;

use file::BudgetFile;
pub(super) use file::name_of;
use threads::{News, Told};

use super::hold::Hold;
use super::limit::Limit;
use super::state::{BudgetUsage, LimiterState, Moment, RequestId};

/// How soon to look again where the end of somebody else's request is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The longest that the end of a run waits for a file that another process holds. What is not in it by
/// then counts as soon as this process is gone.
const AT_THE_END: Duration = Duration::from_secs(1);

/// The shared budget of one project.
#[derive(Debug)]
pub struct SharedBudget {
    file: Arc<Mutex<BudgetFile>>,
    thread: Sender<Told>,
    next: AtomicU64,
    /// Whether its end was waited for.
    is_ended: AtomicBool,
}

impl SharedBudget {
    /// The budget of a project at a server, below the folder for this program's state.
    pub fn open(folder: &Path, server: &str, project: &str) -> io::Result<Self> {
        let file = Arc::new(Mutex::new(BudgetFile::open(folder, server, project)?));
        Ok(Self {
            file,
            thread: threads::for_next_budget()?,
            next: AtomicU64::new(0),
            is_ended: AtomicBool::new(false),
        })
    }

    /// What is used of a project's budget just now; nothing where no run has used it. Nothing is
    /// changed.
    pub fn usage(folder: &Path, server: &str, project: &str) -> io::Result<Option<BudgetUsage>> {
        BudgetFile::usage(folder, server, project)
    }

    /// Takes one request out of the budget of a class.
    pub(super) async fn take(
        &self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
    ) -> Result<RequestId, Hold> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request = RequestId { process: std::process::id(), number };
        let (answer, answered) = oneshot::channel();
        self.tell(move |state, now| {
            let taken = state.take(class, limit, is_paced, request, now);
            let told = answer.send(taken.map_err(|wait| Hold::of(wait, now)));
            if taken.is_ok() && told.is_err() {
                // Nobody waits for it any more.
                state.reply(class, request, now);
            }
        });
        match answered.await {
            Ok(Ok(())) => Ok(request),
            Ok(Err(Hold::Full(left))) => {
                Err(Hold::Full(Some(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))))
            }
            Ok(Err(hold)) => Err(hold),
            // A defect of ours has lost it: it is asked for again.
            Err(_) => Err(Hold::Closed(LOOK_AGAIN)),
        }
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str, request: RequestId) {
        self.tell(move |state, now| state.reply(class, request, now));
    }

    /// Has the state changed, without waiting for it.
    pub(super) fn tell(&self, change: impl FnOnce(&mut LimiterState, Moment) + Send + 'static) {
        // It is never full: see there.
        let _ = self.send(News::Change(Box::new(change)));
    }

    /// Waits until all that was told is in the file; whether it is. Nothing more may be told.
    pub(super) async fn end(&self) -> bool {
        let (done, ended) = oneshot::channel();
        let is_told = self.send(News::Written(Box::new(move || {
            let _ = done.send(());
        })));
        self.is_ended.store(true, Ordering::Relaxed);
        is_told && matches!(timeout(AT_THE_END, ended).await, Ok(Ok(())))
    }

    fn send(&self, news: News) -> bool {
        self.thread.try_send(Told(Arc::clone(&self.file), news)).is_ok()
    }
}

impl Drop for SharedBudget {
    /// Waits until all that was told is in the file, unless that was waited for. This blocks where another
    /// process holds the file.
    fn drop(&mut self) {
        if *self.is_ended.get_mut() {
            return;
        }
        let (done, ended) = sync_channel(1);
        let is_told = self.send(News::Written(Box::new(move || {
            let _ = done.send(());
        })));
        if is_told {
            let _ = ended.recv_timeout(AT_THE_END);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use futures_util::FutureExt;

    use super::*;
    use crate::catalog::RateClass;

    const LIMIT: Limit = Limit { requests: 10, window: Duration::from_secs(60) };

    async fn takes(budget: &SharedBudget) -> bool {
        budget.take(RateClass::Users.name(), LIMIT, false).await.is_ok()
    }

    #[tokio::test]
    async fn budgets_that_share_a_thread_are_those_of_their_projects() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3 * threads::MOST).map(|number| format!("P{number}")).collect();
        let open = |name: &String| SharedBudget::open(folder.path(), "server", name).unwrap();
        let budgets: Vec<_> = names.iter().map(open).collect();
        for (number, budget) in budgets.iter().enumerate() {
            for _ in 0..number % 10 {
                assert!(takes(budget).await);
            }
        }
        // The same project once more, as another run of this process has it.
        let again = open(&names[7]);
        assert!(takes(&again).await && takes(&budgets[7]).await && takes(&again).await);
        assert!(!takes(&again).await && !takes(&budgets[7]).await);
        for budget in budgets.iter().chain([&again]) {
            // However slow the disk is just now.
            while !budget.end().await {}
        }
        for (number, name) in names.iter().enumerate() {
            let usage = SharedBudget::usage(folder.path(), "server", name).unwrap();
            let expected = if number == 7 { 10 } else { number as u64 % 10 };
            assert_eq!(usage.map_or(0, |usage| usage.requests), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_that_another_holds_holds_up_neither_other_budgets_nor_the_end() {
        const PATIENCE: Duration = Duration::from_secs(60);
        let folder = tempfile::tempdir().unwrap();
        let open = |number: usize| {
            SharedBudget::open(folder.path(), "server", &format!("P{number}")).unwrap()
        };
        let held = open(0);
        let another = File::open(file::path_of(folder.path(), "server", "P0")).unwrap();
        another.lock().unwrap();
        let mut others = (1..).map(open);
        let shares = others.find(|budget| budget.thread.same_channel(&held.thread)).unwrap();
        assert!(takes(&held).now_or_never().is_none());
        assert_eq!(timeout(PATIENCE, takes(&shares)).await, Ok(true));
        assert_eq!(timeout(PATIENCE, held.end()).await, Ok(false));
        another.unlock().unwrap();
        let written = async { while !held.end().await {} };
        timeout(PATIENCE, written).await.unwrap();
        assert!(another.metadata().unwrap().len() > 0);
    }

    #[tokio::test]
    async fn a_defect_ends_the_sharing_of_one_budget_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let budget = SharedBudget::open(folder.path(), "server", "project").unwrap();
        budget.tell(|_, _| panic!("a defect, for this test"));
        assert!(takes(&budget).await || takes(&budget).await);
        let another = SharedBudget::open(folder.path(), "server", "project").unwrap();
        assert!(takes(&another).await, "the file is not locked");
    }
}
