//! Results for spreadsheets: all rows, with what became of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use calamine::{Reader, Xlsx, open_workbook};
use serde_json::{Value, json};

use crate::support::{Desk, new_names, wait_until};

fn desk(users: usize, arguments: &[&str]) -> Desk {
    let user = |n: usize| {
        json!({
            "userId": format!("U2{n:0>26}"),
            "loginIds": [format!("u{n}@x.com")],
            "email": format!("u{n}@x.com"),
            "customAttributes": {"tier": "gold"},
        })
    };
    Desk::new(&(0..users).map(user).collect::<Vec<_>>(), arguments)
}

/// The rows of a file of cells, each by the names of its columns, in the order of the input.
fn csv_rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    let rows = rows.deserialize().map(Result::unwrap);
    let mut rows: Vec<BTreeMap<String, String>> = rows.collect();
    rows.sort_by_key(|row| row["_row"].parse::<u64>().unwrap());
    rows
}

/// The cells of a sheet.
fn sheet(path: &Path, name: &str) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let range = book.worksheet_range(name).unwrap();
    range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

fn tables_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let paths = names.map(|file| file.unwrap().path());
    let is_table =
        |path: &PathBuf| path.extension().is_some_and(|own| own == "csv" || own == "xlsx");
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut tables: Vec<_> = paths.filter(is_table).map(name).collect();
    tables.sort();
    tables
}

