//! One budget for a project, shared by the processes of a host.
//!
//! A small file, locked while it is looked at, holds the state. So processes that run at the same
//! time, or one after the other, keep one limit together. The file names no user and holds no key.
//! Files block, so they are looked at on threads, which the budgets of a process share.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tracing::Span;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::hold::Hold;
use super::limit::Limit;
use super::state::{BudgetUsage, LimiterState, Moment, RequestId};

/// How soon to look again where the end of somebody else's request is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Files of projects that nobody has used for this long are removed.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of the files' names.
const NAME: &str = "budget-";

/// The most threads that keep files: one for each budget would be hundreds in a fleet, and where one
/// kept all, a file that has to be waited for would hold up all projects.
const MOST_KEEPERS: usize = 8;

/// The threads that keep files, each of them once a budget needs it.
static KEEPERS: [Mutex<Option<Sender<Told>>>; MOST_KEEPERS] =
    [const { Mutex::new(None) }; MOST_KEEPERS];

/// Budgets opened so far: they take turns among the threads.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// What may wait for a thread: far more than there are requests on the wire, each of which is told of
/// once, and asked for once.
const WAITING: usize = 1 << 18;

/// A change of the state at a moment.
type StateChange = Box<dyn FnOnce(&mut LimiterState, Moment) + Send>;

/// What a thread is told about a budget.
struct Told(Arc<Mutex<KeptBudget>>, News);

enum News {
    Change(StateChange),
    /// Nothing more comes; told when all of it is in the file.
    End(SyncSender<()>),
}

/// The shared budget of one project.
#[derive(Debug)]
pub struct SharedBudget {
    kept: Arc<Mutex<KeptBudget>>,
    keeper: Sender<Told>,
    next: AtomicU64,
}

impl SharedBudget {
    /// The budget of a project at a server, below the folder for this program's state.
    pub fn open(folder: &Path, server: &str, project: &str) -> io::Result<Self> {
        make(folder)?;
        forget(folder);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path_of(folder, server, project))?;
        let kept = Arc::new(Mutex::new(KeptBudget {
            file,
            known: None,
            own: None,
            name: Span::current(),
        }));
        Ok(Self { kept, keeper: keeper()?, next: AtomicU64::new(0) })
    }

    /// What is used of a project's budget just now; nothing where no run has used it. Nothing is
    /// changed.
    pub fn usage(folder: &Path, server: &str, project: &str) -> io::Result<Option<BudgetUsage>> {
        let mut file = match File::open(path_of(folder, server, project)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        file.lock_shared()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let now = now();
        let mut state = LimiterState::parse(&text, now);
        state.tidy(now, &is_alive);
        Ok(Some(state.usage(now)))
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
            // The keeper is gone, which only a panic of ours can do: nothing is let through.
            Err(_) => Err(Hold::Closed(LOOK_AGAIN)),
        }
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str, request: RequestId) {
        self.tell(move |state, now| state.reply(class, request, now));
    }

    /// Has the state changed, without waiting for it.
    pub(super) fn tell(&self, change: impl FnOnce(&mut LimiterState, Moment) + Send + 'static) {
        // It is never full: see above. Without its thread, nothing is let through.
        let _ = self.send(News::Change(Box::new(change)));
    }

    fn send(&self, news: News) -> bool {
        self.keeper.try_send(Told(Arc::clone(&self.kept), news)).is_ok()
    }
}

impl Drop for SharedBudget {
    /// Waits until all that was told is in the file.
    fn drop(&mut self) {
        let (done, ended) = sync_channel(1);
        if self.send(News::End(done)) {
            // What a panic has said is in its own message.
            let _ = ended.recv();
        }
    }
}

/// The thread whose turn it is to keep a budget.
fn keeper() -> io::Result<Sender<Told>> {
    let turn = OPENED.fetch_add(1, Ordering::Relaxed) % MOST_KEEPERS;
    let mut keeper = KEEPERS[turn].lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keeper) = &*keeper {
        return Ok(keeper.clone());
    }
    let (tell, told) = mpsc::channel(WAITING);
    thread::Builder::new().name("budget".into()).spawn(move || keep(told))?;
    Ok(keeper.insert(tell).clone())
}

