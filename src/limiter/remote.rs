//! One budget for a project, shared by processes of several hosts through Redis or Valkey.
//!
//! A script on the server changes the state by the server's clock ([`wire`]), so that processes need
//! neither locks nor equal clocks. A thread of this process asks for requests a little ahead and hands
//! them out ([`leases`]). While the server is lost, nothing is granted, and what was granted may be sent for
//! two seconds more.

mod address;
mod leases;
mod message;
mod wire;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

pub use address::RemoteAddress;
use leases::{LEASE, Leases};
use message::{BudgetAnswer, BudgetCall, micros, time};
use wire::BudgetServer;

use super::hold::Hold;
use super::limit::Limit;
use super::state::BudgetUsage;
use crate::catalog::RateClass;
use crate::tasks;

/// How soon to try again to reach a server that is lost.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How long somebody who waits, and does not ask again, is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Messages that may wait for the thread while the server is asked, for each request at a time: two limits
/// may count it, so it is asked for twice at most, or its reply is told of twice, and a refusal tells of
/// a pause and of a lower limit.
const WAITING: usize = 4;

/// How often to say that the server is still lost.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Why a request was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotGranted {
    /// The limit holds it back.
    Held(Hold),
    /// The server that keeps the budget is lost, for so long.
    Lost(Duration),
}

/// The shared budget of one project.
#[derive(Debug)]
pub struct RemoteBudget {
    messages: Option<SyncSender<Message>>,
    keeper: Option<JoinHandle<()>>,
}

