//! Stopping early: by signal, by too many failures, by files that cannot be read or written.

use std::process::Stdio;

use crate::support::{Run, Simulator, rows, signal, wait_until};

#[test]
fn a_signal_drains_and_closes_the_books() {
    for (name, code, word) in
        [("INT", 130, "interrupted"), ("TERM", 143, "terminated"), ("HUP", 143, "terminated")]
    {
        let simulator = Simulator::start(&["--latency", "50ms"]);
        let running = Run::against(&simulator)
            .args(&["--concurrency", "4"])
            .file("in.csv", rows(5_000))
            .spawn();
        simulator.wait_for_arrivals(20);
        signal(&running.child, name);
        let ran = running.end().code(code);
        let summary = ran.summary();
        assert_eq!(summary["stopped"]["reason"], word);
        assert_eq!(summary["exitCode"], code);
        let updated = ran.tally("updated");
        assert!(updated >= 16 && ran.tally("not_attempted") > 0, "{summary}");
        let arrivals = simulator.stop();
        assert_eq!(updated, arrivals.len() as u64, "what was on the wire is recorded");
        assert_eq!(ran.results().len() as u64, updated);
    }
}

#[test]
fn a_signal_before_the_first_request_says_that_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let run = Run::new().credentials().file("in.csv", rows(10));
    let running = run.args(&["--base-url", &url]).spawn();
    // It asks for its tier, and gets no answer.
    let _asking = listener.accept().unwrap();
    signal(&running.child, "INT");
    let ran = running.end().code(130);
    let ran = ran.says("interrupted (SIGINT) before the first request: nothing was sent");
    assert!(!ran.stderr.contains("in flight"), "{}", ran.stderr);
    assert!(!ran.path("out").exists(), "there is nothing to resume");
}

#[test]
fn a_signal_wakes_rows_that_wait() {
    let simulator = Simulator::start(&["--fault", "429:retry-after=3600"]);
    let running = Run::against(&simulator).file("in.csv", rows(10)).spawn();
    simulator.wait_for_arrivals(1);
    signal(&running.child, "TERM");
    let ran = running.end().code(143);
    assert!(ran.tally("read") > 0);
    assert_eq!(ran.tally("not_attempted"), ran.tally("read"));
}

/// A server that shakes hands and then keeps every request without an answer; it tells of each.
fn silent() -> (String, std::sync::mpsc::Receiver<()>) {
    use std::io::{BufRead, BufReader, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::sync_channel(100);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if line.starts_with("GET /v1/mgmt/license") {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            } else {
                kept.push(stream);
                tell.send(()).unwrap();
            }
        }
    });
    (url, told)
}

#[test]
fn a_second_signal_drops_what_is_on_the_wire() {
    let (url, told) = silent();
    let mut running =
        Run::new().credentials().args(&["--base-url", &url]).file("in.csv", rows(1_000)).spawn();
    for _ in 0..3 {
        told.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    }
    // Signals that come before the first is handled count as one, so repeat until it ends.
    wait_until("the run ends", || {
        signal(&running.child, "INT");
        running.child.try_wait().unwrap().is_some()
    });
    assert_eq!(running.end().status.code(), Some(130));
}

#[test]
fn the_same_failure_over_and_over_stops_the_run() {
    let simulator = Simulator::bare(&["--rate-limit", "off"]);
    let ran = Run::against(&simulator).file("in.csv", rows(1_000)).go().code(3);
    assert_eq!(ran.summary()["stopped"]["reason"], "same_failure");
    assert!((50..150).contains(&ran.tally("rejected")), "{}", ran.tally("rejected"));
    let ran = Run::against(&simulator)
        .args(&["--max-same-failures", "0"])
        .file("in.csv", rows(1_000))
        .go()
        .code(1);
    assert_eq!(ran.tally("rejected"), 1_000);
}

