//! How the program ends: the exit codes, and errors that end it before its work is done.

use std::fmt;
use std::process::ExitCode;

/// How the program ended. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every row is `updated` or `unchanged`.
    Success = 0,
    /// The run finished, and some rows failed.
    Failures = 1,
    /// Usage, settings or input were refused; nothing was sent.
    Refused = 2,
    /// Stopped early: failure limit, credentials refused, unreadable input, disk.
    Stopped = 3,
    /// Another process holds this run.
    Busy = 4,
    /// A plan has changes (`plan --detailed-exitcode`).
    Pending = 5,
    /// No file came to the inbox in time (`--expect-by`).
    Missing = 6,
    /// A promise of ours is broken: the totals do not add up.
    Broken = 70,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// All of them, by their numbers.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Failures,
        Self::Refused,
        Self::Stopped,
        Self::Busy,
        Self::Pending,
        Self::Missing,
        Self::Broken,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// What it means, in words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => {
                "all is well; of a run: every row is updated, created, deleted or unchanged"
            }
            Self::Failures => "some rows failed, or there are problems or differences",
            Self::Refused => "usage, settings or input were refused; nothing was sent",
            Self::Stopped => {
                "stopped early: failure limit, credentials, unreadable input, disk; it can be resumed"
            }
            Self::Busy => "another process holds this run",
            Self::Pending => "a plan has changes (plan --detailed-exitcode)",
            Self::Missing => "no file came to the inbox in time (--expect-by)",
            Self::Broken => "a defect: the totals do not add up; keep the run folder and report it",
            Self::Interrupted => "stopped by SIGINT (Ctrl-C); it can be resumed",
            Self::Terminated => "stopped by SIGTERM; it can be resumed",
        }
    }

    /// The worst of several, which is the largest number; success where there are none.
    #[must_use]
    pub fn worst(several: impl IntoIterator<Item = Self>) -> Self {
        several.into_iter().max_by_key(|exit| exit.code()).unwrap_or(Self::Success)
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends the program before its work is done.
///
/// The text says what is wrong, where, and what to do: a lower-case fragment, without secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Usage, settings or input were refused; nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// What the run needs, whatever its input is, cannot be had: its folder, or the address of its page;
    /// nothing was sent.
    #[error("{0}")]
    Unready(String),
    /// The work could not continue.
    #[error("{0}")]
    Stopped(String),
    /// Another process holds this run.
    #[error("{0}")]
    Busy(String),
    /// A signal has stopped it.
    #[error("{0}")]
    Signalled(String, Exit),
}

impl Error {
    /// A refusal, from anything that prints.
    pub fn refused(reason: impl fmt::Display) -> Self {
        Self::Refused(reason.to_string())
    }

    /// Something that the run needs and cannot be had, from anything that prints.
    pub(crate) fn unready(reason: impl fmt::Display) -> Self {
        Self::Unready(reason.to_string())
    }

    /// The exit code that it ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused(_) | Self::Unready(_) => Exit::Refused,
            Self::Stopped(_) => Exit::Stopped,
            Self::Busy(_) => Exit::Busy,
            Self::Signalled(_, exit) => *exit,
        }
    }
}
