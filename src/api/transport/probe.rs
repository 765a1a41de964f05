//! A look at the way to a server: name, connection, certificate, answer. Nothing secret is sent.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::DATE;
use reqwest::{Method, Request};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::certificate::SeenCertificate;
use super::client::{LICENSE_PATH, MAX_BODY, client, common_headers, joined, no_tls, read};
use super::lost::{Route, innermost};
use super::tls::{ShownChain, tls, witnessed_tls};
use crate::api::response::{Body, TransportError};
use crate::catalog::Answers;

/// What was found on the way to a server, as far as it could be gone.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The proxy in between, if there is one: its host and port.
    pub(crate) proxy: Option<String>,
    /// The host that is connected to: the proxy's, if there is one.
    pub(crate) host: String,
    /// Its addresses, or why its name has none.
    pub(crate) addresses: Result<Vec<SocketAddr>, String>,
    /// The address that was connected to and how long that took, or why there was no connection.
    pub(crate) connected: Option<Result<(SocketAddr, Duration), String>>,
    /// The certificates that the server has shown, its own first.
    pub(crate) certificates: Vec<SeenCertificate>,
    /// What came of a request.
    pub(crate) answer: Option<Result<ProbeAnswer, TransportError>>,
}

/// An answer to a request without credentials.
#[derive(Clone, Debug)]
pub(crate) struct ProbeAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The first words of a body that is not the API's.
    pub(crate) page: Option<String>,
    /// What time it is for the server, to the second.
    pub(crate) date: Option<SystemTime>,
    /// What time it was here when the answer was in.
    pub(crate) at: SystemTime,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Goes the way to a server step by step, as requests of a run would, and ends where they would.
///
/// # Errors
///
/// A base URL that no path can be joined to, and TLS that cannot be prepared for.
pub(crate) async fn probe(
    base_url: &Url,
    connect_timeout: Duration,
    patience: Duration,
) -> Result<Probe, String> {
    let url = joined(base_url, LICENSE_PATH)?;
    let route = Route::to(base_url);
    let (host, port) = route.first_stop(base_url);
    let proxy = route.proxy().map(str::to_owned);
    let addresses = resolve(&host, port, connect_timeout).await;
    let (connected, certificates, answer) = (None, Vec::new(), None);
    let mut probe = Probe { proxy, host, addresses, connected, certificates, answer };
    let Ok(addresses) = &probe.addresses else { return Ok(probe) };
    let connected = connect(addresses, connect_timeout).await;
    let goes_on = connected.is_ok();
    probe.connected = Some(connected);
    if goes_on {
        let chain = ShownChain::default();
        let is_https = base_url.scheme() == "https";
        let tls = if is_https { witnessed_tls(&chain) } else { tls(false) };
        let client = tls.and_then(|tls| client(base_url, connect_timeout, tls));
        let client = client.map_err(|cause| no_tls(&cause))?;
        probe.answer = Some(ask(&client, url, &route, patience).await);
        let shown = chain.taken();
        probe.certificates = shown.iter().filter_map(|der| SeenCertificate::read(der)).collect();
    }
    Ok(probe)
}

async fn resolve(host: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, String> {
    match timeout(patience, tokio::net::lookup_host((host, port))).await {
        Err(_) => Err("no answer in time".to_owned()),
        Ok(Err(_)) => Err("the name is not known".to_owned()),
        Ok(Ok(found)) => match found.collect::<Vec<_>>() {
            found if found.is_empty() => Err("the name has no address".to_owned()),
            found => Ok(found),
        },
    }
}

/// Connects to the first address that takes it; why the last one did not. None may use up the time of
/// those after it, as with the client of a run.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<(SocketAddr, Duration), String> {
    let begun = Instant::now();
    let mut why = String::new();
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = (begun + patience).saturating_duration_since(Instant::now());
        let part = left / u32::try_from(others).unwrap_or(u32::MAX);
        why = match timeout(part, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok((*address, begun.elapsed())),
            Ok(Err(error)) => innermost(&error),
            Err(_) => "no answer in time".to_owned(),
        };
    }
    Err(why)
}

async fn ask(
    client: &reqwest::Client,
    url: Url,
    route: &Route,
    patience: Duration,
) -> Result<ProbeAnswer, TransportError> {
    let mut request = Request::new(Method::GET, url);
    *request.headers_mut() = common_headers();
    let begun = Instant::now();
    let sent = timeout_at(begun + patience, client.execute(request)).await;
    let mut response = sent
        .map_err(|_| TransportError::timeout())?
        .map_err(|error| route.lost(&error.without_url()))?;
    let (at, took) = (SystemTime::now(), begun.elapsed());
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let status = response.status().as_u16();
    let body = read(&mut response, MAX_BODY, begun + patience).await.unwrap_or_default();
    Ok(ProbeAnswer { status, page: page(status, &body), date, at, took })
}

/// The first words of what is not the API's.
fn page(status: u16, body: &Bytes) -> Option<String> {
    match Body::read(Answers::Nothing, status, body) {
        Body::Unreadable(words) => Some(words),
        _ => None,
    }
}
