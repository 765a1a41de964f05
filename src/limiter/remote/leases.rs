//! What a process holds of a budget that others use, too: requests that were granted and are not sent
//! yet, and what became of the others. Pure: the time is passed in.
//!
//! Requests are granted a little ahead, so that the server is asked a few times a second and not once a
//! request. Whoever was granted some must send them soon, or give them back: the server counts them for
//! as long as they may be used. All that is told are sums since the process began, so that it does no
//! harm when an answer is lost, or the server has forgotten something.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::message::{Ask, BudgetAnswer, Granted, Why, micros, time};
use crate::limiter::hold::Hold;
use crate::limiter::limit::Limit;

/// How long after a call what was granted may be sent.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// The most that is asked for at once.
const MOST: u32 = 1000;

/// The longest to wait before asking again: others may give something back.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a process holds.
#[derive(Debug, Default)]
pub(super) struct Leases {
    classes: BTreeMap<&'static str, ClassLeases>,
    /// Until when what was granted may be sent.
    valid_until: Option<Instant>,
    closed_until: Option<Instant>,
    /// Quiet that the API's server has asked for, and that was not told yet.
    closing_until: Option<Instant>,
}

#[derive(Debug)]
struct ClassLeases {
    limit: Limit,
    /// As it was last told, and as it is to be told; `want` is what somebody waits for.
    told: Ask,
    now: Ask,
    /// When each of those granted is due.
    ready: VecDeque<Instant>,
    /// Sent since the last call.
    taken: u64,
    /// Why there was no more the last time, and until when that holds.
    refused: Option<(Why, Instant)>,
    /// Sent without being granted, while the server was lost: those on the wire, and when the others'
    /// replies came.
    own: u64,
    own_replies: VecDeque<Instant>,
    /// Those of them that the server knows of by now, and that are on the wire.
    adopted: u64,
}

impl ClassLeases {
    fn new(limit: Limit) -> Self {
        let (ready, own_replies) = Default::default();
        let (told, now) = Default::default();
        Self { limit, told, now, ready, taken: 0, refused: None, own: 0, own_replies, adopted: 0 }
    }

    fn give_back(&mut self) {
        self.now.unused += self.ready.len() as u64;
        self.ready.clear();
    }

    /// What to ask for: twice what the last interval took, so that it grows as fast as rows come.
    fn ask(&mut self) -> Ask {
        let target = (2 * self.taken).max(self.now.want).min(u64::from(MOST));
        let want = target.saturating_sub(self.ready.len() as u64);
        Ask { want, ahead: ahead(self.limit), ..self.now }
    }

    fn granted(&mut self, answer: &Granted, now: Instant) {
        let news = answer.granted.saturating_sub(self.now.granted);
        // Those of an answer that was lost were due within a horizon, then.
        let news = usize::try_from(news.min(u64::from(MOST))).unwrap_or_default();
        let unseen = news.saturating_sub(answer.due.len());
        let horizon = horizon(self.limit.window);
        self.ready.extend(answer.due.iter().map(|due| now + time(*due)));
        self.ready.extend(std::iter::repeat_n(now + horizon, unseen));
        self.now.granted = self.now.granted.max(answer.granted);
        let rest = answer.wait.map_or(Duration::ZERO, time);
        let again = rest.clamp(interval(self.limit.window), LOOK_AGAIN);
        self.refused = answer.why.map(|why| (why, now + again));
    }
}

/// How often to ask: a few times a second, and oftener for short windows, of which every part counts.
pub(super) fn interval(window: Duration) -> Duration {
    (window / 300).clamp(Duration::from_millis(10), Duration::from_millis(200))
}

/// How far ahead requests are granted.
pub(super) fn horizon(window: Duration) -> Duration {
    2 * interval(window)
}

/// By how many requests a process may be ahead of others that wait: those of one horizon, else each would
/// wait for the others to ask.
fn ahead(limit: Limit) -> u64 {
    let due = horizon(limit.window).as_secs_f64() * limit.per_second();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    let due = due.ceil() as u64;
    due.max(2)
}

impl Leases {
    /// A request of a class that may be sent now; else what to wait for, and nothing where the server
    /// has to be asked first.
    pub(super) fn take(
        &mut self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
        now: Instant,
    ) -> Option<Result<(), Hold>> {
        if let Some(closed) = left(self.closed_until, now) {
            return Some(Err(Hold::Closed(closed)));
        }
        let is_valid = self.valid_until.is_some_and(|until| now < until);
        let class = self.class(class, limit);
        (class.limit, class.now.requests, class.now.paced) = (limit, limit.requests, is_paced);
        class.now.window = micros(limit.window);
        if !is_valid {
            class.give_back();
        }
        match class.ready.front() {
            Some(due) if *due <= now => {
                class.ready.pop_front();
                class.taken += 1;
                class.now.want = 0;
                Some(Ok(()))
            }
            Some(due) => Some(Err(Hold::Pace(*due - now))),
            None => {
                class.now.want = 1;
                class.refused(now).map(Err)
            }
        }
    }

