//! The wire: requests out, replies in. The only module that knows `reqwest`.
//!
//! It never re-sends, never follows a redirect, bounds what it reads, and says of a lost
//! answer only what is certain. No error carries an address, a key or a body.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, SERVER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::retry::{Answer, Body, ErrorBody, How, Lost, Reply, Sent, parse_retry_after};
use crate::address::is_loopback;
use crate::catalog::{Answers, LOAD, Method, OPERATIONS, Operation, PATCH_BATCH, SEARCH};
use crate::exit::Error;

/// Whom to speak to, and as whom.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The base URL; paths are joined to it.
    pub base_url: Url,
    /// The project's ID.
    pub project_id: String,
    /// The management key.
    pub management_key: SecretString,
    /// The longest that connecting may take; shorter than `timeout`.
    pub connect_timeout: Duration,
    /// The longest that a request may take from start to end.
    pub timeout: Duration,
}

/// What the licence handshake told (API reference, 1.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The rate-limit tier, sent back with every request.
    pub tier: Option<String>,
    /// The limit that a simulator says it keeps; `None` when it is no simulator.
    pub simulator: Option<String>,
}

/// The largest body that is read; a user is about 1 KB.
const MAX_BODY: usize = 4 << 20;

/// The largest body that is read where it holds up to a hundred users.
const MAX_USERS_BODY: usize = 32 << 20;

/// How long the handshake may take (the SDKs wait as long).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

const LICENSE_PATH: &str = "/v1/mgmt/license";

/// What every answer of the simulator names itself.
const SIMULATOR: &str = "descope-bulk-simulator";

/// A connection pool to one server.
#[derive(Debug)]
pub struct Wire {
    http: reqwest::Client,
    base_url: Url,
    urls: HashMap<&'static str, Url>,
    headers: HeaderMap,
}