/// Changes states as it is told. Changes of one budget that wait are made together.
fn keep(mut told: Receiver<Told>) {
    while let Some(first) = told.blocking_recv() {
        let (mut due, mut ends) = (Vec::<(_, Vec<_>)>::new(), Vec::new());
        let mut next = Some(first);
        while let Some(Told(budget, news)) = next {
            match (news, due.iter_mut().find(|(own, _)| Arc::ptr_eq(own, &budget))) {
                (News::End(done), _) => ends.push(done),
                (News::Change(change), Some((_, changes))) => changes.push(change),
                (News::Change(change), None) => due.push((budget, vec![change])),
            }
            next = told.try_recv().ok();
        }
        for (budget, changes) in due {
            budget.lock().unwrap_or_else(PoisonError::into_inner).change(changes);
        }
        for done in ends {
            // Whoever no longer waits has no need to know.
            let _ = done.send(());
        }
    }
}

/// A budget as its thread keeps it.
#[derive(Debug)]
struct KeptBudget {
    file: File,
    known: KnownState,
    /// The file has failed: from then on this process keeps the limit by itself.
    own: Option<LimiterState>,
    /// In whose name its thread logs.
    name: Span,
}

impl KeptBudget {
    fn change(&mut self, mut due: Vec<StateChange>) {
        if self.own.is_none() {
            match locked(&self.file, due, &mut self.known) {
                Ok(()) => return,
                Err((error, left)) => {
                    let _named = self.name.enter();
                    tracing::warn!(%error, "the shared budget cannot be used; this process keeps to the limit on its own");
                    // What was not ended holds the lock, and others would wait for it for ever.
                    let _ = self.file.unlock();
                    (self.own, due) = (Some(LimiterState::default()), left);
                }
            }
        }
        let state = self.own.get_or_insert_default();
        for change in due {
            change(state, now());
        }
    }
}

/// A state, and the hash of the text that was written of it, which is many times as long.
type KnownState = Option<(u128, LimiterState)>;

/// Changes the state in the file while no other process can. On an error, the changes that were
/// not made. What this process has written last is known, and need not be understood again.
fn locked(
    mut file: &File,
    changes: Vec<StateChange>,
    known: &mut KnownState,
) -> Result<(), (io::Error, Vec<StateChange>)> {
    let mut begin = || {
        file.lock()?;
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = match begin() {
        Ok(text) => text,
        Err(error) => return Err((error, changes)),
    };
    let now = now();
    let mut state = match known.take().filter(|(own, _)| *own == xxh3_128(text.as_bytes())) {
        Some((_, state)) => state,
        None => LimiterState::parse(&text, now),
    };
    state.tidy(now, &is_alive);
    for change in changes {
        change(&mut state, now);
    }
    let mut end = || {
        let text = serde_json::to_string(&state)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.unlock()?;
        Ok(xxh3_128(text.as_bytes()))
    };
    let hash = end().map_err(|error| (error, Vec::new()))?;
    *known = Some((hash, state));
    Ok(())
}

/// The file of a project's budget.
fn path_of(folder: &Path, server: &str, project: &str) -> PathBuf {
    folder.join(format!("{NAME}{}.json", name_of(server, project)))
}

/// What a project at a server is called where its budget is kept; it tells neither.
pub(super) fn name_of(server: &str, project: &str) -> String {
    let name = xxh3_64(format!("{server} {project}").as_bytes());
    format!("{name:016x}")
}

/// The time since 1970: the one clock that processes share.
fn now() -> Moment {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Creates the folder, for its owner only.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes the files of projects that nobody has used for long.
fn forget(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(NAME);
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let old = age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > FORGOTTEN));
        if ours && old {
            // If it stays, it is small.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a process is there; one that we may not ask is.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| {
        !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::RateClass;

    const LIMIT: Limit = Limit { requests: 10, window: Duration::from_secs(60) };

    async fn takes(budget: &SharedBudget) -> bool {
        budget.take(RateClass::Users.name(), LIMIT, false).await.is_ok()
    }

    #[tokio::test]
    async fn budgets_that_share_a_thread_are_those_of_their_projects() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3 * MOST_KEEPERS).map(|number| format!("P{number}")).collect();
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
        drop((budgets, again));
        for (number, name) in names.iter().enumerate() {
            let usage = SharedBudget::usage(folder.path(), "server", name).unwrap();
            let expected = if number == 7 { 10 } else { number as u64 % 10 };
            assert_eq!(usage.map_or(0, |usage| usage.requests), expected, "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget");
        File::create(&path).unwrap();
        let read_only = File::open(&path).unwrap();
        let mut kept = KeptBudget { file: read_only, known: None, own: None, name: Span::none() };
        let take = |state: &mut LimiterState, now| {
            let request = RequestId { process: std::process::id(), number: 0 };
            state.take("users", LIMIT, false, request, now).unwrap();
        };
        kept.change(vec![Box::new(take)]);
        assert!(kept.own.is_some());
        File::open(&path).unwrap().try_lock().unwrap();
    }
}
