//! Workbooks as people and programs write them: formulas without values, merged cells, hidden rows.

use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};
use serde_json::json;

use crate::support::{Ran, Run, text};

fn workbook(fill: impl Fn(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().unwrap()
}

fn run(book: &[u8], arguments: &[&str]) -> Ran {
    Run::rehearsed().file("in.xlsx", book).args(arguments).go()
}

/// The same workbook with a text of its sheet's XML replaced, as other programs write it.
fn rewritten(book: &[u8], from: &str, to: &str) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};

    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        if part.name().unwrap().ends_with("sheet1.xml") {
            let xml = String::from_utf8(bytes).unwrap();
            assert!(xml.contains(from), "{xml}");
            bytes = xml.replace(from, to).into_bytes();
        }
        out.start_file(part.name().unwrap(), zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(&bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

#[test]
fn a_formula_whose_value_was_not_saved_is_not_blank() {
    let saved = workbook(|sheet| {
        sheet.write_row(0, 0, ["loginId", "name"]).unwrap();
        sheet.write_row(1, 0, ["a", "Ada"]).unwrap();
        sheet.write(2, 0, "b").unwrap();
        sheet.write(2, 1, Formula::new("=B2").set_result("Ada")).unwrap();
        sheet.write(3, 0, "c").unwrap();
        sheet.write(3, 1, Formula::new("=\"\"").set_result("")).unwrap();
    });
    assert_eq!(run(&saved, &["--blank", "clear"]).code(0).statuses(), ["updated"; 3]);
    for without in ["<v/>", "<v></v>", ""] {
        let unsaved = rewritten(
            &saved,
            "<c r=\"B3\" t=\"str\"><f>B2</f><v>Ada</v></c>",
            &format!("<c r=\"B3\"><f>B2</f>{without}</c>"),
        );
        for blank in ["skip", "clear"] {
            let ran = run(&unsaved, &["--blank", blank]).code(1);
            let error = &ran.results()[1]["error"];
            assert!(
                text(error, "message").contains("a formula whose value was not saved"),
                "{error}"
            );
            assert!(text(error, "hint").contains("save it"), "{error}");
        }
    }
}

#[test]
fn what_lies_under_a_merged_cell_is_not_read() {
    let merged = workbook(|sheet| {
        sheet.write_row(0, 0, ["loginId", "name", "givenName"]).unwrap();
        sheet.write_row(1, 0, ["a", "Ada", "Ada"]).unwrap();
        sheet.write(2, 0, "b").unwrap();
        sheet.merge_range(2, 1, 2, 2, "Bob", &Format::new()).unwrap();
        // What a program left there, and nobody sees.
        sheet.write(2, 2, "Stale").unwrap();
    });
    let ran = run(&merged, &[]).code(0);
    let user = &ran.results()[1]["user"];
    assert_eq!((&user["name"], &user["givenName"]), (&json!("Bob"), &json!("")));
}

#[test]
fn hidden_rows_are_told_and_sent_only_if_that_is_said() {
    let hidden = workbook(|sheet| {
        for (row, cells) in (0..).zip([["loginId", "name"], ["a", "A"], ["b", "B"], ["c", "C"]]) {
            sheet.write_row(row, 0, cells).unwrap();
        }
        sheet.set_row_hidden(2).unwrap();
        // A hidden row without anything in it hides nothing.
        sheet.set_row_hidden(9).unwrap();
    });
    let refused = run(&hidden, &[]).code(2);
    let refused = refused.says("1 of its rows are hidden or filtered out");
    refused.says("--hidden skip").says("--hidden send");
    assert_eq!(run(&hidden, &["--hidden", "send"]).code(0).statuses().len(), 3);
    let skipped = run(&hidden, &["--hidden", "skip"]).code(0);
    let users: Vec<_> =
        skipped.results().iter().map(|result| text(result, "loginId").to_owned()).collect();
    assert_eq!(users, ["a", "c"]);
    assert_eq!(skipped.summary()["skipped"]["hidden"], 1);
    let clean = workbook(|sheet| {
        sheet.write_row(0, 0, ["loginId", "name"]).unwrap();
        sheet.write_row(1, 0, ["a", "A"]).unwrap();
        sheet.set_row_hidden(7).unwrap();
    });
    run(&clean, &[]).code(0);
}

#[test]
fn a_header_below_titles_of_a_sheet_is_found() {
    let book = workbook(|sheet| {
        sheet.write(0, 0, "Members of the club").unwrap();
        sheet.write_row(2, 1, ["as of", "2026-11-24"]).unwrap();
        sheet.write_row(4, 0, ["No.", "Login ID", "name"]).unwrap();
        sheet.write_row(5, 0, ["1", "a", "A"]).unwrap();
    });
    let ran = run(&book, &["--ignore", "No."]).code(0);
    assert_eq!((ran.statuses().len(), &ran.results()[0]["line"]), (1, &json!(6)));
    assert_eq!(ran.summary()["skipped"]["aboveHeader"], json!(2));
    // An unknown column is told at the header's row.
    run(&book, &[]).code(2).says("in.xlsx:5: column No.");
    let twice = workbook(|sheet| {
        for row in [0, 3] {
            sheet.write_row(row, 0, ["Login", "name"]).unwrap();
            sheet.write_row(row + 1, 0, ["a", "A"]).unwrap();
        }
    });
    let login = ["--map", "Login=loginId"];
    let ran = run(&twice, &[&login[..], &["--header-row", "4"]].concat()).code(0);
    assert_eq!((ran.statuses().len(), &ran.results()[0]["line"]), (1, &json!(5)));
}