impl Wire {
    /// Prepares for an endpoint; nothing is sent.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let builder = reqwest::Client::builder();
        // What is for this machine stays on it, whatever proxy the environment names.
        let builder = if is_loopback(&endpoint.base_url) { builder.no_proxy() } else { builder };
        let http = builder
            .user_agent(concat!("descope-bulk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(endpoint.connect_timeout)
            .timeout(endpoint.timeout)
            .redirect(reqwest::redirect::Policy::none())
            // Without a bound it would copy every request, so that it could repeat it.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_keepalive(Duration::from_secs(30))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| {
                Error::refused(format!("cannot prepare for TLS: {}", cause(&error)))
            })?;
        let base = endpoint.base_url.as_str().trim_end_matches('/');
        let url = |path: &str| {
            Url::parse(&format!("{base}{path}"))
                .map_err(|error| Error::refused(format!("--base-url cannot hold {path}: {error}")))
        };
        let mut urls = HashMap::from([(LICENSE_PATH, url(LICENSE_PATH)?)]);
        for operation in OPERATIONS.iter().chain([&LOAD, &SEARCH, &PATCH_BATCH]) {
            urls.insert(operation.path, url(operation.path)?);
        }
        let base_url = endpoint.base_url.clone();
        Ok(Self { http, base_url, urls, headers: headers(endpoint)? })
    }

    /// Asks for the rate-limit tier and remembers it for every later request.
    ///
    /// An answer that makes no sense is no error, as in the SDKs. `Err` tells that the server
    /// cannot be reached at all.
    pub async fn handshake(&mut self) -> Result<Handshake, Lost> {
        let request = self
            .http
            .get(self.urls[LICENSE_PATH].clone())
            .headers(self.headers.clone())
            .timeout(HANDSHAKE_TIMEOUT);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let lost = lost(&error);
                if lost.sent == Sent::No {
                    return Err(lost);
                }
                tracing::warn!(cause = %lost.detail, "the licence handshake got no answer");
                return Ok(Handshake::default());
            }
        };
        let header = |name| response.headers().get(name)?.to_str().ok();
        let simulator = header(SERVER.as_str())
            .filter(|server| *server == SIMULATOR)
            .map(|_| header("x-descope-simulator").unwrap_or("documented").to_owned());
        let status = response.status();
        let tier = match read(response, MAX_BODY).await {
            Ok(body) if status.is_success() => tier(&body),
            _ => None,
        };
        match tier.as_deref().map(HeaderValue::from_str) {
            Some(Ok(value)) => {
                self.headers.insert("x-descope-license", value);
            }
            _ => tracing::warn!(%status, "no rate-limit tier: requests count in the lowest bucket"),
        }
        Ok(Handshake { tier, simulator })
    }

    /// The host that requests go to, for messages.
    #[must_use]
    pub fn host(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    /// Sends one request of an operation.
    pub async fn send(&self, operation: &Operation, body: Bytes) -> Reply {
        let method = match operation.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
        };
        let mut request = Request::new(method, self.urls[operation.path].clone());
        *request.body_mut() = Some(body.into());
        self.exchange(operation, request).await
    }

    /// Reads one user, named by a login ID or a user ID.
    pub async fn load(&self, login_id: &str) -> Reply {
        let url = naming(&self.urls[LOAD.path], login_id);
        self.exchange(&LOAD, Request::new(reqwest::Method::GET, url)).await
    }

    async fn exchange(&self, operation: &Operation, mut request: Request) -> Reply {
        *request.headers_mut() = self.headers.clone();
        let response = match self.http.execute(request).await {
            Ok(response) => response,
            Err(error) => return Reply::Lost(lost(&error)),
        };
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, SystemTime::now()));
        let whole = operation.answers == Answers::Object;
        let most = if whole { MAX_USERS_BODY } else { MAX_BODY };
        let body = match read(response, most).await {
            Ok(body) if whole && (200..300).contains(&status) => object(&body),
            Ok(body) => parse(status, &body),
            Err(Unread::Broken(part)) if part.first() == Some(&b'{') => Body::BrokenOff,
            Err(Unread::Broken(_) | Unread::TooLarge) => Body::Unreadable,
        };
        Reply::Answer(Answer { status, retry_after, body })
    }
}

/// A path with the user in its query.
fn naming(url: &Url, login_id: &str) -> Url {
    let mut url = url.clone();
    // It encodes `+`, which would be read as a space.
    url.query_pairs_mut().append_pair("loginId", login_id);
    url
}

fn headers(endpoint: &Endpoint) -> Result<HeaderMap, Error> {
    let unfit =
        |what: &str| Error::refused(format!("{what} holds characters that no header takes"));
    let bearer =
        format!("Bearer {}:{}", endpoint.project_id, endpoint.management_key.expose_secret());
    let mut authorization =
        HeaderValue::from_str(&bearer).map_err(|_| unfit("the management key"))?;
    authorization.set_sensitive(true);
    let project =
        HeaderValue::from_str(&endpoint.project_id).map_err(|_| unfit("the project ID"))?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-descope-project-id", project);
    headers.insert("x-descope-sdk-name", HeaderValue::from_static("descope-bulk"));
    headers.insert("x-descope-sdk-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    Ok(headers)
}

enum Unread {
    TooLarge,
    Broken(Bytes),
}

async fn read(mut response: reqwest::Response, most: usize) -> Result<Bytes, Unread> {
    let mut body = Bytes::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > most => return Err(Unread::TooLarge),
            // Most bodies come in one piece, which needs no copy.
            Ok(Some(chunk)) if body.is_empty() => body = chunk,
            Ok(Some(chunk)) => {
                let mut longer = BytesMut::from(body);
                longer.extend_from_slice(&chunk);
                body = longer.freeze();
            }
            Ok(None) => return Ok(body),
            Err(_) => return Err(Unread::Broken(body)),
        }
    }
}

