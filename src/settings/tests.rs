//! The table of settings: complete, and true.

use std::collections::BTreeSet;
use std::path::Path;

use super::cli;
use super::config::{Config, Target};
use super::table::{self, Binding, KeyKind, SETTINGS};
use crate::input;
use crate::rows::{Builder, Call};

#[test]
fn every_setting_is_a_flag_and_every_flag_a_setting() {
    let mut root = cli::command();
    root.build();
    let run = root.find_subcommand("run").unwrap();
    let mut flags = BTreeSet::new();
    for setting in SETTINGS {
        let argument = setting.argument(run).unwrap_or_else(|| panic!("--{}", setting.flag));
        assert!(flags.insert(setting.flag), "{} appears twice", setting.flag);
        if !setting.path.is_empty() {
            let switch = argument.get_long().is_some() && setting.kind == KeyKind::Switch;
            assert_eq!(switch, argument.get_default_values() == ["false"], "{}", setting.path);
        }
    }
    for argument in run.get_arguments() {
        let name = table::name_of(argument);
        let of_simulator = argument.get_help_heading().is_some_and(|h| h.starts_with("Simulator"));
        let known = flags.contains(name) || name == "help" || of_simulator;
        assert!(known, "--{name} is no setting");
    }
}

/// For each setting: what is said beside it, and how it is said. The rows are those of [`INPUT`].
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("files", "", "other.csv"),
    ("inbox", "", "--inbox=box"),
    ("settle", "", "--settle=1s"),
    ("expect-by", "", "--expect-by=06:00"),
    ("format", "", "--format=jsonl"),
    ("delimiter", "", "--delimiter=semicolon"),
    ("encoding", "", "--encoding=utf-16le"),
    ("sheet", "", "--sheet=1"),
    ("map", "", "--map=givenName=familyName"),
    ("operation", "--allow-destructive", "--operation=update"),
    ("ignore", "", "--ignore=givenName"),
    ("ignore-unknown", "odd.csv", "--ignore-unknown"),
    ("only", "", "--only=loginId,phone,verifiedPhone"),
    ("short-rows", "odd.csv --ignore=office", "--short-rows=blank"),
    ("where", "", "--where=loginId=dora@example.com"),
    ("skip", "", "--skip=1"),
    ("limit", "", "--limit=2"),
    // Which rows a shard has is found out when they are read; nothing says here which shard it is.
    ("shard", "", "--shard=auto"),
    ("header-row", "", "--header-row=2"),
    ("hidden", "hidden.xlsx", "--hidden=skip"),
    ("allow-empty", "", "--allow-empty"),
    ("attribute", "typed.csv", "--attribute=sku=text"),
    ("skip-unchanged", "", "--skip-unchanged"),
    ("on-drift", "", "--on-drift=halt"),
    ("no-keep-before", "", "--no-keep-before"),
    ("protected", "", "--protected"),
    ("notify", "", "--notify=http://127.0.0.1:9/x"),
    ("notify-webhook", "", "--notify-webhook=http://127.0.0.1:9/x"),
    ("notify-slack", "", "--notify-slack=http://127.0.0.1:9/x"),
    ("notify-command", "", "--notify-command=true"),
    ("notify-when", "", "--notify-when=always"),
    ("metrics-file", "", "--metrics-file=m.prom"),
    ("key-command", "", "--key-command=echo${IFS}K2other"),
    ("max-deletes", "", "--max-deletes=3"),
    ("protect", "", "--protect=/dev/null"),
    ("invite", "--operation=create", "--invite"),
    ("canary", "", "--canary=1"),
    ("between", "", "--between=22:00-06:00"),
    ("tz", "", "--tz=UTC"),
    ("outside", "", "--outside=stop"),
    ("yes", "", "--yes"),
    ("list-separator", "typed.csv", "--list-separator=comma"),
    ("set", "", "--set=familyName=Ada"),
    ("blank", "", "--blank=clear"),
    ("blank-of", "", "--blank-of=givenName=clear"),
    ("region", "", "--region=GB"),
    ("phones", "", "--phones=as-is"),
    ("on-conflict", "--operation=phone --ignore=givenName", "--on-conflict=merge"),
    ("allow-destructive", "--operation=update", "--allow-destructive"),
    ("batch", "", "--batch=all"),
    ("batch-size", "--batch=all", "--batch-size=2"),
    ("strict", "", "--strict"),
    ("allow", "--region=GB", "--allow=zero_restored"),
    ("concurrency", "", "--concurrency=1"),
    ("rate", "", "--rate=1/60s"),
    ("max-share", "", "--max-share=10%"),
    ("no-shared-budget", "", "--no-shared-budget"),
    ("budget", "", "--budget=redis://127.0.0.1:1"),
    ("budget-password-file", "--budget=redis://127.0.0.1:1", "--budget-password-file=key"),
    ("budget-lost", "--budget=redis://127.0.0.1:1", "--budget-lost=halt"),
    ("budget-hosts", "--budget=redis://127.0.0.1:1", "--budget-lost=share --budget-hosts=3"),
    ("connect-timeout", "", "--connect-timeout=1s"),
    ("timeout", "", "--timeout=90s"),
    ("max-attempts", "", "--max-attempts=1"),
    ("max-invalid", "", "--max-invalid=0"),
    ("no-preflight", "", "--no-preflight"),
    ("max-failures", "", "--max-failures=1"),
    ("max-same-failures", "", "--max-same-failures=1"),
    ("max-duration", "", "--max-duration=1h"),
    ("project-id", "", "--project-id=P2otherotherotherotherother0"),
    ("base-url", "", "--base-url=https://api.example.com"),
    ("key-file", "", "--key-file=key"),
    ("runs-dir", "", "--runs-dir=other"),
    ("out", "", "--out=out"),
    ("mirror", "", "--mirror=s3://bucket/runs/"),
    ("mirror-lease", "--mirror=s3://bucket/runs/", "--mirror-lease=90s"),
    ("keep-users", "", "--keep-users=ids"),
    ("compress-results", "", "--compress-results"),
    ("results", "", "--results=csv"),
    ("result-fields", "--results=csv", "--result-fields=email"),
    (
        "encrypt-to",
        "--encrypt-to=age1ca4y50kssl9statm4jfs8dvdyyvhe765jdae04ya69c72wtq8qwqdj5ggj",
        "--encrypt-to=age1z8gvret6mzr4q53dq75vpqe9xlmmswhu8c538kjp3zdc5vfxvu8sjutpcx",
    ),
    ("sign-with", "", "--sign-with=/dev/null"),
    ("report", "", "--report=report.html"),
    ("serve", "", "--serve=127.0.0.1:0"),
    ("serve-public", "", "--serve-public"),
    ("otlp", "", "--otlp=http://127.0.0.1:9"),
    ("retention", "", "--retention=30d"),
    ("json", "", "--json"),
    ("quiet", "", "--quiet"),
    ("log-format", "", "--log-format=json"),
    ("resume", "", "--resume"),
    ("wait", "--resume", "--wait"),
    ("verbose", "", "--verbose"),
    ("color", "", "--color=never"),
    ("job", "", "--job=job.toml"),
    ("show-settings", "", "--show-settings"),
    ("simulate", "", "--simulate"),
];

