//! `descope-bulk simulate` as a process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// The program with some arguments; a free port unless they say otherwise.
fn simulate(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_descope-bulk"))
        .args(["simulate", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn all(pipe: Option<impl Read>) -> String {
    let mut text = String::new();
    pipe.unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn the_first_line_is_the_address_and_a_signal_ends_it_well() {
    for signal in ["-INT", "-TERM"] {
        let mut child = simulate(&["--users", "3"]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = format!("{}/v1/mgmt/license", line.trim_end());
        let client = crate::support::local().build().unwrap();
        let request = client.get(url).header("authorization", "Bearer P1:K1");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-descope-simulator"], "documented");
        let process = child.id().to_string();
        let killed = Command::new("kill").args([signal, &process]).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(all(Some(stdout)), "");
        assert!(all(child.stderr).contains("simulator"));
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, reason) in [
        (&["--users", "/nowhere/users.jsonl"][..], "/nowhere/users.jsonl"),
        (&["--log", "/nowhere/log"], "/nowhere/log"),
        (&["--rate-limit", "lots"], "200/60s"),
        (&["--latency", "5"], "50ms"),
        (&["--fault", "boom"], "`boom`"),
        (&["--project-id", "P1"], "--management-key-file"),
        (&["--project-id", "P1", "--management-key-file", "/nowhere/key"], "/nowhere/key"),
    ] {
        let mut child = simulate(arguments);
        assert_eq!(child.wait().unwrap().code(), Some(2), "{arguments:?}");
        let stderr = all(child.stderr);
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
        assert_eq!(all(child.stdout), "", "{arguments:?}");
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_descope-bulk"))
        .args(["simulate", "--listen", &address])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(all(child.stderr).contains(&address));
}

#[test]
fn a_file_that_holds_something_is_never_emptied_for_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.jsonl");
    let user = "{\"loginIds\":[\"a\"]}\n";
    std::fs::write(&path, user).unwrap();
    let path_text = path.to_str().unwrap();
    let mut child = simulate(&["--users", path_text, "--log", path_text]);
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(all(child.stderr.take()).contains("name another"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), user);
}
