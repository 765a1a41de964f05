//! The page of a run that goes on: its frame, and what it shows from moment to moment.

use askama::Template;
use serde::Serialize;

use super::failed::PageCause;
use super::policy::{STYLE, policy};
use super::privacy::{visible, without_values};
use super::view::{CauseView, StatusLine, causes, statuses, time, total};
use super::watch::{LatestFailure, RunWatch, WatchedRun};
use crate::engine::events::{Pace, Waiting};
use crate::limiter::Throttle;
use crate::report::announce::in_words;
use crate::report::format::{count, first_names, span, thousands};
use crate::report::summary::spoken;
use crate::store::summary::Tool;

const SCRIPT: &str = concat!(include_str!("theme.js"), include_str!("live.js"));

/// The frame, which the script fills.
#[derive(Template)]
#[template(path = "live.html", config = "src/report/page/askama.toml")]
struct LiveFrame {
    style: &'static str,
    script: &'static str,
    tool: String,
}

/// The page's HTML.
#[must_use]
pub(crate) fn live_page() -> String {
    let frame = LiveFrame {
        style: STYLE,
        script: SCRIPT,
        tool: format!("{} {}", Tool::THIS.name, Tool::THIS.version),
    };
    // Writing to a text does not fail.
    frame.render().unwrap_or_default()
}

/// Its content security policy: its own style and script, and nothing from anywhere but its own
/// server.
#[must_use]
pub(crate) fn live_policy() -> String {
    policy(SCRIPT, "; connect-src 'self'; frame-ancestors 'none'")
}

/// What the page shows at a moment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveView {
    name: String,
    headline: String,
    /// `good`, `note` or `bad`.
    tone: &'static str,
    simulated: bool,
    has_ended: bool,
    /// How far it is, in words and in thousandths.
    position: String,
    permille: Option<u64>,
    facts: Vec<(&'static str, String)>,
    /// How much of the limit was used in the last minute, in thousandths.
    limit_permille: Option<u64>,
    statuses: Vec<StatusLine>,
    total: String,
    causes: Vec<CauseView>,
    failed: String,
    latest: Vec<[String; 5]>,
    /// Calls in the last five minutes, and those refused for their rate.
    bars: Vec<(u64, u64)>,
    interventions: Vec<(String, String)>,
    /// The orders that it takes just now.
    can: Vec<&'static str>,
}

impl RunWatch {
    /// Whether the run takes an order just now.
    #[must_use]
    pub(crate) fn takes(&self, order: &str, throttle: &Throttle) -> bool {
        controls(&self.now(), throttle).contains(&order)
    }

    /// How the run goes just now.
    #[must_use]
    pub(crate) fn view(&self, throttle: &Throttle) -> LiveView {
        let watched = self.now();
        let own = &*watched;
        let (tone, headline) = headline(own);
        let snapshot = own.progress.snapshot();
        let mut tally = own.tally();
        tally.read = tally.finished() + tally.not_attempted + tally.left_out;
        LiveView {
            name: name(own),
            headline,
            tone,
            simulated: snapshot.simulated,
            has_ended: own.ended.is_some(),
            position: snapshot.position(),
            permille: snapshot.permille(),
            facts: facts(own),
            limit_permille: limit_use(own).map(|(used, limit)| (1000 * used / limit).min(1000)),
            statuses: statuses(tally),
            total: total(tally),
            causes: causes(&own.failed),
            failed: failed(own),
            latest: latest(own),
            bars: own.calls.bars.iter().copied().collect(),
            interventions: own
                .interventions
                .iter()
                .map(|own| (own.at.strftime("%H:%M:%S UTC").to_string(), in_words(own.action)))
                .collect(),
            can: controls(own, throttle),
        }
    }
}

fn name(own: &WatchedRun) -> String {
    let Some((_, started)) = &own.started else { return "The run is about to begin".to_owned() };
    first_names(&started.inputs, visible)
}

fn headline(own: &WatchedRun) -> (&'static str, String) {
    if let Some(ended) = own.ended {
        return match own.stopping.as_deref() {
            Some(why) if !ended.complete => {
                ("bad", format!("Stopped early: {}", without_values(why)))
            }
            _ if ended.tally.clean() && ended.complete => {
                ("good", "Done: nothing failed".to_owned())
            }
            _ if ended.complete => {
                ("note", format!("Finished: {} failed", count(ended.tally.failed(), "row")))
            }
            _ => ("bad", "Not complete".to_owned()),
        };
    }
    if let Some(why) = &own.stopping {
        return ("bad", format!("Stopping: {}", without_values(why)));
    }
    match own.pace.waiting {
        _ if own.started.is_none() => ("note", "Getting ready".to_owned()),
        Waiting::Sending => ("good", "Sending".to_owned()),
        Waiting::Limit(_) => ("good", "Sending as fast as the limit allows".to_owned()),
        Waiting::CoolDown(left) => {
            ("note", format!("The server asked for a pause: {} left", span(left)))
        }
        Waiting::Paused => ("note", "Paused: nothing more is sent until it is resumed".to_owned()),
        Waiting::Hours(left) => {
            ("note", format!("Outside its hours, which begin in {}", span(left)))
        }
    }
}