const INPUT: &str = "\
loginId,phone,verifiedPhone,givenName
ada@example.com,07700 900123,true,
bob@example.com,+44 7700 900124,false,Bob
cleo@example.com,+447700900125,true,
dora@example.com,7911123456,true,
";

/// A workbook with a row that nobody sees.
fn with_hidden_row() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip([["loginId", "name"], ["ada", "Ada"], ["bob", "Bob"]]) {
        sheet.write_row(row, 0, cells).unwrap();
    }
    sheet.set_row_hidden(2).unwrap();
    book.save_to_buffer().unwrap()
}

/// What a run would send, or why it is refused.
fn sent(folder: &Path, words: &str) -> Result<Vec<String>, String> {
    let path = |word: &str| folder.join(word).display().to_string();
    let word = |word: &str| match word.split_once('=') {
        Some((flag @ ("--key-file" | "--job" | "--budget-password-file"), file)) => {
            format!("{flag}={}", path(file))
        }
        _ if !word.starts_with('-') => path(word),
        _ => word.to_owned(),
    };
    let environment = |name: &str| match name {
        "DESCOPE_PROJECT_ID" => Some("P2projectprojectprojectproje".to_owned()),
        "DESCOPE_MANAGEMENT_KEY" => Some("K2key".to_owned()),
        _ => None,
    };
    let config = Config::from_words(words.split_whitespace().map(word), &environment)
        .map_err(|error| error.to_string())?;
    let (to, id) = match &config.target {
        Target::Project(endpoint) => (endpoint.base_url.as_str(), &*endpoint.project_id),
        Target::Rehearsal(_) => ("nowhere", ""),
    };
    let mut sent = vec![format!("{to} {id}")];
    let input = input::open(&config.inputs).map_err(|error| error.to_string())?;
    let mut builder =
        Builder::new(config.mapping, input.sources()).map_err(|error| error.to_string())?;
    for record in input {
        sent.push(match builder.build(record.map_err(|error| error.to_string())?) {
            Ok(row) => {
                let call = |call: Call<'_>| {
                    let body = String::from_utf8(call.body().to_vec()).unwrap();
                    format!("{} {body}", call.operation().path)
                };
                row.calls().map(call).collect::<Vec<_>>().join(" ")
            }
            Err(invalid) => format!("invalid: {}", invalid.issue.message),
        });
    }
    Ok(sent)
}

