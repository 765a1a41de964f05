use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::layer::Layers;
use super::read::read;
use super::{apply, schema};
use crate::settings::cli;
use crate::settings::table::{self, TABLES};

fn run() -> clap::Command {
    let mut root = cli::command();
    root.build();
    root.find_subcommand("run").unwrap().clone()
}

fn job(text: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn refusal(text: &str) -> String {
    let (_folder, path) = job(text.as_bytes());
    let refused = read(&path, &run()).unwrap_err().to_string();
    refused.replace(&path.display().to_string(), "job.toml")
}

#[test]
fn every_table_is_told_of() {
    for key in table::keys() {
        let above = key.path.rsplit_once('.').map(|(table, _)| table);
        let table = if key.kind.is_table() { Some(key.path) } else { above };
        let told = table.is_some_and(|table| TABLES.iter().any(|(path, _)| *path == table));
        assert!(told, "{} is in no table", key.path);
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    for (text, expected) in [
        ("[input]\nfiles = [\"a\", 1]\n", "job.toml:2:15: `input.files` takes a list of texts"),
        ("[limits]\n  rat = \"1/1s\"", "job.toml:2:3: there is no `rat` in [limits]"),
        ("[limits]\n  rat = \"1/1s\"", "did you mean `rate`?"),
        ("[rules]\nrate = 1", "`rate` belongs in [limits]"),
        ("[lmits]\nrate = 1", "did you mean `limits`?"),
        (
            "[output]\nfruit = 1",
            "known are: no-keep-before, metrics-file, runs-dir, out, keep-users,",
        ),
        ("\"rules.set\" = {}", "job.toml:1:1: there is no `rules.set` in a job file"),
        ("limits = 3", "write [limits] on a line of its own"),
        ("[limits]\nconcurrency = 0", "job.toml:2:15: `limits.concurrency`: 0 is not in 1.."),
        ("[limits]\nconcurrency = \"4\"", "takes a whole number, not this string"),
        ("[limits]\nmax-failures = 1.5", "a whole number or a text, not this float"),
        ("[limits]\nmax-failures = \"x\"", "job.toml:2:16: `limits.max-failures`: write a number"),
        ("[limits]\nrate = \"1\"", "write it as N/WINDOW"),
        ("[limits]\ntimeout = \"soon\"", "job.toml:2:11: `limits.timeout`: "),
        ("[limits]\nmax-duration = \"0s\"", "must be greater than zero"),
        (
            "[limits]\nrate = \"1/1s\"\nmax-share = 5",
            "job.toml:3:13: `limits.max-share` cannot be combined with",
        ),
        ("[limits]\nrate = \"1/1s\"\nrate = \"1/1s\"", "job.toml:3:1: duplicate key"),
        ("[rules]\nblank = \"no\"", "use one of: skip, clear, error"),
        ("[rules]\noperation = \"fly\"", "job.toml:2:13: `rules.operation`: there is no such"),
        ("[rules]\nallow-destructive = \"yes\"", "takes true or false, not this string"),
        (
            "[rules.set]\nverifed = true",
            "job.toml:2:1: `rules.set`: no operation has a field verifed",
        ),
        ("[rules.set]\nverified = \"perhaps\"", "job.toml:2:1: `rules.set`: "),
        ("[rules.set]\nverified = [true]", "whole numbers, true and false, not this array"),
        ("[rules.set]\npassword = \"hush\"", "a job file must not contain secrets"),
        ("[rules.blank-of]\nfone = \"skip\"", "there is no such field"),
        ("[rules.blank-of]\nphone = \"no\"", "write skip, clear or error"),
        ("[mapping]\nCell = \"fone\"", "job.toml:2:1: `mapping`: no operation has a field fone"),
        ("[mapping]\nCell = true", "takes a table of texts, not this boolean"),
        ("[mapping]\n\"a=b\" = \"phone\"", "cannot be told apart from its value"),
        (
            "[mapping]\nCell = \"phone\"\ncell = \"email\"",
            "job.toml:3:1: this is the same name as in line 2",
        ),
        ("mapping = 1", "`mapping` takes a table of texts"),
        ("[output]\nwait = true", "job.toml:2:8: `output.wait`: it also needs `resume`"),
        ("[output]\nout = \"\"", "the path is blank"),
        ("[project]\nproject-id = \"P2 x\"", "job.toml:2:14: `project.project-id`: a project ID"),
        (
            "[project]\nbase-url = \"http://x.com\"",
            "job.toml:2:12: `project.base-url`: the base URL must",
        ),
        ("# nothing\n", "the job file is empty"),
        ("[input\n", "job.toml:1:7: unclosed table"),
    ] {
        let refused = refusal(text);
        assert!(refused.contains(expected), "{text}\n{refused}");
    }
}

#[test]
fn the_line_is_shown_with_a_caret() {
    for (text, shown) in [
        ("[limits]\n\nä = 1\n", "\n3 | ä = 1\n  | ^"),
        ("\n\tx = 0 # few\n", "\n2 |     x = 0 # few\n  |     ^"),
        ("[rules]\nblank = \"日本\" # x", "\n2 | blank = \"日本\" # x\n  |         ^^^^^^"),
    ] {
        let refused = refusal(text);
        assert!(refused.contains(shown), "{refused}");
    }
}

#[test]
fn what_may_be_a_key_is_never_shown() {
    const KEY: &str = "K2secretsecretsecret";
    for text in [
        format!("[project]\nkey = \"{KEY}\""),
        format!("[project]\nkey = {KEY}"),
        format!("[project]\nmanagement-key = \"{KEY}\""),
        format!("project = {{ managementKey = \"{KEY}\" }}"),
        format!("[project]\nkey-file = \"{KEY}\""),
        format!("[project]\nkey-file = {KEY}"),
        format!("DESCOPE_MANAGEMENT_KEY = \"{KEY}\""),
        format!("[project]\nkey = \"\"\"\n{KEY}\n"),
        format!("[limits]\nrate = \"{KEY}\""),
        format!("[limits]\ntimeout = \"{KEY}\""),
        format!("[{KEY}]\nx = 1"),
        format!("[rules.set]\n{KEY} = 1"),
        format!("[mapping]\nx = \"{KEY}\""),
        format!("[rules]\nblank = \"{KEY}\""),
        format!("{KEY} = 1"),
    ] {
        let refused = refusal(&text);
        assert!(!refused.contains(KEY), "{text}\n{refused}");
    }
    assert!(refusal("[project]\nkey = \"x\"").contains("must not contain keys"));
}

/// The layers of a command line over a job, without the program's name.
fn layers(job: &str, typed: &[&str], variables: &[(&str, &str)]) -> Result<Layers, String> {
    let (folder, path) = self::job(job.as_bytes());
    let mut arguments = vec![OsString::from("descope-bulk"), "run".into()];
    arguments.extend(["--job".into(), path.into_os_string()]);
    arguments.extend(typed.iter().map(OsString::from));
    let environment = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let mut layers = apply(&cli::command(), arguments, &environment).map_err(|e| e.to_string())?;
    let shown = folder.path().display().to_string();
    let relative = |argument: OsString| argument.to_str().unwrap().replace(&shown, "at").into();
    layers.arguments = layers.arguments.into_iter().skip(4).map(relative).collect();
    Ok(layers)
}

#[test]
fn what_is_typed_wins_over_the_job() {
    const LIMITS: &str = "[limits]\nconcurrency = 2\nmax-share = 50";
    const RULES: &str =
        "[mapping]\nCell = \"phone\"\n[rules]\nignore = [\"Note\"]\nset = { verified = true }";
    const OUTPUT: &str = "[output]\nresume = true\nquiet = true\njson = false\nwait = true";
    const FILES: &str = "[input]\nfiles = [\"a.csv\", \"-\", \"/b.csv\"]";
    const PROJECT: &str = "[project]\nbase-url = \"https://x.com\"";
    for (job, typed, merged) in [
        (LIMITS, "", "--concurrency=2 --max-share=50 --"),
        (LIMITS, "--concurrency 3", "--concurrency 3 --max-share=50 --"),
        (LIMITS, "--rate off", "--rate off --concurrency=2 --"),
        (RULES, "", "--map=Cell=phone --ignore=Note --set=verified=true --"),
        (RULES, "--map cell=email", "--map cell=email --ignore=Note --set=verified=true --"),
        (RULES, "--map note=name", "--map note=name --map=Cell=phone --set=verified=true --"),
        (RULES, "--ignore CELL", "--ignore CELL --ignore=Note --set=verified=true --"),
        (
            RULES,
            "--set verifiedPhone=false",
            "--set verifiedPhone=false --map=Cell=phone --ignore=Note --",
        ),
        (OUTPUT, "", "--resume=true --quiet=true --json=false --wait=true --"),
        (OUTPUT, "--resume=false -v", "--resume=false -v --json=false --wait=true --"),
        (FILES, "", "-- at/a.csv - /b.csv"),
        (FILES, "c.csv", "c.csv --"),
        (FILES, "-- c.csv", "-- c.csv"),
        (PROJECT, "", "--base-url=https://x.com --"),
        (PROJECT, "--simulate", "--simulate --"),
    ] {
        let typed: Vec<&str> = typed.split_whitespace().collect();
        let arguments = layers(job, &typed, &[]).unwrap().arguments;
        let arguments: Vec<_> = arguments.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(arguments.join(" "), merged, "{job}\n{typed:?}");
    }
    let with_variable = layers(PROJECT, &[], &[("DESCOPE_BASE_URL", "https://y.com")]).unwrap();
    assert_eq!(with_variable.arguments, ["--"]);
}

#[test]
fn a_subcommand_takes_the_keys_that_it_has_flags_for() {
    use clap::Args;

    #[derive(clap::Args)]
    struct Few {
        files: Vec<PathBuf>,
        #[command(flatten)]
        rows: cli::run::RowArgs,
        #[command(flatten)]
        job: cli::job::JobArgs,
    }

    let root = cli::command().subcommand(Few::augment_args(clap::Command::new("few")));
    let apply = |text: &str| {
        let (_folder, path) = job(text.as_bytes());
        let typed = ["descope-bulk".into(), "few".into(), "--job".into(), path.into_os_string()];
        apply(&root, typed.to_vec(), &|_| None).map(|layers| layers.arguments[4..].to_vec())
    };
    let both = apply("[mapping]\nCell = \"phone\"\n[limits]\nrate = \"off\"\n").unwrap();
    assert_eq!(both, ["--map=Cell=phone", "--"]);
    let wrong = apply("[mapping]\nCell = \"phone\"\n[limits]\nrate = \"on\"\n").unwrap_err();
    assert!(wrong.to_string().contains("`limits.rate`"), "{wrong}");
}

#[test]
fn without_a_job_the_command_line_stays_as_it_is() {
    for typed in [&["run", "a.csv"][..], &["run", "--job"], &["operations"], &["x"], &[]] {
        let mut arguments = vec![OsString::from("descope-bulk")];
        arguments.extend(typed.iter().map(OsString::from));
        let layers = apply(&cli::command(), arguments.clone(), &|_| None).unwrap();
        assert_eq!(layers.arguments, arguments);
    }
}

#[test]
fn paths_are_seen_from_the_job_file() {
    let (folder, path) = job(b"[input]\nfiles = [\"../a.csv\", \"./b.csv\"]\n");
    let below = folder.path().join("jobs");
    fs::create_dir(&below).unwrap();
    fs::write(folder.path().join("a.csv"), "").unwrap();
    let moved = below.join("job.toml");
    fs::rename(path, &moved).unwrap();
    let job = read(&moved, &run()).unwrap();
    let paths: Vec<&Path> = job.entries.iter().map(|entry| Path::new(&entry.value)).collect();
    // What is there is named in short.
    assert_eq!(paths, [folder.path().join("a.csv"), below.join("b.csv")]);
    // With a link on the way, `jobs/..` is another folder than it looks.
    let link = folder.path().join("far/link");
    fs::create_dir(folder.path().join("far")).unwrap();
    std::os::unix::fs::symlink(&below, &link).unwrap();
    let job = read(&link.join("job.toml"), &run()).unwrap();
    assert_eq!(Path::new(&job.entries[0].value), link.join("../a.csv"));
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema(&run());
    for key in table::keys() {
        let pointer = key.path.replace('.', "/properties/");
        let property = schema.pointer(&format!("/properties/{pointer}"));
        let property = property.unwrap_or_else(|| panic!("{}", key.path));
        assert!(property["description"].is_string(), "{}", key.path);
    }
    let pointer = |path: &str| schema.pointer(path).unwrap();
    assert_eq!(pointer("/properties/rules/properties/blank/enum/1"), "clear");
    assert_eq!(pointer("/properties/limits/properties/concurrency/default"), 32);
    assert_eq!(pointer("/properties/output/additionalProperties"), false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a file holds, it is read or refused.
    #[test]
    fn no_file_breaks_it(
        lines in proptest::collection::vec(
            prop_oneof![
                "\\[?\\[(input|rules|rules.set|limits|project|mapping|x)\\]?",
                "(files|rate|key|set|Ä|phone|timeout|key-file|\"\") ?= ?(1|\"[ -~ä…\t]{0,9}\"|\\[\"a\"\\]|\\{ a = 1 \\}|'K2secretsecretsecret'|é)",
                "\\PC{0,12}",
            ],
            0..8,
        ),
        end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    ) {
        let (_folder, path) = job(lines.join(end).as_bytes());
        if let Err(error) = read(&path, &run()) {
            prop_assert!(!error.to_string().contains("K2secretsecretsecret"));
        }
    }
}
