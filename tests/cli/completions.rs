//! Completion, as the scripts of shells ask for it, and in a Bash that is there.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{KEY, PROJECT, Simulator, program};

/// A folder with files to complete from.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("in.csv", "Login ID,Cell phone,Department,customAttributes.tier,_error\na,1,x,gold,\n");
    write("my file.csv", "Login ID;Full name\na;b\n");
    write("phones.csv", "loginId,phone,verified\na,+1,true\n");
    write("rows.jsonl", "{\"loginId\":\"a\",\"nick\":1}\n{\"loginId\":\"b\",\"shoe\":2}\n");
    write("job.toml", "[input]\nfiles = [\"in.csv\"]\n");
    write("notes.txt", "nothing\n");
    fs::create_dir(folder.path().join("runs")).unwrap();
    folder
}

/// What a script is answered: its lines. Nothing is ever said on stderr.
#[track_caller]
fn answer(folder: &Path, shell: &str, words: &[&str]) -> Vec<String> {
    let output = program()
        .current_dir(folder)
        .env("DESCOPE_BULK_COMPLETE", shell)
        .arg("--")
        .args(words)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{words:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The same of Bash, for what is typed before and behind the cursor.
#[track_caller]
fn bash(folder: &Path, before: &str, after: &str) -> Vec<String> {
    // What Bash replaces, where nothing is quoted.
    let replaced = before.rsplit([' ', '=']).next().unwrap();
    answer(folder, "bash", &[before, after, replaced])
}

/// What stands before the cursor, what behind it, and what can be typed, in any order.
const LINES: &[(&str, &str, &str)] = &[
    ("x run in.csv --map ", "", r"Cell\ phone= Department= Login\ ID= customAttributes.tier="),
    ("x run --map ", " in.csv", r"Cell\ phone= Department= Login\ ID= customAttributes.tier="),
    ("x run --job job.toml --map De", "", "Department="),
    ("x run in.csv --map Department=ph", "", "phone"),
    ("x run in.csv --map=Department=ph", "", "phone"),
    (
        "x run in.csv --operation phone --map Department=",
        "",
        "loginId phone verified operation region",
    ),
    ("x run phones.csv --set ", "", "phone= verified="),
    ("x run phones.csv --set verified=", "", "true false"),
    ("x run phones.csv --blank-of phone=", "", "skip clear error"),
    ("x check in.csv --where ", "", r"Login\ ID= Cell\ phone= Department= customAttributes.tier="),
    ("x plan in.csv --ignore D", "", "Department"),
    (
        "x plan in.csv --only Department,",
        "",
        r"Department,Login\ ID Department,Cell\ phone Department,Department Department,customAttributes.tier",
    ),
    ("x run in.csv --attribute ", "", "tier="),
    ("x run in.csv --attribute tier=n", "", "number"),
    ("x run rows.jsonl --ignore ", "", "nick shoe loginId"),
    ("x run my\\ file.csv --ignore F", "", r"Full\ name"),
    ("x run 'my file.csv' --ignore F", "", r"Full\ name"),
    ("x run --operation role-", "", "role-add role-remove role-set"),
    ("x run --operation=role-a", "", "role-add"),
    ("x operations password-e", "", "password-expire"),
    ("x run --blank ", "", "skip clear error"),
    ("x run p", "", "phones.csv"),
    ("x run --job ", "", "job.toml runs/"),
    ("x verify ", "", ". runs/"),
    ("x oper", "", "operations"),
    ("x completions z", "", "zsh"),
    // Secrets do not belong on the command line.
    ("x run --operation password-set-active --set pass", "", ""),
    ("x run in.csv --map x=y --map", "", "--map"),
];

#[test]
fn columns_fields_and_operations_of_the_line_are_known() {
    let folder = folder();
    for (before, after, expected) in LINES {
        let mut found = bash(folder.path(), before, after);
        found.sort();
        // A blank in a name has a backslash before it.
        let expected = expected.replace("\\ ", "\0");
        let expected = expected.split(' ').filter(|word| !word.is_empty());
        let mut expected: Vec<String> = expected.map(|word| word.replace('\0', "\\ ")).collect();
        expected.sort();
        assert_eq!(found, expected, "{before}|{after}");
    }
    assert!(bash(folder.path(), "x run --region G", "").contains(&"GB".to_owned()));
    // Files that are read come first, and options only once a hyphen is typed.
    let found = bash(folder.path(), "x run ", "");
    assert_eq!(found, ["in.csv", r"my\ file.csv", "phones.csv", "rows.jsonl", "runs/"]);
}

#[test]
fn columns_that_no_operation_knows_come_first() {
    let folder = folder();
    let found = bash(folder.path(), "x run in.csv --map ", "");
    assert_eq!(found[..2], [r"Cell\ phone=", "Department="]);
    let found = answer(folder.path(), "fish", &["x", "run", "in.csv", "--map", ""]);
    assert_eq!(found[0], "Cell phone=\tno field has this name; perhaps phone");
}

#[test]
fn other_shells_are_answered_in_their_own_way() {
    let folder = folder();
    let found = answer(folder.path(), "fish", &["x", "run", "in.csv", "--map", "Cell phone=ph"]);
    assert!(found[0].starts_with("Cell phone=phone\t"), "{found:?}");
    let found = answer(folder.path(), "powershell", &["x", "run", "my file.csv", "--ignore", "F"]);
    assert!(found[0].starts_with("Full name\t"), "{found:?}");
    // Zsh hands words over as they are typed.
    let output = program()
        .current_dir(folder.path())
        .envs([("DESCOPE_BULK_COMPLETE", "zsh"), ("_CLAP_COMPLETE_INDEX", "4")])
        .args(["--", "x", "run", "'my file.csv'", "--ignore", "\"F"])
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.starts_with("Full name:"), "{found}");
    assert!(answer(folder.path(), "tcsh", &["x", "run", ""]).is_empty());
}

#[test]
fn odd_files_and_odd_lines_have_no_answer() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let gz = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3];
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("binary.csv", &[0xff, 0, 1, 2, 3, 0xfe]),
        ("cut.csv.gz", &gz),
        ("cut.xlsx", b"PK\x03\x04 and no more"),
        ("deep.json", "[".repeat(100_000).as_bytes()),
        ("list.json", b"[1,2,3"),
        ("page.csv", b"<!doctype html><html>"),
        ("quote.csv", b"\"loginId,phone\na,1\n"),
        ("long.csv", "x".repeat(2_000_000).as_bytes()),
    ] {
        fs::write(path(name), bytes).unwrap();
        bash(folder.path(), &format!("x run {name} --map "), "");
        bash(folder.path(), &format!("x check {name} --set "), "");
    }
    Command::new("mkfifo").arg(path("pipe.csv")).status().unwrap();
    for before in [
        "x run pipe.csv --map ",
        "x run runs --map ",
        "x run missing.csv --map ",
        "x run - --map ",
        "x run /dev/zero --map ",
        "x run --map \"",
        "x run \\",
        "x run --job notes.txt --map ",
        "x run --job missing.toml --map ",
    ] {
        assert!(bash(folder.path(), before, "").iter().all(|own| !own.ends_with('=')), "{before}");
    }
    for words in [&[][..], &["x"], &["x", "run"], &["x", "y", "z", "u"]] {
        answer(folder.path(), "bash", words);
        answer(folder.path(), "zsh", words);
        answer(folder.path(), "fish", words);
    }
}

