//! Memory: what is held is bounded by bytes, whatever the size and the number of rows.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Simulator, program, program_against};

const ROWS: usize = 60;

/// Rows of a megabyte, of a user each or all of one user, who waits for each answer.
fn write_rows(folder: &Path, one_user: bool) {
    let mut file = fs::File::create(folder.join("large.jsonl")).unwrap();
    let note = "n".repeat(1_000_000);
    for row in 0..ROWS {
        let user = if one_user { 0 } else { row };
        let end = "\"}\n";
        write!(
            file,
            r#"{{"loginId":"u{user}","attributeKey":"note","attributeValue":"{row}{note}"#
        )
        .unwrap();
        file.write_all(end.as_bytes()).unwrap();
    }
}

/// Runs a command to its end; the most memory that it held, in MiB, as far as that was seen.
fn peak(command: &mut Command) -> usize {
    command.args(["large.jsonl", "--operation", "customAttribute"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        // The mark only ever rises, so it does not matter when it is looked at.
        std::thread::park_timeout(Duration::from_millis(2));
    };
    assert!(ended.code().is_some_and(|code| code < 2) && peak > 0, "{ended}");
    peak / 1024
}

#[test]
fn few_rows_of_a_megabyte_are_held_at_a_time() {
    // The users are kept by the simulator, which is a process of its own.
    let simulator = Simulator::start(&["--latency", "5ms"]);
    for (one_user, concurrency) in [(false, "16"), (true, "4")] {
        let folder = tempfile::tempdir().unwrap();
        write_rows(folder.path(), one_user);
        let mut run = program_against(&simulator, folder.path());
        let held = peak(run.args(["run", "--rate", "off", "--concurrency", concurrency]));
        // 96 MiB, and twice the largest row for each request at a time.
        let most = 96 + 2 * concurrency.parse::<usize>().unwrap();
        assert!(held < most, "{held} MiB, all of one user: {one_user}");
        let held = peak(program().current_dir(folder.path()).arg("check"));
        assert!(held < 64, "check: {held} MiB");
    }
}
