//! The rate: never a 429 to us when we are alone, a closed gate for all when there is one.

use std::fs;

use crate::support::{Run, Simulator, program_within, rows, text};

#[test]
fn a_server_that_counts_in_a_sliding_window_never_refuses_us() {
    let simulator = Simulator::start(&["--rate-limit", "50/1s", "--latency", "0ms..30ms"]);
    let ran = Run::against(&simulator)
        .args(&["--max-share", "100%"])
        .file("in.csv", rows(200))
        .go()
        .code(0);
    assert_eq!(ran.tally("updated"), 200);
    assert_eq!(ran.summary()["rateLimited"], 0);
    let arrivals = simulator.stop();
    assert!(arrivals.iter().all(|arrival| arrival["status"] == 200));
    assert_eq!(arrivals.len(), 200, "each row costs one call");
}

#[test]
fn a_429_closes_the_gate_for_all_and_costs_no_attempt() {
    // With a gate that stays open, 4 slots would send some 80 requests in the two seconds.
    let fault = "429:retry-after=2,after=10,times=1";
    let simulator = Simulator::start(&["--latency", "100ms", "--fault", fault]);
    let ran = Run::against(&simulator)
        .args(&["--max-attempts", "1", "--concurrency", "4", "--rate", "off"])
        .file("in.csv", rows(100))
        .go()
        .code(0);
    assert_eq!(ran.tally("updated"), 100);
    assert!(ran.results().iter().all(|result| result["attempts"] == 1));
    let summary = ran.summary();
    assert_eq!(summary["rateLimited"], 1);
    assert!(summary["waited"]["coolDownMs"].as_u64().unwrap() >= 1_900, "{summary}");
    let arrivals = simulator.stop();
    let at = |arrival: &serde_json::Value| arrival["at"].as_f64().unwrap();
    let refused = arrivals.iter().find(|arrival| arrival["status"] == 429).unwrap();
    let closed = at(refused)..at(refused) + 2_000.0;
    let within = arrivals.iter().filter(|arrival| closed.contains(&at(arrival))).count();
    assert!(within <= 8, "only what was let through before the answer was here: {within}");
}

#[test]
fn as_many_connections_as_slots_or_a_word_why_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), rows(400)).unwrap();
    let run = |limit: &str| {
        let mut program = program_within(limit);
        program.args(["run", "in.csv", "--simulate", "--latency", "100ms", "--concurrency", "200"]);
        let output = program.current_dir(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stderr) = run("-n 64");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("464 open files") && stderr.contains("allows 64"), "{stderr}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was begun");
    let (code, stderr) = run("-Sn 64");
    assert_eq!(code, Some(0), "what may be had is asked for: {stderr}");
}

#[test]
fn a_rate_that_is_asked_for_is_kept() {
    let simulator = Simulator::start(&[]);
    Run::against(&simulator).args(&["--rate", "20/1s"]).file("in.csv", rows(60)).go().code(0);
    let arrivals: Vec<f64> =
        simulator.stop().iter().map(|arrival| arrival["at"].as_f64().unwrap()).collect();
    for (i, first) in arrivals.iter().enumerate() {
        let within = arrivals[i..].iter().take_while(|at| **at < first + 1_000.0).count();
        assert!(within <= 20, "{within} in the second from {first}");
    }
}

#[test]
fn the_documented_limit_is_kept_with_the_share_that_is_left_to_us() {
    let simulator = Simulator::bare(&["--create-missing", "--rate-limit", "documented"]);
    let ran =
        Run::against(&simulator).file("in.csv", rows(5)).go().code(0).says("400 calls a minute");
    assert_eq!(ran.summary()["simulated"], true, "a simulator is told from the real thing");
    let refused = Run::against(&simulator).args(&["--max-share", "0%"]).file("in.csv", rows(1));
    refused.go().code(2).says("percentage");
    let both = Run::against(&simulator).args(&["--max-share", "50%", "--rate", "1/1s"]);
    both.file("in.csv", rows(1)).go().code(2).says("cannot be used with");
}

#[test]
fn paths_with_a_lower_limit_keep_it_too() {
    let simulator = Simulator::bare(&["--create-missing", "--rate-limit", "documented"]);
    let ran = Run::against(&simulator)
        .args(&["--max-share", "1%", "--operation", "update", "--allow-destructive"])
        .file("in.csv", rows(2))
        .go()
        .code(0);
    let arrivals = simulator.stop();
    assert!(arrivals.iter().all(|arrival| text(arrival, "path") == "/v1/mgmt/user/update"));
    assert_eq!(ran.summary()["rateLimited"], 0);
}

/// Four processes for one project, started at the same time.
#[test]
fn processes_share_one_limit() {
    const ROWS: usize = 150;
    // The simulator's windows slide, and a request too many closes it for a window.
    let simulator = Simulator::start(&["--rate-limit", "100/2s", "--latency", "0ms..30ms"]);
    let runs: Vec<_> = (0..4)
        .map(|run| {
            let content = rows(ROWS).replace("@x.com", &format!("-{run}@x.com"));
            let run = Run::against(&simulator).args(&["--max-share", "100%"]);
            run.file("in.csv", content).spawn()
        })
        .collect();
    for run in runs {
        let ran = run.end().code(0);
        assert_eq!(ran.summary()["rateLimited"], 0);
    }
    let arrivals = simulator.stop();
    assert_eq!(arrivals.len(), 4 * ROWS);
    assert!(arrivals.iter().all(|arrival| arrival["status"] == 200));
    let at: Vec<f64> = arrivals.iter().map(|arrival| arrival["at"].as_f64().unwrap()).collect();
    // Judged by the simulator's own clock: the limit, used by all together. A window in which the
    // machine stood still says nothing, so it is the one in the middle that counts.
    let mut windows: Vec<usize> = (0..5)
        .map(|window| at[0] + 2000.0 * f64::from(window))
        .map(|from| at.iter().filter(|at| (from..from + 2000.0).contains(*at)).count())
        .collect();
    windows.sort_unstable();
    assert!(windows[2] >= 90, "of 100 in each window: {windows:?}");
}

#[test]
fn a_run_knows_what_the_last_one_has_sent() {
    let simulator = Simulator::start(&["--rate-limit", "60/3s"]);
    for run in 0..3 {
        let content = rows(50).replace("@x.com", &format!("-{run}@x.com"));
        let ran = Run::against(&simulator).args(&["--max-share", "100%"]).file("in.csv", content);
        assert_eq!(ran.go().code(0).summary()["rateLimited"], 0, "run {run}");
    }
    let without = Run::against(&simulator).args(&["--max-share", "100%", "--no-shared-budget"]);
    let ran = without.file("in.csv", rows(50)).go().code(0);
    assert!(ran.summary()["rateLimited"].as_u64().unwrap() > 0, "the window was nearly full");
}

/// A run that is killed holds back nothing for longer than a window.
#[test]
fn a_run_that_is_killed_gives_back_what_it_held() {
    let simulator = Simulator::start(&["--rate-limit", "20/1s", "--latency", "200ms"]);
    let killed = Run::against(&simulator).args(&["--max-share", "100%"]).file("in.csv", rows(500));
    let mut killed = killed.spawn();
    simulator.wait_for_arrivals(10);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    // If it were held back for good, this would end for the time.
    let arguments = ["--max-share", "100%", "--max-duration", "1m"];
    let ran = Run::against(&simulator).args(&arguments).file("in.csv", rows(30)).go().code(0);
    assert_eq!(ran.summary()["rateLimited"], 0);
}