#[test]
fn only_the_head_of_a_file_is_read_and_nothing_is_sent() {
    let folder = folder();
    let path = folder.path().join("huge.csv");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"loginId,Cell phone\na,1\n").unwrap();
    // To read all of it would take minutes.
    file.set_len(1 << 40).unwrap();
    let found = bash(folder.path(), "x run huge.csv --map ", "");
    assert_eq!(found, [r"Cell\ phone=", "loginId="]);
    let simulator = Simulator::start(&[]);
    let output = program()
        .current_dir(folder.path())
        .envs([("DESCOPE_PROJECT_ID", PROJECT), ("DESCOPE_MANAGEMENT_KEY", KEY)])
        .env("DESCOPE_BASE_URL", &simulator.url)
        .env("DESCOPE_BULK_COMPLETE", "bash")
        .args(["--", "x run in.csv --map ", "", ""])
        .output()
        .unwrap();
    assert!(!output.stdout.is_empty());
    assert!(simulator.paths().is_empty());
}

/// The script in the Bash that is there, called as Bash calls it when Tab is pressed.
#[test]
fn bash_completes_by_its_script() {
    let folder = folder();
    let script = program().args(["completions", "bash"]).output().unwrap().stdout;
    fs::write(folder.path().join("script"), script).unwrap();
    let press_tab = "source ./script || exit 9; \
        COMP_LINE=$1; COMP_POINT=${#1}; _descope_bulk descope-bulk \"$2\" x; \
        complete -p descope-bulk >/dev/null || exit 8; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let bin = Path::new(env!("CARGO_BIN_EXE_descope-bulk")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (line, replaced, expected) in [
        ("descope-bulk run in.csv --map Ce", "Ce", "Cell\\ phone=\n"),
        ("descope-bulk run in.csv --map \"Cell phone=ph", "Cell phone=ph", "Cell phone=phone\n"),
        ("descope-bulk run in.csv --operation=ph", "ph", "phone\n"),
        ("descope-bulk runs x y z", "z", "\n"),
    ] {
        let output = Command::new("bash")
            .args(["--norc", "-c", press_tab, "bash", line, replaced])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        // Without a terminal there is no completion in progress that could be told about spaces.
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{line}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{line}");
    }
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = program().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(
            script.contains("DESCOPE_BULK_COMPLETE") && script.contains("descope-bulk"),
            "{script}"
        );
        assert!(
            !script.contains("target/"),
            "the program is found where it is installed: {script}"
        );
    }
    let output = program().args(["completions", "tcsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
