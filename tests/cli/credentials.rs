//! Project, key and address: refused before the first row when they are missing or malformed.

use std::fs;
use std::io::{BufRead, BufReader, Write};

use crate::support::{KEY, PROJECT, Run, Simulator, self_signed};

const ROWS: &str = "loginId,name\na@example.com,A\n";

#[test]
fn a_missing_project_or_key_is_refused_with_what_to_set() {
    let run = || Run::new().file("in.csv", ROWS);
    let ran = run().go().code(2).says("DESCOPE_PROJECT_ID").says("--simulate");
    assert!(!ran.path("").exists(), "a refused run leaves no run folder");
    run().env("DESCOPE_PROJECT_ID", PROJECT).go().code(2).says("DESCOPE_MANAGEMENT_KEY");
    run()
        .env("DESCOPE_PROJECT_ID", PROJECT)
        .env("DESCOPE_MANAGEMENT_KEY", "  ")
        .go()
        .code(2)
        .says("DESCOPE_MANAGEMENT_KEY");
}

#[test]
fn malformed_credentials_are_refused_without_showing_them() {
    let two_words = format!("{KEY} {KEY}");
    Run::new()
        .credentials()
        .env("DESCOPE_MANAGEMENT_KEY", &two_words)
        .file("in.csv", ROWS)
        .go()
        .code(2)
        .says("DESCOPE_MANAGEMENT_KEY");
    Run::new()
        .credentials()
        .args(&["--project-id", "P2 and more"])
        .file("in.csv", ROWS)
        .go()
        .code(2)
        .says("project ID");
}

#[test]
fn the_key_may_come_from_a_file() {
    let simulator = Simulator::start(&[]);
    let run = Run::new()
        .env("DESCOPE_PROJECT_ID", PROJECT)
        .env("DESCOPE_BASE_URL", &simulator.url)
        .file("in.csv", ROWS);
    fs::write(run.path("key"), format!("{KEY}\n")).unwrap();
    run.args(&["--key-file", "key"]).go().code(0);
    Run::new()
        .env("DESCOPE_PROJECT_ID", PROJECT)
        .file("in.csv", ROWS)
        .args(&["--key-file", "nowhere"])
        .go()
        .code(2)
        .says("nowhere");
}

#[test]
fn the_key_goes_over_https_only() {
    Run::new()
        .credentials()
        .file("in.csv", ROWS)
        .args(&["--base-url", "http://api.example.com"])
        .go()
        .code(2)
        .says("https");
}

#[test]
fn a_server_that_is_not_there_stops_before_the_first_row() {
    let ran = Run::new()
        .credentials()
        .file("in.csv", ROWS)
        .args(&["--base-url", "http://127.0.0.1:1"])
        .go()
        .code(3)
        .says("cannot reach http://127.0.0.1:1")
        .says("nothing was sent");
    assert!(!ran.path("").exists());
}

#[test]
fn refused_credentials_stop_before_the_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "K2another").unwrap();
    let key = key.to_str().unwrap();
    let simulator = Simulator::start(&["--project-id", PROJECT, "--management-key-file", key]);
    let rows = (0..100).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n},N\n"));
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(3);
    ran.says("the server refuses the credentials (HTTP 401").says("DESCOPE_MANAGEMENT_KEY");
    assert!(simulator.stop().is_empty(), "no row was sent");
}

/// A server that answers every request with a tier and a user, and keeps what it was sent.
fn listening() -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader, Read, Write};

    const BODY: &str = r#"{"rateLimitTier":"tier9","user":{"userId":"U1"}}"#;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut requests = Vec::new();
        while requests.len() < 2 {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                stream.read_line(&mut request).unwrap();
            }
            let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            requests.push(request + std::str::from_utf8(&body).unwrap());
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", BODY.len());
            write!(stream.get_mut(), "{head}connection: close\r\n\r\n{BODY}").unwrap();
        }
        requests
    });
    (url, server)
}

#[test]
fn requests_look_like_those_of_the_sdks() {
    let (url, server) = listening();
    let ran = Run::new()
        .credentials()
        .file("in.csv", "loginId,phone,verified\na@example.com,+14155550123,true\n")
        .args(&["--base-url", &url])
        .go()
        .code(0);
    assert_eq!(ran.summary()["simulated"], false);
    let requests = server.join().unwrap();
    let has = |request: &str, line: &str| {
        assert!(request.lines().any(|l| l == line), "no {line:?} in {request}");
    };
    has(&requests[0], "GET /base/v1/mgmt/license HTTP/1.1");
    has(&requests[1], "POST /base/v1/mgmt/user/update/phone HTTP/1.1");
    has(&requests[1], "content-type: application/json");
    has(&requests[1], &format!("authorization: Bearer {PROJECT}:{KEY}"));
    has(&requests[1], &format!("x-descope-project-id: {PROJECT}"));
    has(&requests[1], "x-descope-sdk-name: descope-bulk");
    has(&requests[1], "x-descope-license: tier9");
    let body = r#"{"loginId":"a@example.com","phone":"+14155550123","verified":true,"failOnConflict":true}"#;
    has(&requests[1], body);
}

