//! One budget for a project, shared by the processes of a host.
//!
//! A small file, locked while it is looked at, holds what the gate of each process remembers by
//! itself: when the replies of the last window came, which requests are on the wire, when the
//! next may follow, and until when the server asked for quiet. So processes that run at the same
//! time, or one after the other, keep one limit together. A request whose process is gone counts
//! as replied when that is noticed. The file names no user and holds no key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::catalog::RateClass;
use crate::limiter::limit::Limit;

/// How soon to look again where the end of somebody else's request is waited for.
const LOOK_AGAIN: u64 = 50_000;

/// Files of projects that nobody has used for this long are removed.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of the files' names.
const NAME: &str = "budget-";

/// The shared budget of one project.
#[derive(Debug)]
pub struct Budget {
    file: Mutex<File>,
    next: AtomicU64,
    /// The file has failed: from then on this process keeps the limit by itself.
    broken: AtomicBool,
}

/// A request that counts against the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    id: u64,
}

/// Why nothing may be sent just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The limit: look again after this time.
    Limit(Duration),
    /// Another process was told to be quiet for this time.
    Closed(Duration),
}

impl Budget {
    /// The budget of a project at a server, below the folder for this program's state.
    pub fn open(folder: &Path, server: &str, project: &str) -> io::Result<Self> {
        make(folder)?;
        forget(folder);
        let name = xxhash_rust::xxh3::xxh3_64(format!("{server} {project}").as_bytes());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(folder.join(format!("{NAME}{name:016x}.json")))?;
        let file = Mutex::new(file);
        Ok(Self { file, next: AtomicU64::new(0), broken: AtomicBool::new(false) })
    }

    /// Takes one request out of the budget of a class. `None` where the budget cannot be shared.
    pub(super) fn take(
        &self,
        class: RateClass,
        limit: Limit,
        paced: bool,
    ) -> Option<Result<Ticket, Refusal>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let request = Request { class: class_index(class), pid: std::process::id(), id };
        let taken = self.with(|table, now| table.take(request, limit, paced, now))?;
        Some(taken.map(|()| Ticket { id }))
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, ticket: Ticket) {
        let pid = std::process::id();
        self.with(|table, now| table.reply(pid, ticket.id, now));
    }

    /// The server has refused although the limit of a class was kept: all yields to others.
    /// `None` where the budget cannot be shared.
    pub(super) fn yields(&self, class: RateClass, limit: Limit) -> Option<()> {
        self.with(|table, now| table.yields(class_index(class), limit, now))
    }

    /// The server asks everybody to be quiet for a while.
    pub(super) fn close_for(&self, wait: Duration) {
        self.with(|table, now| table.closed_until = table.closed_until.max(now + micros(wait)));
    }

    /// Changes the table while no other process can.
    fn with<T>(&self, change: impl FnOnce(&mut Table, u64) -> T) -> Option<T> {
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = locked(&file, change);
        if let Err(error) = &changed {
            tracing::warn!(%error, "the shared budget cannot be kept; this process keeps the limit by itself");
            self.broken.store(true, Ordering::Relaxed);
        }
        changed.ok()
    }
}

fn locked<T>(mut file: &File, change: impl FnOnce(&mut Table, u64) -> T) -> io::Result<T> {
    file.lock()?;
    let work = || {
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        let now = micros(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default());
        let mut table = Table::parse(&text, now);
        table.tidy(now, &is_alive);
        let changed = change(&mut table, now);
        file.rewind()?;
        let text = serde_json::to_string(&table)?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        Ok(changed)
    };
    let changed = work();
    file.unlock()?;
    changed
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

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn class_index(class: RateClass) -> u8 {
    let index = RateClass::ALL.iter().position(|own| *own == class).unwrap_or_default();
    u8::try_from(index).unwrap_or_default()
}

/// Whether a process is there; one that we may not ask is.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| {
        !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
    })
}

/// Who sends what.
#[derive(Clone, Copy, Debug)]
struct Request {
    class: u8,
    pid: u32,
    id: u64,
}

/// What the file holds. Times are microseconds since 1970: the one clock that processes share.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Table {
    /// Nobody sends until then.
    closed_until: u64,
    /// When the next request of a class is due, if they follow each other evenly.
    due: [u64; RateClass::ALL.len()],
    /// What others leave of the limit of a class, as far as that was found out, and when.
    #[serde(default)]
    left: [Option<(u32, u64)>; RateClass::ALL.len()],
    /// Requests that count: class, process, number, when the reply came (0 while on the wire),
    /// and how long it counts from then on.
    requests: Vec<(u8, u32, u64, u64, u64)>,
}