#[test]
fn too_many_failures_stop_the_run() {
    let simulator = Simulator::bare(&["--rate-limit", "off"]);
    let ran = Run::against(&simulator)
        .args(&["--max-failures", "3", "--concurrency", "1"])
        .file("in.csv", rows(100))
        .go()
        .code(3);
    assert_eq!(ran.summary()["stopped"]["reason"], "max_failures");
    // Some more may go out before the engine has seen the fourth failure.
    assert!((4..50).contains(&ran.tally("rejected")), "{}", ran.tally("rejected"));
}

#[test]
fn going_on_bears_as_many_failures_again() {
    let simulator = Simulator::bare(&["--users", "1000", "--rate-limit", "off"]);
    let row =
        |n| if n % 2 == 0 { format!("user{n}@example.com,N\n") } else { format!("no{n},N\n") };
    let rows = "loginId,name\n".to_owned() + &(1..=60).map(row).collect::<String>();
    let run = Run::against(&simulator).args(&["--max-failures", "9", "--concurrency", "1"]);
    let mut ran = run.file("in.csv", rows).go().code(3);
    let mut sessions = 1;
    while ran.status.code() == Some(3) {
        let output = crate::support::program_against(&simulator, ran.folder())
            .args(["run", "--resume", "--out", "out", "--max-failures", "9", "--concurrency", "1"])
            .arg("in.csv")
            .output()
            .unwrap();
        ran = crate::support::Ran::of(ran, output);
        sessions += 1;
        assert!(sessions < 10, "it does not get on: {}", ran.stdout);
    }
    assert_eq!((ran.tally("updated"), ran.tally("rejected")), (30, 30));
}

#[test]
fn a_tenth_of_wrong_rows_is_a_tenth_however_slow_the_server_is() {
    let simulator = Simulator::start(&["--latency", "50ms"]);
    let row = |n| format!("u{n},{},true\n", if n % 10 == 0 { "bad" } else { "+14155550100" });
    let rows = "loginId,phone,verified\n".to_owned() + &(0..700).map(row).collect::<String>();
    let ran =
        Run::against(&simulator).args(&["--max-failures", "20%"]).file("in.csv", rows).go().code(1);
    assert_eq!((ran.tally("updated"), ran.tally("invalid")), (630, 70));
}

#[test]
fn a_quote_that_is_never_closed_ends_the_run_after_the_rows_before_it() {
    let simulator = Simulator::start(&[]);
    let rows = "loginId,name\na,A\nb,\"B\nc,C\nd,D\n";
    let ran = Run::against(&simulator).file("in.csv", rows).go().code(3);
    assert_eq!(ran.statuses(), ["updated", "invalid"]);
    assert_eq!(ran.kinds(), ["unterminated_quote"]);
    assert!(ran.stdout.contains("in.csv:3"), "{}", ran.stdout);
    assert_eq!(ran.summary()["stopped"]["reason"], "unreadable_input");
    assert!(!ran.stdout.contains("--resume"), "it would stop there again: {}", ran.stdout);
}

#[test]
fn standard_input_that_never_ends_does_not_hold_up_a_stop() {
    let simulator = Simulator::start(&[]);
    let running =
        Run::against(&simulator).args(&["-", "--format", "csv"]).stdin(Stdio::piped()).spawn();
    // Input is kept before anything is sent; the folder shows that it is being kept.
    wait_until("the input is kept", || running.folder().join("out/input-1").exists());
    signal(&running.child, "TERM");
    let ran = running.end().code(143);
    assert!(!ran.path("").exists(), "what was kept so far is removed");
    assert!(simulator.stop().is_empty(), "nothing is sent before the input has ended");
}

#[test]
fn a_run_folder_in_use_is_never_written_over() {
    let simulator = Simulator::start(&[]);
    let run = Run::against(&simulator).file("in.csv", rows(1));
    std::fs::create_dir(run.path("out")).unwrap();
    std::fs::write(run.path("out").join("results.jsonl"), "mine").unwrap();
    let ran = run.go().code(2).says("out");
    assert_eq!(ran.read("results.jsonl"), "mine");
    assert!(simulator.stop().is_empty(), "nothing was sent");
}
