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

/// The parts of a workbook by their names.
fn parts(book: &[u8]) -> Vec<(String, Vec<u8>)> {
    use std::io::{Cursor, Read};

    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.push((part.name().unwrap().into_owned(), bytes));
    }
    parts
}

fn zipped(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    use std::io::{Cursor, Write};

    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        out.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// A workbook with what is found only through the parts beside the sheet: texts and date formats.
fn of_several_parts() -> Vec<u8> {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    workbook(|sheet| {
        sheet.write_row(0, 0, ["loginId", "name", "customAttributes.since"]).unwrap();
        sheet.write_row(1, 0, ["a", "Ada"]).unwrap();
        sheet.write_with_format(1, 2, 45_000, &date).unwrap();
        sheet.write_row(2, 0, ["b", "Bob", "x"]).unwrap();
        sheet.set_row_hidden(2).unwrap();
    })
}

fn says_the_same(book: &[u8], what: &str) {
    let ran = run(book, &["--hidden", "skip"]).code(0);
    let results = ran.results();
    assert_eq!(results.len(), 1, "{what}");
    assert_eq!(results[0]["user"]["name"], json!("Ada"), "{what}");
    assert_eq!(results[0]["user"]["customAttributes"], json!({"since": "2023-03-15"}), "{what}");
}

#[test]
fn parts_are_found_wherever_a_program_puts_them() {
    let book = of_several_parts();
    says_the_same(&book, "as it is");
    let parts = parts(&book);
    let renamed = |rename: &dyn Fn(&str) -> String, texts: &[(&str, &str)]| {
        let moved: Vec<_> = parts
            .iter()
            .map(|(name, bytes)| {
                let mut bytes = bytes.clone();
                if name.contains("_rels/") {
                    let mut text = String::from_utf8(bytes).unwrap();
                    for (from, to) in texts {
                        text = text.replace(from, to);
                    }
                    bytes = text.into_bytes();
                }
                (rename(name), bytes)
            })
            .collect();
        zipped(&moved)
    };
    says_the_same(&renamed(&|name| name.replace('/', "\\"), &[]), "backslashes");
    says_the_same(&renamed(&str::to_uppercase, &[]), "upper case");
    let book = |name: &str| match name {
        "xl/workbook.xml" => "book.xml".to_owned(),
        "xl/_rels/workbook.xml.rels" => "_rels/book.xml.rels".to_owned(),
        name => name.to_owned(),
    };
    let own = [
        ("xl/workbook.xml", "book.xml"),
        ("Target=\"worksheets/", "Target=\"./xl/worksheets/"),
        ("Target=\"sharedStrings", "Target=\"/xl/sharedStrings"),
        ("Target=\"styles", "Target=\"xl/styles"),
    ];
    says_the_same(&renamed(&book, &own), "the book at the top");
    let texts = |name: &str| name.replace("xl/sharedStrings.xml", "xl/text/all.xml");
    says_the_same(&renamed(&texts, &[("sharedStrings.xml", "text/all.xml")]), "texts elsewhere");
}

#[test]
fn parts_in_utf_16_are_read() {
    let book: Vec<_> = parts(&of_several_parts())
        .into_iter()
        .map(|(name, bytes)| {
            let text = String::from_utf8(bytes).unwrap().replace("UTF-8", "UTF-16");
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            (name, units.flat_map(u16::to_le_bytes).collect())
        })
        .collect();
    says_the_same(&zipped(&book), "UTF-16");
}

#[test]
fn the_only_file_of_an_archive_is_read_and_several_are_not() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let zip = |files: &[(String, Vec<u8>)]| Run::rehearsed().file("in.zip", zipped(files)).go();
    let rows = file("export/users.csv", "loginId;name\na;A\n");
    let ran = zip(&[rows.clone(), file("__MACOSX/export/._users.csv", "\0\0")]).code(0);
    assert_eq!(ran.statuses(), ["updated"]);
    assert_eq!(ran.results()[0]["file"], json!("in.zip"));
    zip(&[file("users.jsonl", "{\"loginId\":\"a\",\"name\":\"A\"}\n")]).code(0);
    zip(&[rows, file("more.csv", "loginId\n")]).code(2).says("in.zip: is a zip archive of 2 files");
    let inner = zipped(&[file("users.csv", "loginId,name\n")]);
    zip(&[("in.zip".to_owned(), inner)])
        .code(2)
        .says("is a zip archive of a workbook or an archive");
}

