//! Measuring a program from outside: its time, its processor time, its memory.

use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::time::Instant;

use crate::machine::{self, Place};

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What a program took. What the system does not tell is missing.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    /// From start to end.
    pub(crate) seconds: f64,
    /// User's and system's.
    pub(crate) cpu_seconds: Option<f64>,
    /// The most memory that it held, as far as it was seen before the end.
    pub(crate) peak_mib: Option<f64>,
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command, place: Place) -> (Usage, ExitStatus) {
    let started = Instant::now();
    let mut child = machine::start(command, place);
    let peak_kib = watch(&child);
    let seconds = started.elapsed().as_secs_f64();
    // It has ended, but the system keeps its times until it is waited for.
    let cpu_seconds = cpu_seconds(child.id());
    let status = child.wait().expect("a program that was started");
    let peak_mib = (peak_kib > 0).then_some(int(peak_kib) / 1024.0);
    (Usage { seconds, cpu_seconds, peak_mib }, status)
}

/// Waits until a program ends; gives back the most memory that it held, in KiB.
fn watch(child: &Child) -> u64 {
    let (peak, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                peak.fetch_max(peak_kib(child.id()).unwrap_or(0), Ordering::Relaxed);
                thread::park_timeout(LOOK);
            }
        });
        let pid = Pid::from_child(child);
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .expect("a program that was started");
        ended.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
    });
    peak.into_inner()
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn cpu_seconds(pid: u32) -> Option<f64> {
    // What `/proc` counts in, on all of Linux.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything, the 12th and 13th are the times.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(int(user + system) / TICKS)
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below what a f64 holds exactly")]
pub(crate) fn int(count: u64) -> f64 {
    count as f64
}

/// The middle one of some values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
