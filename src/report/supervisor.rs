//! The supervisor's sink: tells whoever started the program, such as systemd, how a run goes, by the
//! protocol of `sd_notify`. Counts only, never a user.
//!
//! What cannot be told changes nothing: a run goes on without anybody who listens.

use std::io::{self, Write};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

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
        Ok(Self { socket: Arc::new(socket), address, watchdog, has_begun: Arc::default() })
    }

    /// A sink that tells of a run.
    #[must_use]
    pub(crate) fn sink(&self) -> SupervisorSink {
        SupervisorSink {
            supervisor: self.clone(),
            progress: ProgressSink::over(Screen::Lines(Box::new(self.clone()))),
            heard: Instant::now(),
        }
    }

    /// Tells of the end. Who has not heard of the beginning hears of it first, or a run that had nothing
    /// to do would pass for one that never came up; not where nothing was begun.
    pub(crate) fn ended(&self, exit: Exit) {
        let is_refused = matches!(exit, Exit::Refused | Exit::Stopped);
        if !is_refused && !self.has_begun.load(Ordering::Relaxed) {
            // By itself: of several states in one message systemd heeds the last.
            self.tell("READY=1");
        }
        self.tell(&format!("STOPPING=1\nSTATUS=exit code {}", exit.code()));
    }

    /// Tells what the program waits for before there is a run: it is up, and alive.
    pub(crate) fn waits(&self, what: &str) {
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            self.tell("READY=1");
        }
        self.tell("WATCHDOG=1");
        self.tell(&format!("STATUS={what}"));
    }

    fn began(&self, done: u64) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.tell(&format!("READY=1\nSTATUS=sending; {done} rows done before"));
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
    /// When it last heard that the program is alive.
    heard: Instant,
}

impl SupervisorSink {
    fn tick(&mut self) {
        let now = Instant::now();
        // Twice as often as it must be: a late one does no harm then.
        if self.supervisor.watchdog.is_some_and(|apart| now >= self.heard + apart / 2) {
            self.supervisor.tell("WATCHDOG=1");
            self.heard = now;
        }
    }
}

impl Sink for SupervisorSink {
    fn event(&mut self, event: &Event<'_>) {
        self.progress.event(event);
        match event {
            Event::Started(started) => self.supervisor.began(started.done_before.finished()),
            Event::Tick(_) => self.tick(),
            Event::Stopping(reason) => {
                let reason = reason.code();
                self.supervisor.tell(&format!("STOPPING=1\nSTATUS=stopping: {reason}"));
            }
            Event::Read { .. }
            | Event::AllRead
            | Event::RowFinished(_)
            | Event::CanaryChecked(_)
            | Event::Waiting(_)
            | Event::Intervened(_)
            | Event::Finished(_) => {}
        }
    }
}
