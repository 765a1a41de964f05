//! The transport: requests out, responses in, by reqwest.
//!
//! It never re-sends, never follows a redirect, bounds what it reads, and says of a request that
//! got no response only what is certain. No error carries an address, a key or a body.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, SERVER};
use reqwest::{Method, Request, StatusCode, Url};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::explain::{CREDENTIALS_HINT, PAGE_HINT};
use super::response::{Body, Reply, Response, Sent, TransportError, parse_retry_after};
use crate::catalog::{
    self, Answers, LOAD, LOAD_MANY, OPERATIONS, Operation, PROJECT_REQUESTS, ProjectList, REQUESTS,
    SEARCH,
};
use crate::exit::Error;

mod certificate;
mod client;
mod lost;
mod post;
mod probe;
mod tls;

pub(crate) use certificate::SeenCertificate;
use client::{LICENSE_PATH, MAX_BODY, Unread, client, common_headers, joined, no_tls, read};
use lost::Route;
pub(crate) use post::Poster;
pub(crate) use probe::{Probe, ProbeAnswer, probe};
use tls::tls;

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
pub(crate) struct Handshake {
    /// The rate-limit tier, sent back with every request.
    pub tier: Option<String>,
    /// The limit that a simulator says it keeps; `None` if it is not a simulator.
    pub simulator: Option<String>,
}

/// The largest body that is read where it holds up to a hundred users.
const MAX_USERS_BODY: usize = 32 << 20;

/// How long the answer to the handshake may take (the SDKs wait as long).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// What every answer of the simulator names itself.
const SIMULATOR: &str = "descope-bulk-simulator";

/// The way to one server.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: Url,
    urls: HashMap<&'static str, Url>,
    headers: HeaderMap,
    route: Route,
    timeout: Duration,
    /// Longer than connecting may take, or a server that cannot be reached would pass for one
    /// that does not answer.
    handshake_timeout: Duration,
}

/// A response as it came.
#[derive(Debug)]
struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Result<Bytes, Unread>,
}

/// Why there was no handshake.
#[derive(Debug)]
pub(crate) enum NoHandshake {
    /// Nobody is there.
    Unreachable(TransportError),
    /// Sending anything would be pointless: why, and what to do.
    Refused(String),
}

/// What brings a question to the server, once, and its reply back. Nothing can be changed over it.
pub(crate) trait ReadWire: Send + Sync + 'static {
    /// Reads one user, named by a login ID or a user ID.
    fn load(&self, name: &str) -> impl Future<Output = Reply> + Send;

    /// Reads many users, named by their user IDs.
    fn load_many(&self, body: Bytes) -> impl Future<Output = Reply> + Send;

    /// Searches for users.
    fn search(&self, body: Bytes) -> impl Future<Output = Reply> + Send;

    /// Reads a list of the project.
    fn list(&self, list: ProjectList) -> impl Future<Output = Reply> + Send;
}

/// What brings any request to the server, once, and its reply back.
pub(crate) trait Wire: ReadWire {
    /// Sends one request of an operation.
    fn send(&self, operation: &Operation, body: Bytes) -> impl Future<Output = Reply> + Send;
}

/// A transport over which nothing can be changed.
#[derive(Debug)]
pub(crate) struct ReadOnly(Transport);

impl From<Transport> for ReadOnly {
    fn from(transport: Transport) -> Self {
        Self(transport)
    }
}

impl ReadWire for ReadOnly {
    async fn load(&self, name: &str) -> Reply {
        self.0.load(name).await
    }

    async fn load_many(&self, body: Bytes) -> Reply {
        self.0.load_many(body).await
    }

    async fn search(&self, body: Bytes) -> Reply {
        self.0.search(body).await
    }

    async fn list(&self, list: ProjectList) -> Reply {
        self.0.list(list).await
    }
}