impl Table {
    /// An empty file is an empty table. One that was cut off by a crash says nothing of what the
    /// window has seen, so it is taken to be full: everybody waits a minute.
    fn parse(text: &str, now: u64) -> Self {
        const MINUTE: u64 = 60_000_000;
        if text.is_empty() {
            return Self::default();
        }
        serde_json::from_str(text)
            .unwrap_or_else(|_| Self { closed_until: now + MINUTE, ..Self::default() })
    }

    /// Drops what counts no more, and repairs what the clock or a crash has left.
    fn tidy(&mut self, now: u64, is_alive: &dyn Fn(u32) -> bool) {
        // A clock that was set back must not close the gate for as long as it was ahead.
        const LONGEST: u64 = 3_600_000_000;
        if self.closed_until > now + LONGEST {
            self.closed_until = 0;
        }
        let (mut last, mut longest) = (None, 0);
        for (_, pid, _, replied, window) in &mut self.requests {
            let gone = *replied == 0 && {
                let known = last.filter(|(known, _)| known == pid);
                let (_, alive) = known.unwrap_or_else(|| (*pid, is_alive(*pid)));
                last = Some((*pid, alive));
                !alive
            };
            if gone || *replied > now {
                *replied = now;
            }
            longest = longest.max(*window);
        }
        for due in &mut self.due {
            *due = (*due).min(now + longest);
        }
        self.requests.retain(|(.., replied, window)| *replied == 0 || replied + window > now);
    }

    fn take(
        &mut self,
        request: Request,
        limit: Limit,
        paced: bool,
        now: u64,
    ) -> Result<(), Refusal> {
        let wait = |until: u64| Duration::from_micros(until.saturating_sub(now).max(1));
        if self.closed_until > now {
            return Err(Refusal::Closed(wait(self.closed_until)));
        }
        let limit = self.left_of(request.class, limit, now);
        let window = micros(limit.window);
        let own = self.requests.iter().filter(|(class, ..)| *class == request.class);
        let (mut counted, mut free) = (0_u64, u64::MAX);
        for (.., replied, _) in own {
            counted += 1;
            if *replied > 0 {
                free = free.min(replied + window);
            }
        }
        if counted >= u64::from(limit.requests) {
            return Err(Refusal::Limit(wait(free.min(now + LOOK_AGAIN))));
        }
        let (period, burst) = limit.spacing();
        let due = &mut self.due[usize::from(request.class)];
        let slack = micros(period) * u64::from(burst.get() - 1);
        if paced && *due > now + slack {
            return Err(Refusal::Limit(wait(*due - slack)));
        }
        *due = (*due).max(now) + micros(period);
        self.requests.push((request.class, request.pid, request.id, 0, window));
        Ok(())
    }

    /// The limit, or what others leave of it. It outlives the process that has found it out.
    fn left_of(&mut self, class: u8, limit: Limit, now: u64) -> Limit {
        let known = &mut self.left[usize::from(class)];
        let left = known.and_then(|(left, since)| {
            limit.regained(left, Duration::from_micros(now.saturating_sub(since)))
        });
        if left.is_none() {
            *known = None;
        }
        left.unwrap_or(limit)
    }

    fn yields(&mut self, class: u8, limit: Limit, now: u64) {
        let counted = self.requests.iter().filter(|(own, ..)| *own == class).count();
        let left = self.left_of(class, limit, now).requests;
        let went_through = u32::try_from(counted).unwrap_or(u32::MAX).min(left);
        self.left[usize::from(class)] = Some((limit.yielding(went_through), now));
    }