#[test]
fn what_is_for_this_machine_goes_through_no_proxy() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let simulator = Simulator::start(&[]);
    let outside = Run::against(&simulator).file("in.csv", ROWS);
    let inside = Run::new().arg("--simulate").file("in.csv", ROWS);
    for mut run in [outside, inside] {
        for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
            run = run.env(name, &address);
        }
        assert_eq!(run.go().code(0).tally("updated"), 1);
    }
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[test]
#[cfg(target_os = "linux")]
fn a_machine_without_certificates_can_rehearse_and_is_told_what_is_missing() {
    let run = || {
        let run = Run::new().file("in.csv", ROWS);
        run.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "nowhere")
    };
    run().arg("--simulate").go().code(0);
    let outside = run().credentials().args(&["--base-url", "https://api.example.com"]);
    outside.go().code(2).says("CA certificates").says("SSL_CERT_FILE");
}

#[test]
fn what_goes_out_goes_through_the_proxy_of_the_environment() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://somebody:secret@{}", proxy.local_addr().unwrap());
    let (to_test, asked) = std::sync::mpsc::sync_channel(8);
    std::thread::spawn(move || {
        for stream in proxy.incoming() {
            let mut stream = stream.unwrap();
            let head: Vec<String> = BufReader::new(&stream)
                .lines()
                .map(|line| line.unwrap().to_lowercase())
                .take_while(|line| !line.is_empty())
                .collect();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
            to_test.send(head).unwrap();
        }
    });
    let ran = Run::new()
        .credentials()
        .file("in.csv", ROWS)
        .args(&["--base-url", "https://api.example.com"])
        .env("HTTPS_PROXY", &address)
        .go()
        .code(3)
        .says(&format!(
            "cannot reach https://api.example.com through the proxy {}: it refused to connect",
            address.rsplit('@').next().unwrap()
        ))
        .says("check HTTPS_PROXY");
    let head = asked.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(head[0], "connect api.example.com:443 http/1.1");
    let authorization = "proxy-authorization: basic c29tzwjvzhk6c2vjcmv0";
    assert!(head.iter().any(|line| line == authorization), "{head:?}");
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_key_is_refused() {
    let run = Run::new().env("DESCOPE_PROJECT_ID", PROJECT).file("in.csv", ROWS);
    fs::write(run.path("key"), "K".repeat(5_000)).unwrap();
    run.args(&["--key-file", "key"]).go().code(2).says("not a key");
}

#[test]
fn a_project_id_of_impossible_length_is_refused_before_anybody_is_asked() {
    let run = |id: &str| {
        Run::new()
            .env("DESCOPE_MANAGEMENT_KEY", "K2x")
            .args(&["--project-id", id])
            .file("in.csv", ROWS)
    };
    for id in ["P2aAc4T2V93bddihGEx2Ryhc8e5", "P2aAc4T2V93bddihGEx2Ryhc8e5Zfoo"] {
        let said = format!("the project ID has {} characters", id.len());
        run(id).go().code(2).says(&said).says("28 or 32");
    }
}

#[test]
fn the_settings_show_the_url_that_a_project_id_comes_to() {
    for (arguments, url) in [
        (&["--project-id", "Puse12aAc4T2V93bddihGEx2Ryhc8e5Z"][..], "https://api.use1.descope.com"),
        (&["--project-id", "P2aAc4T2V93bddihGEx2Ryhc8e5Z"], "https://api.descope.com"),
        (
            &["--project-id", "P2aAc4T2V93bddihGEx2Ryhc8e5Z", "--base-url", "https://a.b"],
            "https://a.b",
        ),
        (&[], "-"),
        (&["--simulate"], "-"),
    ] {
        let ran = Run::new().arg("--show-settings").args(arguments).go().code(0);
        let line = ran.stdout.lines().find(|line| line.starts_with("base-url ")).unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(url), "{arguments:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_certificate_that_is_not_trusted_is_told_with_what_to_do() {
    let run = |address: &str, pem: &str| {
        let run = Run::new().credentials().file("in.csv", ROWS);
        fs::write(run.path("ca.pem"), pem).unwrap();
        run.args(&["--base-url", address])
    };
    let (address, pem) = self_signed("127.0.0.1");
    run(&address, &pem)
        .go()
        .code(3)
        .says("this machine trusts nobody who signed the certificate of 127.0.0.1")
        .says("SSL_CERT_FILE");
    // Named, it is trusted: the server is heard.
    run(&address, &pem)
        .env("SSL_CERT_FILE", "ca.pem")
        .go()
        .code(3)
        .says("the server refuses the credentials");
    let (address, pem) = self_signed("elsewhere.example.com");
    run(&address, &pem)
        .env("SSL_CERT_FILE", "ca.pem")
        .go()
        .code(3)
        .says("the certificate shown is for another host than 127.0.0.1");
}

#[test]
fn a_server_or_a_proxy_that_cannot_be_reached_is_named() {
    let run = |address: &str| {
        Run::new().credentials().file("in.csv", ROWS).args(&["--base-url", address])
    };
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    run(&format!("https://127.0.0.1:{port}"))
        .go()
        .code(3)
        .says("127.0.0.1 does not speak TLS at this port");
    run("https://nowhere.invalid").go().code(3).says("the name nowhere.invalid is not known (DNS)");
    run("https://api.example.com")
        .env("HTTPS_PROXY", "http://user:secret@proxy.invalid:3128")
        .go()
        .code(3)
        .says("through the proxy proxy.invalid:3128: its name is not known (DNS)");
}