fn tier(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct License {
        rate_limit_tier: String,
    }
    serde_json::from_slice::<License>(body).ok().map(|license| license.rate_limit_tier)
}

/// A JSON object as it is.
fn object(body: &[u8]) -> Body {
    match serde_json::from_slice::<Box<RawValue>>(body) {
        Ok(object) if object.get().starts_with('{') => Body::Whole(object),
        _ => Body::Unreadable,
    }
}

fn parse(status: u16, body: &[u8]) -> Body {
    #[derive(Deserialize)]
    struct UserReply {
        user: Option<Box<RawValue>>,
    }
    if (200..300).contains(&status) {
        if body.trim_ascii().is_empty() {
            return Body::Object;
        }
        return match serde_json::from_slice::<UserReply>(body) {
            Ok(UserReply { user: Some(user) }) if user.get().starts_with('{') => Body::User(user),
            Ok(_) => Body::Object,
            Err(_) => Body::Unreadable,
        };
    }
    serde_json::from_slice::<ErrorBody>(body).map_or(Body::Unreadable, Body::Error)
}

/// What is certain of a lost answer: only a connection that was never made was not sent.
fn lost(error: &reqwest::Error) -> Lost {
    let (sent, how) = if error.is_connect() {
        (Sent::No, How::Unreachable)
    } else if error.is_timeout() {
        (Sent::Maybe, How::Timeout)
    } else {
        (Sent::Maybe, How::Broken)
    };
    Lost { sent, how, detail: cause(error) }
}

/// The innermost cause, which names no address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(body: &Body) -> &'static str {
        match body {
            Body::User(_) => "user",
            Body::Whole(_) => "whole object",
            Body::Object => "object",
            Body::Error(_) => "error",
            Body::BrokenOff => "broken off",
            Body::Unreadable => "unreadable",
        }
    }

    #[test]
    fn bodies_are_told_apart() {
        for (status, body, expected) in [
            (200, r#"{"user":{"userId":"U1","new":1}}"#, "user"),
            (200, r#"{"user":null}"#, "object"),
            (200, r#"{"user":"U1"}"#, "object"),
            (200, r#"{"cleartext":"x"}"#, "object"),
            (200, "", "object"),
            (200, "<html>", "unreadable"),
            (200, "[]", "unreadable"),
            (400, r#"{"errorCode":"E011003","message":"x"}"#, "error"),
            (400, r#"{"message":"x"}"#, "unreadable"),
            (502, "Bad gateway", "unreadable"),
        ] {
            assert_eq!(name(&parse(status, body.as_bytes())), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_user_is_kept_as_it_was_sent() {
        let body = parse(200, br#"{"user": {"b": 1.50,  "a":"\u00e9"}}"#);
        let Body::User(user) = body else { panic!("no user") };
        assert_eq!(user.get(), r#"{"b": 1.50,  "a":"\u00e9"}"#);
    }

    #[test]
    fn a_user_is_named_in_the_query_to_the_letter() {
        let url: Url = "https://api.descope.com/v1/mgmt/user".parse().unwrap();
        for login_id in ["+1 415-555", "a&b=c#d%2B@x.com", "é"] {
            let named = naming(&url, login_id);
            assert!(!named.query().unwrap().contains('#'), "{named}");
            let pairs: Vec<_> = named.query_pairs().into_owned().collect();
            assert_eq!(pairs, [("loginId".to_owned(), login_id.to_owned())]);
        }
        assert!(naming(&url, "+1").as_str().ends_with("?loginId=%2B1"));
    }

    #[test]
    fn the_key_is_marked_as_secret() {
        let endpoint = Endpoint {
            base_url: "https://api.descope.com".parse().unwrap(),
            project_id: "P1".into(),
            management_key: "K-hidden".to_owned().into(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
        };
        let shown = format!("{:?} {endpoint:?}", headers(&endpoint).unwrap());
        assert!(!shown.contains("K-hidden"), "{shown}");
    }
}
