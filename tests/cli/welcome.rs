//! The first screen, and how screens look: colours and links.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::asking::terminal;
use crate::support::{program, rows};

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn without_arguments_it_says_what_one_needs_first() {
    let Output { status, stdout, stderr } = program().output().unwrap();
    let screen = text(stdout);
    assert_eq!((status.code(), text(stderr)), (Some(0), String::new()));
    assert!(screen.lines().count() <= 24, "a small screen holds it: {screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 88), "{screen}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users.csv"), rows(3)).unwrap();
    fs::write(folder.path().join("management.key"), "K2secret").unwrap();
    let commands: Vec<&str> =
        screen.lines().filter_map(|line| line.strip_prefix("  descope-bulk ")).collect();
    assert!(commands.iter().any(|command| command.starts_with("run users.csv --simulate")));
    for command in commands {
        // What it does stands behind some.
        let command = command.split("   ").next().unwrap();
        let mut words: Vec<&str> = command.split(' ').collect();
        if words.contains(&"--project-id") {
            // To a real project it is not sent from here.
            words.extend(["--show-settings"]);
        }
        let output = program().current_dir(folder.path()).args(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(output.stderr));
    }
}

/// What a check shows of a file with a mistake.
fn checked(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> String {
    fs::write(folder.join("in.csv"), "loginId,phone,verified\na,1,true\n").unwrap();
    let mut command = program();
    command.current_dir(folder).args(["check", "in.csv"]).args(words);
    command.envs(variables.iter().copied());
    text(command.output().unwrap().stdout)
}

#[test]
fn colours_are_as_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (words, variables, expected) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[], true),
        (&["--color", "always"], &[("NO_COLOR", "1")], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "0")], false),
        (&["--color=auto"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let shown = checked(folder.path(), words, variables);
        assert_eq!(shown.contains("\x1b["), expected, "{words:?} {variables:?}");
    }
    for (word, expected) in [("always", true), ("never", false)] {
        let help =
            text(program().args(["run", "--help", "--color", word]).output().unwrap().stdout);
        assert_eq!(help.contains("\x1b["), expected, "{word}");
    }
}

/// What a person sees of a rehearsal on their terminal.
fn seen(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> String {
    fs::write(folder.join("in.csv"), rows(2)).unwrap();
    let (mut person, program_end) = terminal();
    let mut command: Command = program();
    command.current_dir(folder).args(["run", "in.csv", "--simulate", "--quiet"]).args(words);
    command.env_remove("FORCE_HYPERLINK").env("TERM", "xterm").env("TERM_PROGRAM", "WezTerm");
    command.envs(variables.iter().copied()).stdout(program_end());
    let mut child = command.spawn().unwrap();
    drop(command);
    let (mut seen, mut piece) = (Vec::new(), [0; 512]);
    // The terminal is gone once nobody has its other end.
    while let Ok(read @ 1..) = person.read(&mut piece) {
        seen.extend_from_slice(&piece[..read]);
    }
    child.wait().unwrap();
    text(seen)
}

#[test]
fn paths_are_links_where_the_terminal_knows_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let shown = seen(here, &["--out", "one"], &[]);
    let url = format!(
        "\x1b]8;;file://{}/one/results.jsonl\x1b\\",
        here.canonicalize().unwrap().display()
    );
    assert!(shown.contains(&format!("{url}one/results.jsonl\x1b]8;;\x1b\\")), "{shown:?}");
    let plain = |shown: String| {
        assert!(!shown.contains("\x1b]8") && shown.contains("/results.jsonl"), "{shown:?}");
    };
    plain(seen(here, &["--out", "two"], &[("FORCE_HYPERLINK", "0")]));
    plain(seen(here, &["--out", "three", "--color", "never"], &[]));
    // In a pipe there are none, even if they are forced.
    let mut piped = program();
    piped.current_dir(here).args(["run", "in.csv", "--simulate", "--out", "four"]);
    plain(text(piped.env("FORCE_HYPERLINK", "1").output().unwrap().stdout));
}
