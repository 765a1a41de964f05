//! The supervisor's sink: tells whoever started the program, such as systemd, how a run goes, by the
//! protocol of `sd_notify`. Counts only, never a user.
//!
//! What cannot be told changes nothing: a run goes on without anybody who listens.

use std::io::{self, Write};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::live::{ProgressSink, Screen};
use crate::engine::events::{Event, Sink};
use crate::exit::Exit;

/// The way to a supervisor.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    socket: Arc<UnixDatagram>,
    address: SocketAddr,
    /// How often it wants to hear that the program is alive.
    watchdog: Option<Duration>,
    /// Whether it has heard of the beginning.
    has_begun: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
}

/// Whether the program is alive, as far as others can tell. A run that goes on has to show it by its
/// ticks, or one that hangs would never be noticed. Before and after it there are no ticks, and the
/// process is alive as long as its threads go on.
#[derive(Debug, Default)]
struct Pulse {
    in_run: AtomicBool,
    ticked: AtomicBool,
    ended: AtomicBool,
}

impl Pulse {
    fn begin_run(&self) {
        self.ticked.store(true, Ordering::Relaxed);
        self.in_run.store(true, Ordering::Relaxed);
    }

    fn tick(&self) {
        self.ticked.store(true, Ordering::Relaxed);
    }

    fn end_run(&self) {
        self.in_run.store(false, Ordering::Relaxed);
    }

    /// Whether it is alive, by what has happened since this was asked last.
    fn beats(&self) -> bool {
        let ticked = self.ticked.swap(false, Ordering::Relaxed);
        ticked || !self.in_run.load(Ordering::Relaxed)
    }
}

impl Supervisor {
    /// The one who listens at a socket: the path of a file, or a name behind `@`.
    ///
    /// # Errors
    ///
    /// An address of another kind, and a system without such sockets.
    pub(crate) fn at(address: &str, watchdog: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // Nobody may hold a run up by not listening.
        socket.set_nonblocking(true)?;
        let address = match address.strip_prefix('@') {
            Some(name) => abstract_address(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = Arc::new(socket);
        Ok(Self { socket, address, watchdog, has_begun: Arc::default(), pulse: Arc::default() })
    }

    /// A sink that tells of a run.
    #[must_use]
    pub(crate) fn sink(&self) -> SupervisorSink {
        SupervisorSink {
            supervisor: self.clone(),
            progress: ProgressSink::over(Screen::Lines(Box::new(self.clone()))),
        }
    }

    /// Tells of the end. Who has not heard of the beginning hears of it first, or a run that had nothing
    /// to do would pass for one that never came up; not where nothing was begun.
    pub(crate) fn ended(&self, exit: Exit) {
        self.pulse.ended.store(true, Ordering::Relaxed);
        let is_refused = matches!(exit, Exit::Refused | Exit::Stopped);
        if !is_refused && !self.has_begun.load(Ordering::Relaxed) {
            // By itself: of several states in one message systemd heeds the last.
            self.tell("READY=1");
        }
        self.tell(&format!("STOPPING=1\nSTATUS=exit code {}", exit.code()));
    }

    /// Tells what the program waits for before there is a run: it is up.
    pub(crate) fn waits(&self, what: &str) {
        if self.begins() {
            self.tell("READY=1");
        }
        self.tell(&format!("STATUS={what}"));
    }

    fn began(&self, done: u64) {
        self.pulse.begin_run();
        self.begins();
        self.tell(&format!("READY=1\nSTATUS=sending; {done} rows done before"));
    }

    /// Whether the program is up for the first time; from then on it is told that it is alive.
    fn begins(&self) -> bool {
        let is_first = !self.has_begun.swap(true, Ordering::Relaxed);
        if let (true, Some(apart)) = (is_first, self.watchdog) {
            let own = self.clone();
            // Without a thread there is nobody who could be told.
            let _ = thread::Builder::new()
                .name("watchdog".to_owned())
                .spawn(move || own.keep_telling(apart / 2));
        }
        is_first
    }

    /// Tells that the program is alive, twice as often as it must be: a late one does no harm then.
    fn keep_telling(&self, apart: Duration) {
        loop {
            // Woken too early, it tells once more than it must.
            thread::park_timeout(apart);
            if self.pulse.ended.load(Ordering::Relaxed) {
                return;
            }
            if self.pulse.beats() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, state: &str) {
        let _ = self.socket.send_to_addr(state.as_bytes(), &self.address);
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// A line of progress is a status.
impl Write for Supervisor {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.tell(&format!("STATUS={}", String::from_utf8_lossy(line).trim_end()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells a supervisor of a run.
pub(crate) struct SupervisorSink {
    supervisor: Supervisor,
    progress: ProgressSink,
}

impl Sink for SupervisorSink {
    fn event(&mut self, event: &Event<'_>) {
        self.progress.event(event);
        match event {
            Event::Started(started) => self.supervisor.began(started.done_before.finished()),
            Event::Finished(_) => self.supervisor.pulse.end_run(),
            Event::Tick(_) => self.supervisor.pulse.tick(),
            Event::Stopping(reason) => {
                let reason = reason.code();
                self.supervisor.tell(&format!("STOPPING=1\nSTATUS=stopping: {reason}"));
            }
            Event::Read { .. }
            | Event::AllRead
            | Event::RowFinished(_)
            | Event::CanaryChecked(_)
            | Event::Waiting(_)
            | Event::Intervened(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_goes_on_is_alive_while_it_ticks_and_what_is_around_it_always() {
        let pulse = Pulse::default();
        assert!(pulse.beats() && pulse.beats(), "its rows may still be checked");
        pulse.begin_run();
        assert!(pulse.beats());
        assert!(!pulse.beats(), "it hangs");
        pulse.tick();
        assert!(pulse.beats() && !pulse.beats());
        pulse.end_run();
        assert!(pulse.beats() && pulse.beats(), "its files are made, and others are told");
    }
}
