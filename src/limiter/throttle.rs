//! What holds requests back besides the limits: a pause, a lower pace, and hours in which nothing is
//! sent. Shared by the gate, which heeds it, and by whoever steers a run.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::leave::Leave;
use super::limit::Limit;
use crate::outcome::rfc3339;

/// Shares of the limit that a run can be slowed to, in percent.
const PACES: [u32; 6] = [100, 75, 50, 25, 10, 5];

/// What somebody did to a run while it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intervention {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// What it was.
    #[serde(flatten)]
    pub action: Steering,
}

/// A way to steer a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Steering {
    /// Nothing more is sent; requests in flight finish.
    Paused,
    /// Sending goes on.
    Resumed,
    /// So much of the limit is used from now on, in percent.
    Pace {
        /// From 1 to 100.
        percent: u32,
    },
    /// The run was told to finish the requests in flight and stop.
    Stopped,
}

/// What holds requests back just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Somebody has paused the run.
    Paused,
    /// The hours of sending begin again then.
    Until(Timestamp),
}

#[derive(Debug)]
struct ThrottleState {
    paused: bool,
    opens: Option<Timestamp>,
    percent: u32,
    interventions: Vec<Intervention>,
    /// How long requests were held back, up to the last time that they were let go.
    held: Duration,
    held_since: Option<Instant>,
    /// Without it nothing is sent, if the run takes any.
    leave: Option<Leave>,
}

impl ThrottleState {
    fn hold(&self) -> Option<Held> {
        if self.paused { Some(Held::Paused) } else { self.opens.map(Held::Until) }
    }

    fn record(&mut self, action: Steering) {
        self.interventions.push(Intervention { at: Timestamp::now(), action });
    }

    /// Counts the time that requests are held back.
    fn count(&mut self) {
        match (self.hold(), self.held_since) {
            (Some(_), None) => self.held_since = Some(Instant::now()),
            (None, Some(since)) => {
                self.held += since.elapsed();
                self.held_since = None;
            }
            _ => {}
        }
    }
}

/// Holds the requests of a run back, and lets them go again.
#[derive(Clone, Debug)]
pub struct Throttle(Arc<watch::Sender<ThrottleState>>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(ThrottleState {
            paused: false,
            opens: None,
            percent: PACES[0],
            interventions: Vec::new(),
            held: Duration::ZERO,
            held_since: None,
            leave: None,
        })))
    }
}

impl Throttle {
    /// Sends nothing more until it is resumed; requests in flight finish.
    pub fn pause(&self) {
        self.change(|state| {
            let changes = !state.paused;
            state.paused = true;
            changes.then_some(Steering::Paused)
        });
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.change(|state| {
            let changes = state.paused;
            state.paused = false;
            changes.then_some(Steering::Resumed)
        });
    }

    /// Uses less of the limit.
    pub fn slower(&self) {
        self.pace(|percent| PACES.into_iter().find(|pace| *pace < percent));
    }

    /// Uses more of the limit, and all of it at most.
    pub fn faster(&self) {
        self.pace(|percent| PACES.into_iter().rev().find(|pace| *pace > percent));
    }

    /// Records that the run was told to stop.
    pub fn stopped(&self) {
        self.change(|_| Some(Steering::Stopped));
    }

    /// Sends nothing until the hours of sending begin.
    pub fn close_until(&self, opens: Timestamp) {
        self.set_hours(Some(opens));
    }

    /// Sends: it is within the hours of sending.
    pub fn open(&self) {
        self.set_hours(None);
    }

    /// Sends only while this leave lasts.
    pub fn needs(&self, leave: Leave) {
        self.0.send_modify(|state| state.leave = Some(leave));
    }

    /// Looks again whether the leave lasts: it was renewed.
    pub fn look_again(&self) {
        self.0.send_modify(|_| ());
    }

    /// Waits until there is leave to send, if the run takes any. It is the last thing before a request
    /// goes out.
    pub async fn has_leave(&self) {
        let lasts = |state: &ThrottleState| state.leave.as_ref().is_none_or(Leave::is_in_force);
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(lasts).await;
    }

    /// What holds requests back just now.
    #[must_use]
    pub fn hold(&self) -> Option<Held> {
        self.0.borrow().hold()
    }

