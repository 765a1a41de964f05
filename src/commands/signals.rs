//! Signals: the first drains the run, the second aborts it, the third ends the process. A
//! terminal that is lost (SIGHUP) drains it too.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Error;
use crate::report::LogWriter;
use crate::stop::{Stop, StopReason};

/// Watches for SIGINT and SIGTERM in the background.
pub(super) fn watch(stop: Stop, mut log: LogWriter) -> Result<(), Error> {
    let listen = |kind| {
        signal(kind).map_err(|error| Error::Stopped(format!("cannot listen for signals: {error}")))
    };
    #[cfg(target_os = "linux")]
    survive_file_size_limit()?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    if !ignores_hangup() {
        // A lost terminal stops a run in order; under nohup it does not stop it.
        let (mut hangup, stop) = (listen(SignalKind::hangup())?, stop.clone());
        tokio::spawn(async move {
            if hangup.recv().await.is_some() {
                stop.drain(StopReason::Terminated);
            }
        });
    }
    tokio::spawn(async move {
        let mut say = |text: &str| {
            // Without a reader of stderr the run stops all the same.
            let _ = log.write_all(text.as_bytes());
        };
        let first = next(&mut interrupt, &mut terminate).await;
        // Before that, the end itself says that nothing was sent.
        if stop.is_sending() {
            say("stopping: waiting for requests in flight; press Ctrl-C again to drop them\n");
        }
        stop.drain(first.clone());
        next(&mut interrupt, &mut terminate).await;
        if stop.is_sending() {
            say("stopping at once: requests in flight are dropped and recorded as unknown\n");
        }
        stop.abort(first.clone());
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(first.exit() as i32);
    });
    Ok(())
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> StopReason {
    tokio::select! {
        _ = interrupt.recv() => StopReason::Interrupted,
        _ = terminate.recv() => StopReason::Terminated,
    }
}

/// Whether the parent process had SIGHUP ignored, as nohup does.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

/// Makes a write beyond the limit on the size of files an error instead of the end of the
/// process, so that it is handled like a full disk.
#[cfg(target_os = "linux")]
fn survive_file_size_limit() -> Result<(), Error> {
    const SIGXFSZ: i32 = 25;
    signal(SignalKind::from_raw(SIGXFSZ))
        .map(drop)
        .map_err(|error| Error::Stopped(format!("cannot listen for signals: {error}")))
}
