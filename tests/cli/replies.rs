//! What servers answer, one fault each: what becomes of the row, and how often it was sent.

use serde_json::{Value, json};

use crate::support::{Ran, Run, Simulator, text};

/// One phone row and one rename against a fault that strikes every request, reads as well; and
/// how often each of the two was sent.
fn against(fault: &str, arguments: &[&str]) -> (Ran, Vec<usize>) {
    let simulator = Simulator::start(&["--fault", fault]);
    let rows = r#"{"operation":"phone","loginId":"a","phone":"+14155550123","verified":true}
{"operation":"loginid","loginId":"b","newLoginId":"c"}
"#;
    let ran = Run::against(&simulator)
        .args(&["--max-attempts", "2", "--timeout", "1s", "--connect-timeout", "500ms"])
        .args(arguments)
        .file("in.jsonl", rows)
        .go();
    let arrivals = simulator.stop();
    let times = ["/phone", "/loginid"].map(|path| {
        arrivals.iter().filter(|arrival| text(arrival, "path").ends_with(path)).count()
    });
    (ran, times.to_vec())
}

#[test]
fn each_fault_ends_in_its_status() {
    for (fault, statuses, kinds, times) in [
        ("status=500", ["gave_up", "unknown"], ["server_error", "unsettled"], [2, 1]),
        ("status=503", ["gave_up", "gave_up"], ["server_error", "server_error"], [2, 2]),
        ("status=400", ["rejected", "rejected"], ["refused", "refused"], [1, 1]),
        ("html=502", ["gave_up", "unknown"], ["server_error", "unsettled"], [2, 1]),
        ("garbage", ["unknown", "unknown"], ["bad_answer", "unsettled"], [2, 1]),
        ("huge", ["unknown", "unknown"], ["bad_answer", "unsettled"], [2, 1]),
        ("empty", ["unknown", "unknown"], ["bad_answer", "unsettled"], [2, 1]),
        ("drop", ["unknown", "unknown"], ["connection_lost", "unsettled"], [2, 1]),
        ("apply-drop", ["unknown", "unknown"], ["connection_lost", "unsettled"], [2, 1]),
        ("hang", ["unknown", "unknown"], ["timeout", "unsettled"], [2, 1]),
    ] {
        let (ran, sent) = against(fault, &[]);
        let ran = ran.code(1);
        assert_eq!(ran.statuses(), statuses, "{fault}");
        assert_eq!(ran.kinds(), kinds, "{fault}");
        assert_eq!(sent, times, "{fault}");
        assert_eq!(ran.read("failures.jsonl").lines().count(), 2, "{fault}");
    }
}

#[test]
fn a_body_that_breaks_off_is_judged_by_its_status() {
    let (ran, sent) = against("half", &[]);
    let ran = ran.code(0);
    assert_eq!(ran.statuses(), ["updated", "updated"]);
    assert_eq!(sent, [1, 1]);
    assert!(ran.results().iter().all(|result| result.get("user").is_none()));
}

#[test]
fn a_redirect_is_not_followed_and_halts() {
    let (ran, _) = against("redirect", &[]);
    assert_eq!(ran.code(3).summary()["stopped"]["reason"], "redirected");
}

#[test]
fn a_row_goes_again_and_succeeds() {
    let simulator = Simulator::start(&["--fault", "drop:first=1", "--fault", "status=503:first=2"]);
    let row = "loginId,name\na,A\n";
    let ran = Run::against(&simulator).file("in.csv", row).go().code(0);
    let result = &ran.results()[0];
    assert_eq!(result["status"], "updated");
    assert!(result["attempts"].as_u64().unwrap() >= 2, "{result}");
}

#[test]
fn unknown_users_conflicts_and_bad_values_are_rejected_with_the_reason() {
    let simulator = Simulator::bare(&["--users", "10", "--rate-limit", "off"]);
    let rows = r#"{"operation":"phone","loginId":"nobody@example.com","phone":"+14155550123","verified":true}
{"operation":"email","loginId":"user1@example.com","email":"user2@example.com","verified":true}
{"operation":"loginid","loginId":"user3@example.com","newLoginId":""}
{"operation":"phone","loginId":"user4@example.com","phone":"+1 (415) 555-0123","verified":false}
"#;
    let ran = Run::against(&simulator).file("in.jsonl", rows).go().code(1);
    assert_eq!(ran.statuses(), ["rejected", "rejected", "rejected", "updated"]);
    assert_eq!(ran.kinds(), ["user_not_found", "conflict", "refused"]);
    let results = ran.results();
    assert_eq!(results[0]["error"]["code"], "E112102");
    assert_eq!(results[1]["error"]["code"], "E111127");
    assert_eq!(results[1]["httpStatus"], 409);
    assert_eq!(results[3]["user"]["phone"], "+14155550123");
    assert_eq!(results[3]["user"]["verifiedPhone"], false);
}