#[test]
fn what_changes_what_is_sent_is_part_of_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), INPUT).unwrap();
    std::fs::write(folder.path().join("other.csv"), INPUT.replace("bob", "rob")).unwrap();
    // With a column that nobody knows, and a row that is too short.
    let odd = "loginId,phone,verifiedPhone,Office\nada@example.com,+447700900125,true\n";
    std::fs::write(folder.path().join("odd.csv"), odd).unwrap();
    let typed = "loginId,customAttributes.sku,roleNames\nada@example.com,7,a;b\n";
    std::fs::write(folder.path().join("typed.csv"), typed).unwrap();
    std::fs::write(folder.path().join("hidden.xlsx"), with_hidden_row()).unwrap();
    std::fs::write(folder.path().join("key"), "K2other").unwrap();
    std::fs::write(folder.path().join("job.toml"), "[limits]\nconcurrency = 1\n").unwrap();
    for setting in SETTINGS {
        let example = EXAMPLES.iter().find(|(flag, ..)| *flag == setting.flag);
        let (_, beside, said) = example.unwrap_or_else(|| panic!("--{}: no example", setting.flag));
        let without = sent(folder.path(), &format!("in.csv {beside}"));
        let with = sent(folder.path(), &format!("in.csv {beside} {said}"));
        let changes = without != with;
        let binds = setting.binding != Binding::Apart;
        assert_eq!(changes, binds, "--{}: {without:#?} became {with:#?}", setting.flag);
    }
}

#[test]
fn the_identity_is_in_words_that_are_typed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), INPUT).unwrap();
    let input = folder.path().join("in.csv").display().to_string();
    let words = [&*input, "--simulate", "--blank=clear", "--blank-of=name=error", "--region=GB"];
    let identity = Config::from_words(words, &|_| None).unwrap().identity;
    assert_eq!(identity["blank"], "clear");
    assert_eq!(identity["blankOf"]["name"], "error");
    assert_eq!(identity["onConflict"], "fail");
    assert_eq!(identity["phones"], "check");
    assert_eq!(identity["region"], "GB");
    assert!(!identity.contains_key("concurrency"));
}
