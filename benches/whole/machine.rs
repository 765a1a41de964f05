//! The machine: its processors, and which of them a program runs on.

use std::fs;
use std::process::{Child, Command};

/// What a program runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The first processor: the client that is measured.
    Client,
    /// The second one: the server.
    Server,
    /// All of them.
    Anywhere,
}

/// Starts a program in its place. Where there are fewer than two processors, or the system
/// cannot tie a program to one, it runs anywhere.
pub(crate) fn start(command: &mut Command, place: Place) -> Child {
    let mut spawn = || command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    match place {
        Place::Client => tied_to(0, spawn),
        Place::Server => tied_to(1, spawn),
        Place::Anywhere => spawn(),
    }
}

/// Does something while this thread is tied to one processor, which what it starts inherits.
#[cfg(target_os = "linux")]
fn tied_to<T>(which: usize, work: impl FnOnce() -> T) -> T {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let all = sched_getaffinity(None).expect("the processors are known");
    let own: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu)).collect();
    if own.len() < 2 {
        return work();
    }
    let mut one = CpuSet::new();
    one.set(own[which]);
    sched_setaffinity(None, &one).expect("an own processor");
    let done = work();
    sched_setaffinity(None, &all).expect("the processors that it had");
    done
}

#[cfg(not(target_os = "linux"))]
fn tied_to<T>(_: usize, work: impl FnOnce() -> T) -> T {
    work()
}

/// The machine in a few words.
pub(crate) fn words() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = known
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model.trim());
    format!("{cores} cores of {model}, {}", std::env::consts::OS)
}
