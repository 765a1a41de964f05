//! Faults on demand: which requests go wrong, and how.
//!
//! A fault is written `KIND[:SELECTOR,…]`; [`Fault::GRAMMAR`] is its whole grammar. Faults are
//! tried in the order given and the first that strikes decides. Pure: the decision depends on
//! the requests seen so far and the seed, on no clock and no other randomness. A fault that names
//! no path leaves the licence handshake alone, so that `first=1` means the first real request.

use std::collections::HashMap;
use std::str::FromStr;

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
}

impl FaultKind {
    /// Whether the request takes effect all the same, unless `apply=` says otherwise: it does
    /// where the status says so.
    fn applies(self) -> bool {
        matches!(self, Self::Half | Self::Garbage | Self::Huge | Self::Empty)
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
            _ => match word.strip_prefix("html=") {
                Some(status) => Self::Html(parse_status(status)?),
                None => Self::Status(parse_status(word.strip_prefix("status=").unwrap_or(word))?),
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
without a body; `html` or `html=STATUS`, a page (503); `redirect`, a 307.

Selectors, all of which must hold: `path=P`, an operation's name or the end of a path; \
`login-id=ID`; and counting the requests that fit these two: `every=N`, each Nth; `first=N`; \
`after=N`, all but the first N; `attempts=N`, the first N for each login ID and path; `rate=0.01`, \
each with this probability; `times=N`, N strikes and no more.

Also: `retry-after=SECONDS` adds the header; `apply=true` or `apply=false` says whether the update \
is done all the same (by default it is for `apply-drop`, `half`, `garbage`, `huge` and `empty`).";

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
            _ => return Err(format!("`{key}` is no selector")),
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
        path && self.login_id.as_deref().is_none_or(|wanted| request.login_id == Some(wanted))
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
            format!("`{word}` is no kind of fault: write a status from 200 to 599, or drop, apply-drop, half, hang, garbage, huge, empty, html, redirect")
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
        let (fault, seen) = (&self.fault, self.seen);
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
            && fault.every.is_none_or(|n| seen.is_multiple_of(n))
            && fault.first.is_none_or(|n| seen <= n)
            && fault.after.is_none_or(|n| seen > n)
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
mod tests {
    use super::*;

    const PHONE: &str = "/v1/mgmt/user/update/phone";
    const RECOVERY: &str = "/v1/mgmt/user/update/recovery/phone";

    fn request(sequence: u64, path: &'static str, login_id: &'static str) -> Request<'static> {
        Request {
            sequence,
            path,
            operation: crate::catalog::OPERATIONS.iter().find(|op| op.path == path),
            login_id: Some(login_id),
        }
    }

    /// Which of ten requests for alternating users `a` and `b` a fault strikes, from 1.
    fn struck(spec: &str, path: &'static str) -> Vec<u64> {
        let mut faults = Faults::new(vec![spec.parse().unwrap()], 7);
        (1..=10)
            .filter(|n| {
                let user = if n % 2 == 1 { "a" } else { "b" };
                faults.strike(&request(*n, path, user)).is_some()
            })
            .collect()
    }

    #[test]
    fn selectors_choose() {
        let cases: &[(&str, &[u64])] = &[
            ("503", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            ("503:every=4", &[4, 8]),
            ("503:first=2", &[1, 2]),
            ("503:after=8", &[9, 10]),
            ("503:every=3,times=1", &[3]),
            ("503:after=2,times=2", &[3, 4]),
            ("503:login-id=b,first=2", &[2, 4]),
            ("503:attempts=1", &[1, 2]),
            ("503:attempts=2,login-id=a", &[1, 3]),
            ("503:rate=0", &[]),
            ("503:rate=1,after=9", &[10]),
            ("503:path=phone,first=1", &[1]),
            ("503:path=update/phone,first=1", &[1]),
            ("503:path=date/phone", &[]),
            ("503:path=email", &[]),
        ];
        for (spec, expected) in cases {
            assert_eq!(struck(spec, PHONE), *expected, "{spec}");
        }
    }

    #[test]
    fn an_operations_name_is_that_operation_alone() {
        assert!(struck("503:path=phone", RECOVERY).is_empty());
        assert_eq!(struck("503:path=recovery-phone", RECOVERY).len(), 10);
        assert_eq!(struck("503:path=recovery/phone", RECOVERY).len(), 10);
    }

    #[test]
    fn the_licence_is_struck_only_when_named() {
        assert!(struck("503", "/v1/mgmt/license").is_empty());
        assert_eq!(struck("503:path=license", "/v1/mgmt/license").len(), 10);
    }

    #[test]
    fn a_rate_is_the_same_every_time_and_about_right() {
        let count = |seed| {
            let mut faults = Faults::new(vec!["503:rate=0.1".parse().unwrap()], seed);
            (0..10_000)
                .filter(|n| faults.strike(&request(*n, PHONE, "a")).is_some())
                .collect::<Vec<u64>>()
        };
        let once = count(1);
        assert_eq!(once, count(1));
        assert_ne!(once, count(2));
        assert!((900..1100).contains(&once.len()), "{}", once.len());
    }

    #[test]
    fn the_first_fault_that_strikes_decides_and_all_count() {
        let faults = ["drop:every=2", "503:every=2", "hang:every=3"];
        let faults = faults.iter().map(|spec| spec.parse().unwrap()).collect();
        let mut faults = Faults::new(faults, 0);
        let kinds: Vec<_> = (1..=4)
            .map(|n| faults.strike(&request(n, PHONE, "a")).map(|fault| fault.kind))
            .collect();
        assert_eq!(
            kinds,
            [None, Some(FaultKind::Drop), Some(FaultKind::Hang), Some(FaultKind::Drop)]
        );
    }

    #[test]
    fn kinds_are_read_with_whether_they_apply() {
        for (spec, kind, apply) in [
            ("429:retry-after=2", FaultKind::Status(429), false),
            ("status=500:apply=true", FaultKind::Status(500), true),
            ("drop", FaultKind::Drop, false),
            ("apply-drop", FaultKind::Drop, true),
            ("half", FaultKind::Half, true),
            ("half:apply=false", FaultKind::Half, false),
            ("html", FaultKind::Html(503), false),
            ("html=403", FaultKind::Html(403), false),
            ("empty", FaultKind::Empty, true),
        ] {
            let fault: Fault = spec.parse().unwrap();
            assert_eq!((fault.kind, fault.apply), (kind, apply), "{spec}");
            assert_eq!(fault.spec(), spec);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (spec, named) in [
            ("boom", "`boom`"),
            ("999", "`999`"),
            ("503:often", "`often`"),
            ("503:every=0", "every=0"),
            ("503:rate=2", "rate=2"),
            ("503:colour=red", "`colour`"),
            ("503:apply=maybe", "apply=maybe"),
            ("503:path=", "path"),
        ] {
            let error = spec.parse::<Fault>().unwrap_err();
            assert!(error.contains(named), "{spec}: {error}");
        }
    }
}