    fn reply(&mut self, pid: u32, id: u64, now: u64) {
        for (_, own, number, replied, _) in &mut self.requests {
            if *own == pid && *number == id {
                *replied = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const LIMIT: Limit = Limit { requests: 3, window: Duration::from_secs(60) };

    fn request(pid: u32, id: u64) -> Request {
        Request { class: 0, pid, id }
    }

    fn take(table: &mut Table, pid: u32, id: u64, now: u64) -> Result<(), Refusal> {
        table.tidy(now, &|pid| pid != 666);
        table.take(request(pid, id), LIMIT, false, now)
    }

    #[test]
    fn processes_keep_one_limit_together() {
        let mut table = Table::default();
        let start = 1_000 * SECOND;
        assert_eq!(take(&mut table, 1, 0, start), Ok(()));
        assert_eq!(take(&mut table, 2, 0, start), Ok(()));
        assert_eq!(take(&mut table, 2, 1, start), Ok(()));
        let again = Duration::from_micros(LOOK_AGAIN);
        assert_eq!(take(&mut table, 1, 1, start), Err(Refusal::Limit(again)), "all on the wire");
        table.reply(2, 0, start + SECOND);
        let wait = take(&mut table, 1, 1, start + 60 * SECOND + 999_999);
        assert_eq!(wait, Err(Refusal::Limit(Duration::from_micros(1))));
        assert_eq!(take(&mut table, 1, 1, start + 61 * SECOND), Ok(()), "a window after the reply");
        // Another class has a limit of its own.
        let other = Request { class: 1, pid: 1, id: 9 };
        assert_eq!(table.take(other, LIMIT, false, start + 61 * SECOND), Ok(()));
    }

    #[test]
    fn a_process_that_dies_gives_back_what_it_held() {
        let mut table = Table::default();
        let start = 1_000 * SECOND;
        for id in 0..3 {
            assert_eq!(take(&mut table, 666, id, start), Ok(()));
        }
        assert!(take(&mut table, 1, 0, start + SECOND).is_err(), "it is noticed here");
        assert_eq!(take(&mut table, 1, 0, start + 61 * SECOND), Ok(()));
    }

    #[test]
    fn requests_follow_each_other_evenly_whoever_sends_them() {
        let limit = Limit { requests: 60, window: Duration::from_secs(60) };
        let mut table = Table::default();
        let start = 1_000 * SECOND;
        assert_eq!(table.take(request(1, 0), limit, true, start), Ok(()));
        let wait = Refusal::Limit(Duration::from_secs(1));
        assert_eq!(table.take(request(2, 0), limit, true, start), Err(wait));
        assert_eq!(table.take(request(2, 0), limit, true, start + SECOND), Ok(()));
        assert_eq!(table.take(request(3, 0), limit, false, start + SECOND), Ok(()), "a small job");
    }

    #[test]
    fn a_pause_is_kept_by_all_and_a_clock_set_back_ends_it() {
        let start = 10_000 * SECOND;
        let mut table = Table { closed_until: start + 60 * SECOND, ..Table::default() };
        let closed = Refusal::Closed(Duration::from_secs(60));
        assert_eq!(take(&mut table, 1, 0, start), Err(closed));
        assert_eq!(take(&mut table, 1, 0, start - 5_000 * SECOND), Ok(()));
    }

    #[test]
    fn what_others_leave_is_known_to_all_and_to_those_that_come_later() {
        let limit = Limit { requests: 10, window: Duration::from_secs(60) };
        let mut table = Table::default();
        let start = 1_000 * SECOND;
        for id in 0..8 {
            assert_eq!(table.take(request(666, id), limit, false, start), Ok(()));
        }
        table.yields(0, limit, start);
        let kept = serde_json::to_string(&table).unwrap();
        for (minutes, expected) in [(1, 8), (2, 9), (9, 10)] {
            let (mut later, now) = (Table::parse(&kept, start), start + minutes * 60 * SECOND);
            later.tidy(start, &|_| false);
            later.tidy(now, &|_| false);
            let taken =
                (0..20).filter(|id| later.take(request(1, *id), limit, false, now).is_ok()).count();
            assert_eq!(taken, expected, "after {minutes} minutes");
        }
        // A file of an earlier version does not know of it.
        let old = kept.replace(r#""left":[[7,1000000000],null,null,null,null],"#, "");
        assert_ne!(old, kept);
        assert_eq!(Table::parse(&old, start).closed_until, 0);
    }

    #[test]
    fn a_file_that_was_cut_off_is_a_window_that_may_be_full() {
        assert_eq!(Table::parse("", 5).closed_until, 0);
        let whole = serde_json::to_string(&Table { closed_until: 7, ..Table::default() }).unwrap();
        assert_eq!(Table::parse(&whole, 5).closed_until, 7);
        for end in 1..whole.len() {
            assert_eq!(Table::parse(&whole[..end], 5).closed_until, 60 * SECOND + 5, "{end}");
        }
    }
}
