//! The wire of the page: HTTP/1.1 on a port, and events for as long as somebody looks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::answers::{Answer, LiveAnswers};

/// Connections at a time, and how many of them may watch: the others are for orders and probes.
const CONNECTIONS: usize = 64;
const WATCHERS: usize = 48;

/// How long a client may take to ask.
const PATIENCE: Duration = Duration::from_secs(15);

/// How far apart events come, at the least and at the most.
const EVENT: Duration = Duration::from_millis(500);
const STILL_THERE: Duration = Duration::from_secs(10);

/// How long those who look have to see the end.
const FAREWELL: Duration = Duration::from_secs(2);

type AnswerBody = BoxBody<Bytes, Infallible>;

/// Serves the page until the run has ended.
pub(super) async fn serve(
    listener: TcpListener,
    page: Arc<LiveAnswers>,
    mut end: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let seats = Arc::new(Semaphore::new(WATCHERS));
    let mut connections = JoinSet::new();
    let ending = end.clone();
    loop {
        tokio::select! {
            biased;
            _ = end.wait_for(|end| *end) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // More than that, and the rest is turned away.
                    let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                    let (page, ending) = (Arc::clone(&page), ending.clone());
                    let seats = Arc::clone(&seats);
                    connections.spawn(async move {
                        connection(stream, page, seats, ending).await;
                        drop(place);
                    });
                }
                // Out of descriptors, most likely: the run needs them more.
                Err(_) => tokio::time::sleep(EVENT).await,
            },
        }
    }
    drop(listener);
    let seen = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, seen).await;
}

async fn connection(
    stream: TcpStream,
    page: Arc<LiveAnswers>,
    seats: Arc<Semaphore>,
    mut end: watch::Receiver<bool>,
) {
    let ending = end.clone();
    let respond = hyper::service::service_fn(move |request| {
        let (page, seats, ending) = (Arc::clone(&page), Arc::clone(&seats), ending.clone());
        async move { Ok::<_, Infallible>(respond(&request, &page, seats, ending).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        // Who asks again and again and never reads must not keep its place.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), respond);
    tokio::pin!(connection);
    // That a connection ends in an error is its client's matter.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = end.wait_for(|end| *end) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(
    request: &Request<Incoming>,
    page: &Arc<LiveAnswers>,
    seats: Arc<Semaphore>,
    end: watch::Receiver<bool>,
) -> Response<AnswerBody> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (status, kind, body) =
        match page.answer(request.method().as_str(), request.uri().path(), host).await {
            Answer::Text { status, kind, body } => (status, kind, Full::from(body).boxed()),
            Answer::Events => match seats.try_acquire_owned() {
                Ok(seat) => (200, "text/event-stream", events(Arc::clone(page), end, seat)),
                Err(_) => (503, "text/plain", Full::from("too many are watching\n").boxed()),
            },
        };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(page.policy());
    // The report of the run so far states a policy of its own, which holds besides.
    if let (Ok(policy), false) = (policy, request.uri().path().ends_with("/report")) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
    }
    response
}

/// How the run goes: whenever that has changed, and now and then in any case. Ends with the run.
fn events(
    page: Arc<LiveAnswers>,
    end: watch::Receiver<bool>,
    seat: OwnedSemaphorePermit,
) -> AnswerBody {
    let mut ticks = tokio::time::interval(EVENT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        page,
        end,
        ticks,
        told: String::new(),
        at: Instant::now(),
        done: false,
        _seat: seat,
    };
    let frames = stream::unfold(watcher, |mut watcher| async move {
        let text = watcher.next().await?;
        Some((Ok(Frame::data(Bytes::from(text))), watcher))
    });
    BodyExt::boxed(StreamBody::new(frames))
}

/// Somebody who looks at the page.
struct Watcher {
    page: Arc<LiveAnswers>,
    end: watch::Receiver<bool>,
    ticks: tokio::time::Interval,
    told: String,
    at: Instant,
    done: bool,
    _seat: OwnedSemaphorePermit,
}

impl Watcher {
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.done {
                return None;
            }
            tokio::select! {
                _ = self.ticks.tick() => {}
                // The last news is told, whatever it is.
                _ = self.end.wait_for(|end| *end) => self.done = true,
            }
            self.done |= self.page.has_ended();
            let now = self.page.now();
            if now != self.told {
                (self.told, self.at) = (now.clone(), Instant::now());
                return Some(format!("data: {now}\n\n"));
            }
            if self.at.elapsed() >= STILL_THERE {
                self.at = Instant::now();
                return Some(": still there\n\n".to_owned());
            }
        }
    }
}
