//! What a run is joined of, and what it comes to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::canary::AskCanary;
use super::intake::Intake;
use crate::api::transport::{Handshake, Transport};
use crate::check;
use crate::engine::events::Sink;
use crate::exit::{Error, Exit};
use crate::limiter::Throttle;
use crate::mirror::Mirror;
use crate::requester::Requester;
use crate::settings::config::Config;
use crate::stop::{Stop, StopReason};
use crate::store;
use crate::store::summary::Summary;

/// Rows that may wait between two tasks.
pub(super) const CHANNEL: usize = 256;

/// The reason for a stop whose input cannot be read any further.
pub(super) const UNREADABLE_INPUT: &str = "unreadable_input";

/// The code of the reason of a run that was not to begin.
pub(super) const NOT_CONFIRMED: &str = "not_confirmed";

/// How a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// Rows were worked on, and this is what became of them.
    Finished {
        /// What is in `summary.json`, too.
        summary: Box<Summary>,
        /// What it means for scripts.
        exit: Exit,
        /// The run folder could not be written any more, or its mirror: why, and what to do.
        unrecorded: Option<Error>,
    },
    /// The run in this folder was finished before: there is nothing to do.
    AlreadyFinished {
        /// Where it is.
        folder: PathBuf,
        /// What it meant for scripts when it ended.
        exit: Exit,
    },
    /// The run is strict, and these are the problems of its rows. Nothing was sent.
    Problems {
        /// What was found.
        report: Box<check::Report>,
        /// The files.
        files: Vec<String>,
    },
    /// It was stopped before its first row.
    NotBegun(StopReason),
}

/// What is said of a run that is strict and has problems.
pub(crate) const STRICT: &str = "the check found problems, so nothing was sent (--strict)";

/// How a run ended, as others are told of it.
#[derive(Clone, Debug)]
pub(crate) struct RunVerdict {
    /// What it means for scripts.
    pub(crate) exit: Exit,
    /// What became of its rows, where any were worked on.
    pub(crate) summary: Option<Box<Summary>>,
    /// Why it ended before its rows did, without a user's data on the first line.
    pub(crate) why: Option<String>,
}

impl RunVerdict {
    /// What an end comes to.
    pub(crate) fn of(ended: &Result<RunEnd, Error>) -> Self {
        let nothing = |exit, why: String| Self { exit, summary: None, why: Some(why) };
        match ended {
            Ok(RunEnd::Finished { summary, exit, unrecorded }) => Self {
                exit: unrecorded.as_ref().map_or(*exit, Error::exit),
                summary: Some(summary.clone()),
                why: summary.stopped.as_ref().map(|stopped| stopped.message.clone()),
            },
            Ok(RunEnd::AlreadyFinished { folder, exit }) => Self::finished(folder, *exit),
            Ok(RunEnd::Problems { .. }) => nothing(Exit::Refused, STRICT.to_owned()),
            Ok(RunEnd::NotBegun(reason)) => {
                let why = format!("{reason} before the first request");
                nothing(exit_before_first_row(reason), why)
            }
            Err(error) => nothing(error.exit(), error.to_string()),
        }
    }

    /// That of a run which was complete before.
    pub(crate) fn finished(folder: &Path, exit: Exit) -> Self {
        let summary = store::read_summary(folder).ok().map(Box::new);
        Self { exit, summary, why: None }
    }
}

/// What it means for scripts that a run was stopped before its first row.
pub(crate) fn exit_before_first_row(reason: &StopReason) -> Exit {
    if reason.code() == NOT_CONFIRMED { Exit::Refused } else { reason.exit() }
}

/// The project that a run is for, connected.
pub(super) struct Connection {
    /// What speaks to it.
    pub(super) requester: Requester<Transport>,
    /// The host of its API, for people.
    pub(super) host: String,
    /// What it said of itself.
    pub(super) handshake: Handshake,
}

/// What is joined for a run that is about to begin.
pub(super) struct Parts {
    pub(super) config: Arc<Config>,
    pub(super) sinks: Vec<Box<dyn Sink>>,
    pub(super) typed: Vec<String>,
    pub(super) stop: Stop,
    pub(super) throttle: Throttle,
    pub(super) intake: Box<Intake>,
    /// Where the folder is mirrored, if it is.
    pub(super) mirror: Option<Arc<Mirror>>,
    /// Who is asked after the canary, if anybody is.
    pub(super) ask_canary: Option<AskCanary>,
}
