//! The wire: requests out, replies in.
//!
//! It never re-sends, never follows a redirect, bounds what it reads, and says of a lost
//! answer only what is certain. No error carries an address, a key or a body. How requests
//! travel is settled once, by whether a proxy is in the way.

mod direct;
mod proxied;

use std::collections::HashMap;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, RETRY_AFTER,
    SERVER, USER_AGENT,
};
use hyper::{StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use url::{Position, Url, form_urlencoded};

use self::direct::Direct;
use self::proxied::Proxied;
use super::response::{
    Body, ErrorBody, Reply, Response, Sent, TransportCause, TransportError, parse_retry_after,
};
use crate::api::address::is_loopback;
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

/// How long the answer to the handshake may take (the SDKs wait as long).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

const LICENSE_PATH: &str = "/v1/mgmt/license";

/// What every answer of the simulator names itself.
const SIMULATOR: &str = "descope-bulk-simulator";

/// Said of a deadline that has passed.
const TOO_LONG: &str = "it took too long";

/// How long a connection may lie idle before it is not used again; servers close them, too.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// How often the network is asked whether a silent connection is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The way to one server.
#[derive(Debug)]
pub struct Wire {
    transport: Transport,
    base_url: Url,
    paths: HashMap<&'static str, Uri>,
    headers: HeaderMap,
    timeout: Duration,
    /// Longer than connecting may take, or a server that cannot be reached would pass for one
    /// that does not answer.
    handshake_timeout: Duration,
}

/// How requests travel.
#[derive(Debug)]
enum Transport {
    Direct(Direct),
    Proxied(Proxied),
}

/// What to ask the server, and what to wait for at most.
///
/// It is made into a request where that is sent, and no earlier: requests are large, and would
/// be copied on the way.
#[derive(Debug)]
struct Question<'a> {
    method: hyper::Method,
    path: &'a Uri,
    headers: &'a HeaderMap,
    body: Bytes,
    /// From the start to the end of the answer.
    timeout: Duration,
    /// The bytes of the answer's body.
    most: usize,
}

/// An answer as it came.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Result<Bytes, Unread>,
}

/// Why a body is not whole.
#[derive(Debug)]
enum Unread {
    TooLarge,
    /// It broke off after this.
    Broken(Bytes),
}

impl Wire {
    /// Prepares for an endpoint; nothing is sent.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let base = endpoint.base_url.as_str().trim_end_matches('/');
        let path = |path: &'static str| {
            let refuse = |error: &dyn std::fmt::Display| {
                Error::refused(format!("--base-url cannot hold {path}: {error}"))
            };
            let url = Url::parse(&format!("{base}{path}")).map_err(|error| refuse(&error))?;
            Ok((path, url.path().parse().map_err(|error| refuse(&error))?))
        };
        let operations = OPERATIONS.iter().chain([&LOAD, &SEARCH, &PATCH_BATCH]);
        let paths = operations.map(|operation| operation.path).chain([LICENSE_PATH]);
        let mut headers = headers(endpoint)?;
        Ok(Self {
            transport: Transport::to(endpoint, &mut headers)?,
            base_url: endpoint.base_url.clone(),
            paths: paths.map(path).collect::<Result<_, Error>>()?,
            headers,
            timeout: endpoint.timeout,
            handshake_timeout: endpoint.timeout.min(endpoint.connect_timeout + HANDSHAKE_TIMEOUT),
        })
    }

    /// Asks for the rate-limit tier and remembers it for every later request.
    ///
    /// An answer that makes no sense is no error, as in the SDKs. `Err` tells that the server
    /// cannot be reached at all.
    pub async fn handshake(&mut self) -> Result<Handshake, TransportError> {
        let question = Question {
            method: hyper::Method::GET,
            path: &self.paths[LICENSE_PATH],
            headers: &self.headers,
            body: Bytes::new(),
            timeout: self.handshake_timeout,
            most: MAX_BODY,
        };
        let answered = match self.transport.exchange(question).await {
            Ok(answered) => answered,
            Err(lost) if lost.sent == Sent::No => return Err(lost),
            Err(lost) => {
                let TransportError { cause, detail, .. } = lost;
                tracing::warn!(?cause, cause = %detail, "the licence handshake got no answer");
                return Ok(Handshake::default());
            }
        };
        let Answered { status, headers, body } = answered;
        let header = |name| headers.get(name)?.to_str().ok();
        let simulator = header(SERVER.as_str())
            .filter(|server| *server == SIMULATOR)
            .map(|_| header("x-descope-simulator").unwrap_or("documented").to_owned());
        let tier = body.ok().filter(|_| status.is_success()).and_then(|body| tier(&body));
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
        self.exchange(operation, &self.paths[operation.path], body).await
    }

    /// Reads one user, named by a login ID or a user ID.
    pub async fn load(&self, login_id: &str) -> Reply {
        match naming(self.paths[LOAD.path].path(), login_id).parse() {
            Ok(path) => self.exchange(&LOAD, &path, Bytes::new()).await,
            Err(_) => {
                let detail = "the name is too long to ask for".to_owned();
                Reply::Failed(TransportError {
                    sent: Sent::No,
                    cause: TransportCause::Broken,
                    detail,
                })
            }
        }
    }

    async fn exchange(&self, operation: &Operation, path: &Uri, body: Bytes) -> Reply {
        let whole = operation.answers == Answers::Object;
        let question = Question {
            method: match operation.method {
                Method::Get => hyper::Method::GET,
                Method::Post => hyper::Method::POST,
                Method::Patch => hyper::Method::PATCH,
            },
            path,
            headers: &self.headers,
            body,
            timeout: self.timeout,
            most: if whole { MAX_USERS_BODY } else { MAX_BODY },
        };
        let Answered { status, headers, body } = match self.transport.exchange(question).await {
            Ok(answered) => answered,
            Err(lost) => return Reply::Failed(lost),
        };
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, SystemTime::now()));
        let body = match body {
            Ok(body) if whole && status.is_success() => object(&body),
            Ok(body) => parse(status, &body),
            Err(Unread::Broken(part)) if part.first() == Some(&b'{') => Body::BrokenOff,
            Err(Unread::Broken(_) | Unread::TooLarge) => Body::Unreadable,
        };
        Reply::Response(Response { status: status.as_u16(), retry_after, body })
    }
}

