//! The file of a budget, which is looked at while no other process can.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::Span;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::limiter::state::{BudgetUsage, LimiterState, Moment};

/// Files of projects that nobody has used for this long are removed.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of the files' names.
const NAME: &str = "budget-";

/// A file is held for less than a millisecond. Whoever holds it for so long has been stopped, or its
/// file system hangs, and that is said.
const HELD_LONG: Duration = Duration::from_secs(10);

/// How long somebody who only looks waits for it.
const LOOK_FOR: Duration = Duration::from_secs(1);

/// A change of the state at a moment.
pub(super) type StateChange = Box<dyn FnOnce(&mut LimiterState, Moment) + Send>;

/// A state, and the hash of the text that was written of it, which is many times as long.
type KnownState = Option<(u128, LimiterState)>;

/// A budget as its thread keeps it.
#[derive(Debug)]
pub(super) struct BudgetFile {
    file: File,
    /// What this process has written last, which need not be understood again.
    known: KnownState,
    /// The file has failed: from then on this process keeps the limit by itself.
    own: Option<LimiterState>,
    /// Since when another process holds the file, and whether that was said.
    held: Option<(Instant, bool)>,
    /// In whose name its thread logs.
    name: Span,
}

/// Why changes were not made.
enum Unmade {
    /// Another process holds the file.
    Held(Vec<StateChange>),
    /// The file has failed. Those that it failed with are made, for nobody else to see.
    Failed(io::Error, Vec<StateChange>),
}

impl BudgetFile {
    /// The file of a project at a server, below the folder for this program's state.
    pub(super) fn open(folder: &Path, server: &str, project: &str) -> io::Result<Self> {
        make(folder)?;
        forget(folder);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::of(options.open(path_of(folder, server, project))?))
    }

    fn of(file: File) -> Self {
        Self { file, known: None, own: None, held: None, name: Span::current() }
    }

    /// What is used of a project's budget just now; nothing where no run has used it.
    pub(super) fn usage(
        folder: &Path,
        server: &str,
        project: &str,
    ) -> io::Result<Option<BudgetUsage>> {
        let mut file = match File::open(path_of(folder, server, project)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let begun = Instant::now();
        while let Err(error) = file.try_lock_shared() {
            match error {
                TryLockError::WouldBlock if begun.elapsed() < LOOK_FOR => {
                    thread::park_timeout(Duration::from_millis(10));
                }
                TryLockError::WouldBlock => {
                    let why = "another process holds its file, and does not go on";
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
                }
                TryLockError::Error(error) => return Err(error),
            }
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let now = now();
        let mut state = LimiterState::parse(&text, now);
        state.tidy(now, &is_alive);
        Ok(Some(state.usage(now)))
    }

    /// Makes changes, unless another process holds the file: then they are given back.
    pub(super) fn change(&mut self, changes: Vec<StateChange>) -> Vec<StateChange> {
        if let Some(own) = &mut self.own {
            make_all(own, changes);
            return Vec::new();
        }
        match self.try_change(changes) {
            Ok(()) => self.say_free(),
            Err(Unmade::Held(changes)) => {
                self.say_held();
                return changes;
            }
            Err(Unmade::Failed(error, left)) => make_all(self.fail(&error.to_string()), left),
        }
        Vec::new()
    }

    /// Leaves the file to others; the state that this process keeps from now on.
    pub(super) fn fail(&mut self, error: &str) -> &mut LimiterState {
        let _named = self.name.enter();
        tracing::warn!(%error, "the shared budget cannot be used; this process keeps to the limit on its own");
        // What was not ended holds the lock, and others would wait for it for ever.
        let _ = self.file.unlock();
        self.own.insert(LimiterState::default())
    }

    fn say_held(&mut self) {
        let (since, said) = self.held.get_or_insert((Instant::now(), false));
        if !*said && since.elapsed() >= HELD_LONG {
            *said = true;
            let _named = self.name.enter();
            tracing::warn!(
                "another process holds the file of the shared budget, so nothing is sent to the project: end that process, or use --no-shared-budget"
            );
        }
    }

    fn say_free(&mut self) {
        if let Some((since, true)) = self.held.take() {
            let _named = self.name.enter();
            let seconds = since.elapsed().as_secs();
            tracing::warn!("the shared budget can be used again after {seconds} s");
        }
    }

    /// Changes the state in the file while no other process can.
    fn try_change(&mut self, changes: Vec<StateChange>) -> Result<(), Unmade> {
        match self.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Unmade::Held(changes)),
            Err(TryLockError::Error(error)) => return Err(Unmade::Failed(error, changes)),
        }
        let text = match self.read() {
            Ok(text) => text,
            Err(error) => return Err(Unmade::Failed(error, changes)),
        };
        let now = now();
        let hash = xxh3_128(text.as_bytes());
        let mut state = match self.known.take().filter(|(own, _)| *own == hash) {
            Some((_, state)) => state,
            None => LimiterState::parse(&text, now),
        };
        state.tidy(now, &is_alive);
        for change in changes {
            change(&mut state, now);
        }
        let hash = self.write(&state).map_err(|error| Unmade::Failed(error, Vec::new()))?;
        self.known = Some((hash, state));
        Ok(())
    }

    fn read(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.file.rewind()?;
        self.file.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Writes a state and unlocks the file; the hash of what was written.
    fn write(&mut self, state: &LimiterState) -> io::Result<u128> {
        let text = serde_json::to_string(state)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        self.file.unlock()?;
        Ok(xxh3_128(text.as_bytes()))
    }
}

/// Makes changes of a state that no other process sees.
fn make_all(state: &mut LimiterState, changes: Vec<StateChange>) {
    for change in changes {
        change(state, now());
    }
}

/// The file of a project's budget.
pub(super) fn path_of(folder: &Path, server: &str, project: &str) -> PathBuf {
    folder.join(format!("{NAME}{}.json", name_of(server, project)))
}

/// What a project at a server is called where its budget is kept; it tells neither.
pub(in crate::limiter) fn name_of(server: &str, project: &str) -> String {
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
    use crate::limiter::limit::Limit;
    use crate::limiter::state::RequestId;

    const LIMIT: Limit = Limit { requests: 10, window: Duration::from_secs(60) };

    fn taking() -> Vec<StateChange> {
        vec![Box::new(|state: &mut LimiterState, now| {
            let request = RequestId { process: std::process::id(), number: 0 };
            state.take("users", LIMIT, false, request, now).unwrap();
        })]
    }

    #[test]
    fn a_file_that_cannot_be_written_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget");
        File::create(&path).unwrap();
        let mut read_only = BudgetFile::of(File::open(&path).unwrap());
        assert!(read_only.change(taking()).is_empty());
        assert!(read_only.own.is_some());
        File::open(&path).unwrap().try_lock().unwrap();
    }

    #[test]
    fn what_another_holds_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut budget = BudgetFile::open(folder.path(), "server", "project").unwrap();
        let another = File::open(path_of(folder.path(), "server", "project")).unwrap();
        another.lock().unwrap();
        let left = budget.change(taking());
        assert_eq!((left.len(), budget.held.is_some(), budget.own.is_some()), (1, true, false));
        another.unlock().unwrap();
        assert!(budget.change(left).is_empty());
        assert!(budget.held.is_none() && another.metadata().unwrap().len() > 0);
    }
}