/// What the thread is told.
#[derive(Debug)]
enum Message {
    Take(Taker),
    Reply(&'static str),
    Own(&'static str, Limit),
    OwnReply(&'static str),
    Yields(&'static str, Limit),
    Close(Duration),
}

/// Somebody who wants to send.
#[derive(Debug)]
struct Taker {
    class: &'static str,
    limit: Limit,
    is_paced: bool,
    answer: oneshot::Sender<Result<(), NotGranted>>,
}

impl RemoteBudget {
    /// How long what was granted may be sent after the server was lost.
    pub(super) const LEASE: Duration = LEASE;

    /// The budget of a project at a server of the API, for so many requests at a time, each of which
    /// takes so long at most. A server that is not there may come back, so that is no error.
    #[must_use]
    pub fn open(
        address: RemoteAddress,
        (server, project): (&str, &str),
        (concurrency, timeout): (usize, Duration),
    ) -> Self {
        let (messages, told) = sync_channel(WAITING * concurrency.max(16));
        let name = rustix::system::uname();
        let (host, process) = (name.nodename().to_string_lossy(), std::process::id());
        let sender = format!("{host}/{process}/{:08x}", fastrand::u32(..));
        let keeper = RemoteKeeper {
            key: key_of(server, project),
            address,
            sender,
            hold: LEASE + timeout,
            leases: Leases::default(),
            takers: Vec::new(),
            server: None,
            last_call: None,
            lost: None,
        };
        let keep = tasks::in_own_name(move || keeper.keep(&told));
        let thread = thread::Builder::new().name("budget-server".into()).spawn(keep);
        let keeper = thread.inspect_err(|error| {
            tracing::error!(%error, "no thread can be started for the budget, so nothing is sent");
        });
        Self { messages: Some(messages), keeper: keeper.ok() }
    }

    /// What is used of a project's budget just now; nothing where no run has used it. Nothing is
    /// changed. It blocks for a second or two at most.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or does not do what it should.
    pub fn usage(
        address: &RemoteAddress,
        server: &str,
        project: &str,
    ) -> Result<Option<BudgetUsage>, String> {
        let mut remote = BudgetServer::connect(address)?;
        let server_id = remote.id().to_owned();
        let count = RateClass::Users.name();
        let look = BudgetCall { server: &server_id, look: true, count, ..BudgetCall::default() };
        let answer = ask(&mut remote, &key_of(server, project), &look)?;
        let usage = BudgetUsage {
            requests: answer.usage.requests,
            processes: answer.usage.senders.into_iter().collect(),
            closed_for: time(answer.closed),
        };
        Ok(answer.there.then_some(usage))
    }

    /// Takes one request out of the budget of a class.
    pub(super) async fn take(
        &self,
        class: &'static str,
        limit: Limit,
        is_paced: bool,
    ) -> Result<(), NotGranted> {
        let (answer, answered) = oneshot::channel();
        self.tell(Message::Take(Taker { class, limit, is_paced, answer }));
        // The thread is gone, which only a panic of ours can do: nothing is let through.
        answered.await.unwrap_or(Err(NotGranted::Held(Hold::Closed(TRY_AGAIN))))
    }

    /// The reply to a request is in, or will never come.
    pub(super) fn reply(&self, class: &'static str) {
        self.tell(Message::Reply(class));
    }

    /// A request goes out that was not granted, since the server is lost.
    pub(super) fn own(&self, class: &'static str, limit: Limit) {
        self.tell(Message::Own(class, limit));
    }

    /// The reply to one of those is in.
    pub(super) fn own_reply(&self, class: &'static str) {
        self.tell(Message::OwnReply(class));
    }

    /// The API's server has refused although the limit of a class was kept.
    pub(super) fn yields(&self, class: &'static str, limit: Limit) {
        self.tell(Message::Yields(class, limit));
    }

    /// The API's server asks everybody to be quiet for a while.
    pub(super) fn close_for(&self, wait: Duration) {
        self.tell(Message::Close(wait));
    }

    fn tell(&self, message: Message) {
        if let Some(messages) = &self.messages {
            // It is never full: see above. A reply that was lost would count for longer, no less.
            let _ = messages.try_send(message);
        }
    }
}

impl Drop for RemoteBudget {
    /// Waits until all that was told is with the server, and what was not used is given back.
    fn drop(&mut self) {
        self.messages = None;
        if let Some(keeper) = self.keeper.take() {
            // What a panic has said is in its own message.
            let _ = keeper.join();
        }
    }
}

/// The thread that talks to the server.
struct RemoteKeeper {
    key: String,
    address: RemoteAddress,
    sender: String,
    /// How long after a call a request may still be on the wire.
    hold: Duration,
    leases: Leases,
    /// Those who wait for the next answer.
    takers: Vec<Taker>,
    server: Option<BudgetServer>,
    last_call: Option<Instant>,
    lost: Option<Lost>,
}

/// Since when the server is lost, and when that was last said.
struct Lost {
    since: Instant,
    said: Instant,
}

impl RemoteKeeper {
    fn keep(mut self, told: &Receiver<Message>) {
        loop {
            let now = Instant::now();
            let next = self.next_call(now);
            if next.is_some_and(|next| next <= now) {
                self.call(false);
                continue;
            }
            let message = match next {
                Some(next) => told.recv_timeout(next - now),
                None => told.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(message) => self.take_in(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // A server that is lost will notice by itself that this process is gone.
        if self.server.is_some() {
            self.call(true);
        }
    }

    fn take_in(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Take(taker) => self.serve(taker),
            Message::Reply(class) => self.leases.reply(class),
            Message::Own(class, limit) => self.leases.own(class, limit),
            Message::OwnReply(class) => self.leases.own_reply(class, now),
            Message::Yields(class, limit) => self.leases.yields(class, limit),
            Message::Close(wait) => self.leases.close_for(wait, now),
        }
    }

    /// Answers from what is there, or lets wait for the next call.
    fn serve(&mut self, taker: Taker) {
        let now = Instant::now();
        match (self.leases.take(taker.class, taker.limit, taker.is_paced, now), &self.lost) {
            (Some(Ok(())), _) => {
                if taker.answer.send(Ok(())).is_err() {
                    self.leases.untake(taker.class, now);
                }
            }
            (_, Some(lost)) => {
                // Nobody to tell has no need to know.
                let _ = taker.answer.send(Err(NotGranted::Lost(now - lost.since)));
            }
            (Some(Err(hold)), None) => {
                let _ = taker.answer.send(Err(NotGranted::Held(hold)));
            }
            (None, None) => self.takers.push(taker),
        }
    }

    fn next_call(&self, now: Instant) -> Option<Instant> {
        let pause = if self.lost.is_some() { TRY_AGAIN } else { self.leases.interval() };
        let earliest = self.last_call.map_or(now, |last| last + pause);
        let business = if self.lost.is_some() { Some(now) } else { self.leases.business(now) };
        business.map(|at| at.max(earliest))
    }

    /// Tells and asks, and serves those who wait.
    fn call(&mut self, is_last: bool) {
        let sent = Instant::now();
        self.last_call = Some(sent);
        // A connection that was kept may have gone for reasons that do not matter: an idle time-out, a
        // fail-over.
        let was_kept = self.server.is_some();
        let reached = self.reach(sent, is_last);
        match reached.or_else(|why| if was_kept { self.reach(sent, is_last) } else { Err(why) }) {
            Ok(()) => self.found(),
            Err(why) => {
                self.server = None;
                self.lose(&why);
            }
        }
        for taker in std::mem::take(&mut self.takers) {
            self.serve(taker);
        }
    }

    fn reach(&mut self, sent: Instant, is_last: bool) -> Result<(), String> {
        let mut server = match self.server.take() {
            Some(server) => server,
            None => BudgetServer::connect(&self.address)?,
        };
        if self.lost.is_some() {
            self.leases.adopt(sent);
        }
        let window = self.leases.window();
        let server_id = server.id().to_owned();
        let call = BudgetCall {
            server: &server_id,
            sender: &self.sender,
            unknown: micros(window),
            hold: micros(self.hold),
            close: micros(self.leases.closing(sent)),
            horizon: micros(2 * self.leases.interval()),
            patience: micros(PATIENCE),
            bye: is_last,
            look: false,
            count: "",
            classes: self.leases.ask(sent, is_last),
        };
        let answer = ask(&mut server, &self.key, &call)?;
        self.leases.answered(&call.classes, &answer, sent, Instant::now());
        self.server = Some(server);
        Ok(())
    }

    fn lose(&mut self, why: &str) {
        let now = Instant::now();
        let is_news = self.lost.as_ref().is_none_or(|lost| lost.said + SAY_AGAIN <= now);
        let since = self.lost.as_ref().map_or(now, |lost| lost.since);
        if is_news {
            let address = &self.address;
            tracing::warn!(
                "the budget at {address} cannot be used, and nothing is taken from it: {why}"
            );
            self.lost = Some(Lost { since, said: now });
        }
    }

    fn found(&mut self) {
        if let Some(lost) = self.lost.take() {
            let seconds = lost.since.elapsed().as_secs();
            tracing::warn!("the budget at {} is back after {seconds} s", self.address);
        }
    }
}

fn ask(
    server: &mut BudgetServer,
    key: &str,
    call: &BudgetCall<'_>,
) -> Result<BudgetAnswer, String> {
    let call = serde_json::to_string(call).map_err(|error| error.to_string())?;
    let answer = server.call(key, &call)?;
    serde_json::from_str(&answer).map_err(|error| format!("its answer is not understood: {error}"))
}

/// The key of a project's budget: it tells neither.
fn key_of(server: &str, project: &str) -> String {
    format!("descope-bulk:budget:{}", super::shared::name_of(server, project))
}

#[cfg(test)]
mod tests;