impl Transport {
    /// The way to an endpoint, as the environment has it, and what goes with every request on it.
    fn to(endpoint: &Endpoint, headers: &mut HeaderMap) -> Result<Self, Error> {
        let server: Uri = endpoint.base_url[..Position::BeforePath]
            .parse()
            .map_err(|error| Error::refused(format!("--base-url names no server: {error}")))?;
        // What is for this machine stays on it, whatever proxy the environment names.
        let proxied =
            !is_loopback(&endpoint.base_url) && Matcher::from_system().intercept(&server).is_some();
        let transport = if proxied {
            Proxied::new(endpoint.base_url.clone(), endpoint.connect_timeout).map(Self::Proxied)
        } else {
            let host = &endpoint.base_url[Position::BeforeHost..Position::BeforePath];
            let host = HeaderValue::from_str(host)
                .map_err(|_| Error::refused("--base-url names no server"))?;
            headers.insert(HOST, host);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            Direct::new(server, endpoint.connect_timeout).map(Self::Direct)
        };
        transport.map_err(|cause| {
            Error::refused(format!(
                "cannot prepare for TLS: {cause}; install the system's CA certificates, or name a file of them in SSL_CERT_FILE"
            ))
        })
    }

    async fn exchange(&self, question: Question<'_>) -> Result<Answered, TransportError> {
        match self {
            Self::Direct(direct) => direct.exchange(question).await,
            // Much larger, and its time goes elsewhere.
            Self::Proxied(proxied) => Box::pin(proxied.exchange(question)).await,
        }
    }
}

/// A path with the user in its query.
fn naming(path: &str, login_id: &str) -> String {
    // It encodes `+`, which would be read as a space.
    let start = path.len() + 1;
    form_urlencoded::Serializer::for_suffix(format!("{path}?"), start)
        .append_pair("loginId", login_id)
        .finish()
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
    let agent = concat!("descope-bulk/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-descope-project-id", project);
    headers.insert("x-descope-sdk-name", HeaderValue::from_static("descope-bulk"));
    headers.insert("x-descope-sdk-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    Ok(headers)
}

/// Reads an answer to its end.
async fn receive<B>(response: hyper::Response<B>, most: usize, deadline: Instant) -> Answered
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let (head, body) = response.into_parts();
    let body = read(body, most, deadline).await;
    Answered { status: head.status, headers: head.headers, body }
}

async fn read<B>(mut body: B, most: usize, deadline: Instant) -> Result<Bytes, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let mut so_far = Bytes::new();
    loop {
        let chunk = match timeout_at(deadline, body.frame()).await {
            // What is no data is a trailer, which says nothing to us.
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(Some(Err(_))) | Err(_) => return Err(Unread::Broken(so_far)),
            Ok(None) => return Ok(so_far),
        };
        if so_far.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        // Most bodies come in one piece, which needs no copy.
        so_far = if so_far.is_empty() {
            chunk
        } else {
            let mut longer = BytesMut::from(so_far);
            longer.extend_from_slice(&chunk);
            longer.freeze()
        };
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

fn parse(status: StatusCode, body: &[u8]) -> Body {
    #[derive(Deserialize)]
    struct UserReply {
        user: Option<Box<RawValue>>,
    }
    if status.is_success() {
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

/// The innermost cause, which names no address.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::TimedOut => TOO_LONG.to_owned(),
        _ => cause.to_string(),
    }
}

#[cfg(test)]
mod tests;
