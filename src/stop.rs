//! Stopping: one state that only moves forward, seen by everything that sends or waits.
//!
//! Running → draining → aborting. Draining admits nothing more, wakes sleepers and lets
//! requests on the wire finish; aborting drops those too. The first reason is the one told.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::exit::Exit;

/// Why a run stops before its input is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT, as Ctrl-C sends it.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// Something that would befall every further row alike.
    Stopped {
        /// A stable word, such as `credentials_refused`.
        code: &'static str,
        /// What happened: a lower-case fragment.
        message: String,
        /// What to fix before resuming; empty when there is nothing.
        hint: String,
    },
}

impl StopReason {
    /// A stop for what went wrong, from its parts.
    pub fn stopped(
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Stopped { code, message: message.into(), hint: hint.into() }
    }

    /// The recorder has failed, and nothing may be sent that cannot be recorded.
    #[must_use]
    pub fn not_recorded() -> Self {
        Self::stopped(
            "not_recorded",
            "the run folder can no longer be written",
            "free up space, or fix the folder's permissions",
        )
    }

    /// The exit code of a run that it stopped.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Terminated => Exit::Terminated,
            Self::Stopped { .. } => Exit::Stopped,
        }
    }

    /// A stable word for the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::Stopped { code, .. } => code,
        }
    }

    /// What to do before resuming, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Stopped { hint, .. } if !hint.is_empty() => Some(hint),
            _ => None,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted (SIGINT)"),
            Self::Terminated => f.write_str("terminated (SIGTERM)"),
            Self::Stopped { message, .. } => f.write_str(message),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Running,
    Draining,
    Aborting,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Whether requests may be in flight.
    sending: bool,
    reason: Option<StopReason>,
}

/// The stop of a run, shared by those who ask for it and those who act on it.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<State>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Stop {
    /// Admits nothing more. A later reason does not replace an earlier one.
    pub fn drain(&self, reason: StopReason) {
        self.advance(Phase::Draining, reason);
    }

    /// Drops what is on the wire as well.
    pub fn abort(&self, reason: StopReason) {
        self.advance(Phase::Aborting, reason);
    }

    /// Says that requests are sent from now on.
    pub fn begin_sending(&self) {
        self.0.send_modify(|state| state.sending = true);
    }

    /// Whether requests may be in flight.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.0.borrow().sending
    }

    /// Why the run stops, once it does.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        self.0.borrow().reason.clone()
    }

    /// Whether nothing more is to be admitted.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.borrow().phase >= Phase::Draining
    }

    /// Waits until nothing more is to be admitted.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until nothing more is to be admitted, and says why.
    pub async fn stopped(&self) -> StopReason {
        loop {
            self.draining().await;
            if let Some(reason) = self.reason() {
                return reason;
            }
        }
    }

    /// Waits until what is on the wire is to be dropped.
    pub async fn aborting(&self) {
        self.reached(Phase::Aborting).await;
    }

    /// Goes as far as another stop goes, for as long as it is awaited.
    pub async fn follow(&self, above: &Self) {
        self.drain(above.stopped().await);
        above.aborting().await;
        self.abort(above.stopped().await);
    }

    fn advance(&self, phase: Phase, reason: StopReason) {
        self.0.send_if_modified(|state| {
            let forward = phase > state.phase;
            state.phase = state.phase.max(phase);
            state.reason.get_or_insert(reason);
            forward
        });
    }

    async fn reached(&self, phase: Phase) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|state| state.phase >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn it_only_moves_forward_and_keeps_the_first_reason() {
        let stop = Stop::default();
        assert!(!stop.is_draining());
        assert_eq!(stop.reason(), None);
        stop.abort(StopReason::Terminated);
        stop.drain(StopReason::Interrupted);
        stop.draining().await;
        stop.aborting().await;
        assert_eq!(stop.reason(), Some(StopReason::Terminated));
    }

    #[tokio::test]
    async fn draining_does_not_abort() {
        let stop = Stop::default();
        stop.drain(StopReason::Interrupted);
        stop.draining().await;
        assert!(stop.aborting().now_or_never().is_none());
    }
}
