//! Both transports, against a server that does as it is told.

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use futures_util::FutureExt;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpSocket;

use super::*;

/// What the server does with a request, byte for byte; it hangs up after the last one.
type Answers = &'static [&'static str];

/// The requests of each connection.
type Requests = Vec<Vec<String>>;

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// A server with a list of answers for each connection; ends with the requests of each, and
/// with where further ones would arrive.
fn server(connections: &'static [Answers]) -> (Uri, JoinHandle<(Requests, TcpListener)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = |listener: &TcpListener, answers: &Answers| {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = |text: &&str| {
            let request = request(&mut stream)?;
            stream.write_all(text.as_bytes()).unwrap();
            Some(request)
        };
        answers.iter().map_while(answer).collect()
    };
    let work = move || {
        let requests = connections.iter().map(|answers| serve(&listener, answers)).collect();
        (requests, listener)
    };
    (url.parse().unwrap(), thread::spawn(work))
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

/// The way through a proxy, without one.
fn proxied(endpoint: &Endpoint) -> Transport {
    let proxied = Proxied::new(endpoint.base_url.clone(), endpoint.connect_timeout);
    Transport::Proxied(proxied.unwrap())
}

fn question<'a>(path: &'a Uri, headers: &'a HeaderMap, timeout: Duration) -> Question<'a> {
    let (method, body) = (hyper::Method::POST, Bytes::from_static(b"{}"));
    Question { method, path, headers, body, timeout, most: 8 }
}

/// What each transport gets for some requests in a row.
async fn told(
    connections: &'static [Answers],
    requests: usize,
    timeout: Duration,
) -> [(Vec<Result<Answered, TransportError>>, Requests); 2] {
    let mut told = Vec::new();
    for proxied in [false, true] {
        let (uri, server) = server(connections);
        let transport = if proxied {
            Transport::Proxied(Proxied::new(uri.to_string().parse().unwrap(), PATIENCE).unwrap())
        } else {
            Transport::Direct(Direct::new(uri.clone(), PATIENCE).unwrap())
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(uri.authority().unwrap().as_str()).unwrap());
        let path = "/v1/mgmt/user?a=%2B1".parse().unwrap();
        let mut answered = Vec::new();
        for _ in 0..requests {
            answered.push(transport.exchange(question(&path, &headers, timeout)).await);
        }
        drop(transport);
        let end = tokio::task::spawn_blocking(|| server.join().unwrap()).await.unwrap();
        let (requests, listener) = end;
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "something was sent again");
        told.push((answered, requests));
    }
    told.try_into().unwrap()
}

