//! The responder: the least that a server can do. It answers every request with one fixed user,
//! under the name that was asked for, at once or after a latency, so that what is measured against
//! it is the client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::rows::USER;

/// Listens on a free port, prints its URL, and answers until it is killed.
pub(crate) fn main(latency: &str) {
    let latency = Duration::from_millis(latency.parse().expect("milliseconds"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("http://{}", listener.local_addr().expect("an address"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(connection(stream, latency));
        }
    });
}

async fn connection(stream: TcpStream, latency: Duration) {
    stream.set_nodelay(true).expect("a socket");
    let service = service_fn(move |request| respond(request, latency));
    // That a connection ends in an error is its client's matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    request: Request<Incoming>,
    latency: Duration,
) -> Result<Response<Whole>, hyper::Error> {
    let handshake = request.method() == Method::GET;
    let mut body = request.into_body();
    let mut asked = Bytes::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        // All requests here are small, and come in one piece.
        asked = frame?.into_data().unwrap_or(asked);
    }
    if !latency.is_zero() && !handshake {
        tokio::time::sleep(latency).await;
    }
    let license = Bytes::from_static(br#"{"rateLimitTier":"tier1"}"#);
    let answer = if handshake { license } else { named(&asked) };
    let mut response = Response::new(Whole(Some(answer)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The user under the login ID of a request, which is its body's first value.
fn named(asked: &[u8]) -> Bytes {
    const NAME: &str = "ada.lovelace@example.com";
    let name = asked.split(|byte| *byte == b'"').nth(3).unwrap_or_default();
    let (before, behind) = USER.split_once(NAME).expect("the user has the name");
    Bytes::from([br#"{"user":"#, before.as_bytes(), name, behind.as_bytes(), b"}"].concat())
}

/// A body in one piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |data| data.len() as u64))
    }
}
