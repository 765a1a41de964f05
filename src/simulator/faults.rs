//! Faults on demand: which requests go wrong, and how.
//!
//! A fault is written `KIND[:SELECTOR,…]`; [`Fault::GRAMMAR`] is its whole grammar. Faults are
//! tried in the order given and the first that strikes decides. Pure: the decision depends on
//! the requests seen so far and the seed, on no clock and no other randomness. A fault that names
//! no path leaves the licence handshake alone, so that `first=1` means the first real request.

use std::collections::HashMap;
use std::str::FromStr;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::catalog::Operation;

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// This status, with a documented error body.
    Status(u16),
    /// The connection closes without an answer.
    Drop,
    /// Half of the answer, then the connection closes.
    Half,
    /// No answer, and the connection stays open.
    Hang,
    /// 200 with a body that is not JSON.
    Garbage,
    /// 200 with 10 MB of JSON.
    Huge,
    /// 307 to another place.
    Redirect,
    /// This status, with a page of HTML.
    Html(u16),
    /// 200 with an empty body.
    Empty,
    /// Nothing goes wrong with the request; but right after it somebody else changes the users that
    /// it names, in this field.
    Meddle(Meddled),
}

/// What somebody else changes of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meddled {
    /// The display name.
    Name,
    /// The phone number.
    Phone,
    /// The status: the user is disabled.
    Status,
}

impl Meddled {
    fn named(name: &str) -> Option<Self> {
        match name {
            "name" => Some(Self::Name),
            "phone" => Some(Self::Phone),
            "status" => Some(Self::Status),
            _ => None,
        }
    }
}

impl FaultKind {
    /// Whether the request takes effect all the same, unless `apply=` says otherwise: it does
    /// where the status says so.
    fn applies(self) -> bool {
        matches!(self, Self::Half | Self::Garbage | Self::Huge | Self::Empty | Self::Meddle(_))
    }

    fn parse(word: &str) -> Option<(Self, bool)> {
        let kind = match word {
            "drop" => Self::Drop,
            "apply-drop" => return Some((Self::Drop, true)),
            "half" => Self::Half,
            "hang" => Self::Hang,
            "garbage" => Self::Garbage,
            "huge" => Self::Huge,
            "redirect" => Self::Redirect,
            "empty" => Self::Empty,
            "html" => Self::Html(503),
            "meddle" => Self::Meddle(Meddled::Name),
            _ => match word.split_once('=') {
                Some(("html", status)) => Self::Html(parse_status(status)?),
                Some(("meddle", field)) => Self::Meddle(Meddled::named(field)?),
                Some(("status", status)) => Self::Status(parse_status(status)?),
                _ => Self::Status(parse_status(word)?),
            },
        };
        Some((kind, kind.applies()))
    }
}

fn parse_status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (200..=599).contains(status))
}

/// Where a fault strikes.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// An operation, on whatever path it is served.
    Operation(&'static Operation),
    /// Paths that end so.
    Tail(String),
}

impl Place {
    fn named(name: &str) -> Self {
        Operation::named(name).map_or_else(|| Self::Tail(name.to_owned()), Self::Operation)
    }
}

/// A fault and the requests that it strikes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Whether the request takes effect all the same.
    pub apply: bool,
    /// Seconds of a `Retry-After` header.
    pub retry_after: Option<u64>,
    spec: String,
    path: Option<Place>,
    login_id: Option<String>,
    every: Option<u64>,
    first: Option<u64>,
    after: Option<u64>,
    times: Option<u64>,
    attempts: Option<u64>,
    rate: Option<f64>,
}

impl Fault {
    /// The grammar of a fault, for help texts.
    pub const GRAMMAR: &str = "\
KIND[:SELECTOR,…], for example `503:every=10`, `apply-drop:path=loginid,first=3`.

Kinds: a status such as 429 or 503 (also `status=503`); `drop`, the connection closes before \
anything is done; `apply-drop`, it closes after the update is done; `half`, half of the answer; \
`hang`, no answer; `garbage`, a 200 that is not JSON; `huge`, a 200 of 10 MB; `empty`, a 200 \
without a body; `html` or `html=STATUS`, a page (503); `redirect`, a 307; `meddle` or \
`meddle=FIELD`, nothing goes wrong, but right after the request somebody else changes the name, \
phone or status of the users that it names.

Selectors, all of which must hold: `path=P`, an operation's name or the end of a path; \
`login-id=ID`, also in a batch; and counting the requests that fit these two: `every=N`, each Nth; `first=N`; \
`after=N`, all but the first N; `attempts=N`, the first N for each login ID and path; `rate=0.01`, \
each with this probability; `times=N`, N strikes and no more.

Also: `retry-after=SECONDS` adds the header; `apply=true` or `apply=false` says whether the update \
is done anyway (by default it is for `apply-drop`, `half`, `garbage`, `huge` and `empty`).";

    /// The only user that it concerns, if one is named.
    #[must_use]
    pub fn login_id(&self) -> Option<&str> {
        self.login_id.as_deref()
    }

