//! The servers that programs are measured against.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::machine::{self, Place};
use crate::programs::{Programs, itself};

/// A server, until it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Its URL.
    pub(crate) url: String,
    /// Kept open, or what it writes there would fail.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the responder; see [`crate::responder`].
    pub(crate) fn responder(latency_ms: u64) -> Self {
        Self::start(itself().args(["responder", &latency_ms.to_string()]))
    }

    /// Starts the simulator, without a limit.
    pub(crate) fn simulator(programs: &Programs) -> Self {
        let mut command = programs.ours("simulate");
        command.args(["--listen", "127.0.0.1:0", "--rate-limit", "off", "--create-missing"]);
        // It says there that it is not the real thing.
        Self::start(command.stderr(Stdio::null()))
    }

    /// Starts a server that prints its URL first.
    fn start(command: &mut Command) -> Self {
        let mut child = machine::start(command.stdout(Stdio::piped()), Place::Server);
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        let mut url = String::new();
        stdout.read_line(&mut url).expect("its first line");
        Self { child, url: url.trim().to_owned(), _stdout: stdout }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
