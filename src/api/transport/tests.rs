//! The transport, against a server that does as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use tokio::net::TcpSocket;

use super::*;
use crate::api::response::TransportCause;

/// What the server does with a request, byte for byte; it hangs up after the last one.
type Answers = &'static [&'static str];

/// The requests of each connection.
type Requests = Vec<Vec<String>>;

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server that listens, takes so many connections and has something done with each.
fn listen<T: Send + 'static>(
    connections: usize,
    serve: impl Fn(usize, TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<(Vec<T>, TcpListener)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let work = move || {
        let done = (0..connections).map(|index| serve(index, listener.accept().unwrap().0));
        (done.collect(), listener)
    };
    (address, thread::spawn(work))
}

/// A server with a list of answers for each connection; ends with the requests of each, and
/// with where further ones would arrive.
fn server(connections: &'static [Answers]) -> (SocketAddr, JoinHandle<(Requests, TcpListener)>) {
    listen(connections.len(), |index, mut stream| {
        let answer = |text: &&str| {
            let request = request(&mut stream)?;
            stream.write_all(text.as_bytes()).unwrap();
            Some(request)
        };
        connections[index].iter().map_while(answer).collect()
    })
}

/// A request with a body of two bytes; nothing at the end of the connection.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n{}") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            return None;
        }
        request.push(byte[0]);
    }
    Some(String::from_utf8(request).unwrap())
}

const PATIENCE: Duration = Duration::from_secs(10);

fn bound() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

fn endpoint(address: SocketAddr, connect_timeout: u64, timeout: u64) -> Endpoint {
    Endpoint {
        base_url: format!("http://{address}").parse().unwrap(),
        project_id: "P1".into(),
        management_key: "K1".to_owned().into(),
        connect_timeout: Duration::from_secs(connect_timeout),
        timeout: Duration::from_secs(timeout),
    }
}

fn transport(address: SocketAddr) -> Transport {
    Transport::new(&endpoint(address, 10, 20)).unwrap()
}

/// One request with a body of two bytes, and what came of it, in short.
async fn asked(transport: &Transport, timeout: Duration) -> String {
    let mut url = transport.urls[LOAD.path].clone();
    url.set_query(Some("a=%2B1"));
    let request = transport.request(Method::POST, url, Bytes::from_static(b"{}"));
    match transport.exchange(request, timeout, 8).await {
        Ok(Received { status, body: Ok(body), .. }) => {
            format!("{} {}", status.as_u16(), String::from_utf8_lossy(&body))
        }
        Ok(Received { status, body: Err(unread), .. }) => format!("{} {unread:?}", status.as_u16()),
        Err(TransportError { sent, cause, .. }) => format!("{sent:?} {cause:?}"),
    }
}

/// What came of some requests in a row, and what arrived on each connection; nothing else did.
async fn told(
    connections: &'static [Answers],
    requests: usize,
    timeout: Duration,
) -> (Vec<String>, Requests) {
    let (address, server) = server(connections);
    let transport = transport(address);
    let mut answered = Vec::new();
    for _ in 0..requests {
        answered.push(asked(&transport, timeout).await);
    }
    drop(transport);
    let end = tokio::task::spawn_blocking(|| server.join().unwrap()).await.unwrap();
    let (requests, listener) = end;
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "something was sent again");
    (answered, requests)
}

