//! The client that requests go out with, and how answers are read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::{Instant, timeout_at};

use super::lost::innermost;
use crate::api::address::is_loopback;

/// Where the handshake is asked for.
pub(super) const LICENSE_PATH: &str = "/v1/mgmt/license";

/// The largest body that is read; a user is about 1 KB.
pub(super) const MAX_BODY: usize = 4 << 20;

/// How long a connection may lie idle before it is not used again; servers close them, too. Each takes
/// some 30 KB, and many runs of one process have hundreds.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// How often the network is asked whether a silent connection is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Why a body is not whole.
#[derive(Debug)]
pub(super) enum Unread {
    TooLarge,
    /// It broke off after this.
    Broken(Bytes),
}

/// Why nothing can be sent over TLS, and what to do.
pub(super) fn no_tls(cause: &str) -> String {
    format!(
        "cannot prepare for TLS: {cause}; install the system's CA certificates, or name a file of them in SSL_CERT_FILE"
    )
}

/// The address of a path at a server.
pub(super) fn joined(base_url: &Url, path: &str) -> Result<Url, String> {
    let base = base_url.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}{path}"))
        .map_err(|error| format!("--base-url cannot be joined with {path}: {error}"))
}

/// Who sends a request, and what it takes.
pub(super) fn common_headers() -> HeaderMap {
    let agent = concat!("descope-bulk/", env!("CARGO_PKG_VERSION"));
    let headers = [(USER_AGENT, agent), (ACCEPT, "*/*")];
    headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect()
}

/// A client that sends each request once, and to where it was told.
pub(super) fn client(
    base_url: &Url,
    connect_timeout: Duration,
    tls: rustls::ClientConfig,
) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        // Without a bound it would copy every request, so that it could repeat it.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .pool_idle_timeout(MAX_IDLE)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(15))
        .http2_keep_alive_timeout(Duration::from_secs(10));
    // What is for this machine stays on it, whatever proxy the environment names.
    let builder = if is_loopback(base_url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| innermost(&error))
}

/// Reads a body to its end.
pub(super) async fn read(
    response: &mut reqwest::Response,
    most: usize,
    deadline: Instant,
) -> Result<Bytes, Unread> {
    let mut so_far = Bytes::new();
    loop {
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(so_far),
            Ok(Err(_)) | Err(_) => return Err(Unread::Broken(so_far)),
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