    /// Nobody was there any more to take what was let through.
    pub(super) fn untake(&mut self, class: &'static str, now: Instant) {
        if let Some(class) = self.classes.get_mut(class) {
            class.ready.push_front(now);
            class.taken = class.taken.saturating_sub(1);
        }
    }

    /// The reply to a request is in.
    pub(super) fn reply(&mut self, class: &'static str) {
        if let Some(class) = self.classes.get_mut(class) {
            class.now.replied += 1;
        }
    }

    /// A request goes out that was not granted, since the server is lost.
    pub(super) fn own(&mut self, class: &'static str, limit: Limit) {
        self.class(class, limit).own += 1;
    }

    /// The reply to one of those is in.
    pub(super) fn own_reply(&mut self, class: &'static str, now: Instant) {
        let Some(class) = self.classes.get_mut(class) else { return };
        if class.adopted > 0 {
            class.adopted -= 1;
            class.now.replied += 1;
        } else {
            class.own = class.own.saturating_sub(1);
            class.own_replies.push_back(now);
            let window = class.limit.window;
            class.own_replies.retain(|at| *at + window > now);
        }
    }

    /// The server is back: it learns what went out meanwhile, as far as it still counts.
    pub(super) fn adopt(&mut self, now: Instant) {
        for class in self.classes.values_mut() {
            let window = class.limit.window;
            class.own_replies.retain(|at| *at + window > now);
            let replied = class.own_replies.len() as u64;
            class.own_replies.clear();
            class.now.granted += class.own + replied;
            class.now.replied += replied;
            class.adopted += std::mem::take(&mut class.own);
        }
    }

    pub(super) fn yields(&mut self, class: &'static str, limit: Limit) {
        self.class(class, limit).now.yields += 1;
    }

    pub(super) fn close_for(&mut self, wait: Duration, now: Instant) {
        self.closing_until = self.closing_until.max(Some(now + wait));
        self.closed_until = self.closed_until.max(Some(now + wait));
    }

    /// What is told and asked for now.
    pub(super) fn ask(&mut self, now: Instant, is_last: bool) -> BTreeMap<&'static str, Ask> {
        let is_closed = left(self.closed_until, now).is_some();
        let is_valid = self.valid_until.is_some_and(|until| now < until);
        for class in self.classes.values_mut() {
            let is_idle = class.idle_from().is_some_and(|from| from <= now);
            if is_idle {
                // Whoever wanted it was paused, and asks again by themselves.
                class.now.want = 0;
            }
            if is_last || is_closed || !is_valid || is_idle {
                class.give_back();
            }
        }
        let ask = |(name, class): (&&'static str, &mut ClassLeases)| {
            let ask = class.ask();
            (*name, if is_last { Ask { want: 0, ..ask } } else { ask })
        };
        self.classes.iter_mut().map(ask).collect()
    }

    /// How long the API's server wants quiet, as far as it was not told yet.
    pub(super) fn closing(&self, now: Instant) -> Duration {
        left(self.closing_until, now).unwrap_or_default()
    }

    /// Takes an answer in: to a call with these classes, sent at a moment.
    pub(super) fn answered(
        &mut self,
        told: &BTreeMap<&'static str, Ask>,
        answer: &BudgetAnswer,
        sent: Instant,
        now: Instant,
    ) {
        self.valid_until = Some(sent + LEASE);
        self.closing_until = None;
        self.closed_until = Some(now + time(answer.closed));
        for (name, ask) in told {
            let Some(class) = self.classes.get_mut(name) else { continue };
            (class.told, class.taken) = (*ask, 0);
            if let Some(granted) = answer.classes.get(*name) {
                class.granted(granted, now);
            }
        }
    }

    /// When there is something to tell or to ask for: as soon as may be, or later.
    pub(super) fn business(&self, now: Instant) -> Option<Instant> {
        let classes = self.classes.values();
        let of_class = |class: &ClassLeases| {
            if class.has_news(now) { Some(now) } else { class.idle_from() }
        };
        classes.filter_map(of_class).chain(self.closing_until.map(|_| now)).min()
    }

    /// How often to ask.
    pub(super) fn interval(&self) -> Duration {
        self.classes.values().map(|class| interval(class.limit.window)).min().unwrap_or_default()
    }

    /// The longest window of all.
    pub(super) fn window(&self) -> Duration {
        self.classes.values().map(|class| class.limit.window).max().unwrap_or_default()
    }

    fn class(&mut self, name: &'static str, limit: Limit) -> &mut ClassLeases {
        self.classes.entry(name).or_insert_with(|| ClassLeases::new(limit))
    }
}

