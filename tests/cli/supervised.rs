//! A supervisor, such as systemd: what it hears of a run at its socket.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use crate::support::{Ran, Run, Simulator, rows, signal};

/// The most that a supervisor waits for a word.
const PATIENCE: Duration = Duration::from_secs(60);

fn listening(socket: UnixDatagram) -> UnixDatagram {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn next(socket: &UnixDatagram) -> String {
    let mut text = [0; 4096];
    let length = socket.recv(&mut text).unwrap();
    String::from_utf8(text[..length].to_vec()).unwrap()
}

/// All that was told of a run that is over, up to its exit code.
fn all(socket: &UnixDatagram) -> Vec<String> {
    let mut told = Vec::new();
    while !told.last().is_some_and(|last: &String| last.contains("STATUS=exit code")) {
        told.push(next(socket));
    }
    told
}

fn bound(folder: &Path) -> (UnixDatagram, String) {
    let path = folder.join("notify");
    let name = path.to_str().unwrap().to_owned();
    (listening(UnixDatagram::bind(&path).unwrap()), name)
}

/// A file of users who would be known again.
fn secret_rows(number: usize) -> String {
    rows(number).replace("@x.com", "@secret.com")
}

#[test]
fn it_hears_of_the_beginning_and_of_the_end_and_of_no_user() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, name) = bound(folder.path());
    Run::rehearsed().env("NOTIFY_SOCKET", &name).file("in.csv", secret_rows(3)).go().code(0);
    let told = all(&socket);
    assert_eq!(told[0], "READY=1\nSTATUS=sending; 0 rows done before");
    assert_eq!(told.last().unwrap(), "STOPPING=1\nSTATUS=exit code 0");
    assert_eq!(told.iter().filter(|own| own.starts_with("READY=1")).count(), 1, "{told:?}");
    assert!(!told.concat().contains("secret") && !told.concat().contains("WATCHDOG"), "{told:?}");
}

#[test]
fn a_name_without_a_file_is_spoken_to_as_well() {
    let name = format!("descope-bulk-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = listening(UnixDatagram::bind_addr(&address).unwrap());
    Run::rehearsed()
        .env("NOTIFY_SOCKET", &format!("@{name}"))
        .file("in.csv", secret_rows(1))
        .go()
        .code(0);
    assert!(all(&socket)[0].starts_with("READY=1\n"));
}

#[test]
fn nothing_to_do_counts_as_a_beginning_and_a_refusal_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, name) = bound(folder.path());
    let run = || Run::rehearsed().env("NOTIFY_SOCKET", &name);
    run().file("in.csv", "loginId,fly\na,b\n").go().code(2);
    assert_eq!(all(&socket), ["STOPPING=1\nSTATUS=exit code 2"]);
    let first = run().file("in.csv", secret_rows(2)).go().code(0);
    all(&socket);
    let folder = first.folder().to_owned();
    let mut again = crate::support::program();
    again.current_dir(&folder).env("NOTIFY_SOCKET", &name);
    again.args(["run", "--out", "out", "--no-keep-before", "--simulate", "in.csv", "--resume"]);
    let again = Ran::of(first, again.output().unwrap()).code(0);
    // In messages of their own: of several states in one, systemd heeds the last.
    assert_eq!(all(&socket), ["READY=1", "STOPPING=1\nSTATUS=exit code 0"], "{}", again.stderr);
}

#[test]
fn it_hears_that_the_program_is_alive_and_that_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, name) = bound(folder.path());
    let simulator = Simulator::start(&["--latency", "20ms"]);
    let running = Run::against(&simulator)
        .env("NOTIFY_SOCKET", &name)
        .env("WATCHDOG_USEC", "200000")
        .args(&["--concurrency", "1"])
        .file("in.csv", secret_rows(100_000))
        .spawn();
    let mut told = Vec::new();
    while told.iter().filter(|own: &&String| *own == "WATCHDOG=1").count() < 3 {
        told.push(next(&socket));
    }
    signal(&running.child, "TERM");
    let ran = running.end().code(143);
    told.extend(all(&socket));
    assert!(told.iter().any(|own| own == "STOPPING=1\nSTATUS=stopping: terminated"), "{told:?}");
    assert!(told.last().unwrap().ends_with("STATUS=exit code 143"), "{told:?}");
    assert!(fs::exists(ran.path("summary.json")).unwrap());
}

#[test]
fn nobody_who_listens_fails_no_run() {
    for socket in ["/nowhere/notify", "@nobody-listens-here", "relative"] {
        Run::rehearsed().env("NOTIFY_SOCKET", socket).file("in.csv", secret_rows(1)).go().code(0);
    }
    let too_long = format!("/{}", "x".repeat(300));
    Run::rehearsed()
        .env("NOTIFY_SOCKET", &too_long)
        .file("in.csv", secret_rows(1))
        .go()
        .code(0)
        .says("NOTIFY_SOCKET");
}

#[test]
fn it_hears_that_the_program_is_alive_while_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, name) = bound(folder.path());
    let simulator = Simulator::start(&[]);
    let running = Run::against(&simulator)
        .env("NOTIFY_SOCKET", &name)
        .env("WATCHDOG_USEC", "200000")
        .args(&["--notify-command", "sleep 2", "--notify-when", "always"])
        .file("in.csv", rows(1))
        .spawn();
    // Meanwhile: a socket holds few words.
    let told = all(&socket);
    running.end().code(0);
    let alive = told.iter().filter(|own| *own == "WATCHDOG=1").count();
    assert!(alive >= 5, "{told:?}");
    assert_eq!(told.last().unwrap(), "STOPPING=1\nSTATUS=exit code 0");
}