#[test]
fn merging_users_must_be_asked_for() {
    let simulator = Simulator::bare(&["--users", "10", "--rate-limit", "off"]);
    let row = "loginId,email,verified\nuser1@example.com,user2@example.com,true\n";
    let ran =
        Run::against(&simulator).args(&["--on-conflict", "merge"]).file("in.csv", row).go().code(0);
    assert_eq!((&ran.summary()["mergeAllowed"], &ran.summary()["merged"]), (&json!(1), &json!(1)));
    // Who is gone, as they were.
    let merged = &ran.results()[0]["merged"];
    assert_eq!(merged["loginIds"], json!(["user2@example.com"]));
    assert!(ran.stdout.contains("1 row sent with permission to merge users"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 merged another user"), "{}", ran.stdout);
    // The same again merges nobody, nor does an address that is nobody's.
    let more = "loginId,email,verified\nuser1@example.com,user2@example.com,true\n\
                user3@example.com,new@example.com,true\n";
    let merge = ["--on-conflict", "merge"];
    let ran = Run::against(&simulator).args(&merge).file("in.csv", more).go().code(0);
    assert_eq!((&ran.summary()["mergeAllowed"], &ran.summary()["merged"]), (&json!(2), &json!(0)));
    assert!(ran.results().iter().all(|result| result["merged"].is_null()));
    let gone = "loginId,name\nuser2@example.com,B\n";
    Run::against(&simulator).file("in.csv", gone).go().code(0);
}

#[test]
fn a_connection_that_is_reset_is_a_lost_answer() {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut start = [0; 4];
            stream.read_exact(&mut start).unwrap();
            if &start == b"GET " {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.write_all(answer).unwrap();
                // The rest of the request is read, so that closing is no reset here.
                let _ = stream.read(&mut [0; 4096]);
            }
            // Closing with unread bytes resets the connection.
        }
    });
    let ran = Run::new()
        .credentials()
        .args(&["--base-url", &url, "--max-attempts", "2"])
        .file("in.csv", "loginId,name\na,A\n")
        .go()
        .code(1);
    assert_eq!(ran.statuses(), ["unknown"]);
    assert_eq!(ran.kinds(), ["connection_lost"]);
    assert_eq!(ran.results()[0]["attempts"], 2);
}

/// A server that answers like the API, but for requests that hold a word: a firewall has a page for
/// those. `handshake` is its answer to the licence handshake.
fn behind_a_firewall(handshake: &'static str, word: &'static str) -> String {
    answering(handshake, move |body| {
        if body.contains(word) {
            "403 <html><title>Blocked</title><p>Request rejected. ID: 4711</html>".to_owned()
        } else {
            r#"200 {"user":{"userId":"U1"}}"#.to_owned()
        }
    })
}

