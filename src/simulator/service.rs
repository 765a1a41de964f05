//! From a request as it arrived to what goes back: route, credentials, limit, fault, action.
//!
//! In that order, and all of it in one step under one lock, so that requests take effect in the
//! order of their `seq`. What is refused by route, credentials or limit meets no fault. The
//! answer's latency, and what a fault does on the wire, are the server's business.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::desk::Desk;
use super::faults::{Fault, FaultKind, Faults, Request};
use super::fields::Fields;
use super::latency::Latency;
use super::limits::Limiter;
use super::log::{Entry, Log, Names};
use super::problem::Problem;
use super::routes::{Action, Route, bare_list, find};
use super::settings::Settings;
use super::store::{Moment, Store};
use super::stores::Stores;

/// Bytes of a body, at most.
pub(super) const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// What goes back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// Seconds.
    pub(super) retry_after: Option<u64>,
    /// `Location`, of a redirect.
    pub(super) location: Option<&'static str>,
    /// Whether it is the licence handshake's.
    pub(super) license: bool,
    pub(super) delivery: Delivery,
}

/// How much of a reply gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Half,
    Nothing,
    /// Nothing, and the connection stays open.
    Silence,
}

impl Reply {
    fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            body: body.into(),
            retry_after: None,
            location: None,
            license: false,
            delivery: Delivery::Whole,
        }
    }

    fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    fn plain(status: u16, body: &'static str) -> Self {
        Self::new(status, "text/plain", body)
    }

    /// What a fault makes of a reply.
    fn spoiled(self, fault: &Fault) -> Self {
        let mut spoiled = match fault.kind {
            FaultKind::Status(status) => Self::json(status, Problem::fault(status).body()),
            FaultKind::Drop => Self { delivery: Delivery::Nothing, ..self },
            FaultKind::Half => Self { delivery: Delivery::Half, ..self },
            FaultKind::Hang => Self { delivery: Delivery::Silence, ..self },
            FaultKind::Garbage => {
                Self::new(200, "application/json", "{\"user\":{\"loginIds\":[\u{0}")
            }
            FaultKind::Huge => Self::json(200, huge()),
            FaultKind::Empty => Self::json(200, String::new()),
            FaultKind::Redirect => Self { location: Some("/elsewhere"), ..Self::plain(307, "") },
            FaultKind::Meddle(_) => self,
            FaultKind::Html(status) => {
                Self::new(status, "text/html", "<!DOCTYPE html><title>Error</title><h1>Error</h1>")
            }
        };
        spoiled.retry_after = fault.retry_after.or(spoiled.retry_after);
        spoiled
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::json(problem.status, problem.body())
    }
}

/// 10 MB of JSON.
fn huge() -> String {
    format!("{{\"padding\":\"{}\"}}", "x".repeat(BODY_LIMIT))
}

struct State {
    seq: u64,
    stores: Stores,
    limiter: Limiter,
    faults: Faults,
    random: fastrand::Rng,
}

/// The simulator behind the wire.
pub(super) struct Service {
    state: Mutex<State>,
    log: Option<Log>,
    log_bodies: bool,
    settings: Settings,
    started: Instant,
    epoch: u32,
}

/// A reply, when it is due, and its line in the log.
pub(super) struct Decision {
    pub(super) reply: Reply,
    pub(super) latency: Duration,
    pub(super) line: Line,
}

/// A line that is written when it is dropped: the request is over, whatever became of it.
pub(super) struct Line {
    service: Arc<Service>,
    entry: Entry,
}

impl Line {
    /// Whether the request changed anything.
    #[cfg(test)]
    pub(super) fn applied(&self) -> bool {
        self.entry.applied
    }

    /// Notes that the reply is handed over.
    pub(super) fn answered(mut self, status: u16) {
        self.entry.status = Some(status);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(log) = &self.service.log {
            self.entry.end_at = self.service.started.elapsed();
            log.write(&self.entry);
        }
    }
}