impl Transport {
    /// Prepares for an endpoint; nothing is sent.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let url = |path: &'static str| {
            Ok((path, joined(&endpoint.base_url, path).map_err(Error::refused)?))
        };
        let operations = OPERATIONS.iter().chain(REQUESTS).chain(PROJECT_REQUESTS);
        let paths = operations.map(|operation| operation.path).chain([LICENSE_PATH]);
        let tls = tls(endpoint.base_url.scheme() == "https");
        let http = tls
            .and_then(|tls| client(&endpoint.base_url, endpoint.connect_timeout, tls))
            .map_err(|cause| Error::refused(no_tls(&cause)))?;
        Ok(Self {
            http,
            base_url: endpoint.base_url.clone(),
            urls: paths.map(url).collect::<Result<_, Error>>()?,
            headers: headers(endpoint)?,
            route: Route::to(&endpoint.base_url),
            timeout: endpoint.timeout,
            handshake_timeout: endpoint.timeout.min(endpoint.connect_timeout + HANDSHAKE_TIMEOUT),
        })
    }

    /// Asks for the rate-limit tier and remembers it for every later request.
    ///
    /// A response without a tier is not an error, as in the SDKs. `Err` tells that the server cannot
    /// be reached at all, refuses the credentials, or is not the API.
    pub(crate) async fn handshake(&mut self) -> Result<Handshake, NoHandshake> {
        let request = self.request(Method::GET, self.urls[LICENSE_PATH].clone(), Bytes::new());
        let received = match self.exchange(request, self.handshake_timeout, MAX_BODY).await {
            Ok(received) => received,
            Err(error) if error.sent == Sent::No => return Err(NoHandshake::Unreachable(error)),
            Err(TransportError { cause, detail, .. }) => {
                tracing::warn!(?cause, %detail, "the licence handshake got no response");
                return Ok(Handshake::default());
            }
        };
        let Received { status, headers, body } = received;
        let header = |name| headers.get(name)?.to_str().ok();
        let simulator = header(SERVER.as_str())
            .filter(|server| *server == SIMULATOR)
            .map(|_| header("x-descope-simulator").unwrap_or("documented").to_owned());
        let body = body.unwrap_or_default();
        if let Some(refused) = refused(status.as_u16(), &body) {
            return Err(NoHandshake::Refused(refused));
        }
        let tier = if status.is_success() { tier(&body) } else { None };
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
    pub(crate) fn host(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    async fn reply(&self, operation: &Operation, url: Url, body: Bytes) -> Reply {
        let whole = operation.answers == Answers::Object;
        let method = match operation.method {
            catalog::Method::Get => Method::GET,
            catalog::Method::Post => Method::POST,
            catalog::Method::Patch => Method::PATCH,
        };
        let most = if whole { MAX_USERS_BODY } else { MAX_BODY };
        let request = self.request(method, url, body);
        let Received { status, headers, body } =
            match self.exchange(request, self.timeout, most).await {
                Ok(received) => received,
                Err(error) => return Reply::Failed(error),
            };
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, SystemTime::now()));
        let body = match body {
            Ok(body) => Body::read(operation.answers, status.as_u16(), &body),
            Err(Unread::Broken(part)) => Body::broken_off(&part),
            Err(Unread::TooLarge) => Body::Unreadable("more than is ever sent".to_owned()),
        };
        Reply::Response(Response { status: status.as_u16(), retry_after, body })
    }

    fn request(&self, method: Method, url: Url, body: Bytes) -> Request {
        let mut request = Request::new(method, url);
        request.headers_mut().clone_from(&self.headers);
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        request
    }

    /// Sends a request and reads the response, in a time from start to end, and with so many bytes
    /// of a body at most.
    async fn exchange(
        &self,
        request: Request,
        timeout: Duration,
        most: usize,
    ) -> Result<Received, TransportError> {
        let deadline = Instant::now() + timeout;
        let sent = timeout_at(deadline, self.http.execute(request)).await;
        let mut response = sent
            .map_err(|_| TransportError::timeout())?
            .map_err(|error| self.route.lost(&error.without_url()))?;
        let body = read(&mut response, most, deadline).await;
        let headers = std::mem::take(response.headers_mut());
        Ok(Received { status: response.status(), headers, body })
    }
}

impl ReadWire for Transport {
    async fn load(&self, name: &str) -> Reply {
        let mut url = self.urls[LOAD.path].clone();
        // It encodes `+`, which would be read as a space.
        url.query_pairs_mut().append_pair("loginId", name);
        self.reply(&LOAD, url, Bytes::new()).await
    }

    async fn load_many(&self, body: Bytes) -> Reply {
        self.send(&LOAD_MANY, body).await
    }

    async fn search(&self, body: Bytes) -> Reply {
        self.send(&SEARCH, body).await
    }

    async fn list(&self, list: ProjectList) -> Reply {
        self.send(list.operation(), Bytes::new()).await
    }
}

impl Wire for Transport {
    async fn send(&self, operation: &Operation, body: Bytes) -> Reply {
        self.reply(operation, self.urls[operation.path].clone(), body).await
    }
}

fn headers(endpoint: &Endpoint) -> Result<HeaderMap, Error> {
    let unfit = |what: &str| {
        Error::refused(format!("{what} contains characters that are not allowed in an HTTP header"))
    };
    let bearer =
        format!("Bearer {}:{}", endpoint.project_id, endpoint.management_key.expose_secret());
    let mut authorization =
        HeaderValue::from_str(&bearer).map_err(|_| unfit("the management key"))?;
    authorization.set_sensitive(true);
    let project =
        HeaderValue::from_str(&endpoint.project_id).map_err(|_| unfit("the project ID"))?;
    let mut headers = common_headers();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-descope-project-id", project);
    headers.insert("x-descope-sdk-name", HeaderValue::from_static("descope-bulk"));
    headers.insert("x-descope-sdk-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    Ok(headers)
}

/// Why nothing is sent after this response to the handshake, if that is so.
fn refused(status: u16, body: &[u8]) -> Option<String> {
    let read = Body::read(Answers::Nothing, status, body);
    let (told, of_api) = match &read {
        Body::Error(error) if !error.error_description.is_empty() => {
            (format!(": {}", error.error_description), true)
        }
        Body::Unreadable(words) if !words.is_empty() => (format!(": {words}"), false),
        read => (String::new(), matches!(read, Body::Error(_))),
    };
    // What is no answer of the API has words of its own: somebody else's page.
    let hint = if of_api || told.is_empty() { CREDENTIALS_HINT } else { PAGE_HINT };
    match status {
        401 | 403 => Some(format!(
            "the server refuses the credentials (HTTP {status}{told}); nothing was sent\n  {hint}"
        )),
        404 | 405 | 501 if !of_api => Some(format!(
            "the server does not look like the Descope API (HTTP {status}{told}); nothing was sent\n  check --base-url, DESCOPE_BASE_URL and the proxy"
        )),
        _ => None,
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

#[cfg(test)]
mod tests;