#[test]
fn all_rows_are_in_their_own_columns_with_what_became_of_them() {
    let desk = desk(3, &[]);
    let rows = "\u{feff}Login ID;Phone;Verified;Note\nu0@x.com;+44 20 7946 0018;yes;=1+1\n\
                u1@x.com;12;yes;0012345678901234567\nu2@x.com;+13035550101;no\n\
                nobody@x.com;+442079460019;yes;\"a;\"\"b\"\"\nand c\"\n";
    desk.write("in.csv", rows);
    desk.write("more.jsonl", "{\"loginId\":\"u1@x.com\",\"name\":\"New\"}\n");
    let words = ["run", "in.csv", "more.jsonl", "--out", "out", "--max-invalid", "100%"];
    let words = [&words[..], &["--map", "Verified=verifiedPhone", "--ignore", "note"]].concat();
    let fields = ["--result-fields", "userId,phone,verifiedPhone,customAttributes.tier"];
    let (shown, _) = desk.go(&[&words[..], &["--results", "csv,xlsx"], &fields].concat(), 1);
    for name in ["results.csv", "results-2.csv", "results.xlsx"] {
        assert!(shown.contains(&format!("table:    out/{name}")), "{shown}");
    }
    // Excel tells UTF-8 by its mark, and the delimiter is the input's own.
    let text = desk.read("out/results.csv");
    assert!(text.starts_with("\u{feff}Login ID;Phone;Verified;Note;_row;_status;"), "{text}");
    let path = desk.path("read.csv");
    fs::write(&path, text.trim_start_matches('\u{feff}').replace(';', ",")).unwrap();
    assert!(text.contains("u0@x.com;'+44 20 7946 0018;yes;'=1+1;1;updated;;;;2"), "{text}");
    assert!(text.contains(";'0012345678901234567;2;invalid;bad_value;"), "{text}");
    assert!(text.contains(";'+442079460018;true;gold\n"), "{text}");
    // A row with a cell too few keeps them, and is not filled up.
    assert!(text.contains("u2@x.com;'+13035550101;no;3;invalid;wrong_field_count;"), "{text}");
    assert!(text.contains("\"a;\"\"b\"\"\nand c\";4;rejected;E112102;"), "{text}");
    let objects = csv_rows(&desk.path("out/results-2.csv"));
    let input = objects[0].iter().find(|(name, _)| name.ends_with("_input")).unwrap();
    assert_eq!(input.1, r#"{"loginId":"u1@x.com","name":"New"}"#);
    assert_eq!(objects[0]["_user.userId"], format!("U2{:0>26}", 1));
    // The same in the workbook, as texts without guards.
    let cells = sheet(&desk.path("out/results.xlsx"), "results");
    assert_eq!(cells[0][..5], ["Login ID", "Phone", "Verified", "Note", "_row"]);
    let of = |row: &str| cells.iter().find(|cells| cells[4] == row).unwrap();
    assert_eq!(of("1")[1..4], ["+44 20 7946 0018", "yes", "=1+1"]);
    assert_eq!(of("2")[3], "0012345678901234567");
    assert_eq!(sheet(&desk.path("out/results.xlsx"), "results-2").len(), 2);
    let summary: Value = serde_json::from_str(&desk.read("out/summary.json")).unwrap();
    assert_eq!(summary["files"]["tables"].as_array().unwrap().len(), 3, "{summary}");
}

#[test]
fn nobody_sends_rows_again_that_were_done() {
    let desk = desk(2, &[]);
    desk.write("in.csv", "loginId,status,note\nu0@x.com,enabled,a\nnobody@x.com,disabled,b\n");
    let words = ["--ignore", "note", "--allow-destructive"];
    let run = ["run", "in.csv", "--out", "out", "--results", "csv,xlsx"];
    desk.go(&[&run[..], &words].concat(), 1);
    for file in ["out/results.csv", "out/results.xlsx"] {
        for command in [&["run", file, "--yes"][..], &["check", file], &["plan", file]] {
            let (_, said) = desk.go(command, 2);
            assert!(said.contains("these are the results of a run"), "{said}");
        }
        // Whoever means it says which; a column of the input that is called alike is another.
        let out = format!("{file}.again");
        let chosen = ["run", file, "--out", &out, "--where", "_status=rejected"];
        desk.go(&[&chosen[..], &words].concat(), 1);
        let results = desk.results(&out);
        assert_eq!((results.len(), &results[0]["loginId"]), (1, &json!("nobody@x.com")));
        let failures = desk.read(&format!("{out}/failures.csv"));
        let header = "loginId,status,note,_row,_status,_error,_message,_hint\n";
        assert!(failures.starts_with(header), "what the earlier run added is gone: {failures}");
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let desk = desk(1, &[]);
    desk.write("in.csv", "loginId,name\nu0@x.com,New\n");
    for (words, why) in [
        (&["--results", "csv", "--result-fields", "fruit"][..], "there is no column fruit"),
        (&["--result-fields", "email"], "use both, or omit it"),
        (&["--results", "pdf"], "invalid value 'pdf'"),
    ] {
        let (_, said) = desk.go(&[&["run", "in.csv"], words].concat(), 2);
        assert!(said.contains(why), "{said}");
    }
    // Who keeps no users wants none here.
    desk.go(&["run", "in.csv", "--out", "out", "--results", "csv", "--keep-users", "none"], 0);
    assert!(!desk.read("out/results.csv").contains("_user."));
}

#[test]
fn a_run_that_stops_has_its_workbook_and_a_resumed_one_makes_it_again() {
    let desk = desk(6, &["--fault", "401:after=3,times=1"]);
    desk.write("in.csv", &new_names(6));
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--resume", "--results"];
    desk.go(&[&words[..], &["xlsx"]].concat(), 3);
    assert_eq!(sheet(&desk.path("out/results.xlsx"), "results").len(), 1 + 2);
    // In another form rows would be missing.
    for (other, begun) in [(&["csv"][..], "with --results xlsx"), (&["csv,xlsx"], "with --results")]
    {
        let (_, said) = desk.go(&[&words[..], other].concat(), 2);
        assert!(said.contains(begun) && said.contains("in the same way"), "{said}");
    }
    let (_, said) = desk.go(&words[..words.len() - 1], 2);
    assert!(said.contains("with --results xlsx"), "{said}");
    let (_, said) = desk.go(&[&words[..], &["xlsx", "--result-fields", "email"]].concat(), 2);
    assert!(said.contains("with other columns"), "{said}");
    desk.go(&[&words[..], &["xlsx"]].concat(), 0);
    assert_eq!(sheet(&desk.path("out/results.xlsx"), "results").len(), 1 + 6);
    assert_eq!(tables_in(&desk.path("out")), ["results.xlsx"], "no rows wait for it any more");
    // It is finished, although files are gone that the journal tells of.
    let (_, said) = desk.go(&[&words[..], &["xlsx"]].concat(), 0);
    assert!(said.contains("nothing to do"), "{said}");
}

#[test]
fn after_kill_9_nothing_is_lost_of_the_tables() {
    for forms in ["csv", "xlsx", "csv,xlsx"] {
        let desk = desk(40, &["--latency", "20ms"]);
        desk.write("in.csv", &new_names(40));
        let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--resume", "--quiet"];
        let words =
            [&words[..], &["--results", forms, "--no-keep-before", "--rate", "off"]].concat();
        let mut child = desk.command(&words).spawn().unwrap();
        wait_until("some rows are recorded", || desk.results("out").len() > 3);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!desk.path("out/results.xlsx").exists());
        desk.go(&words, 0);
        let rows = if forms == "xlsx" {
            sheet(&desk.path("out/results.xlsx"), "results").len() - 1
        } else {
            csv_rows(&desk.path("out/results.csv")).len()
        };
        assert_eq!(rows, 40, "{forms}");
        assert_eq!(tables_in(&desk.path("out")).len(), forms.split(',').count(), "{forms}");
    }
}
