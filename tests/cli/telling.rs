//! Who is told how a run ended: checks, webhooks, Slack, commands, and a file of metrics.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::{Value, json};

use crate::support::Desk;

/// A request as it came: path, headers in lower case, body.
pub(crate) type Told = (String, String, String);

/// A server that takes whatever is posted and answers each time with the next of some statuses, then
/// with 200.
pub(crate) fn listener(statuses: &'static [u16]) -> (String, Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = sync_channel(100);
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = connection.unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 4096];
            let (head, body) = loop {
                let read = connection.read(&mut piece).unwrap();
                text.extend_from_slice(&piece[..read]);
                let whole = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
                let head = head.to_lowercase();
                let length = head.split("content-length: ").nth(1);
                let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
                if body.len() >= length {
                    break (head.clone(), body.to_owned());
                }
            };
            let status = statuses.get(number).copied().unwrap_or(200);
            let _ = write!(
                connection,
                "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let path = head.split(' ').nth(1).unwrap().to_owned();
            if tell.send((path, head, body)).is_err() {
                return;
            }
        }
    });
    (url, told)
}

fn user(name: &str) -> Value {
    json!({"loginIds": [name], "createdTime": 1_700_000_000, "modifiedTime": 1_700_000_000})
}

/// A project of one user, and rows for that user and for one who is not there.
fn desk() -> Desk {
    let desk = Desk::new(&[user("ann-secret@x.com")], &[]);
    desk.write("good.csv", "loginId,name\nann-secret@x.com,Ann Secret\n");
    desk.write("bad.csv", "loginId,name\nann-secret@x.com,Ann Secret\nnobody-secret@x.com,N\n");
    desk
}

#[test]
fn a_check_hears_of_the_start_and_of_the_end() {
    let (url, told) = listener(&[]);
    let desk = desk();
    let check = format!("{url}/ping/1-2");
    let run = |words: &[&str], code: i32| {
        desk.go(&[&["run", "--notify", &check][..], words].concat(), code);
        let next = || told.recv().unwrap();
        (next(), next())
    };
    for (words, code, path, line) in [
        (&["good.csv"][..], 0, "/ping/1-2", "good.csv: exit code 0: 1 updated"),
        (&["bad.csv"], 1, "/ping/1-2/1", "bad.csv: exit code 1: 1 updated, 1 rejected"),
        (&["none.csv"], 2, "/ping/1-2/2", "exit code 2: none.csv"),
        (&["good.csv", "--operation", "delete"], 2, "/ping/1-2/2", "exit code 2: good.csv:1"),
    ] {
        let (start, end) = run(words, code);
        assert_eq!((&*start.0, &*end.0), ("/ping/1-2/start", path), "{words:?}");
        assert!(end.2.contains(line), "{words:?}: {}", end.2);
        assert!(!end.2.contains("secret"), "no user's data: {}", end.2);
    }
}

#[test]
fn webhooks_and_commands_are_told_of_failures_without_a_users_data() {
    let (url, told) = listener(&[]);
    let desk = desk();
    let (hook, slack) = (format!("{url}/hook"), format!("{url}/slack"));
    let words = ["--notify-webhook", &hook, "--notify-slack", &slack];
    let command = ["--notify-command", "cat >> told.json"];
    let run = |file: &str, more: &[&str], code: i32| {
        let mut run = desk.command(&[&["run", file][..], &words, &command, more].concat());
        run.env("DESCOPE_BULK_NOTIFY_SECRET", "key");
        assert_eq!(run.output().unwrap().status.code(), Some(code), "{file}");
    };
    // All is well: nobody is told, unless that is wanted.
    run("good.csv", &[], 0);
    assert!(told.try_recv().is_err() && !desk.path("told.json").exists());
    run("bad.csv", &[], 1);
    let (path, head, body) = told.recv().unwrap();
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&*path, &json["exitCode"], &json["event"]),
        ("/hook", &json!(1), &json!("run_ended"))
    );
    assert_eq!(
        (&json["rows"]["rejected"], &json["reasons"][0]["kind"]),
        (&json!(1), &json!("user_not_found"))
    );
    assert!(head.contains("x-descope-bulk-signature: sha256="), "{head}");
    let (path, _, text) = told.recv().unwrap();
    assert!(path == "/slack" && text.contains("1 rejected"), "{text}");
    let by_command = fs::read_to_string(desk.path("told.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&by_command).unwrap(), json);
    for told in [&body, &text, &by_command] {
        assert!(!told.contains("secret"), "{told}");
    }
    run("good.csv", &["--notify-when", "change"], 0);
    assert_eq!(told.recv().unwrap().0, "/hook");
}

#[test]
fn a_notification_that_fails_is_tried_again_said_and_fails_no_run() {
    let (url, told) = listener(&[500, 500]);
    let desk = desk();
    let hook = ["--notify-when", "always", "--notify-webhook"];
    let (url, nobody) = (format!("{url}/token-1"), "http://127.0.0.1:9/token-2".to_owned());
    desk.go(&[&["run", "good.csv"][..], &hook, &[&url]].concat(), 0);
    assert_eq!((0..3).map(|_| told.recv().unwrap().0).collect::<Vec<_>>(), ["/token-1"; 3]);
    let command = ["--notify-command", "exit 7"];
    let (_, said) = desk.go(&[&["run", "good.csv"][..], &hook, &[&nobody], &command].concat(), 0);
    assert!(said.contains("--notify-webhook: 127.0.0.1 was not told"), "{said}");
    assert!(said.contains("--notify-command: it failed (exit status: 7)"), "{said}");
    assert!(!said.contains("token-2"), "the URL may be a secret: {said}");
}

#[test]
fn metrics_are_written_whole_and_name_nobody() {
    let desk = desk();
    for (file, code) in [("good.csv", 0), ("bad.csv", 1)] {
        desk.go(&["run", file, "--metrics-file", "run.prom"], code);
    }
    let text = fs::read_to_string(desk.path("run.prom")).unwrap();
    for line in [
        "# TYPE descope_bulk_run_rows gauge",
        "descope_bulk_run_rows{run=\"bad\",status=\"updated\"} 1",
        "descope_bulk_run_rows{run=\"bad\",status=\"rejected\"} 1",
        "descope_bulk_run_exit_code{run=\"bad\"} 1",
        "descope_bulk_run_complete{run=\"bad\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"));
    let others = fs::read_dir(desk.path("."))
        .unwrap()
        .filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".descope")
        })
        .count();
    assert_eq!(others, 0, "nothing is left behind");
    let (_, said) = desk.go(&["run", "good.csv", "--metrics-file", "no/where.prom"], 0);
    assert!(said.contains("--metrics-file no/where.prom"), "{said}");
}
