//! The responder: the least that a server can do. It answers every request with one fixed user,
//! at once or after a latency, so that what is measured against it is the client.

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
    let user = Bytes::from(format!(r#"{{"user":{USER}}}"#));
    let service = service_fn(move |request| respond(request, user.clone(), latency));
    // That a connection ends in an error is its client's matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    request: Request<Incoming>,
    user: Bytes,
    latency: Duration,
) -> Result<Response<Whole>, hyper::Error> {
    let handshake = request.method() == Method::GET;
    let mut body = request.into_body();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        frame?;
    }
    if !latency.is_zero() && !handshake {
        tokio::time::sleep(latency).await;
    }
    let license = Bytes::from_static(br#"{"rateLimitTier":"tier1"}"#);
    let mut response = Response::new(Whole(Some(if handshake { license } else { user })));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
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