fn facts(own: &WatchedRun) -> Vec<(&'static str, String)> {
    let Some((began, started)) = &own.started else { return Vec::new() };
    let target = started.target.as_ref().map_or("none: a rehearsal".to_owned(), |(id, host)| {
        format!("{} at {}", visible(id), visible(host))
    });
    let (pace, rate) = (own.pace, own.rate.per_second());
    let mut facts = vec![("Project", target), ("Began", time(*began))];
    facts.extend(rate.map(|rate| ("Speed", format!("{rate:.1} rows/s"))));
    if own.ended.is_none() {
        facts.push(("Time left", time_left(own, pace, rate)));
    }
    facts.push(("Limit", limit(own)));
    let calls = [
        (pace.calls, ""),
        (pace.retries, " sent again"),
        (pace.rate_limited, " refused by the rate limit"),
    ];
    let calls = calls.into_iter().filter(|(number, what)| *number > 0 || what.is_empty());
    let calls: Vec<_> = calls.map(|(number, what)| thousands(number) + what).collect();
    facts.push(("Calls", calls.join(", ")));
    facts.extend(pace.trouble.map(|trouble| ("Trouble", format!("sending again after {trouble}"))));
    facts
}

/// How long it will take, and why.
fn time_left(own: &WatchedRun, pace: Pace, rate: Option<f64>) -> String {
    let why = match pace.waiting {
        Waiting::Paused => return "not known while it is paused".to_owned(),
        Waiting::Hours(_) => "once its hours have begun",
        Waiting::CoolDown(_) => "after the pause that the server asked for",
        Waiting::Limit(_) => "the limit decides",
        Waiting::Sending => "at the speed of the last minute",
    };
    match own.progress.snapshot().time_left(pace, rate) {
        Some(left) => format!("{} ({why})", span(left)),
        None => "not known yet".to_owned(),
    }
}

/// Calls of the last minute, and how many the limit allows in one.
fn limit_use(own: &WatchedRun) -> Option<(u64, u64)> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limits are positive and small"
    )]
    let limit = (own.pace.calls_per_second? * 60.0).floor() as u64;
    Some((own.calls.last_minute(), limit.max(1)))
}

fn limit(own: &WatchedRun) -> String {
    let slowed = own.pace.slowed_to.map(|percent| format!(", slowed to {percent}% of its limit"));
    limit_use(own).map_or("none".to_owned(), |(used, limit)| {
        format!("{} of {} calls in the last minute", thousands(used), thousands(limit))
    }) + &slowed.unwrap_or_default()
}

fn failed(own: &WatchedRun) -> String {
    let (shown, all) = (own.latest.len() as u64, own.failed.number);
    match all {
        0 => "No row has failed so far.".to_owned(),
        _ if shown < all => format!("The latest {} of {}.", thousands(shown), count(all, "row")),
        _ => format!("{}, the latest first.", count(all, "row")),
    }
}

/// The latest failures, the latest first: row, status, user, cause and place.
fn latest(own: &WatchedRun) -> Vec<[String; 5]> {
    let cause = |index: usize| own.failed.causes().get(index).map(PageCause::words);
    let line = |own: &LatestFailure| {
        [
            own.row.to_string(),
            spoken(own.status).to_owned(),
            own.user.clone(),
            cause(own.cause).unwrap_or_default(),
            format!("{}:{}", own.file, own.line),
        ]
    };
    own.latest.iter().rev().map(line).collect()
}

/// The orders that the run takes just now, by their names.
fn controls(own: &WatchedRun, throttle: &Throttle) -> Vec<&'static str> {
    if own.started.is_none() || own.stopping.is_some() || own.ended.is_some() {
        return Vec::new();
    }
    let (slower, faster) = throttle.can_change_pace();
    let has_limit = own.pace.calls_per_second.is_some();
    let orders = [
        ("pause", !throttle.is_paused()),
        ("resume", throttle.is_paused()),
        ("slower", has_limit && slower),
        ("faster", has_limit && faster),
        ("stop", true),
    ];
    orders.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect()
}
