//! The pages for `man`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use descope_bulk::Exit;

use crate::support::{Run, program, rows};

/// The pages, by name, without the marks of the format.
fn pages(folder: &Path) -> Vec<(String, String)> {
    let output = program().args(["man", "--out"]).arg(folder.join("man")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let entries = fs::read_dir(folder.join("man")).unwrap().map(|entry| entry.unwrap());
    let page = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = text.replace(r"\-", "-").replace(r"\fB", "").replace(r"\fR", "");
        (entry.file_name().into_string().unwrap(), text)
    };
    entries.map(page).collect()
}

#[test]
fn every_subcommand_and_every_option_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path());
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    let list = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.contains(&"run") && names.contains(&"init"), "{names:?}");
    for name in names {
        let own = format!("descope-bulk-{name}.1");
        let (_, page) =
            pages.iter().find(|(name, _)| *name == own).unwrap_or_else(|| panic!("{own}"));
        let help = program().args([name, "--help"]).output().unwrap().stdout;
        let help = String::from_utf8(help).unwrap();
        let flags = help.lines().filter(|line| line.trim_start().starts_with("--"));
        for flag in flags.filter_map(|line| line.split_whitespace().next()) {
            let flag = flag.split(['[', '=']).next().unwrap();
            assert!(page.contains(flag), "{own}: {flag}");
        }
        assert_eq!(help.contains("Exit codes:"), page.contains("EXIT STATUS"), "{own}");
        assert!(!page.contains("Exit codes:"), "{own}");
    }
}

#[test]
fn the_first_page_names_exit_codes_variables_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path());
    let (_, page) = pages.iter().find(|(name, _)| name == "descope-bulk.1").unwrap();
    for exit in Exit::ALL {
        assert!(page.contains(&format!("\n{}\n{}", exit.code(), exit.meaning())), "{exit:?}");
    }
    // Whatever the sources read.
    let mut variables = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut variables);
    assert!(variables.contains("DESCOPE_PROJECT_ID") && variables.len() > 5, "{variables:?}");
    for variable in variables {
        assert!(page.contains(&variable), "{variable}");
    }
    let ran = Run::reading().file("in.csv", rows(2) + "u9,\n").args(&["--simulate"]).go().code(1);
    for entry in fs::read_dir(ran.path("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.split('.').next().unwrap().to_owned() + ".*";
        assert!(page.contains(&format!("\n{name}\n")) || page.contains(&stem), "{name}");
    }
    let said = program().arg("man").output().unwrap().stdout;
    assert!(String::from_utf8(said).unwrap().contains("SEE ALSO"));
}

/// The names of variables of ours in the sources below a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for begun in text.split("\"DESCOPE_").skip(1) {
            let name = begun.split('"').next().unwrap();
            if name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                names.insert(format!("DESCOPE_{name}"));
            }
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let output = program().args(["man", "--out"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the pages into"));
}
