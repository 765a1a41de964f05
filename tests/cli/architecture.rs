//! The direction of dependencies, kept by reading the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up: each may use those above it in this list only.
const ROOMS: &[&str] = &[
    "exit",
    "stop",
    "issue",
    "input",
    "catalog",
    "change",
    "outcome",
    "rows",
    "api",
    "limiter",
    "engine",
    "send",
    "store",
    "check",
    "report",
    "simulator",
    "settings",
    "run",
    "commands",
    "lib",
    "main",
];

/// Libraries, and the places that hide them.
const HIDDEN: &[(&str, &[&str])] = &[
    ("reqwest", &["api/transport.rs"]),
    ("rustls", &["api/transport.rs"]),
    ("http_body_util", &["simulator/"]),
    ("governor", &["limiter/state.rs"]),
    ("indicatif", &["report/"]),
    ("annotate_snippets", &["report/snippet.rs"]),
    ("csv_core", &["input/"]),
    ("calamine", &["input/sheet/"]),
    ("zip", &["input/sheet/"]),
    ("quick_xml", &["input/sheet/"]),
    ("flate2", &["input/unpack.rs"]),
    ("ruzstd", &["input/zstd.rs"]),
    ("encoding_rs", &["input/decode.rs"]),
    ("hyper", &["simulator/"]),
    ("rlibphonenumber", &["rows/values/phone"]),
    ("email_address", &["rows/values.rs"]),
    ("toml", &["settings/job/read.rs"]),
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
    let rank = |room: &str| {
        let place = ROOMS.iter().position(|known| *known == room);
        place.unwrap_or_else(|| panic!("{room} has no place in the order of rooms"))
    };
    for (file, text) in read() {
        let own = module(&file);
        for name in named(&text) {
            assert!(rank(name) <= rank(own), "{file} must not name {name}");
        }
    }
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
