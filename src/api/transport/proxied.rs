//! Through a proxy, by reqwest, which knows the ways there.

use std::time::Duration;

use hyper::Response;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{Answered, KEEP_ALIVE, MAX_IDLE, Question, innermost, receive};
use crate::api::response::{Sent, TransportCause, TransportError};

/// A connection pool of reqwest's.
#[derive(Debug)]
pub(super) struct Proxied {
    http: reqwest::Client,
    server: Url,
}

impl Proxied {
    /// Prepares; nothing is sent.
    pub(super) fn new(server: Url, connect_timeout: Duration) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            // Without a bound it would copy every request, so that it could repeat it.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .pool_idle_timeout(MAX_IDLE)
            .tcp_keepalive(KEEP_ALIVE)
            .tcp_keepalive_interval(KEEP_ALIVE)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| innermost(&error))?;
        Ok(Self { http, server })
    }

    /// Asks and waits for the answer.
    pub(super) async fn exchange(
        &self,
        question: Question<'_>,
    ) -> Result<Answered, TransportError> {
        let mut url = self.server.clone();
        url.set_path(question.path.path());
        url.set_query(question.path.query());
        let mut request = reqwest::Request::new(question.method, url);
        *request.headers_mut() = question.headers.clone();
        *request.body_mut() = Some(question.body.into());
        let deadline = Instant::now() + question.timeout;
        let sent = timeout_at(deadline, self.http.execute(request)).await;
        let response = sent.map_err(|_| TransportError::timeout())?.map_err(lost)?;
        Ok(receive(Response::from(response), question.most, deadline).await)
    }
}

/// What is certain of a lost answer: only a connection that was never made was not sent.
fn lost(error: reqwest::Error) -> TransportError {
    let (sent, cause) = if error.is_connect() {
        (Sent::No, TransportCause::Unreachable)
    } else {
        (Sent::Maybe, TransportCause::Broken)
    };
    TransportError { sent, cause, detail: innermost(&error.without_url()) }
}
