//! Straight to the server, by connections of our own that stay open between requests.
//!
//! The least that a request can cost: one server, HTTP/1.1, one request on a connection at a
//! time. Whatever is more than that is left to [`super::proxied`].

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::CONTENT_LENGTH;
use hyper::http::uri::Scheme;
use hyper::service::Service;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Answered, KEEP_ALIVE, MAX_IDLE, Question, TOO_LONG, innermost, receive};
use crate::api::response::{Sent, TransportCause, TransportError};

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

type Connection = SendRequest<Full<Bytes>>;

/// How long an idle connection is waited for before a new one is made.
const READY_WITHIN: Duration = Duration::from_millis(100);

/// Connections to one server.
#[derive(Debug)]
pub(super) struct Direct {
    connector: Connector,
    server: Uri,
    connect_timeout: Duration,
    /// The one that was used last is at the back, and is used first.
    idle: Mutex<VecDeque<Idle>>,
}

/// What makes connections. Without TLS nothing of the machine's is needed, such as certificates.
#[derive(Debug)]
enum Connector {
    Plain(TowerToHyperService<HttpConnector>),
    Tls(TowerToHyperService<HttpsConnector<HttpConnector>>),
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Direct {
    /// Prepares; nothing is sent.
    pub(super) fn new(server: Uri, connect_timeout: Duration) -> Result<Self, String> {
        let connector = Connector::to(&server, connect_timeout)?;
        Ok(Self { connector, server, connect_timeout, idle: Mutex::default() })
    }

    /// Asks and waits for the answer.
    pub(super) async fn exchange(
        &self,
        question: Question<'_>,
    ) -> Result<Answered, TransportError> {
        let begun = Instant::now();
        let connected_by = begun + self.connect_timeout.min(question.timeout);
        let deadline = begun + question.timeout;
        let (connection, response) = self.send(&question, connected_by, deadline).await?;
        let answered = receive(response, question.most, deadline).await;
        // Else there is more to come on it, which would pass for the next answer.
        if answered.body.is_ok() {
            self.keep(connection);
        }
        Ok(answered)
    }

    /// Sends on the first connection that takes the request.
    async fn send(
        &self,
        question: &Question<'_>,
        connected_by: Instant,
        deadline: Instant,
    ) -> Result<(Connection, Response<Incoming>), TransportError> {
        loop {
            let (mut connection, used) = match self.ready() {
                Some(connection) => (connection, true),
                // Seldom, and large.
                None => Box::pin(self.other(connected_by)).await?,
            };
            let sent = connection.try_send_request(request(question));
            let mut error = match timeout_at(deadline, sent).await {
                Ok(Ok(response)) => return Ok((connection, response)),
                Ok(Err(error)) => error,
                Err(_) => return Err(TransportError::timeout()),
            };
            let detail = innermost(error.error());
            match error.take_message() {
                // The server had closed it; not a byte was sent.
                Some(_) if used => {}
                Some(_) => return Err(unreachable(detail)),
                None => {
                    return Err(TransportError {
                        sent: Sent::Maybe,
                        cause: TransportCause::Broken,
                        detail,
                    });
                }
            }
        }
    }

    /// An idle connection that takes a request at once: of several the one that was used last.
    fn ready(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while idle.pop_back_if(|idle| idle.connection.is_closed()).is_some() {}
        let last = idle.iter().rposition(|idle| idle.connection.is_ready())?;
        idle.remove(last).map(|idle| idle.connection)
    }

    /// A connection that takes a request after a moment, and whether it was used before.
    ///
    /// An idle one is about to be ready, unless its request is still on its way out, though it was
    /// answered: then it may never be.
    async fn other(&self, connected_by: Instant) -> Result<(Connection, bool), TransportError> {
        let last = self.idle().pop_back();
        if let Some(Idle { mut connection, .. }) = last
            && let Ok(Ok(())) = timeout(READY_WITHIN, connection.ready()).await
        {
            return Ok((connection, true));
        }
        match timeout_at(connected_by, self.connect()).await {
            Ok(connected) => connected.map(|connection| (connection, false)).map_err(unreachable),
            Err(_) => Err(unreachable(TOO_LONG.to_owned())),
        }
    }

    /// A new connection, or in a word why there is none.
    async fn connect(&self) -> Result<Connection, String> {
        let stream = self.connector.connect(self.server.clone()).await?;
        let shaken = http1::handshake(stream).await;
        let (connection, work) = shaken.map_err(|error| innermost(&error))?;
        // How it ends is told to whoever uses it.
        tokio::spawn(work);
        Ok(connection)
    }

    pub(super) fn keep(&self, connection: Connection) {
        self.idle().push_back(Idle { connection, since: Instant::now() });
    }

    /// The connections that wait for a request and are not too old.
    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.pop_front_if(|oldest| oldest.since.elapsed() > MAX_IDLE).is_some() {}
        idle
    }

    #[cfg(test)]
    pub(super) fn idle_is_closed(&self) -> bool {
        self.idle().back().is_some_and(|idle| idle.connection.is_closed())
    }
}

impl Connector {
    /// What a server's URL asks for.
    fn to(server: &Uri, connect_timeout: Duration) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        // For each address its part: a dead one must not use up the time of the next.
        tcp.set_connect_timeout(Some(connect_timeout));
        if server.scheme() == Some(&Scheme::HTTP) {
            return Ok(Self::Plain(TowerToHyperService::new(tcp)));
        }
        let tls = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|error| innermost(&error))?
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self::Tls(TowerToHyperService::new(tls)))
    }

    /// A connection, or in a word why there is none.
    async fn connect(&self, server: Uri) -> Result<Stream, String> {
        match self {
            Self::Plain(plain) => {
                let connected = plain.call(server).await;
                connected.map(MaybeHttpsStream::Http).map_err(|error| innermost(&error))
            }
            Self::Tls(tls) => tls.call(server).await.map_err(|error| innermost(&*error)),
        }
    }
}

/// Nothing was sent, since there was no connection.
fn unreachable(detail: String) -> TransportError {
    TransportError { sent: Sent::No, cause: TransportCause::Unreachable, detail }
}

fn request(question: &Question<'_>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(question.body.clone()));
    *request.method_mut() = question.method.clone();
    *request.uri_mut() = question.path.clone();
    *request.headers_mut() = question.headers.clone();
    if question.body.is_empty() {
        request.headers_mut().remove(CONTENT_LENGTH);
    } else {
        // In the place that is kept for it: a copy of the others has no room for one more.
        request.headers_mut().insert(CONTENT_LENGTH, question.body.len().into());
    }
    request
}