impl Service {
    /// A service with the users of each project; `epoch` is the time of the start in seconds since 1970.
    pub(super) fn new(settings: Settings, store: Store, log: Option<Log>, epoch: u32) -> Self {
        let switches = &settings.switches;
        let state = State {
            seq: 0,
            stores: Stores::new(store),
            limiter: Limiter::new(settings.limit, switches.rate_window, switches.rate_buckets),
            faults: Faults::new(settings.faults.clone(), settings.seed),
            random: fastrand::Rng::with_seed(settings.seed),
        };
        Self {
            state: Mutex::new(state),
            log,
            log_bodies: settings.log_bodies,
            started: Instant::now(),
            epoch,
            settings,
        }
    }

    /// The limit, as the handshake's header names it.
    pub(super) fn limit(&self) -> String {
        self.settings.limit.to_string()
    }

    /// Decides on a request; without a body it was too large.
    pub(super) fn decide(self: &Arc<Self>, head: &Parts, body: Option<&Bytes>) -> Decision {
        let path = head.uri.path();
        let project = credentials(&head.headers);
        let fields = read_fields(head, body);
        let mut entry = Entry {
            method: head.method.as_str().to_owned(),
            path: path.to_owned(),
            ..Entry::default()
        };
        if self.log.is_some() {
            self.describe(&mut entry, head, body, fields.as_ref().ok());
            entry.project = project.map(|(project, _)| project.to_owned());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seq += 1;
        let elapsed = self.started.elapsed();
        (entry.seq, entry.at) = (state.seq, elapsed);
        let reply = match self.admit(&mut state, head, project, elapsed) {
            Err(refusal) => *refusal,
            Ok(_) if body.is_none() => Reply::plain(413, "the body is larger than 10 MB"),
            Ok(asked) => self.answer(&mut state, asked, fields, &mut entry),
        };
        let latency = match self.settings.latency {
            Latency { most: Duration::ZERO, .. } => Duration::ZERO,
            latency => latency.draw(&mut state.random),
        };
        drop(state);
        let line = Line { service: Arc::clone(self), entry };
        Decision { reply, latency, line }
    }

    /// Finds the route and the project, and checks credentials and limits.
    fn admit<'a>(
        &self,
        state: &mut State,
        head: &Parts,
        project: Option<(&'a str, &str)>,
        now: Duration,
    ) -> Result<(&'static Route, &'a str), Box<Reply>> {
        let Some(route) = find(head.uri.path()) else {
            return Err(Box::new(Reply::plain(404, "404 page not found")));
        };
        if route.method != head.method.as_str() {
            return Err(Box::new(Reply::plain(405, "method not allowed")));
        }
        let unauthorized = |message| Box::new(Problem::unauthorized(message).into());
        let Some((project, key)) = project else {
            return Err(unauthorized(
                "Authorization: Bearer <project ID>:<management key> is wanted",
            ));
        };
        match &self.settings.credentials {
            Some(wanted) if (&*wanted.0, &*wanted.1) != (project, key) => {
                return Err(unauthorized("The project ID or the management key is wrong"));
            }
            _ => {}
        }
        if let Some(class) = route.class {
            state.limiter.arrive(project, class, route.path, now).map_err(|seconds| {
                Box::new(Reply { retry_after: Some(seconds), ..Problem::rate_limited().into() })
            })?;
        }
        Ok((route, project))
    }

    /// Lets a fault strike or does what is asked, or both.
    fn answer(
        &self,
        state: &mut State,
        (route, project): (&'static Route, &str),
        fields: Result<Fields, Problem>,
        entry: &mut Entry,
    ) -> Reply {
        let listed = fields.as_ref().ok().and_then(|own| own.list("loginIds").ok().flatten());
        let listed = listed.unwrap_or_default().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        let request = Request {
            sequence: entry.seq,
            path: route.path,
            operation: route.operation(),
            login_id: fields.as_ref().ok().and_then(login_id),
            batch: fields.as_ref().ok().map(batch).unwrap_or_default(),
            listed: &listed,
        };
        let named: Vec<String> = request.all_names().map(str::to_owned).collect();
        let fault = state.faults.strike(&request);
        entry.fault = fault.map(|fault| fault.spec().to_owned());
        let mut reply = Reply::json(200, String::new());
        if fault.is_none_or(|fault| fault.apply) {
            let mut desk = Desk {
                store: state.stores.of(project),
                switches: &self.settings.switches,
                moment: self.moment(entry.at),
            };
            reply = match fields.and_then(|fields| desk.perform(route.action, &fields)) {
                Ok(answer) => {
                    (entry.applied, entry.invited) = (answer.applied, answer.invited);
                    Reply::json(200, answer.body)
                }
                Err(problem) => problem.into(),
            };
            reply.license = matches!(route.action, Action::License);
            if let Some(Fault { kind: FaultKind::Meddle(what), .. }) = fault {
                match fault.and_then(Fault::login_id) {
                    Some(only) => desk.meddle(*what, &[only]),
                    None => desk.meddle(*what, &named),
                }
            }
        }
        match fault {
            Some(fault) => reply.spoiled(fault),
            None => reply,
        }
    }

    fn moment(&self, elapsed: Duration) -> Moment {
        let since = u32::try_from(elapsed.as_secs()).unwrap_or(u32::MAX);
        Moment { seconds: self.epoch.saturating_add(since), elapsed }
    }

    /// Fills in what only the log wants.
    fn describe(
        &self,
        entry: &mut Entry,
        head: &Parts,
        body: Option<&Bytes>,
        fields: Option<&Fields>,
    ) {
        let license = head.headers.get("x-descope-license");
        entry.license = license.and_then(|tier| Some(tier.to_str().ok()?.to_owned()));
        entry.names = fields.map(names).unwrap_or_default();
        if self.log_bodies {
            let text = body.and_then(|body| String::from_utf8(body.to_vec()).ok());
            // A log is lines: the line breaks of a body are not part of its meaning.
            let text = text.map(|text| text.replace(['\n', '\r'], " "));
            entry.body = text.and_then(|text| RawValue::from_string(text).ok());
        }
    }
}

/// The fields of the body, or of the query where there is no body to expect.
fn read_fields(head: &Parts, body: Option<&Bytes>) -> Result<Fields, Problem> {
    if head.method == hyper::Method::GET {
        let query = head.uri.query().unwrap_or_default().as_bytes();
        let pairs = url::form_urlencoded::parse(query)
            .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())));
        return Fields::from_value(Value::Object(pairs.collect::<Map<_, _>>()));
    }
    let Some(body) = body else { return Ok(Fields::default()) };
    match bare_list(head.uri.path()) {
        Some(name) => Fields::parse_list(name, body),
        None => Fields::parse(body),
    }
}

/// `Authorization: Bearer P…:K…`, split at the first colon.
fn credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (project, key) = value.strip_prefix("Bearer ")?.trim().split_once(':')?;
    let well_formed = project.starts_with('P') && key.starts_with('K');
    well_formed.then_some((project, key))
}

fn login_id(fields: &Fields) -> Option<&str> {
    fields.text("loginId").ok().flatten()
}

fn batch(fields: &Fields) -> &[Value] {
    fields.array("users").ok().flatten().map_or(&[], Vec::as_slice)
}

/// The users that a request names.
fn names(fields: &Fields) -> Names {
    let text = |name| fields.text(name).ok().flatten().map(str::to_owned);
    let list = |name| {
        let list = fields.list(name).ok().flatten().unwrap_or_default();
        list.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let batch =
        batch(fields).iter().filter_map(|user| user.get("loginId")?.as_str().map(str::to_owned));
    Names {
        login_id: text("loginId"),
        new_login_id: text("newLoginId"),
        user_id: text("userId"),
        login_ids: list("loginIds").into_iter().chain(batch).collect(),
        user_ids: list("userIds"),
    }
}