#[tokio::test]
async fn a_response_is_told_as_it_came() {
    for (answer, expected) in [
        (WHOLE, "200 {}"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "204 "),
        ("HTTP/1.1 307 Temporary Redirect\r\nlocation: /v2\r\ncontent-length: 0\r\n\r\n", "307 "),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            "200 {}",
        ),
        ("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nto the end", "400 TooLarge"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{23456789", "200 TooLarge"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"us", "200 Broken(b\"{\\\"us\")"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n", "200 Broken(b\"\")"),
        ("", "Maybe Broken"),
        ("HTTP/1.1 2", "Maybe Broken"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "Maybe Broken"),
        ("no HTTP at all\r\n\r\n", "Maybe Broken"),
    ] {
        let answers: Answers = Vec::leak(vec![answer]);
        let (answered, requests) = told(Vec::leak(vec![answers]), 1, PATIENCE).await;
        assert_eq!(answered, [expected], "{answer}");
        assert_eq!(requests[0].len(), 1, "sent once, {answer}");
        assert!(requests[0][0].starts_with("POST /v1/mgmt/user?a=%2B1 HTTP/1.1\r\n"));
    }
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_response_was_read_to_the_end() {
    const TOO_LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789";
    const LAST: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    const CASES: [(&[Answers], [&str; 3]); 4] = [
        (&[&[WHOLE, WHOLE, WHOLE]], ["200 {}"; 3]),
        (&[&[LAST], &[WHOLE, WHOLE]], ["200 {}"; 3]),
        (&[&[TOO_LARGE], &[WHOLE, WHOLE]], ["200 TooLarge", "200 {}", "200 {}"]),
        (&[&[""], &[WHOLE, WHOLE]], ["Maybe Broken", "200 {}", "200 {}"]),
    ];
    for (connections, expected) in CASES {
        let (answered, requests) = told(connections, 3, PATIENCE).await;
        assert_eq!(answered, expected);
        let (sent, meant): (Vec<usize>, Vec<usize>) =
            requests.iter().zip(connections).map(|(is, meant)| (is.len(), meant.len())).unzip();
        assert_eq!(sent, meant, "requests on each connection");
    }
}

#[tokio::test]
async fn a_silent_server_is_waited_for_no_longer_than_said() {
    // It keeps its connection while it waits for a second request, which does not come.
    const SILENT: &str = "";
    const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{";
    for (connection, expected) in
        [(&[SILENT, WHOLE], "Maybe Timeout"), (&[HALF, WHOLE], "200 Broken(b\"{\")")]
    {
        let connections = Vec::leak(vec![&connection[..]]);
        let (answered, requests) = told(connections, 1, Duration::from_millis(50)).await;
        assert_eq!(answered, [expected]);
        assert_eq!(requests[0].len(), 1);
    }
}

#[tokio::test]
async fn what_was_read_in_part_may_have_been_applied() {
    for bytes in [0, 1, 200] {
        let (address, server) = listen(1, move |_, mut stream| {
            // It closes with the rest unread, which resets the connection.
            let mut part = vec![0; bytes];
            stream.read_exact(&mut part).unwrap();
        });
        let told = asked(&transport(address), PATIENCE).await;
        assert_eq!(told, "Maybe Broken", "{bytes} bytes read");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_got_nothing() {
    // Nobody listens, nor can anybody come to.
    let socket = bound();
    let gone = socket.local_addr().unwrap();
    let mut transport = Transport::new(&endpoint(gone, 1, 2)).unwrap();
    let NoHandshake::Unreachable(lost) = transport.handshake().await.unwrap_err() else {
        panic!("somebody is there");
    };
    assert_eq!((lost.sent, lost.cause), (Sent::No, TransportCause::Unreachable));
    assert!(!lost.detail.contains(&gone.port().to_string()), "{}", lost.detail);
    assert!(lost.detail.contains("refused"), "{}", lost.detail);
}

/// A server that takes no connection: those that wait to be accepted are as many as may wait.
#[cfg(target_os = "linux")]
fn full() -> (SocketAddr, (tokio::net::TcpListener, Vec<TcpStream>)) {
    let listener = bound().listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let patience = Duration::from_millis(100);
    let waiting: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
    assert!(waiting.len() < 10);
    (address, (listener, waiting))
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_answer_leaves_time_for_the_others() {
    let ((silent, _kept), listener) = (full(), TcpListener::bind("127.0.0.1:0").unwrap());
    let there = listener.local_addr().unwrap();
    let begun = Instant::now();
    let patience = Duration::from_secs(10);
    let (address, _) = probe::connect(&[silent, there], patience).await.unwrap();
    assert_eq!((address, begun.elapsed().as_secs()), (there, 5));
    let lost = probe::connect(&[silent, silent], patience).await.unwrap_err();
    assert_eq!((lost.as_str(), begun.elapsed().as_secs()), ("no answer in time", 15));
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_take_connections_got_nothing() {
    let (address, _kept) = full();
    // By the clock that stands still until nobody else does anything.
    for (connect_timeout, timeout) in [(1, 60), (10, 60), (1, 2)] {
        let mut transport = Transport::new(&endpoint(address, connect_timeout, timeout)).unwrap();
        let begun = Instant::now();
        let NoHandshake::Unreachable(lost) = transport.handshake().await.unwrap_err() else {
            panic!("somebody is there");
        };
        assert_eq!((lost.sent, lost.cause), (Sent::No, TransportCause::Unreachable));
        assert_eq!(begun.elapsed().as_secs(), connect_timeout);
        let told = ["it took too long", "operation timed out"].contains(&&*lost.detail);
        assert!(told, "{}", lost.detail);
    }
}

/// A server that closes each connection when it is told to, after one answer on it.
fn closing(connections: usize) -> (SocketAddr, SyncSender<()>, Receiver<()>) {
    let (close, told_to) = sync_channel(0);
    let (has_closed, closed) = sync_channel(connections);
    let (address, _) = listen(connections, move |_, mut stream| {
        request(&mut stream).unwrap();
        stream.write_all(WHOLE.as_bytes()).unwrap();
        // Nobody tells it to when the test is over.
        if told_to.recv().is_ok() {
            drop(stream);
            has_closed.send(()).unwrap();
        }
    });
    (address, close, closed)
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_meanwhile_costs_nothing() {
    let (address, close, closed) = closing(3);
    let transport = transport(address);
    for _ in 0..2 {
        assert_eq!(asked(&transport, PATIENCE).await, "200 {}");
        close.send(()).unwrap();
        closed.recv().unwrap();
        // Enough turns for the runtime to look at the network, and for the pool to hear of it.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(asked(&transport, PATIENCE).await, "200 {}");
}

#[tokio::test]
async fn the_server_is_named_as_the_base_url_names_it() {
    for (address, path) in [("127.0.0.1:0", ""), ("[::1]:0", "/behind/a/gateway")] {
        // Not every machine has both.
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let address = listener.local_addr().unwrap();
        let mut endpoint = endpoint(address, 1, 2);
        endpoint.base_url.set_path(path);
        let serve = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            (&stream).write_all(WHOLE.as_bytes()).unwrap();
            request
        });
        Transport::new(&endpoint).unwrap().handshake().await.unwrap();
        let request = serve.join().unwrap();
        assert_eq!(request[0], format!("GET {path}/v1/mgmt/license HTTP/1.1"));
        assert!(request.contains(&format!("host: {address}")), "{request:?}");
    }
}

#[tokio::test]
async fn a_user_is_named_in_the_query_to_the_letter() {
    for login_id in ["+1 415-555", "a&b=c#d%2B@x.com", "é", "+1"] {
        let (address, server) = listen(1, |_, stream| {
            let line = BufReader::new(&stream).lines().next().unwrap().unwrap();
            (&stream).write_all(WHOLE.as_bytes()).unwrap();
            line
        });
        transport(address).load(login_id).await;
        let line = server.join().unwrap().0.remove(0);
        let target = line.strip_prefix("GET ").and_then(|line| line.strip_suffix(" HTTP/1.1"));
        let url = Url::parse(&format!("http://x{}", target.unwrap())).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("loginId".to_owned(), login_id.to_owned())], "{line}");
        assert!(!line.contains("loginId=+"), "{line}");
    }
}

#[tokio::test]
async fn a_name_of_any_length_is_asked_for_or_told_to_be_refused() {
    let socket = bound();
    let transport = transport(socket.local_addr().unwrap());
    let Reply::Failed(error) = transport.load(&"x".repeat(100_000)).await else {
        panic!("nobody is there");
    };
    assert!(error.detail.len() < 200, "{}", error.detail);
}

#[test]
fn the_key_is_marked_as_secret() {
    let endpoint = Endpoint {
        management_key: "K-hidden".to_owned().into(),
        ..endpoint("127.0.0.1:1".parse().unwrap(), 1, 2)
    };
    let shown = format!("{:?} {endpoint:?}", headers(&endpoint).unwrap());
    assert!(!shown.contains("K-hidden"), "{shown}");
}