#[test]
fn pages_and_empty_sheets_are_called_what_they_are() {
    for (name, text, said) in [
        ("in.xls", "<html><table><tr><td>loginId</td></tr></table></html>", "is a web page (HTML)"),
        ("in.csv", "\n<!DOCTYPE HTML>\n<title>Sign in</title>", "is a web page (HTML)"),
        ("in.xls", "<?xml version=\"1.0\"?>\n<Workbook/>", "is an XML file"),
    ] {
        Run::rehearsed().file(name, text).go().code(2).says(said);
    }
    run(&workbook(|_| {}), &[]).code(2).says("its only sheet, \"Sheet1\", is empty");
    run(&workbook(|_| {}), &["--allow-empty"]).code(0);
}

#[test]
fn workbooks_of_other_programs_say_the_same() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/workbooks");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "README.md" {
            continue;
        }
        let book = std::fs::read(&path).unwrap();
        let ran = Run::rehearsed().file(&name, book).args(&["--strict"]).go().code(0);
        let users = ran.results();
        let told: Vec<_> = users
            .iter()
            .map(|row| (&row["loginId"], &row["user"]["name"], &row["user"]["customAttributes"]))
            .collect();
        let ada = json!({"visits": 7, "vip": true});
        let grace = json!({"visits": 12, "vip": false});
        assert_eq!(
            told,
            [
                (&json!("ada@example.com"), &json!("Ada Löwe"), &ada),
                (&json!("grace@example.com"), &json!("Grace"), &grace)
            ],
            "{name}"
        );
        read += 1;
    }
    assert_eq!(read, 13);
}

/// A workbook of one sheet with this XML, as little as a program may write.
fn bare(sheet: &str) -> Vec<u8> {
    const KINDS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{KINDS}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns:r=\"{KINDS}\"><sheets><sheet name=\"Report\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let part = |name: &str, text: String| (name.to_owned(), text.into_bytes());
    zipped(&[
        part("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        part("xl/workbook.xml", book),
        part("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml")),
        part("xl/worksheets/sheet1.xml", format!("<worksheet>{sheet}</worksheet>")),
    ])
}

/// Reporting tools leave out all that can be: where cells are, shared texts, styles.
#[test]
fn cells_without_places_come_one_after_the_other() {
    let text = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |cells: &[&str]| {
        format!("<row>{}</row>", cells.iter().map(|cell| text(cell)).collect::<String>())
    };
    let rows = [row(&["loginId", "name"]), row(&["a", "A"]), row(&["b", "B"])].concat();
    let ran = run(&bare(&format!("<sheetData>{rows}</sheetData>")), &["--strict"]).code(0);
    let results = ran.results();
    assert_eq!((&results[1]["loginId"], &results[1]["line"]), (&json!("b"), &json!(3)));
}

/// Google Sheets writes the whole grid, a thousand rows of styled cells without values.
#[test]
fn a_grid_of_blank_cells_is_no_row() {
    let mut rows = String::new();
    for row in 1..=1000 {
        let cell = |column: char, text: &str| match text {
            "" => format!("<c r=\"{column}{row}\" s=\"0\"/>"),
            text => format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        };
        let (login, name) = match row {
            1 => ("loginId", "name"),
            2 => ("a", "A"),
            _ => ("", ""),
        };
        let cells = [cell('A', login), cell('B', name), cell('C', "")].concat();
        rows.extend([&format!("<row r=\"{row}\">"), &*cells, "</row>"]);
    }
    let ran = run(&bare(&format!("<sheetData>{rows}</sheetData>")), &["--strict"]).code(0);
    assert_eq!(ran.statuses(), ["updated"]);
}

/// Numbers writes the name of each table into a merged row above its header.
#[test]
fn a_merged_title_above_the_header_is_a_title() {
    let book = workbook(|sheet| {
        sheet.merge_range(0, 0, 0, 1, "Table 1", &Format::new()).unwrap();
        sheet.write_row(1, 0, ["loginId", "name"]).unwrap();
        sheet.write_row(2, 0, ["a", "A"]).unwrap();
    });
    assert_eq!(run(&book, &["--strict"]).code(0).statuses(), ["updated"]);
}