    /// Whether somebody has paused the run.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.borrow().paused
    }

    /// The share of the limit that is used, in percent.
    #[must_use]
    pub fn percent(&self) -> u32 {
        self.0.borrow().percent
    }

    /// Whether it can be slowed further, and whether it can go faster.
    #[must_use]
    pub fn can_change_pace(&self) -> (bool, bool) {
        let percent = self.percent();
        (percent > PACES[PACES.len() - 1], percent < PACES[0])
    }

    /// What somebody did, in order, from the n-th on.
    #[must_use]
    pub fn interventions_from(&self, n: usize) -> Vec<Intervention> {
        self.0.borrow().interventions.get(n..).unwrap_or_default().to_vec()
    }

    /// How long requests were held back so far.
    #[must_use]
    pub fn held(&self) -> Duration {
        let state = self.0.borrow();
        state.held + state.held_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The part of a limit that is used.
    #[must_use]
    pub(super) fn of(&self, limit: Limit) -> Limit {
        match self.percent() {
            100 => limit,
            percent => limit.share(percent),
        }
    }

    /// Waits until nothing holds requests back.
    pub(super) async fn opened(&self) {
        if self.hold().is_none() {
            return;
        }
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|state| state.hold().is_none()).await;
    }

    fn pace(&self, next: impl FnOnce(u32) -> Option<u32>) {
        self.change(|state| {
            state.percent = next(state.percent)?;
            Some(Steering::Pace { percent: state.percent })
        });
    }

    fn set_hours(&self, opens: Option<Timestamp>) {
        self.change(|state| {
            state.opens = opens;
            None
        });
    }

    fn change(&self, change: impl FnOnce(&mut ThrottleState) -> Option<Steering>) {
        self.0.send_modify(|state| {
            if let Some(action) = change(state) {
                state.record(action);
            }
            state.count();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limiter::LeaveMoment;
    use futures_util::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn a_pause_and_the_hours_hold_back_each_for_itself() {
        let throttle = Throttle::default();
        assert!(throttle.opened().now_or_never().is_some());
        throttle.pause();
        throttle.close_until(Timestamp::UNIX_EPOCH);
        assert_eq!(throttle.hold(), Some(Held::Paused));
        tokio::time::advance(Duration::from_secs(5)).await;
        throttle.resume();
        assert_eq!(throttle.hold(), Some(Held::Until(Timestamp::UNIX_EPOCH)));
        assert!(throttle.opened().now_or_never().is_none());
        tokio::time::advance(Duration::from_secs(3)).await;
        throttle.open();
        assert!(throttle.opened().now_or_never().is_some());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(throttle.held(), Duration::from_secs(8));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_out_without_leave_until_it_is_given_again() {
        let throttle = Throttle::default();
        assert!(throttle.has_leave().now_or_never().is_some());
        let leave = Leave::new(LeaveMoment::now(), Duration::from_secs(40));
        throttle.needs(leave.clone());
        assert!(throttle.has_leave().now_or_never().is_some());
        tokio::time::advance(Duration::from_secs(41)).await;
        assert!(throttle.has_leave().now_or_never().is_none());
        let waiting = tokio::spawn({
            let throttle = throttle.clone();
            async move { throttle.has_leave().await }
        });
        tokio::task::yield_now().await;
        leave.renew(LeaveMoment::now());
        throttle.look_again();
        waiting.await.unwrap();
    }

    #[test]
    fn the_pace_goes_down_and_up_in_steps_within_the_limit() {
        let throttle = Throttle::default();
        let limit = Limit { requests: 200, window: Duration::from_secs(60) };
        assert_eq!((throttle.of(limit), throttle.can_change_pace()), (limit, (true, false)));
        throttle.faster();
        let mut seen = Vec::new();
        for _ in 0..7 {
            throttle.slower();
            seen.push(throttle.of(limit).requests);
        }
        assert_eq!(seen, [150, 100, 50, 20, 10, 10, 10]);
        assert_eq!(throttle.can_change_pace(), (false, true));
        throttle.faster();
        assert_eq!(throttle.percent(), 10);
    }

    #[test]
    fn what_somebody_did_is_recorded_once() {
        let throttle = Throttle::default();
        throttle.pause();
        throttle.pause();
        throttle.resume();
        throttle.resume();
        throttle.slower();
        throttle.stopped();
        let actions: Vec<_> =
            throttle.interventions_from(0).into_iter().map(|own| own.action).collect();
        let pace = Steering::Pace { percent: 75 };
        assert_eq!(actions, [Steering::Paused, Steering::Resumed, pace, Steering::Stopped]);
        assert_eq!(throttle.interventions_from(3).len(), 1);
        assert_eq!(throttle.interventions_from(9), []);
    }
}