/// A server that answers the licence handshake so, and each body of a request with a status and a
/// body.
fn answering(handshake: &'static str, answer: impl Fn(&str) -> String + Send + 'static) -> String {
    use std::io::{BufRead, BufReader, Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let head: Vec<String> = (&mut stream)
                .lines()
                .map(|line| line.unwrap().to_lowercase())
                .take_while(|line| !line.is_empty())
                .collect();
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let licence = head[0].contains("license");
            let answer = if licence { handshake.to_owned() } else { answer(&body) };
            let (status, answer) = answer.split_once(' ').unwrap();
            let length = answer.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.get_mut().write_all((head + answer).as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn a_page_of_a_firewall_is_about_its_row_and_the_run_continues() {
    let url = behind_a_firewall(r#"200 {"rateLimitTier":"tier1"}"#, "DROP TABLE");
    let rows = "loginId,name\na,Ada\nb,Robert'); DROP TABLE\nc,Cleo\n";
    let ran =
        Run::new().credentials().args(&["--base-url", &url]).file("in.csv", rows).go().code(1);
    let mut statuses = ran.statuses();
    statuses.sort();
    assert_eq!(statuses, ["rejected", "updated", "updated"]);
    let rejected = ran.results().into_iter().find(|row| row["status"] == "rejected").unwrap();
    assert_eq!((&rejected["row"], &rejected["error"]["kind"]), (&2.into(), &"blocked".into()));
    let message = text(&rejected["error"], "message");
    assert!(message.contains("Blocked Request rejected. ID: 4711"), "{message}");
    assert!(ran.stdout.contains("first at in.csv:3 (row 2)"), "{}", ran.stdout);
}

#[test]
fn a_server_that_is_not_the_api_is_sent_no_row() {
    for (answer, expected) in [
        (
            "404 <html>nothing here</html>",
            "does not look like the Descope API (HTTP 404: nothing here)",
        ),
        ("501 ", "does not look like the Descope API (HTTP 501)"),
        ("403 <html>forbidden</html>", "refuses the credentials (HTTP 403: forbidden)"),
    ] {
        let url = behind_a_firewall(answer, "");
        let run = Run::new().credentials().args(&["--base-url", &url]);
        let ran = run.file("in.csv", "loginId,name\na,Ada\n").go().code(3);
        let ran = ran.says(expected).says("nothing was sent");
        assert!(!ran.path("").exists(), "no run was begun");
    }
    // A handshake that only lacks a tier is none of these.
    let url = behind_a_firewall("200 {}", "nothing");
    let run = Run::new().credentials().args(&["--base-url", &url]);
    run.file("in.csv", "loginId,name\na,Ada\n").go().code(0);
}

#[test]
fn a_response_about_somebody_else_is_no_proof_and_counts_as_a_failure() {
    let users = |body: &str| {
        let asked = serde_json::from_str::<Value>(body).unwrap_or_default();
        let own = text(&asked, "loginId").to_owned();
        let user = match &*own {
            "other" => json!({"loginIds": ["eve"], "userId": "U9", "email": "other"}),
            "U7" => json!({"loginIds": ["frank"], "userId": "U7"}),
            "BOB@x.com" => json!({"loginIds": ["b", "bob@X.com"]}),
            "old" => json!({"loginIds": ["new"]}),
            "nameless" => json!({"name": "A"}),
            own => json!({"loginIds": [own]}),
        };
        format!("200 {}", json!({"user": user}))
    };
    let rows = "operation,loginId,name,newLoginId\n\
                name,other,A,\nname,U7,A,\nname,BOB@x.com,A,\nloginid,old,,new\n\
                name,nameless,A,\nname,quoted\\\"],A,\nname,nextother,A,\n";
    let handshake = r#"200 {"rateLimitTier":"tier1"}"#;
    let url = answering(handshake, users);
    let run = || Run::new().credentials().args(&["--base-url", &url]);
    let ran = run().file("in.csv", rows).go().code(1);
    let mut expected = ["updated"; 7];
    expected[0] = "unknown";
    assert_eq!(ran.statuses(), expected);
    let result = &ran.results()[0];
    assert_eq!((text(&result["error"], "kind"), &result["user"]), ("another_user", &Value::Null));
    assert_eq!(result["attempts"], 1);
    assert!(ran.read("failures.csv").contains("another user"));
    // A cache that has one answer for all stops the run.
    let cache = answering(handshake, |_| r#"200 {"user":{"loginIds":["eve"]}}"#.to_owned());
    let rows = (0..200).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n},N\n"));
    let run = Run::new().credentials().args(&["--base-url", &cache]).file("in.csv", rows);
    let ran = run.go().code(3);
    assert_eq!(text(&ran.summary()["stopped"], "reason"), "same_failure");
    assert_eq!((ran.tally("updated"), ran.tally("unknown") < 120), (0, true));
}

#[test]
fn the_screen_says_what_the_server_said() {
    let (ran, _) = against("status=400", &[]);
    let ran = ran.code(1);
    let line = "2  refused (E010000): The simulator was set to answer 400; first at in.jsonl:1";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(!ran.stdout.contains("+14155550123"), "{}", ran.stdout);
}
