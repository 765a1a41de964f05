//! The direction of dependencies, kept by reading the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules of this crate that it may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("exit", &[]),
    ("address", &["exit"]),
    ("limit", &[]),
    ("stop", &[]),
    ("record", &[]),
    ("catalog", &[]),
    ("clean", &["catalog"]),
    ("outcome", &["catalog", "record"]),
    ("instruction", &["catalog", "clean", "exit", "record"]),
    ("call", &["instruction", "outcome", "stop"]),
    ("input", &["exit", "record"]),
    ("ledger", &["outcome"]),
    ("engine", &["call", "instruction", "ledger", "outcome", "stop"]),
    (
        "client",
        &[
            "address",
            "call",
            "catalog",
            "clean",
            "exit",
            "instruction",
            "ledger",
            "limit",
            "outcome",
            "stop",
        ],
    ),
    ("recorder", &["exit", "ledger", "outcome", "record"]),
    ("check", &["catalog", "instruction", "limit", "record"]),
    ("point", &[]),
    ("report", &["catalog", "check", "limit", "outcome", "point"]),
    ("simulator", &["catalog", "exit", "limit"]),
    ("job", &["address", "catalog", "exit", "instruction", "point"]),
    (
        "cli",
        &[
            "catalog",
            "check",
            "engine",
            "exit",
            "instruction",
            "job",
            "limit",
            "record",
            "simulator",
        ],
    ),
    (
        "config",
        &[
            "address",
            "catalog",
            "cli",
            "client",
            "engine",
            "exit",
            "input",
            "instruction",
            "limit",
            "outcome",
            "record",
        ],
    ),
    ("logging", &["cli", "report"]),
];

/// Libraries, and the places that hide them.
const HIDDEN: &[(&str, &[&str])] = &[
    ("reqwest", &["client/wire/proxied.rs"]),
    ("http_body_util", &["client/wire"]),
    ("hyper_rustls", &["client/wire/direct.rs"]),
    ("governor", &["client/gate/throttle.rs"]),
    ("indicatif", &["report/"]),
    ("annotate_snippets", &["point.rs"]),
    ("csv_core", &["input/"]),
    ("calamine", &["input/sheet/"]),
    ("zip", &["input/sheet/"]),
    ("quick_xml", &["input/sheet/"]),
    ("flate2", &["input/unpack.rs"]),
    ("zstd", &["input/unpack.rs"]),
    ("encoding_rs", &["input/decode.rs"]),
    ("hyper", &["client/wire", "simulator/"]),
    ("rlibphonenumber", &["clean/phone"]),
    ("email_address", &["clean.rs"]),
    ("toml", &["job/read.rs"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The path below `src`, its text without comments and without tests.
fn read() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for path in sources(&src) {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        if name.contains("tests") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        files.push((name, code.collect::<Vec<_>>().join("\n")));
    }
    files
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The modules of this crate that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let word =
        |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    text.split("crate::")
        .skip(1)
        .map(|rest| &rest[..word(rest)])
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let mut seen = BTreeSet::new();
    for (file, text) in read() {
        let Some((own, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module(&file)) else {
            assert!(["lib", "main", "commands"].contains(&module(&file)), "{file} has no place");
            continue;
        };
        seen.insert(*own);
        for name in named(&text) {
            assert!(name == *own || allowed.contains(&name), "{file} must not name {name}");
        }
    }
    assert_eq!(seen.len(), MAY_NAME.len(), "a module of the table is gone");
}

#[test]
fn libraries_are_hidden_in_one_place() {
    for (file, text) in read() {
        for (library, places) in HIDDEN {
            let names = text.contains(&format!("{library}::"));
            let may = places.iter().any(|place| file.starts_with(place));
            assert!(!names || may, "{file} must not name {library}");
        }
    }
}