/// What came, in short.
fn short(answered: &Result<Answered, TransportError>) -> String {
    match answered {
        Ok(Answered { status, body: Ok(body), .. }) => {
            format!("{} {}", status.as_u16(), String::from_utf8_lossy(body))
        }
        Ok(Answered { status, body: Err(unread), .. }) => format!("{} {unread:?}", status.as_u16()),
        Err(TransportError { sent, cause, .. }) => format!("{sent:?} {cause:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_told_as_it_came() {
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
        ("no HTTP at all\r\n\r\n", "Maybe Broken"),
    ] {
        let answers: Answers = Vec::leak(vec![answer]);
        for (answered, requests) in told(Vec::leak(vec![answers]), 1, PATIENCE).await {
            assert_eq!(short(&answered[0]), expected, "{answer}");
            assert_eq!(requests[0].len(), 1, "sent once, {answer}");
            assert!(requests[0][0].starts_with("POST /v1/mgmt/user?a=%2B1 HTTP/1.1\r\n"));
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_was_read_to_the_end() {
    const TOO_LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789";
    const LAST: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    const CASES: [(&[Answers], [&str; 3]); 4] = [
        (&[&[WHOLE, WHOLE, WHOLE]], ["200 {}"; 3]),
        (&[&[LAST], &[WHOLE, WHOLE]], ["200 {}"; 3]),
        (&[&[TOO_LARGE], &[WHOLE, WHOLE]], ["200 TooLarge", "200 {}", "200 {}"]),
        (&[&[""], &[WHOLE, WHOLE]], ["Maybe Broken", "200 {}", "200 {}"]),
    ];
    for (connections, expected) in CASES {
        for (answered, requests) in told(connections, 3, PATIENCE).await {
            assert_eq!(answered.iter().map(short).collect::<Vec<_>>(), expected);
            let (sent, meant): (Vec<usize>, Vec<usize>) =
                requests.iter().zip(connections).map(|(is, meant)| (is.len(), meant.len())).unzip();
            assert_eq!(sent, meant, "requests on each connection");
        }
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
        for (answered, requests) in told(connections, 1, Duration::from_millis(50)).await {
            assert_eq!(short(&answered[0]), expected);
            assert_eq!(requests[0].len(), 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_got_nothing() {
    // Nobody listens, nor can anybody come to.
    let socket = bound();
    let gone = socket.local_addr().unwrap();
    let endpoint = endpoint(gone, 1, 2);
    let mut wire = Wire::new(&endpoint).unwrap();
    for transport in [None, Some(proxied(&endpoint))] {
        wire.transport = transport.unwrap_or(wire.transport);
        let lost = wire.handshake().await.unwrap_err();
        assert_eq!((lost.sent, lost.cause), (Sent::No, TransportCause::Unreachable));
        assert!(!lost.detail.contains(&gone.port().to_string()), "{}", lost.detail);
        assert!(lost.detail.contains("refused"), "{}", lost.detail);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_take_connections_got_nothing() {
    let listener = bound().listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Those that wait to be accepted are as many as may wait.
    let patience = Duration::from_millis(100);
    let waiting: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
    assert!(waiting.len() < 10);
    // By the clock that stands still until nobody else does anything.
    for (connect_timeout, timeout) in [(1, 60), (10, 60), (1, 2)] {
        let endpoint = endpoint(address, connect_timeout, timeout);
        for transport in [None, Some(proxied(&endpoint))] {
            let mut wire = Wire::new(&endpoint).unwrap();
            wire.transport = transport.unwrap_or(wire.transport);
            let begun = Instant::now();
            let lost = wire.handshake().await.unwrap_err();
            assert_eq!((lost.sent, lost.cause), (Sent::No, TransportCause::Unreachable));
            assert_eq!(begun.elapsed().as_secs(), connect_timeout);
            let told = ["it took too long", "operation timed out"].contains(&&*lost.detail);
            assert!(told, "{}", lost.detail);
        }
    }
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_meanwhile_costs_nothing() {
    let (uri, server) = server(&[&[WHOLE], &[WHOLE]]);
    let direct = Direct::new(uri, PATIENCE).unwrap();
    for _ in 0..2 {
        assert_eq!(asked(&direct).await, "200 {}");
        while !direct.idle_is_closed() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.join().unwrap().0.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
}

/// The client's end of a connection, the work that it needs, and the server's end.
async fn connection()
-> (SendRequest<Full<Bytes>>, http1::Connection<TokioIo<DuplexStream>, Full<Bytes>>, DuplexStream) {
    let (client, server) = tokio::io::duplex(1024);
    let (connection, work) = http1::handshake(TokioIo::new(client)).await.unwrap();
    (connection, work, server)
}

async fn asked(direct: &Direct) -> String {
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("server"))]);
    short(&direct.exchange(question(&"/".parse().unwrap(), &headers, PATIENCE)).await)
}

#[tokio::test]
async fn a_request_that_a_connection_gives_back_goes_over_another() {
    let (uri, server) = server(&[&[WHOLE]]);
    let direct = Direct::new(uri, PATIENCE).unwrap();
    let (connection, mut work, _server) = connection().await;
    assert!((&mut work).now_or_never().is_none(), "it waits for a request");
    assert!(connection.is_ready());
    direct.keep(connection);
    // It ends with the request before it.
    let (answer, ()) = tokio::join!(asked(&direct), async { drop(work) });
    assert_eq!(answer, "200 {}");
    assert_eq!(server.join().unwrap().0[0].len(), 1);
}

#[tokio::test]
async fn a_connection_that_does_not_become_ready_is_given_up() {
    let (uri, server) = server(&[&[WHOLE]]);
    let direct = Direct::new(uri, PATIENCE).unwrap();
    // Nobody works on it, as if its last request did not get out.
    let (connection, _work, _server) = connection().await;
    assert!(!connection.is_ready() && !connection.is_closed());
    direct.keep(connection);
    assert_eq!(asked(&direct).await, "200 {}");
    assert_eq!(server.join().unwrap().0[0].len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_ready_comes_before_one_that_is_not() {
    let direct = Direct::new("http://127.0.0.1:1".parse().unwrap(), PATIENCE).unwrap();
    let (ready, work, mut server) = connection().await;
    tokio::spawn(work);
    tokio::task::yield_now().await;
    let (unready, _work, _server) = connection().await;
    direct.keep(ready);
    direct.keep(unready);
    tokio::spawn(async move {
        assert!(server.read(&mut [0; 1024]).await.unwrap() > 0);
        server.write_all(WHOLE.as_bytes()).await.unwrap();
    });
    assert_eq!(asked(&direct).await, "200 {}");
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
            let lines = std::io::BufReader::new(&stream).lines().map(Result::unwrap);
            let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            (&stream).write_all(WHOLE.as_bytes()).unwrap();
            request
        });
        Wire::new(&endpoint).unwrap().handshake().await.unwrap();
        let request = serve.join().unwrap();
        assert_eq!(request[0], format!("GET {path}/v1/mgmt/license HTTP/1.1"));
        assert!(request.contains(&format!("host: {address}")), "{request:?}");
    }
}

fn name(body: &Body) -> &'static str {
    match body {
        Body::User(_) => "user",
        Body::Whole(_) => "whole object",
        Body::Object => "object",
        Body::Error(_) => "error",
        Body::BrokenOff => "broken off",
        Body::Unreadable => "unreadable",
    }
}

#[test]
fn bodies_are_told_apart() {
    for (status, body, expected) in [
        (200, r#"{"user":{"userId":"U1","new":1}}"#, "user"),
        (200, r#"{"user":null}"#, "object"),
        (200, r#"{"user":"U1"}"#, "object"),
        (200, r#"{"cleartext":"x"}"#, "object"),
        (200, "", "object"),
        (200, "<html>", "unreadable"),
        (200, "[]", "unreadable"),
        (400, r#"{"errorCode":"E011003","message":"x"}"#, "error"),
        (400, r#"{"message":"x"}"#, "unreadable"),
        (502, "Bad gateway", "unreadable"),
    ] {
        let code = StatusCode::from_u16(status).unwrap();
        assert_eq!(name(&parse(code, body.as_bytes())), expected, "{status} {body}");
    }
}

#[test]
fn the_user_is_kept_as_it_was_sent() {
    let body = parse(StatusCode::OK, br#"{"user": {"b": 1.50,  "a":"\u00e9"}}"#);
    let Body::User(user) = body else { panic!("no user") };
    assert_eq!(user.get(), r#"{"b": 1.50,  "a":"\u00e9"}"#);
}

#[test]
fn a_user_is_named_in_the_query_to_the_letter() {
    for login_id in ["+1 415-555", "a&b=c#d%2B@x.com", "é"] {
        let named = naming("/v1/mgmt/user", login_id);
        let query = named.strip_prefix("/v1/mgmt/user?").unwrap();
        assert!(named.parse::<Uri>().is_ok() && !query.contains('#'), "{named}");
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(pairs, [("loginId".to_owned(), login_id.to_owned())]);
    }
    assert_eq!(naming("/a", "+1"), "/a?loginId=%2B1");
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