impl ClassLeases {
    /// What there is to wait for, as was answered a moment ago.
    fn refused(&self, now: Instant) -> Option<Hold> {
        let (why, until) = self.refused?;
        let rest = left(Some(until), now)?;
        Some(match why {
            Why::Full => Hold::Full(Some(rest)),
            Why::Pace | Why::Turn => Hold::Pace(rest),
        })
    }

    fn has_news(&self, now: Instant) -> bool {
        let Ask { replied, unused, yields, .. } = self.told;
        let waits = self.now.want > 0 && self.ready.is_empty() && self.refused(now).is_none();
        let is_told =
            (self.now.replied, self.now.unused, self.now.yields) == (replied, unused, yields);
        waits || !is_told || self.taken > 0
    }

    /// From when on nobody seems to want what was granted.
    fn idle_from(&self) -> Option<Instant> {
        let last = self.ready.back()?;
        Some(*last + horizon(self.limit.window))
    }
}

fn left(until: Option<Instant>, now: Instant) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Limit = Limit { requests: 400, window: Duration::from_secs(60) };

    /// Asks, and has so many granted, the last of them due later.
    fn call(leases: &mut Leases, granted: u64, due: &[f64], now: Instant) -> Ask {
        let told = leases.ask(now, false);
        let granted = Granted { granted, due: due.to_vec(), ..Granted::default() };
        let classes = BTreeMap::from([("users".to_owned(), granted)]);
        leases.answered(&told, &BudgetAnswer { classes, ..BudgetAnswer::default() }, now, now);
        told["users"]
    }

    #[test]
    fn what_was_granted_is_sent_when_it_is_due_and_not_after_the_lease() {
        let (mut leases, now) = (Leases::default(), Instant::now());
        assert_eq!(leases.take("users", MINUTE, true, now), None, "the server has to be asked");
        assert_eq!(call(&mut leases, 2, &[0.0, 100_000.0], now).want, 1);
        assert_eq!(leases.take("users", MINUTE, true, now), Some(Ok(())));
        let due = Duration::from_millis(100);
        assert_eq!(leases.take("users", MINUTE, true, now), Some(Err(Hold::Pace(due))));
        assert_eq!(leases.take("users", MINUTE, true, now + LEASE), None, "the lease is over");
        let told = leases.ask(now + LEASE, false)["users"];
        assert_eq!((told.granted, told.unused, told.replied), (2, 1, 0));
    }

    #[test]
    fn whoever_is_paused_while_they_wait_asks_for_no_more() {
        let (mut leases, now) = (Leases::default(), Instant::now());
        assert_eq!(leases.take("users", MINUTE, true, now), None, "the server has to be asked");
        call(&mut leases, 1, &[0.0], now);
        assert_eq!(leases.business(now), Some(now + horizon(MINUTE.window)), "nothing to tell");
        let idle = now + horizon(MINUTE.window);
        let told = call(&mut leases, 1, &[], idle);
        assert_eq!((told.want, told.unused), (0, 1), "it goes back to the others");
        assert_eq!(leases.business(idle + LEASE), None, "and no other is asked for");
        assert_eq!(leases.take("users", MINUTE, true, idle + LEASE), None);
        assert_eq!(
            leases.ask(idle + LEASE, false)["users"].want,
            1,
            "who waits still is asked for"
        );
    }

    #[test]
    fn an_answer_that_was_lost_is_made_up_for() {
        let (mut leases, now) = (Leases::default(), Instant::now());
        leases.take("users", MINUTE, false, now);
        // Three were granted before, which nobody heard of.
        call(&mut leases, 4, &[0.0], now);
        let later = now + horizon(MINUTE.window);
        let taken = (0..9).filter(|_| leases.take("users", MINUTE, false, later) == Some(Ok(())));
        assert_eq!(taken.count(), 4);
    }

    #[test]
    fn what_went_out_while_the_server_was_lost_is_told_as_far_as_it_counts() {
        let (mut leases, now) = (Leases::default(), Instant::now());
        for _ in 0..3 {
            leases.own("users", MINUTE);
        }
        leases.own_reply("users", now);
        leases.own_reply("users", now + Duration::from_secs(50));
        let back = now + Duration::from_secs(70);
        leases.adopt(back);
        let told = leases.ask(back, false)["users"];
        assert_eq!((told.granted, told.replied), (2, 1), "the first is a window ago");
        leases.own_reply("users", back);
        assert_eq!(leases.ask(back, false)["users"].replied, 2);
    }
}