    /// The fault as it was written.
    #[must_use]
    pub fn spec(&self) -> &str {
        &self.spec
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = || match value.parse::<u64>() {
            Ok(0) | Err(_) => Err(format!("{key}={value}: a whole number from 1 on is wanted")),
            Ok(number) => Ok(Some(number)),
        };
        match key {
            "every" => self.every = number()?,
            "first" => self.first = number()?,
            "after" => self.after = number()?,
            "times" => self.times = number()?,
            "attempts" => self.attempts = number()?,
            "retry-after" => self.retry_after = number()?,
            "path" if !value.is_empty() => self.path = Some(Place::named(value)),
            "login-id" if !value.is_empty() => self.login_id = Some(value.to_owned()),
            "path" | "login-id" => return Err(format!("{key} needs a value")),
            "apply" => {
                self.apply =
                    value.parse().map_err(|_| format!("apply={value}: true or false is wanted"))?;
            }
            "rate" => {
                let rate = value.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
                self.rate =
                    Some(rate.ok_or_else(|| {
                        format!("rate={value}: a probability from 0 to 1 is wanted")
                    })?);
            }
            _ => return Err(format!("`{key}` is not a selector")),
        }
        Ok(())
    }

    /// Whether the fault is about such requests at all.
    fn concerns(&self, request: &Request<'_>) -> bool {
        let path = match &self.path {
            None => request.path != "/v1/mgmt/license",
            Some(Place::Operation(wanted)) => request.operation == Some(*wanted),
            Some(Place::Tail(tail)) => ends_with(request.path, tail),
        };
        path && self.login_id.as_deref().is_none_or(|wanted| request.names(wanted))
    }
}

/// Whether a path ends with whole segments.
fn ends_with(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail.trim_start_matches('/')).is_some_and(|head| head.ends_with('/'))
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        let (word, selectors) = spec.split_once(':').unwrap_or((spec, ""));
        let (kind, apply) = FaultKind::parse(word).ok_or_else(|| {
            format!("`{word}` is not a kind of fault: use a status from 200 to 599, or drop, apply-drop, half, hang, garbage, huge, empty, html, redirect, meddle")
        })?;
        let mut fault = Self {
            kind,
            apply,
            retry_after: None,
            spec: spec.to_owned(),
            path: None,
            login_id: None,
            every: None,
            first: None,
            after: None,
            times: None,
            attempts: None,
            rate: None,
        };
        for selector in selectors.split(',').filter(|selector| !selector.is_empty()) {
            let (key, value) = selector
                .split_once('=')
                .ok_or_else(|| format!("`{selector}`: KEY=VALUE is wanted"))?;
            fault.set(key, value)?;
        }
        Ok(fault)
    }
}

/// What a decision looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The request's place in the order of arrival.
    pub(super) sequence: u64,
    /// The path, without the query.
    pub(super) path: &'a str,
    /// The operation, if the path is one's.
    pub(super) operation: Option<&'static Operation>,
    /// The login ID in the body or the query.
    pub(super) login_id: Option<&'a str>,
    /// The users of a batch.
    pub(super) batch: &'a [Value],
    /// The login IDs of a search.
    pub(super) listed: &'a [&'a str],
}

impl Request<'_> {
    /// All users that it names.
    pub(super) fn all_names(&self) -> impl Iterator<Item = &str> {
        let batch = self.batch.iter().filter_map(|user| user.get("loginId")?.as_str());
        self.login_id.into_iter().chain(batch).chain(self.listed.iter().copied())
    }

    fn names(&self, login_id: &str) -> bool {
        let in_batch = |user: &Value| user.get("loginId").is_some_and(|own| own == login_id);
        self.login_id == Some(login_id)
            || self.batch.iter().any(in_batch)
            || self.listed.contains(&login_id)
    }
}

struct Counted {
    fault: Fault,
    seen: u64,
    struck: u64,
    attempts: HashMap<u64, u64>,
}

/// The script: all faults, and what they have counted.
pub(super) struct Faults {
    script: Vec<Counted>,
    seed: u64,
}

impl Faults {
    /// A script that has seen no request.
    pub(super) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let script = faults
            .into_iter()
            .map(|fault| Counted { fault, seen: 0, struck: 0, attempts: HashMap::new() })
            .collect();
        Self { script, seed }
    }

    /// The fault that strikes this request, if one does. All faults count it.
    pub(super) fn strike(&mut self, request: &Request<'_>) -> Option<&Fault> {
        let seed = self.seed;
        let mut strikes = None;
        for (index, counted) in self.script.iter_mut().enumerate() {
            if counted.fault.concerns(request)
                && counted.fits(request, seed.wrapping_add(index as u64))
                && strikes.is_none()
            {
                counted.struck += 1;
                strikes = Some(index);
            }
        }
        strikes.map(|index| &self.script[index].fault)
    }
}

impl Counted {
    /// Counts a request that the fault concerns, and says whether it is one to strike.
    fn fits(&mut self, request: &Request<'_>, seed: u64) -> bool {
        self.seen += 1;
        let (fault, place) = (&self.fault, self.seen);
        let attempt_fits = match fault.attempts {
            None => true,
            Some(most) => {
                let user = format!("{}\n{}", request.path, request.login_id.unwrap_or(""));
                let attempts =
                    self.attempts.entry(xxh3_64_with_seed(user.as_bytes(), 0)).or_default();
                *attempts += 1;
                *attempts <= most
            }
        };
        attempt_fits
            && fault.every.is_none_or(|n| place.is_multiple_of(n))
            && fault.first.is_none_or(|n| place <= n)
            && fault.after.is_none_or(|n| place > n)
            && fault.times.is_none_or(|n| self.struck < n)
            && fault.rate.is_none_or(|rate| fraction(request.sequence, seed) < rate)
    }
}

/// A number from 0 to 1 that looks random and depends on the seed and the sequence number alone.
fn fraction(sequence: u64, seed: u64) -> f64 {
    let hash = xxh3_64_with_seed(&sequence.to_le_bytes(), seed);
    #[expect(clippy::cast_precision_loss, reason = "32 bits fit an f64")]
    let upper = (hash >> 32) as f64;
    upper / 4_294_967_296.0
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
