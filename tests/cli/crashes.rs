//! `kill -9` at random moments, again and again, over runs with retries, rate limits, lost
//! answers and renames; judged by what arrived at the simulator.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::Child;

use serde_json::Value;

use crate::support::{Simulator, lines, program_against, results_in, text, wait_until};

const ROUNDS: u64 = 100;
const THREADS: u64 = 2;
const USERS: u64 = 12;

/// Three names for each user, a rename for every third, and a name under the new name.
fn rows() -> String {
    let name = |user: String, number: u64| {
        let name = format!("{user} {number}");
        serde_json::json!({"operation": "name", "loginId": user, "name": name})
    };
    let mut rows = Vec::new();
    for number in 1..=3 {
        rows.extend((0..USERS).map(|user| name(format!("u{user}"), number)));
    }
    for user in (0..USERS).step_by(3) {
        let (old, new) = (format!("u{user}"), format!("v{user}"));
        rows.push(serde_json::json!({"operation": "loginid", "loginId": old, "newLoginId": new}));
        rows.push(name(new, 4));
    }
    rows.iter().map(|row| row.to_string() + "\n").collect()
}

fn start(folder: &Path, simulator: &Simulator, flags: &[&str]) -> Child {
    program_against(simulator, folder)
        .args(["run", "--resume", "--out", "out", "--quiet", "--json", "in.jsonl"])
        .args(flags)
        .args(["--concurrency", "6", "--max-attempts", "20", "--max-same-failures", "0"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the run when so many requests have arrived, unless it ends before.
fn kill_at(child: &mut Child, simulator: &Simulator, arrivals: usize) -> bool {
    let mut ended = false;
    wait_until("the run ends or has sent enough", || {
        ended = child.try_wait().unwrap().is_some();
        ended || simulator.arrivals().len() >= arrivals
    });
    if !ended {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    !ended
}

fn round(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let seed_argument = seed.to_string();
    let simulator = Simulator::start(&[
        "--latency",
        "0ms..4ms",
        "--log-bodies",
        "--seed",
        &seed_argument,
        "--fault",
        "503:rate=0.05",
        "--fault",
        "apply-drop:rate=0.04",
        "--fault",
        "drop:rate=0.03",
        "--fault",
        "429:retry-after=1,rate=0.005,times=1",
    ]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), rows()).unwrap();
    let flags = if seed.is_multiple_of(3) { &["--compress-results"][..] } else { &[] };
    let mut crashes = 0;
    for _ in 0..rng.usize(1..4) {
        let mut child = start(folder.path(), &simulator, flags);
        let more = rng.usize(0..25);
        crashes += usize::from(kill_at(&mut child, &simulator, simulator.arrivals().len() + more));
    }
    let code = start(folder.path(), &simulator, flags).wait().unwrap().code();
    let results = results_in(&folder.path().join("out"));
    let verified =
        program_against(&simulator, folder.path()).args(["verify-files", "out"]).output();
    let verified = verified.unwrap();
    let arrivals = simulator.stop();
    assert!(
        verified.status.success(),
        "seed {seed}: {}",
        String::from_utf8_lossy(&verified.stdout)
    );
    let context = format!("seed {seed}, {crashes} crashes");
    assert_eq!(code, Some(0), "{context}: {results:#?}");
    check_results(&results, &context);
    check_arrivals(&arrivals, crashes, &context);
    let kept = lines(&folder.path().join("out/before.jsonl"));
    check_before(&kept, &arrivals, &context);
}

/// Every row once, in the order of each user, with the user as it came to be.
fn check_results(results: &[Value], context: &str) {
    let rows: Vec<u64> = {
        let mut rows: Vec<u64> = results.iter().map(|r| r["row"].as_u64().unwrap()).collect();
        rows.sort_unstable();
        rows
    };
    let expected = rows_expected();
    assert_eq!(rows, (1..=expected).collect::<Vec<_>>(), "{context}: each row exactly once");
    let mut last: HashMap<&str, u64> = HashMap::new();
    for result in results {
        let user = text(result, "loginId").trim_start_matches(['u', 'v']);
        let row = result["row"].as_u64().unwrap();
        let before = last.insert(user, row).unwrap_or(0);
        assert!(before < row, "{context}: row {row} after row {before} of one user");
    }
}

/// How a user was is kept for every one who was written to, and shows nothing that the run wrote.
fn check_before(kept: &[Value], arrivals: &[Value], context: &str) {
    let mut first: HashMap<&str, &Value> = HashMap::new();
    for image in kept {
        let named = image["user"]["loginIds"][0].as_str().unwrap();
        first.entry(named.trim_start_matches(['u', 'v'])).or_insert(&image["user"]);
    }
    for sent in arrivals.iter().filter(|arrival| arrival["applied"] == true) {
        let user = text(sent, "loginId").trim_start_matches(['u', 'v']);
        let before = first.get(user).unwrap_or_else(|| panic!("{context}: no image of {user}"));
        assert_eq!(before["name"], "", "{context}: {before}");
        assert_eq!(before["loginIds"][0], format!("u{user}"), "{context}");
    }
}

fn rows_expected() -> u64 {
    3 * USERS + 2 * USERS.div_ceil(3)
}

fn check_arrivals(arrivals: &[Value], crashes: usize, context: &str) {
    // What each request says, and how it went, in the order of arrival.
    let mut requests: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let updates = arrivals.iter().filter(|arrival| arrival["method"] == "POST");
    for arrival in updates {
        requests.entry(arrival["body"].to_string()).or_default().push(arrival);
    }
    for (body, sent) in requests {
        let answered = sent.iter().filter(|arrival| arrival["status"] == 200).count();
        if body.contains("newLoginId") {
            let applied = sent.iter().position(|arrival| arrival["applied"] == true);
            assert_eq!(applied, Some(sent.len() - 1), "{context}: {body} sent after it succeeded");
        } else {
            assert!(answered <= 1 + crashes, "{context}: {body} answered {answered} times");
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_done_twice() {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope
                .spawn(move || (0..ROUNDS).filter(|seed| seed % THREADS == thread).for_each(round));
        }
    });
}
