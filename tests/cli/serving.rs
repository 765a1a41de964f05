//! The live page of a run, by its requests; how it looks is a browser's matter (tests/page).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ChildStderr;

use serde_json::{Value, json};

use crate::support::{Run, Running, Simulator, rows, wait_until};

/// A run with a page, which goes on until it is stopped.
struct Served {
    running: Running,
    /// Held, so that the run can go on to write to it.
    _screen: BufReader<ChildStderr>,
    /// Host and port, and the path of the page.
    host: String,
    path: String,
}

impl Served {
    fn start(simulator: &Simulator) -> Self {
        let run = Run::against(simulator).file("in.csv", rows(20_000));
        let run = run.args(&["--operation", "name", "--rate", "50/s", "--serve", "127.0.0.1:0"]);
        let mut running = run.spawn();
        let mut screen = BufReader::new(running.child.stderr.take().unwrap());
        let mut line = String::new();
        screen.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("watch this run at http://").expect(&line);
        let (host, path) = url.split_once('/').unwrap();
        let (host, path) = (host.to_owned(), format!("/{path}"));
        Self { running, _screen: screen, host, path }
    }

    /// The status and the body of an answer.
    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        self.ask_as(&self.host, method, path)
    }

    fn ask_as(&self, name: &str, method: &str, path: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(&self.host).unwrap();
        write!(
            connection,
            "{method} {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn order(&self, name: &str) -> u16 {
        self.ask("POST", &format!("{}{name}", self.path)).0
    }
}

#[test]
fn a_pause_holds_the_run_and_a_stop_ends_it_so_that_it_can_be_resumed() {
    let simulator = Simulator::start(&[]);
    let served = Served::start(&simulator);
    simulator.wait_for_arrivals(5);
    assert_eq!(served.order("pause"), 200);
    let held = "descope_bulk_run_held{run=\"in\"} 1\n";
    wait_until("it is held", || served.ask("GET", "/metrics").1.contains(held));
    assert_eq!(served.order("slower"), 200);
    assert_eq!(served.order("stop"), 200);
    let ran = served.running.end().code(3);
    let summary = ran.summary();
    assert_eq!(summary["stopped"]["reason"], "stopped_from_page");
    let actions: Vec<&Value> =
        summary["interventions"].as_array().unwrap().iter().map(|own| &own["action"]).collect();
    assert_eq!(actions, ["paused", "pace", "stopped"]);
    assert_eq!(summary["interventions"][1]["percent"], 75);
    assert!(ran.tally("not_attempted") > 0);
    assert_eq!(ran.tally("updated"), simulator.stop().len() as u64);
}

#[test]
fn the_page_is_for_those_who_know_its_address() {
    let simulator = Simulator::start(&[]);
    let served = Served::start(&simulator);
    simulator.wait_for_arrivals(1);
    let (status, page) = served.ask("GET", &served.path);
    assert!(status == 200 && page.contains("<title>A run in progress</title>"), "{page}");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/0123456789abcdef0123456789abcdef/"),
        ("POST", "/0123456789abcdef0123456789abcdef/stop"),
        ("POST", "/stop"),
        ("GET", "/../etc/passwd"),
    ] {
        assert_eq!(served.ask(method, path).0, 404, "{method} {path}");
    }
    assert_eq!(served.ask("GET", &format!("{}stop", served.path)).0, 405, "a link stops nothing");
    let elsewhere = served.ask_as("evil.example", "GET", "/metrics");
    assert_eq!(elsewhere.0, 421, "another site's name that leads here");
    assert_eq!(served.ask("GET", "/healthz"), (200, "ok\n".to_owned()));
    let (status, numbers) = served.ask("GET", "/metrics");
    assert!(status == 200 && numbers.contains("descope_bulk_run_in_progress{run=\"in\"} 1\n"));
    assert!(!numbers.contains("x.com"), "{numbers}");
    let (status, report) = served.ask("GET", &format!("{}report", served.path));
    assert!(status == 200 && report.contains("This run is not finished"), "{report}");
    assert_eq!(served.order("stop"), 200);
    served.running.end().code(3);
}

#[test]
fn whoever_watches_sees_the_end() {
    let simulator = Simulator::start(&[]);
    let served = Served::start(&simulator);
    simulator.wait_for_arrivals(1);
    let mut watching = TcpStream::connect(&served.host).unwrap();
    write!(watching, "GET {}events HTTP/1.1\r\nHost: {}\r\n\r\n", served.path, served.host)
        .unwrap();
    let mut events = BufReader::new(watching).lines().map_while(Result::ok);
    assert!(events.any(|line| line.starts_with("data: {")));
    assert_eq!(served.order("stop"), 200);
    let last = events.filter(|line| line.starts_with("data: ")).last().unwrap();
    let last: Value = serde_json::from_str(&last["data: ".len()..]).unwrap();
    assert_eq!(last["hasEnded"], true, "{last}");
    assert_eq!(last["headline"], "Stopped early: stopped from its page");
    assert_eq!(last["can"], Value::Array(Vec::new()));
    let ran = served.running.end().code(3);
    let rows = format!("{} updated", ran.tally("updated"));
    assert!(last["total"].as_str().unwrap().contains(&rows), "{last}");
    let calls = ran.summary()["calls"].to_string();
    assert!(last["facts"].as_array().unwrap().contains(&json!(["Calls", calls])), "{last}");
}

#[test]
fn addresses_that_cannot_or_must_not_be_had_are_refused_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = || Run::rehearsed().file("in.csv", rows(1));
    let ran = run().args(&["--serve", &address]).go().code(2).says(&format!("--serve {address}: "));
    assert!(!ran.path("out").exists());
    run().args(&["--serve", "0.0.0.0:0"]).go().code(2).says("add --serve-public to allow it");
    for address in ["localhost:0", "9464", "127.0.0.1:80000"] {
        run().args(&["--serve", address]).go().code(2).says("such as 127.0.0.1:9464");
    }
    run().args(&["--serve", "0.0.0.0:0", "--serve-public"]).go().code(0).says("watch this run at ");
}

#[test]
fn its_address_is_told_whatever_the_log_is_like() {
    for words in [&[][..], &["--log-format", "json"]] {
        for quiet in [&[][..], &["--quiet"]] {
            let run = Run::rehearsed().file("in.csv", rows(1)).args(words).args(quiet);
            let ran = run.args(&["--serve", "127.0.0.1:0"]).go().code(0);
            let lines: Vec<_> = ran.stderr.lines().filter(|own| own.contains("http://")).collect();
            assert_eq!(lines.len(), 1, "{words:?} {quiet:?}: {}", ran.stderr);
            if !words.is_empty() {
                let line: Value = serde_json::from_str(lines[0]).unwrap();
                assert_eq!(
                    (&line["level"], &line["message"]),
                    (&json!("INFO"), &json!("live page"))
                );
                assert!(line["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{line}");
            }
        }
    }
}
