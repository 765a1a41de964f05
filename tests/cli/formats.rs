//! Every kind of file, through the whole program: read, reported, fed back.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use rust_xlsxwriter::Workbook;

use crate::samples::{self, Sample};
use crate::support::{Ran, Run, text};

fn simulate(sample: &Sample) -> Run {
    Run::new().arg("--simulate").args(sample.arguments)
}

/// Checks what became of the rows of a sample.
#[track_caller]
fn judge(ran: &Ran, sample: &Sample) {
    let expected: Vec<_> = (1..=12)
        .map(|row| if sample.wrong.contains(&row) { "invalid" } else { "updated" })
        .collect();
    assert_eq!(ran.statuses(), expected, "{}", sample.name);
    let logins: Vec<_> = ran.results().iter().map(|r| text(r, "loginId").to_owned()).collect();
    assert_eq!(logins[1..3], ["emeka.moreau@example.com", "jörg.müller@example.com"]);
    assert_eq!(logins[5], "10006");
    assert_eq!(ran.results()[2]["user"]["phone"], "+4930901820");
    ran.summary();
}

#[test]
fn every_kind_is_read_and_its_failures_are_fed_back() {
    for sample in samples::all() {
        let ran = simulate(&sample).file(sample.name, &sample.bytes).go().code(1);
        judge(&ran, &sample);
        let failures = fs::read(ran.path(sample.failures)).expect(sample.name);

        // It is UTF-8, and contradicts another encoding that is stated.
        if !sample.arguments.is_empty() {
            let again = simulate(&sample).file(sample.failures, &failures).go().code(2);
            again.says("begins with a byte order mark of utf-8, but --encoding is windows-1252");
        }

        // As it is, it fails again alike, and leaves the same file.
        let wrong = sample.wrong.len() as u64;
        let again = Run::new().arg("--simulate").file(sample.failures, &failures).go().code(1);
        assert_eq!(again.tally("invalid"), wrong, "{}", sample.name);
        let own = |text: &str| -> Vec<String> {
            // What was added tells of another run.
            let own = |line: &str| line.split("@example.com").next().map(str::to_owned);
            text.trim_start_matches('\u{feff}').lines().filter_map(own).collect()
        };
        let text = String::from_utf8(failures.clone()).unwrap();
        assert_eq!(own(&again.read(sample.failures)), own(&text), "{}", sample.name);

        // Corrected, it goes through. A spreadsheet would fill the row up to the header's width.
        let mut corrected = String::from_utf8(failures).unwrap();
        for bad in ["n/a", "#N/A", "14155550206"] {
            corrected = corrected.replace(bad, "+14155550299");
        }
        if sample.name.ends_with("xlsx") || sample.name.ends_with("ods") {
            let line = corrected.lines().nth(1).unwrap().to_owned();
            corrected = corrected.replacen(&line, &format!("{line},"), 1);
        }
        let ran = Run::new().arg("--simulate").file(sample.failures, &corrected).go().code(0);
        assert_eq!(ran.tally("updated"), wrong, "{}", sample.name);
    }
}

#[test]
fn every_kind_can_come_through_standard_input() {
    for sample in samples::all() {
        let mut running = simulate(&sample).arg("-").stdin(Stdio::piped()).spawn();
        running.child.stdin.take().unwrap().write_all(&sample.bytes).unwrap();
        judge(&running.end().code(1), &sample);
    }
}

/// Phone numbers and formulas survive failures files, and a spreadsheet that opens them.
#[test]
fn cells_that_look_like_formulas_come_back_unchanged() {
    let rows =
        "loginId;name;phone;verifiedPhone\na;=1+1;+447911123456;maybe\nb;'-x;+447911123457;maybe\n";
    let ran = Run::new().arg("--simulate").file("in.csv", rows).go().code(1);
    let failures = ran.read("failures.csv");
    assert!(failures.contains("\na;'=1+1;'+447911123456;maybe;"), "{failures}");
    assert!(failures.contains("\nb;''-x;'+447911123457;maybe;"), "{failures}");
    let corrected = failures.replace(";maybe;", ";true;");

    // The same through a workbook, as a spreadsheet would save the file.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = csv::ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .from_reader(corrected.as_bytes())
        .into_records();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells.unwrap().iter()) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    let book = book.save_to_buffer().unwrap();
    for (name, bytes) in [("failures.csv", corrected.as_bytes()), ("failures.xlsx", &book)] {
        let ran = Run::new().arg("--simulate").file(name, bytes).go().code(0);
        let users = ran.results();
        assert_eq!(
            (&users[0]["user"]["name"], &users[0]["user"]["phone"]),
            (&"=1+1".into(), &"+447911123456".into())
        );
        // It came with an apostrophe of its own, which is none of the name.
        assert_eq!(users[1]["user"]["name"], "-x");
        assert_eq!(users[1]["repairs"][0]["from"], "'-x");
    }
}

#[test]
fn what_cannot_be_told_is_refused_with_what_to_do() {
    let workbook = {
        let mut book = Workbook::new();
        for name in ["One", "Two"] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            sheet.write(0, 0, "loginId").unwrap();
            sheet.write(0, 1, "name").unwrap();
            sheet.write(1, 0, name).unwrap();
            sheet.write(1, 1, "N").unwrap();
        }
        book.save_to_buffer().unwrap()
    };
    let utf16: Vec<u8> = "loginId,name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, arguments, says) in [
        (&b"loginId,name;x\n"[..], &[][..], "more than one delimiter (comma, semicolon)"),
        (b"loginId,name\n", &["--sheet", "One"], "--sheet is given, but no input is a workbook"),
        (b"{\"a\":1}\n", &["--delimiter", "tab", "--format", "jsonl"], "--delimiter is given"),
        (&workbook, &[], "several sheets with rows: \"One\", \"Two\""),
        (&workbook, &["--sheet", "Three"], "no sheet \"Three\""),
        (&workbook[..workbook.len() / 2], &[], "damaged or cut off"),
        (&utf16, &[], "--encoding utf-16le"),
        (b"\x1f\x8b\x08\0", &[], "gzip data"),
        (b"PK\x03\x04", &["--format", "csv"], "--format is csv"),
    ] {
        let ran = Run::new().arg("--simulate").args(arguments).file("in.csv", bytes).go();
        let ran = ran.code(2).says(says);
        assert!(!ran.path("").exists(), "a refused run leaves no run folder");
    }
    let two = Run::new().args(&["--simulate", "--sheet", "Two"]).file("in.csv", &workbook).go();
    assert_eq!(two.code(0).results()[0]["loginId"], "Two");
    let stated = ["--simulate", "--delimiter", ",", "--ignore", "name;x"];
    Run::new().args(&stated).file("in.csv", "loginId,name;x,name\na,,A\n").go().code(0);
}

/// What was read before an archive breaks off is worked on.
#[test]
fn a_file_that_is_cut_off_ends_the_run_where_it_ends() {
    let mut rows = String::from("loginId,name\n");
    for row in 0..3000_u64 {
        writeln!(rows, "u{row},{:x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(rows.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let cut = &packed[..packed.len() - 2000];
    let ran = Run::new().arg("--simulate").file("in.csv.gz", cut).go();
    let ran = ran.code(3);
    let said = ran.stdout.contains("in.csv.gz:") && ran.stdout.contains("gzip data ends too early");
    assert!(said, "{}", ran.stdout);
    assert!(ran.tally("updated") > 1000);
}
