//! The wire: connections, bodies, and replies that get lost on the way.
//!
//! It speaks HTTP/1.1 and HTTP/2 without TLS (prior knowledge) on one port. It is built on
//! hyper's connections and no framework, because a dropped reply is a service that fails and a
//! torn one is a body that fails.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, SERVER};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::service::{BODY_LIMIT, Delivery, Reply, Service};

/// How long a stop waits for requests in flight.
const DRAIN: Duration = Duration::from_secs(2);

/// Accepts connections until `stop` turns true; then lets requests in flight finish.
pub(super) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stops = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&service), stops.clone()));
                }
                // Out of descriptors, most likely: others must close first.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
    connections.shutdown().await;
}

/// Waits for the stop; that nobody can stop any more is one, too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let builder = auto::Builder::new(TokioExecutor::new());
    let stops = stop.clone();
    let respond = hyper::service::service_fn(move |request| {
        respond(request, Arc::clone(&service), stops.clone())
    });
    let connection = builder.serve_connection(TokioIo::new(stream), respond);
    tokio::pin!(connection);
    // That a connection ends in an error is its client's matter.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(
    request: Request<Incoming>,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
) -> Result<Response<ReplyBody>, Cut> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let decision = service.decide(&head, body.as_ref());
    if !decision.latency.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(decision.latency) => {}
            () = stopped(&mut stop) => {}
        }
    }
    match decision.reply.delivery {
        Delivery::Nothing => return Err(Cut),
        Delivery::Silence => {
            stopped(&mut stop).await;
            return Err(Cut);
        }
        Delivery::Half | Delivery::Whole => {}
    }
    let limit = decision.reply.license.then(|| service.limit());
    decision.line.answered(decision.reply.status);
    Ok(response(decision.reply, limit))
}

/// The whole body, or `None` if it is too large.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, Cut> {
    let mut whole = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        match frame {
            None => return Ok(Some(whole.freeze())),
            Some(Err(_)) => return Err(Cut),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if whole.len() + data.len() > BODY_LIMIT {
                    return Ok(None);
                }
                if whole.is_empty() && body.is_end_stream() {
                    return Ok(Some(data));
                }
                whole.extend_from_slice(&data);
            }
        }
    }
}

fn response(reply: Reply, limit: Option<String>) -> Response<ReplyBody> {
    let body = ReplyBody {
        length: reply.body.len() as u64,
        rest: match reply.delivery {
            Delivery::Half => Rest::Torn(reply.body.slice(..reply.body.len() / 2)),
            _ => Rest::Data(reply.body),
        },
    };
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(reply.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("descope-bulk-simulator"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(location) = reply.location {
        headers.insert(LOCATION, HeaderValue::from_static(location));
    }
    if let Some(limit) = limit.and_then(|limit| HeaderValue::from_str(&limit).ok()) {
        headers.insert("x-descope-simulator", limit);
    }
    response
}

/// The connection is to be closed without more.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut by a fault")
    }
}

impl std::error::Error for Cut {}

/// A reply's body, in one piece, or the first half of one that then breaks off.
struct ReplyBody {
    length: u64,
    rest: Rest,
}

enum Rest {
    Data(Bytes),
    Torn(Bytes),
    /// What was sent has to reach the socket before the connection breaks.
    Flushing,
    Breaking,
    Done,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match std::mem::replace(&mut self.rest, Rest::Done) {
            Rest::Data(data) if !data.is_empty() => Poll::Ready(Some(Ok(Frame::data(data)))),
            Rest::Data(_) | Rest::Done => Poll::Ready(None),
            Rest::Torn(data) => {
                self.rest = Rest::Flushing;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Rest::Flushing => {
                self.rest = Rest::Breaking;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Rest::Breaking => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.rest {
            Rest::Data(data) => data.is_empty(),
            Rest::Done => true,
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest {
            Rest::Done => SizeHint::with_exact(0),
            _ => SizeHint::with_exact(self.length),
        }
    }
}
